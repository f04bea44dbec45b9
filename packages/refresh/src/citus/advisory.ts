import { type Fragment, raw } from '@freshet/core'

/**
 * What could be better about a stream table on a cluster: its changes come from shards, and its refreshes do not run
 * beside them.
 */
export interface Advisory {
  readonly code: 'CITUS_XSHARD'
  readonly detail: string
  readonly hint: string
}

const XSHARD: Advisory = {
  code: 'CITUS_XSHARD',
  detail: 'its changes pass through the coordinator: its refreshes do not run on the workers',
  hint: 'Where each of its rows follows from rows of one distribution key, distribute it by that: --distribution-column. See docs/tutorials/citus.md.',
}

/** Whether a source of the stream table `t` is cut into shards. */
export const HAS_SHARDS: Fragment = raw(`exists (
  select from freshet.dependency d join freshet.source o using (stable_name)
  where d.stream_table_id = t.stream_table_id and o.placed in ('distributed', 'single'))`)

export function advisoryOf(table: { readonly sharded: boolean; readonly pushedDown: boolean }): Advisory | null {
  return table.sharded && !table.pushedDown ? XSHARD : null
}
