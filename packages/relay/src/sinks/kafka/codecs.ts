import { FreshetError } from '@freshet/core'
import kafkajs, { CompressionTypes } from 'kafkajs'
import { compressFrame, decompressFrame } from 'lz4-napi'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { packSnappy, unpackSnappy } from './snappy.ts'

/**
 * How batches are compressed, by the names of the configuration. The library brings gzip; the others are added to it here, for
 * producers and consumers of this process alike.
 */
export const COMPRESSION_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export type Compression = (typeof COMPRESSION_NAMES)[number]

const TYPES: Readonly<Record<Compression, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

/** What the library asks of a codec. */
interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}

const SNAPPY: Codec = { compress: ({ buffer }) => packSnappy(buffer), decompress: unpackSnappy }
const LZ4: Codec = { compress: ({ buffer }) => compressFrame(buffer), decompress: decompressFrame }
const ZSTD: Codec = {
  compress: async ({ buffer }) => promisify(hasZstd().zstdCompress)(buffer),
  decompress: async (buffer) => promisify(hasZstd().zstdDecompress)(buffer),
}

/** Of the library, for consumers. */
export function addCodecs(): void {
  const { CompressionCodecs: codecs } = kafkajs
  codecs[CompressionTypes.Snappy] = () => SNAPPY
  codecs[CompressionTypes.LZ4] = () => LZ4
  codecs[CompressionTypes.ZSTD] = () => ZSTD
}

/** For producers. What this Node.js can not do is told at once, not by the first batch. */
export function compressionType(compression: Compression): CompressionTypes {
  addCodecs()
  if (compression === 'zstd') hasZstd()
  return TYPES[compression]
}

function hasZstd(): typeof zlib {
  if ('zstdCompress' in zlib) return zlib
  throw new FreshetError('SINK_REFUSED', 'this Node.js does not have zstd', {
    hint: 'Run the relay with Node.js 22.15 or newer, or choose another compression.',
  })
}
