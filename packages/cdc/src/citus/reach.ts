import {
  type Database,
  FreshetError,
  isFreshetError,
  type Queryable,
  readSettings,
  reconnectMs,
  sql,
} from '@freshet/core'

/**
 * Which nodes of the cluster answer. A node that does not is left alone, with all that lies on it, until its back-off has
 * ended; then it is asked again, and nothing else. It is known by its group: that stays when the node gets another host or
 * port, or another one takes its place.
 *
 * What is known stands in `freshet.node_health`, for people, and for the scheduler that comes next.
 */
export interface NodeRef {
  readonly group: number
  /** `host:port`, as the cluster has it now. */
  readonly address: string
}

export type NodeEvent =
  | {
      readonly kind: 'unreachable'
      readonly node: NodeRef
      /** Tries in a row. */
      readonly failures: number
      readonly retryInMs: number
      /** They are as many as the setting `citus_worker_retry_ticks` says. */
      readonly alarming: boolean
    }
  /** It answers again. */
  | { readonly kind: 'reached'; readonly node: NodeRef }
  /** It could not be reached, and the cluster has it no more. */
  | { readonly kind: 'removed'; readonly node: NodeRef }

export interface Reach {
  /** Some can not be reached: what lies where has to be looked at. */
  readonly hindered: boolean
  /** Whether what lies on these nodes is left alone. */
  isAway(groups: readonly number[]): boolean
  /** Asks those whose back-off has ended. */
  retry(): Promise<void>
  /** Something went wrong that an unreachable node may be to blame for: asks all. Returns whether one does not answer. */
  examine(cause: FreshetError): Promise<boolean>
}

interface Away {
  readonly node: NodeRef
  failures: number
  retryAt: number
}

/** `recorded`: what a process before this one has left. */
export async function nodeReach(database: Database, listener: (event: NodeEvent) => void): Promise<Reach> {
  const away = new Map<number, Away>()
  for (const { failures, ...node } of await recordedAway(database))
    away.set(node.group, { node, failures, retryAt: -Infinity })

  const failed = async (node: NodeRef, cause: FreshetError): Promise<void> => {
    const failures = (away.get(node.group)?.failures ?? 0) + 1
    const retryInMs = reconnectMs(failures, Math.random())
    away.set(node.group, { node, failures, retryAt: performance.now() + retryInMs })
    await recordAway(database, node, failures, cause)
    const { citus_worker_retry_ticks: ticks } = await readSettings(database)
    listener({ kind: 'unreachable', node, failures, retryInMs, alarming: failures >= ticks })
  }
  const settle = async (kind: 'reached' | 'removed', node: NodeRef): Promise<void> => {
    await recordBack(database, node)
    away.delete(node.group)
    listener({ kind, node })
  }

  return {
    get hindered() {
      return away.size > 0
    },
    isAway: (groups) => groups.some((group) => away.has(group)),
    async retry() {
      const due = [...away.values()].filter(({ retryAt }) => performance.now() >= retryAt)
      if (due.length === 0) return
      const nodes = await clusterNodes(database)
      for (const { node } of due) {
        const now = nodes.find(({ group }) => group === node.group)
        if (now === undefined) await settle('removed', node)
        else if (await answers(database, now)) await settle('reached', now)
        else await failed(now, unreachable(now))
      }
    },
    async examine(cause) {
      let blamed = false
      for (const node of await clusterNodes(database)) {
        if (await answers(database, node)) continue
        blamed = true
        await failed(node, new FreshetError(cause.code, `${unreachable(node).message}: ${cause.message}`))
      }
      return blamed
    },
  }
}

function unreachable({ group, address }: NodeRef): FreshetError {
  return new FreshetError('CONNECTION_LOST', `the node ${address} (group ${group}) does not answer`)
}

/** All that Citus sends anything to, but the coordinator. */
function clusterNodes(queryable: Queryable): Promise<readonly NodeRef[]> {
  return queryable.query<NodeRef>(sql`
    select groupid as "group", nodename || ':' || nodeport as address from pg_catalog.pg_dist_node
    where groupid <> 0 and isactive and noderole = 'primary' order by groupid`)
}

/** Where nothing comes through, a node says neither yes nor no. */
const PATIENCE = sql`select set_config('citus.node_connection_timeout', '4s', true), set_config('statement_timeout', '5s', true)`

/** The connection that was open may be the one that broke, and is replaced by the next: so a no is asked for twice. */
async function answers(database: Database, node: NodeRef): Promise<boolean> {
  return (await isReached(database, node)) || isReached(database, node)
}

async function isReached(database: Database, { group }: NodeRef): Promise<boolean> {
  try {
    return await database.transaction(async (transaction) => {
      await transaction.query(PATIENCE)
      const [row] = await transaction.query<{ reached: boolean }>(sql`
        select pg_catalog.citus_check_connection_to_node(nodename, nodeport) as reached from pg_catalog.pg_dist_node
        where groupid = ${group} and noderole = 'primary'`)
      return row?.reached === true
    })
  } catch (error) {
    if (isFreshetError(error, 'STATEMENT_CANCELED')) return false
    throw error
  }
}

function recordedAway(queryable: Queryable): Promise<readonly (NodeRef & { readonly failures: number })[]> {
  return queryable.query(sql`
    select h.group_id as "group", coalesce(n.nodename || ':' || n.nodeport, '') as address, h.failures
    from freshet.node_health h left join pg_catalog.pg_dist_node n on n.groupid = h.group_id and n.noderole = 'primary'
    where h.failures > 0`)
}

/** Several schedulers may count the same. */
async function recordAway(queryable: Queryable, { group }: NodeRef, failures: number, cause: FreshetError) {
  await queryable.query(sql`
    insert into freshet.node_health as h (group_id, failures, failures_total, failing_since, last_failed_at, last_error)
    values (${group}, ${failures}, 1, clock_timestamp(), clock_timestamp(), ${JSON.stringify(cause)}::jsonb)
    on conflict (group_id) do update set failures = greatest(h.failures, excluded.failures),
      failures_total = h.failures_total + 1, failing_since = coalesce(h.failing_since, excluded.failing_since),
      last_failed_at = excluded.last_failed_at, last_error = excluded.last_error`)
}

async function recordBack(queryable: Queryable, { group }: NodeRef): Promise<void> {
  await queryable.query(
    sql`update freshet.node_health set failures = 0, failing_since = null where group_id = ${group} and failures > 0`,
  )
}
