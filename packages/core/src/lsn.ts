import { FreshetError } from './errors.ts'

/** A position in the write-ahead log. It parses once, here; comparing its text would sort `1/AB` below `0/FFFFFFFF`. */
export type Lsn = bigint & { readonly __lsn: unique symbol }

const FORM = /^([0-9a-fA-F]{1,8})\/([0-9a-fA-F]{1,8})$/

export function isLsn(value: bigint): value is Lsn {
  return value >= 0n && value <= 0xffffffffffffffffn
}

export function lsn(value: bigint): Lsn {
  if (!isLsn(value)) throw new FreshetError('INTERNAL', `not a WAL position: ${value}`)
  return value
}

export function parseLsn(text: string): Lsn {
  const [, high, low] = FORM.exec(text) ?? []
  if (high === undefined || low === undefined) throw new FreshetError('INTERNAL', `not a WAL position: ${text}`)
  return lsn((BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`))
}

export function printLsn(position: Lsn): string {
  return `${(position >> 32n).toString(16)}/${(position & 0xffffffffn).toString(16)}`.toUpperCase()
}
