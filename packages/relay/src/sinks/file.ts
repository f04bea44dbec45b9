import { FreshetError } from '@freshet/core'
import { type FileHandle, open } from 'node:fs/promises'
import type { Sink } from '../sink.ts'
import { printLine } from './lines.ts'

/**
 * Appends one line of JSON for each message, and waits until they are on the disk. At least once. A line that a crash cut
 * off is removed by whoever opens the file next, so every line is whole.
 */
export function fileSink(path: string): Sink {
  let file: FileHandle | undefined
  return {
    guarantee: 'at least once',
    open: async () => {
      file = await open(path, 'a+').catch(refuse(path))
      await removeTornLine(file)
      return null
    },
    deliver: async (messages) => {
      if (file === undefined) throw new FreshetError('INTERNAL', `${path} is not open`)
      if (messages.length === 0) return
      await file.appendFile(messages.map(printLine).join('')).catch(unavailable(path))
      await file.datasync().catch(unavailable(path))
    },
    close: async () => {
      await file?.close()
      file = undefined
    },
  }
}

const CHUNK = 65_536
const NEWLINE = 10

async function removeTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  for (let end = size; end > 0;) {
    const begin = Math.max(0, end - CHUNK)
    const { buffer, bytesRead } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin)
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (newline >= 0) {
      if (begin + newline + 1 < size) await file.truncate(begin + newline + 1)
      return
    }
    end = begin
  }
  if (size > 0) await file.truncate(0)
}

function refuse(path: string) {
  return (cause: unknown): never => {
    throw new FreshetError('SINK_REFUSED', `${path} can not be written to: ${messageOf(cause)}`, { cause })
  }
}

function unavailable(path: string) {
  return (cause: unknown): never => {
    throw new FreshetError('SINK_UNAVAILABLE', `${path} can not be written to: ${messageOf(cause)}`, { cause })
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
