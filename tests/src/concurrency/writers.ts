import type { Session, Step } from './interleave.ts'
import type { World } from './world.ts'

/** How a writer's transaction runs and ends. */
export const ISOLATIONS = ['read committed', 'repeatable read', 'serializable'] as const
export const ENDINGS = ['commit', 'rollback', 'commit prepared', 'rollback prepared'] as const

export interface Kind {
  readonly isolation: (typeof ISOLATIONS)[number]
  readonly ending: (typeof ENDINGS)[number]
}

export const KINDS: readonly Kind[] = ISOLATIONS.flatMap((isolation) =>
  ENDINGS.map((ending) => ({ isolation, ending })),
)

let prepared = 0

/**
 * Money moves between the accounts `from` and `to`, in the ledger too; something is done and undone behind a savepoint;
 * and a second source changes.
 */
export function writer(
  world: World,
  name: string,
  { isolation, ending }: Kind,
  { from, to, expected = [] }: { readonly from: number; readonly to: number; readonly expected?: readonly string[] },
): Session {
  const gid = `interleaved_${process.pid}_${++prepared}_${Math.random().toString(36).slice(2)}`
  const steps = [
    `begin isolation level ${isolation}`,
    `update account set balance = balance + case id when ${from} then -5 else 5 end, note = 'by ${name}' where id in (${from}, ${to})`,
    `insert into ledger values (${from}, -5), (${to}, 5);
     savepoint s;
     update account set balance = balance + 7 where id = ${from};
     delete from ledger where account = ${to};
     rollback to s`,
    `update owner set name = 'owner of ${from}' where id = ${(from % 4) + 1};
     update account set owner = 1 + owner % 4 where id = ${to}`,
    ...endingOf(ending, gid),
  ]
  return { name, expected, steps: steps.map((text): Step => world.sql(name, text)) }
}

function endingOf(ending: Kind['ending'], gid: string): readonly string[] {
  if (ending === 'commit' || ending === 'rollback') return [ending]
  return [`prepare transaction '${gid}'`, `${ending} '${gid}'`]
}
