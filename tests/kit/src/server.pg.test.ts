import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

const PROGRAM = `
  const { startServer } = await import(${JSON.stringify(new URL('server.ts', import.meta.url).href)})
  const server = await startServer()
  console.log(server.pid)
  setInterval(() => {}, 1000)`

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`a server does not outlive its process, even when that ends by ${signal}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'freshet-orphan-'))
    await chmod(directory, 0o755)
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
      env: { ...process.env, TMPDIR: directory },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(owner.stdout, 'data')
    const pid = Number(String(line))
    const left = async () => ({ running: isRunning(pid), files: (await readdir(directory)).length })
    expect(await left()).toEqual({ running: true, files: 1 })
    owner.kill(signal)
    for (let waited = 0; waited < 30_000 && (await left()).files > 0; waited += 100) await sleep(100)
    expect(await left()).toEqual({ running: false, files: 0 })
    await rmdir(directory)
  })
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
