import { COLORS, frame, logLine, type Moment, PLAIN } from './frame.ts'

/**
 * Where the live view appears. On a terminal it is redrawn in place: on the alternate screen, over what was there and in
 * one write, so that nothing flickers and what was on the screen before comes back. Elsewhere it is a line now and then.
 */
export interface Screen {
  readonly intervalMs: number
  show(moment: Moment): void
  close(): void
}

const ESC = '\u001B['
const BEGIN = `${ESC}?1049h${ESC}?25l`
const END = `${ESC}?25h${ESC}?1049l`
const TOGETHER = [`${ESC}?2026h`, `${ESC}?2026l`] as const

export function openScreen(output: NodeJS.WriteStream): Screen {
  if (!output.isTTY || process.env['TERM'] === 'dumb') {
    return { intervalMs: 2_000, show: (moment) => void output.write(`${logLine(moment)}\n`), close: () => undefined }
  }
  const style = process.env['NO_COLOR'] ? PLAIN : COLORS
  output.write(BEGIN)
  const leave = () => output.write(END)
  process.once('exit', leave)
  return {
    intervalMs: 500,
    show: (moment) => {
      const lines = frame(moment, style).slice(0, output.rows - 1)
      const text = lines.map((line) => `${cut(line, output.columns)}${ESC}K\r\n`).join('')
      output.write(`${TOGETHER[0]}${ESC}H${text}${ESC}J${TOGETHER[1]}`)
    },
    close: () => {
      process.off('exit', leave)
      leave()
    },
  }
}

/** The line as wide as the terminal at most; colours take no room. */
export function cut(line: string, columns: number): string {
  let room = columns
  // oxlint-disable-next-line eslint/no-control-regex -- that is what is looked for
  return line.replaceAll(/(\u001B\[[0-9;]*m)|./gu, (character: string, color: string | undefined) => {
    if (color !== undefined) return color
    room--
    return room >= 0 ? character : ''
  })
}
