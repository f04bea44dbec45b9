/** What the processes of this example are told from outside. */
export function required(name: string): string {
  const value = process.env[name]
  if (value !== undefined && value !== '') return value
  process.stderr.write(`${name} is not set; the README of this example has all of them.\n`)
  process.exit(2)
}

/** Ctrl-C, or whoever runs it, asks it to end. */
export async function askedToEnd(): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
}
