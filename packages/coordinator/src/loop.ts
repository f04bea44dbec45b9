import { DEFAULT_SETTINGS, isFreshetError, reconnectMs, type Settings, toFreshetError } from '@freshet/core'
import { type Answered, isAbout } from './answered.ts'
import { type DueInput, isAwaiting, nextWake, toPoll, toStart } from './due.ts'
import { groupsOf } from './groups.ts'
import type { Loop, LoopOptions } from './loop-options.ts'
import { paced, restAfter, UNPACED } from './pace.ts'
import { EMPTY_ROSTER, isUnsure, refreshRoster, type Roster, type RosterTable, skipToNextTurn } from './roster.ts'
import { wasItsTurn } from './rhythm.ts'
import { settleFailure, settleSuccess } from './settle.ts'
import type { Poller } from './store.ts'
import { upkeep } from './upkeep.ts'
import { UNSHARED } from './workers.ts'

/** A changed catalog is noticed within this time; within the longer one where there are very many tables. */
const CATALOG_MS = 1_000
const LONGEST_CATALOG_MS = 3_000

/** So long it waits in the server for a commit: what ends the loop ends that wait no sooner. */
const LONGEST_WAIT_MS = 250

/** Another refresh is told apart from our own last one by this much. */
const SAME_MOMENT_MS = 5

/**
 * The loop: start what is due, look, start what that brought, wait until there may be more. It never waits for a
 * refresh; a refresh that ends wakes it. While there is nothing to do, it waits in the server for a commit.
 *
 * What it knows of waiting changes is the last poll's answer, and that stays true while the server's snapshot stays the
 * same and no refresh of ours has ended since. When one has, the tables that read the refreshed one are taken to have
 * changes, and are started at once: a chain is followed without a poll per link, and without waiting for a poll that is
 * under way. The next poll says what is really so.
 *
 * Any number of these loops may run on one database: the refresh itself takes the table's lock, and a table that is
 * `busy` is looked at again.
 */
export function createLoop(options: LoopOptions): Loop {
  const { store, refresher, clock, listener, signal, workers = UNSHARED } = options
  const care = upkeep(store, clock, listener, signal)
  const running = new Map<number, Promise<void>>()
  let roster: Roster = EMPTY_ROSTER
  let settings: Settings = DEFAULT_SETTINGS
  let pending = new Set<number>()
  let trouble: Error | null = null
  let lastAskAt = -Infinity
  let lastPollAt = -Infinity
  let nextPollAt = -Infinity
  let pacing = UNPACED
  /** Undefined when it holds no more. */
  let answered: Answered | undefined
  /** The catalog is no older than this snapshot, and is read again at that moment at the latest. */
  let catalogSnapshot = ''
  let catalogDueAt = -Infinity
  let catalogRestMs = CATALOG_MS
  /** Something was started or has ended since the last look. */
  let busy = false
  /** What refreshes that ended since the last poll was sent have told: whether changes wait for the table. */
  const told = new Map<number, boolean>()
  let wake = new AbortController()
  signal.addEventListener('abort', () => wake.abort(), { once: true })
  workers.onFree(() => {
    startKnown()
    wake.abort()
  })

  async function run(): Promise<void> {
    let interruptions = 0
    while (!signal.aborted) {
      try {
        await store.polling(async (poller) => {
          catalogDueAt = -Infinity
          answered = undefined
          await look(poller)
          interruptions = 0
          trouble = null
          listener({ kind: 'connected' })
          await turn(poller)
        })
      } catch (error) {
        trouble = toFreshetError(error)
        if (signal.aborted) break
        const retryInMs = reconnectMs(++interruptions, clock.random())
        listener({ kind: 'interrupted', error: toFreshetError(error), retryInMs })
        await clock.sleep(retryInMs, signal)
      }
    }
    if (running.size > 0) listener({ kind: 'draining', running: running.size })
    await Promise.all(running.values())
    await care.settled()
  }

  async function turn(poller: Poller): Promise<void> {
    while (!signal.aborted) {
      // whoever ends from here on wakes us
      wake = new AbortController()
      await start(poller)
      if (clock.now() >= nextPollAt && (await look(poller))) await start(poller)
      care.start(settings)
      const beat = nextChange(clock.now())
      await clock.sleep(Math.max(Math.min(nextPollAt, beat) - clock.now(), 0), wake.signal)
      if (clock.now() >= beat) lookSoon()
    }
  }

  /** When the clock will next have something to be asked or started. */
  function nextChange(now: number): number {
    return answered !== undefined && answered.until > now ? answered.until : nextWake(roster.tables.values(), now)
  }

  /** At once after the last of the refreshes that did something: that took its time. */
  function lookSoon(worked = false): void {
    nextPollAt = worked && running.size === 0 ? -Infinity : Math.min(nextPollAt, lastPollAt + settings.poll_min_ms)
  }

  /** Brings `pending` up to date. Returns whether the buffers had to be asked. */
  async function look(poller: Poller): Promise<boolean> {
    const begunAt = clock.now()
    const full = !(await stillHolds(poller, begunAt))
    const now = clock.now()
    if (full) await ask(poller, now)
    const after = clock.now()
    lastPollAt = after
    listener({ kind: 'polled', durationMs: after - now, full, pending: pending.size })
    const { poll_min_ms: minMs, poll_max_ms: maxMs } = settings
    pacing = paced({ minMs, maxMs }, pacing, busy, after - now, after)
    // where it was the server that waited, there is nothing to rest from
    nextPollAt = full || running.size > 0 ? after + pacing.pauseMs : Math.max(after, begunAt + minMs)
    busy = false
    return full
  }

  /** Whether the last answer still holds, after waiting for a commit where nothing else is to be waited for. */
  async function stillHolds(poller: Poller, now: number): Promise<boolean> {
    const last = answered
    if (last === undefined || now >= catalogDueAt || now >= last.retryAt || !isAbout(last, roster.tables.values(), now))
      return false
    const restMs = Math.min(catalogDueAt, last.retryAt, nextChange(now)) - now
    // who refreshes something looks as soon as that ends
    const atMostMs = running.size > 0 ? 0 : Math.min(restMs, LONGEST_WAIT_MS)
    const { snapshot, heldMs } = await poller.commit(last.snapshot, settings.poll_max_ms, atMostMs)
    // a refresh has ended meanwhile
    if (answered !== last) return false
    if (heldMs !== null) last.confirmedAt = now + heldMs
    if (snapshot !== last.snapshot) return false
    if (now >= last.until) confirm(last)
    return true
  }

  async function ask(poller: Poller, now: number): Promise<void> {
    const last = answered
    forget()
    if (now >= catalogDueAt) await readCatalog(poller, now)
    const ids = toPoll(roster.tables.values(), now)
    told.clear()
    const answer = await poller.poll(ids)
    lastAskAt = now
    pending = new Set(answer.pending)
    for (const [id, waits] of told) set(pending, id, waits)
    note(
      ids.filter((id) => !told.has(id)),
      now,
    )
    if (answer.snapshot !== last?.snapshot) care.committed()
    // a change of the catalog may be among what was committed since it was read
    if (answer.snapshot !== catalogSnapshot) catalogDueAt = Math.min(catalogDueAt, now + catalogRestMs)
    const retryAt = answer.retryInMs === null ? Infinity : now + answer.retryInMs
    const until = nextWake(roster.tables.values(), now)
    answered =
      told.size > 0 ? undefined : { snapshot: answer.snapshot, ids: new Set(ids), retryAt, until, confirmedAt: now }
  }

  function confirm(answer: Answered): void {
    note(answer.ids, answer.confirmedAt)
    answer.until = nextWake(roster.tables.values(), answer.confirmedAt)
  }

  function forget(): void {
    if (answered !== undefined) confirm(answered)
    answered = undefined
  }

  /**
   * Of the tables that were asked about, those without changes are fresh; and their turn is over, unless what they read
   * is yet to be refreshed.
   */
  function note(ids: Iterable<number>, now: number): void {
    const input = dueInput(now)
    for (const id of ids) {
      const table = roster.tables.get(id)
      if (table === undefined || pending.has(id) || table.timed || table.reinitialize) continue
      table.freshAt = now
      if (table.rhythm === null || isAwaiting(id, input)) continue
      skipToNextTurn(table, now, clock.origin())
    }
  }

  async function readCatalog(poller: Poller, now: number): Promise<void> {
    try {
      settings = await poller.settings()
    } catch (error) {
      if (!isFreshetError(error, 'INVALID_SETTING')) throw error
      listener({ kind: 'odd_setting', error }) // the last good ones stay
    }
    const known = roster.tables
    catalogSnapshot = await poller.snapshot()
    roster = refreshRoster(roster, await poller.catalog(), now, clock)
    catalogDueAt = Infinity
    catalogRestMs = restAfter(clock.now() - now, CATALOG_MS, LONGEST_CATALOG_MS)
    for (const { id, catalog } of roster.tables.values()) {
      if (catalog.scheduleError !== null && known.get(id)?.catalog.scheduleError !== catalog.scheduleError) {
        listener({ kind: 'odd_schedule', table: { id, name: catalog.name }, message: catalog.scheduleError })
      }
    }
    if (known.size !== roster.tables.size) listener({ kind: 'catalog', tables: roster.tables.size })
  }

  async function start(poller: Poller): Promise<void> {
    for (const table of await notDoneByOthers(poller, startKnown())) {
      if (free() > 0) begin(table, [])
    }
  }

  /** Starts what is due; not where somebody must be asked first: those are returned. */
  function startKnown(): RosterTable[] {
    if (pending.size === 0 && !roster.unsure) return []
    const input = dueInput(clock.now())
    const unsure: RosterTable[] = []
    for (const { lead, along } of groupsOf(toStart(input), free(), input)) {
      const table = roster.tables.get(lead)
      if (table === undefined) continue
      if (isUnsure(table)) unsure.push(table)
      else begin(table, tablesOf(along))
    }
    return unsure
  }

  function tablesOf(ids: readonly number[]): RosterTable[] {
    return ids.flatMap((id) => roster.tables.get(id) ?? [])
  }

  function dueInput(now: number): DueInput {
    return {
      now,
      graph: roster.graph,
      units: roster.units,
      tables: roster.tables,
      pending,
      running: new Set(running.keys()),
    }
  }

  /** So many refreshes may be started now. */
  function free(): number {
    const allowed = settings.enabled && trouble === null && !signal.aborted
    const own = allowed ? Math.max(settings.max_concurrent_refreshes - new Set(running.values()).size, 0) : 0
    return own > 0 ? Math.min(own, workers.free()) : 0
  }

  /**
   * What the poll did not answer for is looked at once more: it may have been paused, or, where only the clock wants
   * the refresh, another scheduler may have made it a moment ago.
   */
  async function notDoneByOthers(poller: Poller, tables: readonly RosterTable[]): Promise<RosterTable[]> {
    if (tables.length === 0) return []
    const ages = await poller.ages(tables.map(({ id }) => id))
    const now = clock.now()
    const skipped = tables.filter((table) => {
      const ageMs = ages.get(table.id)
      if (ageMs === undefined) return true
      if (table.reinitialize || ageMs === null) return false
      const itsTurn = table.rhythm !== null && wasItsTurn(table.rhythm, ageMs, now, clock.origin())
      return itsTurn && now - ageMs > table.lastSuccessAt + SAME_MOMENT_MS
    })
    for (const table of skipped) {
      skipToNextTurn(table, now, clock.origin())
      table.notBefore = Math.max(table.notBefore, now + settings.poll_min_ms)
      catalogDueAt = -Infinity
      answered = undefined
    }
    return tables.filter((table) => !skipped.includes(table))
  }

  /** One refresh: of a table, of all that are never refreshed without it, and of those that may come along. */
  function begin(table: RosterTable, along: readonly RosterTable[]): void {
    const unit = roster.units.find((members) => members.includes(table.id)) ?? [table.id]
    const others = tablesOf(unit).filter((other) => other !== table)
    const done = refresh([table, ...others], along)
    // whoever is below them waits anyway
    for (const { id } of [table, ...others, ...along.filter(({ id }) => pending.has(id))]) running.set(id, done)
  }

  async function refresh(unit: readonly [RosterTable, ...RosterTable[]], along: readonly RosterTable[]): Promise<void> {
    const [table] = unit
    const members = [...unit, ...along]
    const context = {
      clock,
      store,
      listener,
      policy: {
        backoff: { baseMs: settings.error_backoff_min_ms, maxMs: settings.error_backoff_max_ms },
        maxConsecutiveErrors: settings.max_consecutive_errors,
      },
      observe: (table: RosterTable, waitedMs: number) => care.observed(table, waitedMs),
      initiatedBy: options.initiatedBy,
    }
    let worked = false
    busy = true
    workers.take()
    const startedAt = clock.now()
    const begun = (member: RosterTable) => {
      member.lastStartAt = startedAt
      skipToNextTurn(member, startedAt, clock.origin())
    }
    for (const member of unit) begun(member)
    try {
      // changes that can not be applied one by one, such as a bad row and its correction, may be fine taken together:
      // the last attempt before giving up recomputes the whole
      const full = table.catalog.consecutiveErrors + 1 === settings.max_consecutive_errors
      const outcome = await refresher.refresh(table.id, {
        initiatedBy: options.initiatedBy,
        full,
        fused: true,
        along: along.map(({ id }) => id),
      })
      worked = outcome.action !== 'none' && outcome.action !== 'busy'
      for (const member of members) {
        const own = member === table ? outcome : (outcome.together?.get(member.id) ?? null)
        // in a unit by the catalog as it was read, and not any more; or it did not come along
        if (own === null) {
          member.quick = false
          continue
        }
        begun(member)
        tell(member.id, false)
        if (own.rowsInserted + own.rowsDeleted > 0)
          for (const id of roster.graph.readers(member.id)) if (outcome.together?.has(id) !== true) tell(id, true)
        if (own.action !== 'none') care.refreshed(member.catalog)
        await settleSuccess(context, member, own)
      }
    } catch (error) {
      const failed = unit.find(({ id }) => isFreshetError(error) && error.streamTable === id) ?? table
      await settleFailure(context, failed, error)
      // what was recorded counts before the next attempt: read it, and let the poll say again that there is work
      catalogDueAt = -Infinity
      for (const member of members) member.quick = false
      for (const member of unit) {
        member.notBefore = Math.max(member.notBefore, failed.notBefore)
        tell(member.id, false)
      }
    } finally {
      for (const { id } of members) running.delete(id)
      workers.giveBack()
      busy = true
      startKnown()
      lookSoon(worked)
      wake.abort()
    }
  }

  function tell(id: number, waits: boolean): void {
    forget()
    told.set(id, waits)
    set(pending, id, waits)
  }

  return {
    run,
    state: {
      get roster() {
        return roster
      },
      get settings() {
        return settings
      },
      get pending() {
        return pending
      },
      get running() {
        return running
      },
      get trouble() {
        return trouble
      },
      get lastAskAt() {
        return lastAskAt
      },
      get lastPollAt() {
        return lastPollAt
      },
    },
  }
}

function set<T>(items: Set<T>, item: T, present: boolean): void {
  if (present) items.add(item)
  else items.delete(item)
}
