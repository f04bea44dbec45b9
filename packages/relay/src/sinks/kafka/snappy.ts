import { FreshetError } from '@freshet/core'
import { compress, uncompress } from 'snappy'

/**
 * Snappy as Kafka has it: blocks in the framing of Java's library (xerial). A header of 16 bytes, then of each block its size in
 * four bytes and its compressed bytes. Other producers write one block without any frame; both are read.
 */
const HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
const MAGIC = HEADER.subarray(0, 8)
const BLOCK = 32_768
const SIZE = 4

export async function packSnappy(bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [HEADER]
  for (let at = 0; at < bytes.length; at += BLOCK) {
    const block = await compress(bytes.subarray(at, at + BLOCK))
    const size = Buffer.alloc(SIZE)
    size.writeUInt32BE(block.length)
    parts.push(size, block)
  }
  return Buffer.concat(parts)
}

export async function unpackSnappy(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return whole(bytes)
  const parts: Buffer[] = []
  for (let at = HEADER.length; at < bytes.length;) {
    const end = at + SIZE <= bytes.length ? at + SIZE + bytes.readUInt32BE(at) : Number.POSITIVE_INFINITY
    if (end > bytes.length) throw new FreshetError('ENVELOPE_INVALID', 'a batch that Snappy has compressed is cut off')
    parts.push(await whole(bytes.subarray(at + SIZE, end)))
    at = end
  }
  return Buffer.concat(parts)
}

async function whole(block: Buffer): Promise<Buffer> {
  const bytes = await uncompress(block, { asBuffer: true })
  if (Buffer.isBuffer(bytes)) return bytes
  throw new FreshetError('INTERNAL', 'Snappy gave text')
}
