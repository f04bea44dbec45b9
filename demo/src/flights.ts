import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { decompress } from 'fzstd'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { FreshetError } from '@freshet/core'
import { parseCsv } from './csv.ts'

/**
 * The real data: US domestic flights as the Bureau of Transportation Statistics publishes them, from vega-datasets.
 * Its file of three million flights is the one that knows both airports and is in order of departure; the first 231,083
 * are replayed. (The smaller `flights-200k` has neither airports nor dates.)
 */
export interface Flight {
  /** Milliseconds since 1970, local time read as UTC. */
  readonly departsAt: number
  readonly origin: string
  readonly destination: string
  readonly distance: number
  /** Minutes; negative when early. */
  readonly delay: number
}

export interface Airport {
  readonly iata: string
  readonly name: string
  readonly city: string
  readonly state: string
}

export interface FlightData {
  readonly flights: readonly Flight[]
  readonly airports: readonly Airport[]
}

const FLIGHTS = 231_083

export async function readFlightData(): Promise<FlightData> {
  const require = createRequire(import.meta.url)
  const folder = join(dirname(dirname(require.resolve('vega-datasets'))), 'data')
  const [flights, airports] = await Promise.all([
    readFlights(join(folder, 'flights-3m.parquet')),
    readAirports(join(folder, 'airports.csv')),
  ])
  return { flights, airports }
}

async function readFlights(path: string): Promise<Flight[]> {
  const rows: readonly Record<string, unknown>[] = await parquetReadObjects({
    file: await asyncBufferFromFile(path),
    compressors: { ZSTD: (bytes, length) => decompress(bytes, new Uint8Array(length)) },
    rowStart: 0,
    rowEnd: FLIGHTS,
  })
  return rows.map(({ date, delay, distance, origin, destination }) => {
    if (!(date instanceof Date) || typeof origin !== 'string' || typeof destination !== 'string') {
      throw new FreshetError('INTERNAL', `${path} does not have the columns that the demo reads`)
    }
    return { departsAt: date.getTime(), origin, destination, distance: Number(distance), delay: Number(delay) }
  })
}

async function readAirports(path: string): Promise<Airport[]> {
  const rows = parseCsv(await readFile(path, 'utf8'))
  return rows.map(({ iata = '', name = '', city = '', state = '' }) => ({ iata, name, city, state }))
}
