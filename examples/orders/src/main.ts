import { once } from 'node:events'
import { startBilling } from './billing.ts'
import { startOrderService } from './order-service.ts'
import { createShopTables, openShop } from './shop.ts'

/** `shop-tables`, `service` or `billing`; both of the last run until they are interrupted, and finish what is under way. */
const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  'shop-tables': async () => {
    const shop = openShop(variable('SHOP_DATABASE_URL'))
    await createShopTables(shop)
    await shop.destroy()
    console.log('The tables of the shop are there.')
  },
  service: async () => {
    const service = await startOrderService(variable('SHOP_DATABASE_URL'), Number(process.env['PORT'] ?? 8730))
    console.log(`Orders are taken at ${service.url}/orders/<uuid>.`)
    await interrupted()
    await service.stop()
  },
  billing: async () => {
    const billing = await startBilling(variable('BILLING_DATABASE_URL'), variable('KAFKA_BROKER'))
    console.log('Invoices are written.')
    await Promise.race([interrupted(), billing.ended])
    await billing.stop()
  },
}

function variable(name: string): string {
  const value = process.env[name]
  if (value !== undefined && value !== '') return value
  console.error(`Set ${name}.`)
  process.exit(2)
}

async function interrupted(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
}

const [, , name = ''] = process.argv
const part = PARTS[name]
if (part === undefined) {
  console.error(`usage: main.js ${Object.keys(PARTS).join('|')}`)
  process.exitCode = 2
} else await part()
