import { type ErrorCode, ERRORS, SQLSTATE_CLASSES, SQLSTATES } from '@freshet/core'

/**
 * What a failed refresh leads to. It follows from the error's code, and that from the SQLSTATE alone, so that a server
 * which speaks another language is understood as well. `docs/retries.md` is made from this.
 */
export type Consequence = 'retry' | 'reconnect' | 'give up' | 'suspend'

export function consequenceOf(code: ErrorCode): Consequence {
  // More of the same may come, and nobody asked for it.
  if (code === 'FUSE_BLOWN') return 'suspend'
  switch (ERRORS[code].retry) {
    case 'retry':
      return 'retry'
    case 'reconnect':
      return 'reconnect'
    case 'never':
    case 'definition':
      return 'give up'
  }
}

const TOLD: Readonly<Record<Consequence, string>> = {
  retry: 'Tried again with back-off, for ever.',
  reconnect: 'Not counted: tried again on a new connection, after 100 ms and up to 30 s.',
  'give up':
    'Tried again with back-off; suspended after `max_consecutive_errors`, the last attempt being a full refresh.',
  suspend: 'Suspended at once.',
}

/** The text of `docs/retries.md`. */
export function retriesPage(): string {
  const row = (state: string, name: string, code: ErrorCode) =>
    `| ${state} | ${name} | [${code}](errors.md#${code.toLowerCase()}) | \`${consequenceOf(code)}\` |`
  const states = Object.entries(SQLSTATES).map(([state, { name, code }]) => row(`\`${state}\``, name, code))
  const classes = Object.entries(SQLSTATE_CLASSES).map(([state, { name, code }]) =>
    row(`other \`${state}…\``, name, code),
  )
  return [
    '# What is tried again',
    '',
    'What becomes of a stream table whose refresh failed in a scheduler, by what the server reported. The SQLSTATE decides,',
    'never the message; but of the internal errors (`XX000`) one is a conflict, Citus’s of a shard that a split has taken away.',
    'A refresh rolls back as a whole, so the table is as it was, a little older.',
    '',
    '<!-- Made from packages/coordinator/src/consequence.ts and packages/core/src/sqlstate.ts by `npm run docs`. -->',
    '',
    '| consequence | what happens |',
    '| --- | --- |',
    ...Object.entries(TOLD).map(([consequence, told]) => `| \`${consequence}\` | ${told} |`),
    '',
    'Back-off begins with `error_backoff_min_ms`, doubles up to `error_backoff_max_ms`, is up to a fifth more or less, and is',
    'dated by the database’s clock, so that all schedulers heed it. `freshet resume NAME` ends a suspension. Before any of',
    'this, a refresh itself goes on trying where that helps: for three seconds where it gave way to somebody (40001, 40P01,',
    '55P03), and by a full refresh where a delta failed on values (22…) that the query itself may not meet.',
    '',
    '| SQLSTATE | name | code | consequence |',
    '| --- | --- | --- | --- |',
    ...states,
    ...classes,
    row('all others', '', 'QUERY_FAILED'),
    '',
    'Errors of Freshet itself, which have no SQLSTATE, follow from their retry class in the same way ([errors](errors.md));',
    'a blown [fuse](05-scheduling.md#a-fuse) suspends at once.',
    '',
  ].join('\n')
}
