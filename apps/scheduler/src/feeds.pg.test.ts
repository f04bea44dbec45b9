import { setTimeout as sleep } from 'node:timers/promises'
import { raw } from '@freshet/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FEED_COOKIE } from './feeds.ts'
import { Copy, eventsOf, tableRows, TOKEN } from './feeds.fixture.ts'
import { type Scheduler, startScheduler } from './scheduler.ts'
import { openShop, type Shop } from './shop.fixture.ts'

/** Feeds over HTTP: who may read them, and that what comes is the table, over breaks of the connection. */
const ORIGIN = 'https://shop.example'

let shop: Shop
let scheduler: Scheduler
beforeAll(async () => {
  shop = await openShop()
  const feeds = { token: TOKEN, origins: [ORIGIN] }
  scheduler = await startScheduler({ databaseUrl: shop.own.url, port: 0, logLevel: 'silent', feeds })
  shop.own.defer(() => scheduler.stop())
})
afterAll(() => shop.own.drop())

const authorization = `Bearer ${TOKEN}`
const ask = (path: string, headers: Record<string, string> = { authorization }, signal?: AbortSignal) =>
  fetch(`${scheduler.url}/api/feeds/${path}`, { headers, ...(signal === undefined ? {} : { signal }) })
const run = async (text: string) => void (await shop.freshet.database.query(raw(text)))
const openFeeds = async () => {
  const text = await (await fetch(`${scheduler.url}/metrics`)).text()
  return Number(/^freshet_feeds_open (\d+)$/m.exec(text)?.[1])
}

/** Reads on until the copy is the table. */
async function catchUp(copy: Copy, name: string, events: AsyncGenerator<Parameters<Copy['apply']>[0], void, void>) {
  for (;;) {
    const next = await events.next()
    if (next.done === true) throw new Error('the feed has ended')
    copy.apply(next.value)
    if (copy.token === null) continue
    await shop.freshet.refresh(name, { upstream: true })
    if (JSON.stringify(copy.sorted()) === JSON.stringify(await tableRows(shop, name))) return
  }
}

describe('a feed', () => {
  test('begins with the table and follows it; a lost reader goes on from its last event', async () => {
    const copy = new Copy()
    const kinds: string[] = []
    for (let i = 0; i < 4; i++) {
      const ending = new AbortController()
      const headers = { authorization, ...(copy.token === null ? {} : { 'last-event-id': copy.token }) }
      const response = await ask('sales_by_country', headers, ending.signal)
      expect(response.status).toBe(200)
      expect(response.headers.get('content-type')).toContain('text/event-stream')
      const events = eventsOf(response)
      await shop.order(5)
      const first = await events.next()
      if (first.done === true) throw new Error('nothing came')
      kinds.push(first.value.event)
      copy.apply(first.value)
      await shop.order(5)
      await catchUp(copy, 'sales_by_country', events)
      ending.abort()
      await shop.order(5) // nobody listens
    }
    expect(kinds).toEqual(['snapshot', 'changes', 'changes', 'changes'])
  })

  test('of many rows comes in pages; a reader that was cut off in the middle begins anew', async () => {
    const ending = new AbortController()
    const cut = eventsOf(await ask('order_line', undefined, ending.signal))
    const { value: page } = await cut.next()
    expect(page).toMatchObject({ event: 'snapshot', id: null })
    ending.abort()
    const copy = new Copy()
    const whole = new AbortController()
    await shop.order(1)
    await catchUp(copy, 'order_line', eventsOf(await ask('order_line', undefined, whole.signal)))
    expect(copy.rows.size).toBeGreaterThan(2_000)
    whole.abort()
  })

  test('goes on with the table where its token has become old', async () => {
    const copy = new Copy()
    const before = new AbortController()
    copy.apply((await eventsOf(await ask('country', undefined, before.signal)).next()).value ?? never())
    before.abort()
    await shop.freshet.alter('country', { query: 'select distinct country, length(country) as l from customer' })
    const after = new AbortController()
    const events = eventsOf(await ask('country', { authorization, 'last-event-id': copy.token ?? '' }, after.signal))
    const { value: event } = await events.next()
    expect(event).toMatchObject({ event: 'snapshot' })
    copy.apply(event ?? never())
    expect(copy.sorted()).toEqual(await tableRows(shop, 'country'))
    // and tells why it can not go on at all
    await shop.freshet.drop('country')
    expect(await events.next()).toMatchObject({
      value: { event: 'failed', data: expect.stringContaining('UNKNOWN_STREAM_TABLE') as string },
    })
    expect(await events.next()).toMatchObject({ done: true })
    expect((await ask('country')).status).toBe(404)
  })

  test('tells what JSON has no word for', async () => {
    await run(`create table odd (id int primary key, bytes bytea, list float8[], number float8);
      insert into odd values (1, '\\xc0ff', '{1,NaN}', 'Infinity')`)
    await shop.freshet.create({ name: 'odd_copy', query: 'select * from odd' })
    const ending = new AbortController()
    const { value: event } = await eventsOf(await ask('odd_copy', undefined, ending.signal)).next()
    expect(JSON.parse(event?.data ?? '')).toMatchObject({
      changes: [{ weight: 1, row: { id: 1, bytes: '\\xc0ff', list: [1, 'NaN'], number: 'Infinity' } }],
    })
    ending.abort()
  })

  test('whose reader has left lets go', async () => {
    const end = performance.now() + 30_000
    while ((await openFeeds()) > 0 && performance.now() < end) await sleep(50)
    expect(await openFeeds()).toBe(0)
  })
})

describe('who may read', () => {
  test.each([
    ['the header', { authorization }],
    ['the cookie', { cookie: `other=1; ${FEED_COOKIE}=${TOKEN}` }],
  ])('whoever shows the token by %s', async (_, headers) => {
    const ending = new AbortController()
    expect((await ask('sales_by_country', headers, ending.signal)).status).toBe(200)
    ending.abort()
  })

  test.each([
    ['nothing', {}],
    ['another one', { authorization: `Bearer ${TOKEN}x` }],
    ['a part of it', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['none', { authorization: 'Bearer ' }],
    ['another cookie', { cookie: `${FEED_COOKIE}=` }],
  ])('not whoever shows %s', async (_, headers) => {
    for (const name of ['sales_by_country', 'no_such_table']) {
      const response = await ask(name, headers)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      const text = await response.text()
      expect(JSON.parse(text)).toMatchObject({ error: { code: 'UNAUTHORIZED' } })
      expect(text).not.toContain(TOKEN)
    }
  })

  test('nobody where no token is configured', async () => {
    const other = await startScheduler({ databaseUrl: shop.own.url, port: 0, logLevel: 'silent' })
    for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: 'Bearer null' }]) {
      const response = await fetch(`${other.url}/api/feeds/sales_by_country`, { headers })
      expect(response.status).toBe(401)
    }
    await other.stop()
  })

  test('pages of the origins that are named, and of no others', async () => {
    const asked = async (origin: string) => {
      const response = await fetch(`${scheduler.url}/api/feeds/sales_by_country`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
      })
      return response.headers.get('access-control-allow-origin')
    }
    expect(await asked(ORIGIN)).toBe(ORIGIN)
    expect(await asked('https://elsewhere.example')).toBeNull()
  })

  test('what there is not is told', async () => {
    const response = await ask('no_such_table')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ error: { code: 'UNKNOWN_STREAM_TABLE' } })
    const odd = await ask(encodeURIComponent('a"; drop table x; --'))
    expect(odd.status).toBe(400)
  })
})

function never(): never {
  throw new Error('nothing came')
}
