/** Where a long operation is. */
export interface Progress {
  readonly phase: 'resolve' | 'capture' | 'fill' | 'index' | 'catch up' | 'swap' | 'done'
  readonly message: string
  /** Rows written so far and rows expected, where the server can tell. */
  readonly rows?: number
  readonly expectedRows?: number
  /** Of a swap that is done: for how long its readers were locked out, in milliseconds. */
  readonly lockedMs?: number
}

export type OnProgress = (step: Progress) => void

/** For those who do not want to know. */
export const unwatched: OnProgress = () => undefined
