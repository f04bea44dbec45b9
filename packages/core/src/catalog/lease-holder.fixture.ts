import { connect } from '../postgres.ts'
import { raw } from '../sql.ts'
import { tryLease } from './lease.ts'

/**
 * A process that takes a lease and says its token, and at each `write` adds a row in a guarded transaction and says how that
 * ended. With `open` it stops in the middle of one. Its clock may be wrong.
 */
const [url = '', skewMs = '0'] = process.argv.slice(2)
const RightDate = Date
class WrongDate extends RightDate {
  constructor(...args: [] | [value: number | string]) {
    super(args[0] ?? WrongDate.now())
  }
  static override now(): number {
    return RightDate.now() + Number(skewMs)
  }
}
Object.assign(globalThis, { Date: WrongDate })

const database = await connect(url)
const lease = await tryLease(database, 'thing')
let goOn = (): void => undefined
process.on('message', (message) => {
  if (message === 'go on') return goOn()
  void lease
    ?.guarded(async (transaction) => {
      await transaction.query(raw(`insert into written values ('child')`))
      if (message !== 'open') return
      process.send?.('open')
      await new Promise<void>((resolve) => (goOn = resolve))
    })
    .then(
      () => process.send?.('committed'),
      (error: unknown) => process.send?.(error instanceof Error && 'code' in error ? error.code : String(error)),
    )
})
lease?.lost.addEventListener('abort', () => process.send?.('lost'))
process.send?.(lease?.token ?? 'refused')
