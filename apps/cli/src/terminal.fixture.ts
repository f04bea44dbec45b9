import type { Terminal } from './terminal.ts'

/** A terminal of paper: what is written can be read, and nobody sits before it. */
export function paperTerminal(
  settings: { isTTY?: boolean; env?: Record<string, string>; files?: Record<string, string> } = {},
) {
  const written = { out: '', err: '' }
  const paper = (side: 'out' | 'err') => ({
    write: (text: string) => void (written[side] += text),
    isTTY: settings.isTTY ?? false,
    columns: 80,
    rows: 24,
  })
  const terminal: Terminal = {
    out: paper('out'),
    err: paper('err'),
    env: settings.env ?? {},
    read: (file) => {
      const text = settings.files?.[file]
      return text === undefined ? Promise.reject(new Error('no such file')) : Promise.resolve(text)
    },
    interrupted: () => Promise.resolve('SIGINT'),
    keys: () => null,
  }
  return { terminal, written }
}
