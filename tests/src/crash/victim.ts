import { connect } from '@freshet/client'
import { OPERATIONS } from './operations.ts'

/** A process that carries out one operation, when it is told the URL and the name: to be killed meanwhile. */
process.once('message', (message) => {
  const [url, name] = message as readonly [string, string]
  void perform(url, name)
})
process.send?.('ready')

async function perform(databaseUrl: string, name: string): Promise<void> {
  const freshet = await connect({ databaseUrl, applicationName: 'struck' })
  await OPERATIONS.find((operation) => operation.name === name)?.run(freshet)
  await freshet.close()
  process.send?.('done')
  process.disconnect()
}
