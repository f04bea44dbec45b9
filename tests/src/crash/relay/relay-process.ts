import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('relay-process.fixture.ts', import.meta.url))
const PATIENCE_MS = 120_000

/** What a process of Node has, in bytes. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
}

interface Told {
  readonly started?: string
  readonly failed?: string
  readonly memory?: Memory
}

/** A relay in a process that is killed and frozen. */
export class RelayProcess {
  readonly #args: readonly string[]
  #child: ChildProcess
  /** How often one of its relays has begun to deliver, over all of its lives. */
  started = 0
  /** The codes of its failures. */
  readonly failures: string[] = []
  /** Second by second. */
  readonly memory: Memory[] = []

  constructor(config: string, databaseUrl: string) {
    this.#args = [config, databaseUrl]
    this.#child = this.#start()
  }

  #start(): ChildProcess {
    const child = fork(SCRIPT, this.#args, {
      execArgv: ['--conditions=@freshet/source'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child.on('message', (told: Told) => {
      if (told.memory !== undefined) this.memory.push(told.memory)
      if (told.started !== undefined) this.started++
      if (told.failed !== undefined) this.failures.push(told.failed)
    })
    return child
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Until it has begun once more than so often. */
  async worksAgain(before: number): Promise<void> {
    await until('the relay begins to work', () => this.started > before)
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#child.kill(signal)) throw new Error('the relay is not there any more')
  }

  async kill(): Promise<void> {
    if (!this.alive) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  restart(): void {
    this.#child = this.#start()
  }
}

/** Waits until it is so. */
export async function until(what: string, is: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  while (!(await is())) {
    if (performance.now() > end) throw new Error(`it did not come to pass: ${what}`)
    await sleep(10)
  }
}
