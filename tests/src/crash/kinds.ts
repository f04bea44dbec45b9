import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { connect } from '@freshet/client'
import { sql } from '@freshet/core'
import type { RestartableServer } from '@freshet/testkit'
import type { Exchange, Fault, Replacement } from './fault-link.ts'
import type { Operation } from './operations.ts'
import { onceItAnswers, type World } from './world.ts'

/**
 * What can happen at a point.
 *
 *   process   the process of Freshet is killed with SIGKILL
 *   gone      its network is: nothing that it would do afterwards reaches the server (as good as killed, and quicker)
 *   backend   the server's process of this connection is terminated; Freshet hears of it and cleans up
 *   cut       all connections are reset; Freshet hears of it and cleans up
 *   error     the statement fails in the server: canceled, disk full, a lock refused, a conflict
 *   delay     it takes its time
 *   crash     the server's process of this connection is killed with SIGKILL: all sessions end, and the server recovers
 *   server    the server's first process is killed with SIGKILL, and the server is started again
 */
export type Kind = 'process' | 'gone' | 'backend' | 'cut' | 'error' | 'delay' | 'crash' | 'server'

/** Runs the operation with a fault of this kind at the point. */
export async function attempt(
  world: Pick<World, 'own' | 'link'>,
  operation: Operation,
  fault: { readonly kind: Kind; readonly at: Fault['at']; readonly side: Fault['side'] },
  server?: RestartableServer,
): Promise<{ struck: Exchange | undefined; outcome: 'done' | 'killed' | { readonly failed: unknown } }> {
  const { kind, at, side } = fault
  let struck: Exchange | undefined
  const victim = kind === 'process' ? await takeVictim() : undefined
  const strike = async (exchange: Exchange): Promise<Replacement> => {
    struck = exchange
    return happen(world, kind, exchange, victim, server)
  }
  world.link.listen({ at, side, strike })
  if (victim !== undefined) return { outcome: await runVictim(victim, world.link.url, operation), struck }
  return { outcome: await runHere(world.link.url, operation), struck }
}

async function happen(
  { link, own }: Pick<World, 'own' | 'link'>,
  kind: Kind,
  { pid, number }: Exchange,
  victim: ChildProcess | undefined,
  server: RestartableServer | undefined,
): Promise<Replacement> {
  switch (kind) {
    case 'process': {
      const ended = victim === undefined ? undefined : once(victim, 'exit')
      victim?.kill('SIGKILL')
      await ended
      link.cut('closed')
      return 'nothing'
    }
    case 'gone':
      link.cut('closed')
      return 'nothing'
    case 'cut':
      link.cut('open')
      return 'nothing'
    case 'backend':
      await own.database.query(sql`select pg_terminate_backend(${pid}, 5000)`)
      return 'nothing'
    case 'error':
      return { text: failing(ERRORS[number % ERRORS.length] ?? '57014') }
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, 50))
      return 'itself'
    case 'crash': {
      // the server notices a moment later, and ends all others
      const witness = await own.client()
      const noticed = new Promise<void>((resolve) => witness.once('end', () => resolve()))
      process.kill(pid, 'SIGKILL')
      await noticed
      // it takes new sessions when all old ones have ended, and it has recovered
      await onceItAnswers(async () => (await connect(own.url)).close())
      return 'nothing'
    }
    case 'server':
      await server?.stop('kill')
      await server?.start()
      return 'nothing'
  }
}

/** statement_timeout, disk full, lock_timeout, deadlock. */
const ERRORS = ['57014', '53100', '55P03', '40P01']

function failing(state: string): string {
  return `do $$ begin raise exception 'a fault' using errcode = '${state}'; end $$`
}

const PATIENCE_MS = 60_000

async function runHere(databaseUrl: string, operation: Operation): Promise<'done' | { readonly failed: unknown }> {
  try {
    return await within(PATIENCE_MS, operation.name, performed(databaseUrl, operation))
  } catch (error) {
    return { failed: error }
  }
}

/** Nothing may be stuck: what takes longer than this throws. */
export async function within<T>(ms: number, name: string, work: Promise<T>): Promise<T> {
  let late: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`${name} did not end within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([limit, work])
  } finally {
    clearTimeout(late)
  }
}

async function performed(databaseUrl: string, operation: Operation): Promise<'done' | { readonly failed: unknown }> {
  try {
    const freshet = await connect({ databaseUrl, applicationName: 'struck' })
    try {
      await operation.run(freshet)
    } finally {
      await freshet.close()
    }
    return 'done'
  } catch (error) {
    return { failed: error }
  }
}

const VICTIM = fileURLToPath(new URL('victim.ts', import.meta.url))
let next: ChildProcess | undefined

/** Started before it is needed. */
async function takeVictim(): Promise<ChildProcess> {
  const victim = next ?? startVictim()
  next = startVictim()
  await ready.get(victim)
  return victim
}

const ready = new WeakMap<ChildProcess, Promise<unknown>>()

function startVictim(): ChildProcess {
  const child = fork(VICTIM, {
    execArgv: ['--conditions=@freshet/source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  ready.set(child, once(child, 'message'))
  return child
}

/** The one that was not needed. */
export function dismissVictim(): void {
  next?.kill('SIGKILL')
  next = undefined
}

async function runVictim(
  victim: ChildProcess,
  url: string,
  operation: Operation,
): Promise<'done' | 'killed' | { readonly failed: unknown }> {
  const ended = once(victim, 'exit')
  victim.send([url, operation.name])
  try {
    await within(PATIENCE_MS, operation.name, ended)
  } catch (error) {
    victim.kill('SIGKILL')
    return { failed: error }
  }
  return victim.signalCode === 'SIGKILL' ? 'killed' : 'done'
}
