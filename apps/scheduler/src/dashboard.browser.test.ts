import { connect } from '@freshet/client'
import { type Database, raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasBrowser, launchBrowser } from './browser.fixture.ts'
import { type Scheduler, startScheduler } from './scheduler.ts'
import { openShop, type Shop } from './shop.fixture.ts'

/** Two relays: one at work, with messages that wait and one that is dead; and one of a stream table, that nobody runs. */
async function relayed(database: Database): Promise<void> {
  await database.query(
    raw(`create table outbox (__x xid8 not null default pg_current_xact_id(), created_at timestamptz default now())`),
  )
  await database.query(
    raw(`
    with o as (
      insert into freshet.outbox (schema_name, table_name, stable_name, payload)
      values ('public', 'outbox', 'b0b0b0b0b0b0b0b0', 'jsonb') returning outbox_id
    )
    insert into freshet.consumer (name, outbox_id, position, frontier)
    select 'mail', outbox_id, '{}', pg_current_snapshot()::text from o union all select 'search', null, '{}', null`),
  )
  await database.query(raw('insert into outbox default values'))
  await database.query(raw('insert into outbox default values'))
  await database.query(
    raw(`
    insert into freshet.dead_letter (consumer, event_id, topic, headers, code, error)
    values ('mail', 'e1', 't', '{}', 'SINK_REFUSED', 'too large')`),
  )
  await database.query(
    raw(`
    insert into freshet.lease (name, holder, token, expires_at)
    values ('relay:mail', 'somebody', nextval('freshet.lease_token'), clock_timestamp() + interval '1 hour')`),
  )
}

/** The dashboard in a real browser, over a real scheduler and database. */
describe.skipIf(!hasBrowser('the dashboard'))('the dashboard', () => {
  let shop: Shop
  let scheduler: Scheduler
  let browser: Browser

  beforeAll(async () => {
    await build({ root: fileURLToPath(new URL('../dashboard', import.meta.url)), logLevel: 'warn' })
    shop = await openShop()
    const settings = `insert into freshet.setting values ('error_backoff_min_ms', '5'), ('max_consecutive_errors', '3')`
    await shop.freshet.database.query({ text: settings, values: [] })
    await shop.freshet.create({
      name: 'last_minute',
      query: "select count(*) as orders from orders where ordered_at > now() - interval '1 minute'",
      schedule: '2s',
    })
    await shop.freshet.create({
      name: 'spender_name',
      query: 'select s.customer_id, c.name, s.amount from big_spender s join customer c on c.id = s.customer_id',
      tier: 'warm',
      sla: '30s',
    })
    await shop.freshet.create({ name: 'unit_price', query: 'select id, 100 / quantity as ratio from orders' })
    await shop.freshet.create({
      name: 'report',
      query: 'select country, amount from sales_by_country',
      schedule: 'manual',
    })
    await shop.freshet.pause('country')
    scheduler = await startScheduler({ databaseUrl: shop.own.url, port: 0, logLevel: 'silent' })
    shop.own.defer(() => scheduler.stop())
    await shop.freshet.database.query({
      text: 'insert into orders (customer_id, product_id, quantity) values (1, 1, 0)',
      values: [],
    })
    await relayed(shop.freshet.database)
    let ordering = true
    const keepOrdering = async () => {
      while (ordering) {
        await shop.order(2)
        await sleep(15)
      }
    }
    const orders = keepOrdering()
    shop.own.defer(() => {
      ordering = false
      return orders
    })
    browser = await launchBrowser()
    shop.own.defer(() => browser.close())
    await sleep(Number(process.env['FRESHET_DASHBOARD_WARM_UP_MS'] ?? 3_000))
  })

  afterAll(() => shop.own.drop())

  /** A page, with everything that went wrong in it; it may talk to nobody but the scheduler. */
  async function open(options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; faults: string[] }> {
    const page = await browser.newPage(options)
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text())
    })
    page.on('request', (request) => {
      if (!request.url().startsWith(scheduler.url)) faults.push(`asked ${request.url()}`)
    })
    await page.goto(scheduler.url)
    await page.locator('[data-table="public.order_line"]').waitFor()
    return { page, faults }
  }

  async function shoot(page: Page, name: string): Promise<void> {
    const folder = process.env['FRESHET_SCREENSHOTS']
    if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true })
  }

  async function fitsTheWindow(page: Page): Promise<boolean> {
    return page.evaluate<boolean>('document.documentElement.scrollWidth <= window.innerWidth')
  }

  test('shows every stream table, how fresh it is, and why one is full, paused or suspended', async () => {
    const { page, faults } = await open({ viewport: { width: 1440, height: 900 } })
    const row = (name: string) => page.locator(`[data-table="public.${name}"]`)
    const notes = (name: string) => page.locator(`[data-table="public.${name}"] + .notes`)
    expect(await page.locator('[data-table]').count()).toBe(9)
    await page.getByRole('status').filter({ hasText: 'refreshing' }).waitFor()
    expect(await row('order_line').textContent()).toMatch(/differential.*live/)
    expect(await row('sales_by_product').textContent()).toContain('1s')
    const cell = (name: string, label: string) => row(name).locator(`[data-label="${label}"]`).textContent()
    expect([await cell('spender_name', 'Tier'), await cell('spender_name', 'SLA')]).toEqual(['warm', '30.0 s'])
    expect([await cell('order_line', 'Tier'), await cell('order_line', 'SLA')]).toEqual(['hot', '–'])
    // there is no other database
    expect(await page.getByLabel('Database').count()).toBe(0)
    expect(await row('last_minute').textContent()).toContain('full')
    expect((await notes('last_minute').textContent())?.length).toBeGreaterThan(20)
    expect(await row('country').textContent()).toContain('paused')
    await row('unit_price').getByText('suspended').waitFor()
    expect(await notes('unit_price').textContent()).toMatch(/division by zero.*QUERY_FAILED/)
    await page.locator('.summary').getByText('1', { exact: true }).waitFor()
    await shoot(page, 'light')
    expect(faults).toEqual([])
    await page.close()
  })

  test('shows what is relayed, by whom it is not, and what waits', async () => {
    const { page, faults } = await open({ viewport: { width: 1440, height: 900 } })
    const cell = (name: string, label: string) =>
      page.locator(`[data-relay="${name}"] [data-label="${label}"]`).textContent()
    await page.getByRole('region', { name: 'Relays' }).waitFor()
    expect([await cell('mail', 'From'), await cell('mail', 'Waiting'), await cell('mail', 'Dead letters')]).toEqual([
      'public.outbox',
      '2',
      '1',
    ])
    expect([await cell('search', 'From'), await cell('search', 'Waiting')]).toEqual(['a stream table', '–'])
    const names = (name: string) => page.locator(`[data-relay="${name}"] th`).textContent()
    expect([await names('mail'), await names('search')]).toEqual(['mail', 'searchnobody relays it'])
    expect(faults).toEqual([])
    await page.close()
  })

  test('follows the refreshes as they happen, and draws their times', async () => {
    const { page, faults } = await open()
    const first = page.locator('.history li').first()
    await first.waitFor()
    const times = () => page.locator('.history time').allTextContents()
    const before = await times()
    await expect.poll(times, { timeout: 60_000, interval: 250 }).not.toEqual(before)
    expect(await page.locator('.plot canvas').count()).toBe(2)
    expect(await page.locator('figcaption .now').allTextContents()).toEqual([
      expect.stringMatching(/\d.* m?s$/),
      expect.stringMatching(/\d.* m?s$/),
    ])
    expect(faults).toEqual([])
    await page.close()
  })

  test('draws who reads whom, in layers, and shows the relatives of the one that is pointed at', async () => {
    const { page } = await open({ viewport: { width: 1440, height: 900 } })
    const at = async (name: string) => (await page.locator(`[data-node="public.${name}"]`).boundingBox())?.x ?? 0
    await page.locator('.graph svg').scrollIntoViewIfNeeded()
    expect(await at('orders')).toBeLessThan(await at('order_line'))
    expect(await at('order_line')).toBeLessThan(await at('big_spender'))
    expect(await at('big_spender')).toBeLessThan(await at('spender_name'))
    await page.locator('[data-node="public.spender_name"]').hover()
    const away = await page
      .locator('.node.away')
      .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-node')))
    expect(away).toContain('public.sales_by_country')
    expect(away).not.toContain('public.orders')
    await page.close()
  })

  test('is as good in the dark and on a telephone', async () => {
    const dark = await open({ colorScheme: 'dark', viewport: { width: 1280, height: 800 } })
    expect(await dark.page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(15, 22, 21)')
    await shoot(dark.page, 'dark')
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page, faults } = await open({ colorScheme, viewport: { width: 390, height: 844 }, isMobile: true })
      expect(await fitsTheWindow(page)).toBe(true)
      await shoot(page, `narrow-${colorScheme}`)
      expect(faults).toEqual([])
      await page.close()
    }
    const middle = await open({ viewport: { width: 960, height: 700 } })
    await shoot(middle.page, 'middle')
    // on both sides of where the table changes its shape
    for (const width of [960, 1_001, 1_201]) {
      await middle.page.setViewportSize({ width, height: 700 })
      expect({ width, fits: await fitsTheWindow(middle.page) }).toEqual({ width, fits: true })
    }
    await middle.page.close()
    expect(dark.faults).toEqual([])
    await dark.page.close()
  })

  test('shows one database of several, and which it is stays in the address', async () => {
    await using other = await createTestDatabase()
    await other.database.query(raw('create table item (id serial primary key, kind text)'))
    const freshet = await connect(other.url)
    other.defer(() => freshet.close())
    const query = 'select kind, count(*) as n from item group by kind'
    await freshet.create({ name: 'kinds', query })
    const databaseUrl = [shop.own.url, other.url]
    const several = await startScheduler({ databaseUrl, port: 0, logLevel: 'silent' })
    other.defer(() => several.stop())
    const page = await browser.newPage()
    await page.goto(several.url)
    await page.locator('[data-table="public.order_line"]').waitFor()
    const select = page.getByLabel('Database')
    expect(await select.locator('option').allTextContents()).toEqual([shop.own.name, other.name])
    const here = page.locator('[data-table="public.kinds"]')
    await select.selectOption(other.name)
    await here.waitFor()
    expect(await page.locator('[data-table]').count()).toBe(1)
    expect(await page.locator('[data-node]').count()).toBe(2)
    expect(new URL(page.url()).searchParams.get('database')).toBe(other.name)
    await page.reload()
    await here.waitFor()
    await page.goBack()
    await page.locator('[data-table="public.order_line"]').waitFor()
    expect(await select.inputValue()).toBe(shop.own.name)
    await page.close()
    await assertEqualToQuery(other.database, 'kinds', query)
  })

  test('says so when the scheduler is gone, and keeps what it knew', async () => {
    const { page } = await open()
    await page.route('**/api/**', (route) => route.abort())
    await page.getByRole('alert').getByText('The scheduler does not answer').waitFor()
    expect(await page.locator('[data-table]').count()).toBe(9)
    await page.unroute('**/api/**')
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await page.close()
  })
})
