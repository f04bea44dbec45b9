import { connect } from '@freshet/client'
import { type Arrival, newest } from './arrivals.ts'
import { now } from './event-load.ts'

/**
 * A process with many feeds: `node subscribers.js URL COUNT TABLE…`. Says `started` when all are subscribed, and notes
 * what comes when. Told how many transactions each writer has committed, it tells that as soon as all of them have come.
 */
const [url = '', count = '', ...tables] = process.argv.slice(2)

const freshet = await connect({ databaseUrl: url, applicationName: 'subscribers' })
const feeds = []
for (let i = 0; i < Number(count); i++) {
  const name = tables[i % tables.length] ?? ''
  feeds.push(await freshet.subscribe<{ writer: number; seq: number }>(name, { from: 'now', durable: false }))
}
const arrivals = feeds.map((): Arrival[] => [])
const reached = feeds.map((): number[] => [])
let enough: readonly number[] | null = null
const reading = feeds.map(async (feed, i) => {
  for await (const { changes } of feed) {
    const arrival = { at: now(), seqs: newest(changes) }
    arrivals[i]?.push(arrival)
    arrival.seqs.forEach((seq, writer) => {
      const own = reached[i]
      if (own !== undefined) own[writer] = Math.max(own[writer] ?? 0, seq)
    })
    finish()
  }
})

function finish(): void {
  if (enough === null || !reached.every((own) => enough?.every((seq, writer) => (own[writer] ?? 0) >= seq))) return
  enough = null
  void freshet
    .close()
    .then(() => Promise.all(reading))
    .then(() => process.send?.(arrivals, undefined, undefined, () => process.disconnect()))
}

process.once('message', (committed) => {
  enough = committed as readonly number[]
  finish()
})
process.send?.('started')
