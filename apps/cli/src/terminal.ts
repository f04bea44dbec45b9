import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'

/**
 * The world outside of a command: where it writes, what it may read, and how it learns that it should stop.
 * Commands see this port only, so a test runs them without a process.
 */
export interface Terminal {
  readonly out: Output
  readonly err: Output
  readonly env: Readonly<Record<string, string | undefined>>
  /** The content of a file; `-` is the standard input. */
  read(file: string): Promise<string>
  /** Resolves at the first SIGINT or SIGTERM after the call. */
  interrupted(): Promise<NodeJS.Signals>
  /** Calls back with each key pressed, until the returned function is called; null without an interactive input. */
  keys(listener: (key: string) => void): (() => void) | null
}

export interface Output {
  write(text: string): void
  readonly isTTY: boolean
  readonly columns: number
  readonly rows: number
}

/** Size of plain text where no terminal says its own; some say 0. */
const PLAIN_WIDTH = 80
const PLAIN_HEIGHT = 24

export function systemTerminal(): Terminal {
  return {
    out: output(process.stdout),
    err: output(process.stderr),
    env: process.env,
    read: (file) => (file === '-' ? text(process.stdin) : readFile(file, 'utf8')),
    interrupted: () =>
      new Promise((resolve) => {
        const stop = (signal: NodeJS.Signals) => {
          process.off('SIGINT', stop)
          process.off('SIGTERM', stop)
          resolve(signal)
        }
        process.on('SIGINT', stop)
        process.on('SIGTERM', stop)
      }),
    keys,
  }
}

function output(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return Boolean(stream.isTTY)
    },
    get columns() {
      return stream.columns || PLAIN_WIDTH
    },
    get rows() {
      return stream.rows || PLAIN_HEIGHT
    },
  }
}

function keys(listener: (key: string) => void): (() => void) | null {
  const input = process.stdin
  if (!input.isTTY) return null
  const read = (data: Buffer) => listener(data.toString('utf8'))
  input.setRawMode(true)
  input.resume()
  input.on('data', read)
  return () => {
    input.off('data', read)
    input.setRawMode(false)
    input.pause()
  }
}
