import picocolors from 'picocolors'
import type { Output } from '../terminal.ts'

export type Colors = ReturnType<typeof picocolors.createColors>

/** Colours where a terminal shows them; none into a pipe or a file, and none where NO_COLOR is set. */
export function colors(output: Output, env: Readonly<Record<string, string | undefined>>): Colors {
  return picocolors.createColors(output.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb')
}
