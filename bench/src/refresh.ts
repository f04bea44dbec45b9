import { assertEqualToQuery } from '@freshet/testkit'
import type pg from 'pg'
import { measurement, median, milliseconds } from './measurement.ts'
import { createShop } from './shop.ts'
import type { Bench } from './stand.ts'

/**
 * What a refresh takes, end to end through the library: a join of three tables aggregated by customer. Ratio, where
 * there is one: REFRESH MATERIALIZED VIEW of the same query, in the same run ÷ this.
 */
const QUERY = `
  select c.id as customer_id, sum(o.quantity * p.price) as total, count(*) as orders
  from orders as o
    join customers as c on c.id = o.customer_id
    join products as p on p.id = o.product_id
  group by c.id`

export async function refresh(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  bench.say(`filling ${bench.rows} orders`)
  await createShop(client, bench.rows)
  const filled = await milliseconds(() =>
    bench.freshet.create({ name: 'by_customer', query: QUERY, schedule: 'manual' }),
  )
  bench.say(`created in ${Math.round(filled)} ms`)
  await client.query(`create materialized view rival as ${QUERY}`)
  await client.query('vacuum (analyze) by_customer')

  const rival: number[] = []
  const again = async () => void rival.push(await milliseconds(() => client.query('refresh materialized view rival')))
  const { id } = await bench.freshet.get('by_customer')
  // as the scheduler does it: by id, through the port
  const run = async (full: boolean) => (await bench.freshet.refresher.refresh(id, { full })).action
  const cases: readonly {
    name: string
    rounds: number
    change: () => Promise<unknown>
    full: boolean
    compared: boolean
    expected: string
  }[] = [
    { name: 'no change', rounds: 300, change: () => Promise.resolve(), full: false, compared: false, expected: 'none' },
    {
      name: '2-row delta',
      rounds: 150,
      change: () => change(client, bench.rows, 2),
      full: false,
      compared: false,
      expected: 'differential',
    },
    {
      name: '1000-row delta',
      rounds: 20,
      change: () => change(client, bench.rows, 1_000),
      full: false,
      compared: true,
      expected: 'differential',
    },
    {
      name: '1% delta',
      rounds: 9,
      change: () => change(client, bench.rows, Math.round(bench.rows / 100)),
      full: false,
      compared: true,
      expected: 'differential',
    },
    {
      name: 'full',
      rounds: 5,
      change: () => change(client, bench.rows, 1_000),
      full: true,
      compared: true,
      expected: 'full',
    },
  ]
  for (const { name, rounds, change: before, full, compared, expected } of cases) {
    bench.say(`${name}: ${rounds} rounds`)
    const times: number[] = []
    rival.length = 0
    for (let round = 0; round < rounds; round++) {
      await before()
      let action = ''
      times.push(await milliseconds(async () => void (action = await run(full))))
      if (action !== expected) throw new Error(`${name}: the refresh was ${action}, not ${expected}`)
      if (compared && round < 7) await again()
    }
    await assertEqualToQuery(bench.freshet.database, 'by_customer', QUERY)
    const value = median(times)
    const fields = { suite: 'refresh', case: name, metric: 'refresh', value, unit: 'ms' }
    if (name === 'no change') {
      const named = await milliseconds(() => repeat(100, () => bench.freshet.refresh('by_customer')))
      bench.report(measurement({ ...fields, metric: 'refresh by name', value: named / 100 }))
    }
    bench.report(measurement(compared ? { ...fields, baseline: median(rival), ratio: median(rival) / value } : fields))
  }
}

/** Updates so many orders anywhere in the table. */
async function change(client: pg.Client, rows: number, count: number): Promise<void> {
  const seed = Math.floor(Math.random() * 1_000_000_000)
  await client.query(
    `update orders set quantity = quantity % 9 + 1
     where id in (select 1 + abs(hashint8extended(i, $1) % $2::bigint) from generate_series(1, $3::int) as i)`,
    [seed, rows, count],
  )
}

async function repeat(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < times; i++) await work()
}
