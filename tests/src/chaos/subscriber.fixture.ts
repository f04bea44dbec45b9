import { connect, type Freshet } from '@freshet/client'
import { isFreshetError } from '@freshet/core'
import { openOutsideCopy, type Place } from './outside-copy.ts'

/**
 * A subscriber as a process: it keeps copies of the stream tables that it is told, goes on from the token that it put away
 * after whatever happens to its connections, and begins anew where the token has expired. Told a place and a number, it
 * kills itself when it comes to that place for that time: SIGKILL, as from outside, but exactly there.
 */
const [url = '', pageRows = '', ...names] = process.argv.slice(2)

let fall: { readonly place: Place; left: number } | null = null
const at = (place: Place) => {
  if (fall?.place === place && --fall.left <= 0) process.kill(process.pid, 'SIGKILL')
}

async function keep(freshet: Freshet, name: string): Promise<never> {
  for (;;) {
    const copy = await openOutsideCopy(url, name, at)
    try {
      await copy.take(await subscribed(freshet, name, await copy.token()))
      throw new Error(`the feed of ${name} ended`)
    } catch (error) {
      if ((await copy.breakOff()) && !isLost(error)) throw error
    } finally {
      await copy.close()
    }
  }
}

async function subscribed(freshet: Freshet, name: string, token: string | null) {
  const options = { pageRows: Number(pageRows) }
  try {
    return await freshet.subscribe<object>(name, token === null ? options : { ...options, from: { token } })
  } catch (error) {
    if (!isFreshetError(error, 'FEED_TOKEN_EXPIRED')) throw error
    return freshet.subscribe<object>(name, options)
  }
}

/** What is answered by coming back. */
function isLost(error: unknown): boolean {
  if (!isFreshetError(error)) return false
  return error.retry === 'reconnect' || error.retry === 'retry' || error.code === 'FEED_TOKEN_EXPIRED'
}

process.on('message', (message) => {
  fall = message as { place: Place; left: number }
})
process.once('disconnect', () => process.exit(0))

const freshet = await connect({ databaseUrl: url, applicationName: 'subscriber' })
process.send?.('started')
await Promise.all(names.map((name) => keep(freshet, name)))
