/**
 * A wall clock that is wrong by so many milliseconds, and can be set again while the process runs. It is imported before
 * anything else, so that nobody has kept the right one; how fast time passes (`performance`, timers) stays as it is, as on
 * a host whose clock is set.
 */
const RightDate = Date
let skewMs = 0

class SkewedDate extends RightDate {
  constructor(...parts: readonly (number | string | Date)[]) {
    // as the right one, which takes one value or the parts of a date; without any it is now
    super(...((parts.length === 0 ? [SkewedDate.now()] : parts) as [number]))
  }
  static override now(): number {
    return RightDate.now() + skewMs
  }
}
Object.assign(globalThis, { Date: SkewedDate })

export function setClock(ms: number): void {
  skewMs = ms
}

setClock(Number(process.env['FRESHET_CHAOS_SKEW_MS'] ?? 0))
