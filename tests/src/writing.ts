import { setTimeout as sleep } from 'node:timers/promises'
import type { TestDatabase } from '@freshet/testkit'
import pg from 'pg'

/**
 * An application that writes all the time while its tables change. A statement of its own that does not fit them any
 * more is its matter; one that fails inside Freshet's triggers is a failure.
 */
export interface Writing {
  /** What failed because of Freshet, with the statement. */
  readonly failures: readonly string[]
  /** From now on the statements that fit the tables as they are afterwards. */
  changed(): void
  /** Until some more statements were committed. */
  some(phase: string): Promise<void>
  stop(): Promise<void>
}

export interface Statements {
  /** Statements that fit the tables afterwards; the usual ones when left out; null: none do. */
  readonly write?: ((id: number) => string) | null | undefined
}

const usual = (id: number) => `
  insert into sales values (${id}, ${1 + (id % 3)}, ${id % 50}, 'new', ${id % 7});
  update sales set amount = amount + 1, cost = cost + 1 where id = ${id - 3};
  delete from sales where id = ${id - 9};
  insert into event values (${id}, ${1 + (id % 2)}, ${id % 9})`

export async function startWriting(test: TestDatabase, { write }: Statements): Promise<Writing> {
  const clients = [await test.client(), await test.client()]
  const failures: string[] = []
  const state = { after: false, stopped: false, committed: 0, id: 1_000 }
  const loop = async (client: pg.Client, own: number) => {
    for (let i = 0; !state.stopped; i++) {
      const id = 1_000 + own * 40_000 + i
      const text = state.after ? (write === null ? 'select 1' : (write ?? usual)(id)) : usual(id)
      try {
        await client.query(text)
        state.committed++
      } catch (error) {
        if (!(error instanceof pg.DatabaseError)) throw error
        if (/freshet/.test(`${error.message} ${error.where ?? ''} ${error.table ?? ''}`))
          failures.push(`${error.code ?? ''} ${error.message} (${error.where ?? ''}) in ${text}`)
      }
      await sleep(1)
    }
  }
  const loops = Promise.allSettled(clients.map(loop))
  return {
    failures,
    changed: () => {
      state.after = true
    },
    async some(phase) {
      const enough = state.committed + 20
      const limit = performance.now() + 20_000
      while (state.committed < enough) {
        if (performance.now() > limit) throw new Error(`nobody could write ${phase} the change: ${failures.join('; ')}`)
        await sleep(2)
      }
    },
    async stop() {
      state.stopped = true
      for (const outcome of await loops)
        if (outcome.status === 'rejected') throw new Error('a writer failed', { cause: outcome.reason })
    },
  }
}
