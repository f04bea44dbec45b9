/**
 * A transaction id as the stream has it, 32 bits, as the 64 bits that PostgreSQL counts: the one nearest to an id of
 * about now. A server never has transactions in use that lie 2³¹ apart, so the nearest is the right one, whether it
 * was given out before `near` or after.
 */
export function widenXid(xid: number, near: bigint): bigint {
  const epoch = (near >> 32n) << 32n
  const same = epoch | BigInt(xid)
  const distance = same - near
  if (distance > HALF && epoch > 0n) return same - EPOCH
  return distance < -HALF ? same + EPOCH : same
}

const EPOCH = 1n << 32n
const HALF = 1n << 31n
