/** What the process answers. Scripts rely on these numbers. */
export const EXIT = { done: 0, failed: 1, usage: 2, different: 3 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
