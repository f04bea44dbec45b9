import { setTimeout as sleep } from 'node:timers/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasBrowser, launchBrowser } from './browser.fixture.ts'
import { FEED_COOKIE } from './feeds.ts'
import { tableRows, TOKEN } from './feeds.fixture.ts'
import { type Scheduler, startScheduler } from './scheduler.ts'
import { openShop, type Shop } from './shop.fixture.ts'

/** What docs/feeds.md tells a page to do, in a real browser, whose EventSource comes back by itself. */
const PAGE = `
  window.rows = new Map()
  window.snapshots = 0
  let complete = true
  const feed = new EventSource('/api/feeds/sales_by_country')
  const apply = ({ type, data }) => {
    const page = JSON.parse(data)
    if (type === 'snapshot' && complete) { rows.clear(); snapshots++ }
    for (const { weight, row } of page.changes) {
      const key = JSON.stringify(row)
      const count = (rows.get(key) ?? 0) + weight
      if (count === 0) rows.delete(key)
      else rows.set(key, count)
    }
    complete = page.complete
  }
  feed.addEventListener('snapshot', apply)
  feed.addEventListener('changes', apply)`

describe.skipIf(!hasBrowser('feeds in a browser'))('feeds in a browser', () => {
  let shop: Shop
  let scheduler: Scheduler
  let browser: Browser
  let page: Page
  const start = async (port: number) => {
    const feeds = { token: TOKEN, origins: [] }
    scheduler = await startScheduler({ databaseUrl: shop.own.url, port, logLevel: 'silent', feeds })
  }
  beforeAll(async () => {
    shop = await openShop()
    await start(0)
    shop.own.defer(() => scheduler.stop())
    browser = await launchBrowser()
    shop.own.defer(() => browser.close())
    const context = await browser.newContext()
    await context.addCookies([
      { name: FEED_COOKIE, value: TOKEN, url: scheduler.url, httpOnly: true, sameSite: 'Strict' },
    ])
    page = await context.newPage()
    await page.goto(`${scheduler.url}/health`)
    await page.evaluate(PAGE)
  })
  afterAll(() => shop.own.drop())

  const sameAsTable = async () => {
    const end = performance.now() + 60_000
    for (;;) {
      const seen = await page.evaluate<string[]>('[...rows].flatMap(([row, n]) => Array(n).fill(row)).sort()')
      const rows = await tableRows(shop, 'sales_by_country')
      if (JSON.stringify(seen) === JSON.stringify(rows)) return rows
      if (performance.now() > end) expect(seen).toEqual(rows)
      await sleep(50)
    }
  }

  test('a page has the table, and goes on with its changes when the scheduler was away', async () => {
    const first = await sameAsTable()
    expect(first).toHaveLength(4)
    await shop.order(20)
    await shop.freshet.refresh('sales_by_country', { upstream: true })
    expect(await sameAsTable()).not.toEqual(first)
    const { port } = scheduler
    await scheduler.stop()
    await shop.order(20)
    await start(port)
    await shop.order(20)
    await shop.freshet.refresh('sales_by_country', { upstream: true })
    await sameAsTable()
    expect(await page.evaluate('snapshots')).toBe(1)
  })
})
