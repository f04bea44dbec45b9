import { setClock } from './skewed-clock.fixture.ts'
import { connect } from '@freshet/client'
import { startCoordinator } from '@freshet/coordinator'

/**
 * A scheduler as a process, to be killed and frozen; it ends by itself only when it is told to. Its wall clock is wrong, and
 * is set anew when a number comes.
 */
const name = `scheduler ${process.pid}`
const freshet = await connect({ databaseUrl: process.argv[2] ?? '', applicationName: name })
// of what lies on other nodes, where there are some
freshet.startStream()
const coordinator = startCoordinator({ ...freshet, initiatedBy: name })
process.send?.(Date.now())
process.on('message', (message) => {
  if (typeof message === 'number') return setClock(message)
  void coordinator
    .drain()
    .then(() => freshet.close())
    .then(() => process.disconnect())
})
