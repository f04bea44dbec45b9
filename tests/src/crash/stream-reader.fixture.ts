import { connect } from '@freshet/client'

/** A process that reads the stream of the database whose URL it is told, says what happens to it, and may be stopped by a signal. */
const freshet = await connect(process.argv[2] ?? '')
freshet.startStream((event) => void process.send?.(event.kind))
process.once('message', () => {
  void freshet.close().then(() => process.disconnect())
})
