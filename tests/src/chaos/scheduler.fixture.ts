import { connect } from '@freshet/client'
import { startCoordinator } from '@freshet/coordinator'

/** A scheduler as a process, to be killed and frozen; it ends by itself only when it is told to. */
const freshet = await connect(process.argv[2] ?? '')
const coordinator = startCoordinator({ ...freshet, initiatedBy: `scheduler ${process.pid}` })
process.send?.('started')
process.once('message', () => {
  void coordinator
    .drain()
    .then(() => freshet.close())
    .then(() => process.disconnect())
})
