import { REASONS } from '@freshet/dvm'

/**
 * Why one refresh was the kind that it was: the reason codes of the history, besides those for which a query is never
 * maintained differentially. Each with what it means, and what to do where something can be done.
 */
const REFRESH_REASONS = {
  CHEAPER: 'AUTO expected this kind of refresh to take less time than the other one.',
  EXPLORED: 'AUTO expected the other kind to take less time, and measured this one again.',
  STATE_KEPT:
    'AUTO expected a full refresh of the answer alone to take less time; but then the state of inner stages would have had to be filled again for the next differential one.',
  STATE_BEHIND:
    'Full refreshes before it had brought the answer alone to the present; this one filled the state too, so that the next can be differential.',
  FORCED: 'The setting force_full_refresh is on. Take it away when the diagnosis is done.',
  TRUNCATED: 'A source was truncated, which leaves no row changes behind.',
  DELTA_FAILED:
    'A value came and went between two refreshes on which an expression of the query fails, and the query itself does not meet it; or Citus could not run the delta.',
  INITIAL: 'The table had not been filled.',
  ALTERING:
    'It is immediate, and was taken from its writers to be altered. If nobody is altering it any more: `freshet repair`, or alter it again.',
  ALTERED: 'The query was changed, or where it is refreshed.',
  SOURCE_CHANGED: 'A column of a source was renamed, retyped or dropped.',
  NEW_COMPILER: 'Another version of Freshet compiled the query anew.',
  CAPTURE_PAUSED:
    'The capture of a source is paused, or was: `freshet doctor` names it, `freshet resume --source` or `--capture` ends it.',
  PAUSED: 'It is immediate and was paused, so nobody noted what its writers did.',
  REPAIRED: '`freshet repair` rebuilt something that had been missing for a while.',
  CAPTURE_BROKEN:
    'The capture of a source was incomplete for a while. `freshet doctor` shows whether it is whole again.',
  NODE_SET_BACK:
    'The coordinator or another node of the cluster was set back to an earlier time than the others: it came back from an older backup. See docs/backup.md.',
  cluster_changed: 'The database was restored from a dump, or copied: what was captured elsewhere says nothing here.',
} as const

/** What a reason code means, and what to do; null for a code that this version does not know. */
export function hintOf(code: string): string | null {
  const known: Readonly<Record<string, string>> = { ...REFRESH_REASONS, ...REASONS }
  return Object.hasOwn(known, code) ? (known[code] ?? null) : null
}
