import { type Filter, type NetworkLink, networkLink } from './network-link.ts'

/**
 * A way to a Kafka broker on which every request is a point where something can happen: before the broker gets it, or after
 * the broker has done it and before whoever asked hears of it.
 */
export interface KafkaLink extends NetworkLink {
  /** `fault` happens once, at the next request of its kind. */
  listen(fault: KafkaFault): void
}

export interface KafkaFault {
  readonly at: KafkaRequest
  readonly side: 'before' | 'after'
  /** The connection stands still until it returns, and says whether the request, or its answer, comes through after all. */
  strike(): Promise<'nothing' | 'itself'>
}

/** What a relay asks of Kafka, by the protocol's numbers: first those of a delivery, then those of a beginning. */
const REQUESTS = {
  AddPartitionsToTxn: 24,
  Produce: 0,
  AddOffsetsToTxn: 25,
  TxnOffsetCommit: 28,
  EndTxn: 26,
  InitProducerId: 22,
  OffsetFetch: 9,
} as const
export type KafkaRequest = keyof typeof REQUESTS
export const KAFKA_REQUESTS = Object.keys(REQUESTS) as readonly KafkaRequest[]

export async function kafkaLink(to: string): Promise<KafkaLink> {
  const state: { fault: KafkaFault | null } = { fault: null }
  const take = (side: KafkaFault['side'], key: number): KafkaFault | null => {
    const { fault } = state
    if (fault === null || fault.side !== side || REQUESTS[fault.at] !== key) return null
    state.fault = null
    return fault
  }
  const link = await networkLink(to, () => connection(take))
  return { ...link, listen: (fault) => void (state.fault = fault) }
}

const KEY = 4
const CORRELATION = 8
const CORRELATION_OF_ANSWER = 4

function connection(take: (side: KafkaFault['side'], key: number) => KafkaFault | null): Filter {
  const [requests, answers] = [frames(), frames()]
  const awaited = new Map<number, KafkaFault>()
  return {
    toServer: async (chunk) => {
      const passed: Buffer[] = []
      for (const frame of requests(chunk)) {
        const key = frame.readInt16BE(KEY)
        const before = take('before', key)
        if (before !== null) {
          if ((await before.strike()) === 'itself') passed.push(frame)
          continue
        }
        const after = take('after', key)
        if (after !== null) awaited.set(frame.readInt32BE(CORRELATION), after)
        passed.push(frame)
      }
      return passed
    },
    toClient: async (chunk) => {
      const passed: Buffer[] = []
      for (const frame of answers(chunk)) {
        const fault = awaited.get(frame.readInt32BE(CORRELATION_OF_ANSWER))
        if (fault === undefined || (await fault.strike()) === 'itself') passed.push(frame)
      }
      return passed
    },
  }
}

/** Bytes cut into what is sent as a whole: its length, and so many bytes. */
function frames(): (chunk: Buffer) => Iterable<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  return function* (chunk) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= KEY && rest.length >= KEY + rest.readInt32BE(0)) {
      const end = KEY + rest.readInt32BE(0)
      yield rest.subarray(0, end)
      rest = rest.subarray(end)
    }
  }
}
