import { setClock } from './skewed-clock.fixture.ts'
import { connect } from '@freshet/client'
import { startCoordinator } from '@freshet/coordinator'

/**
 * A scheduler as a process, to be killed and frozen; it ends by itself only when it is told to. Its wall clock is wrong, and
 * is set anew when a number comes.
 */
const freshet = await connect(process.argv[2] ?? '')
const coordinator = startCoordinator({ ...freshet, initiatedBy: `scheduler ${process.pid}` })
process.send?.(Date.now())
process.on('message', (message) => {
  if (typeof message === 'number') return setClock(message)
  void coordinator
    .drain()
    .then(() => freshet.close())
    .then(() => process.disconnect())
})
