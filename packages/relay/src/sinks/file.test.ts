import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fileSink } from './file.ts'
import { parseLine } from './lines.ts'
import { message, sinkConformance } from './sink-conformance.fixture.ts'

async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'freshet-sink-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

sinkConformance('file', 'at least once', async () => {
  const { path, ...disposable } = await folder()
  const file = join(path, 'messages.jsonl')
  const shown = async () => (await readFile(file, 'utf8')).split('\n').slice(0, -1).map(parseLine)
  return { create: () => fileSink(file), shown, ...disposable }
})

for (const torn of ['{"id":"m-9","to', '{"id":"', `{"value":"${'x'.repeat(200_000)}`])
  test(`a line that was cut off (${torn.length} bytes) is removed`, async () => {
    await using place = await folder()
    const file = join(place.path, 'messages.jsonl')
    const sink = fileSink(file)
    await sink.open()
    await sink.deliver([message(1)], 'p1')
    await sink.close()
    await appendFile(file, torn)
    const again = fileSink(file)
    await again.open()
    await again.deliver([message(2)], 'p2')
    await again.close()
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => parseLine(line).id)).toEqual(['m-1', 'm-2'])
  })

test('a file with nothing but a torn line is emptied', async () => {
  await using place = await folder()
  const file = join(place.path, 'messages.jsonl')
  await writeFile(file, '{"id"')
  const sink = fileSink(file)
  await sink.open()
  await sink.close()
  expect(await readFile(file, 'utf8')).toBe('')
})

test('a folder that is not there is refused', async () => {
  await expect(fileSink('/nowhere/at/all').open()).rejects.toMatchObject({ code: 'SINK_REFUSED' })
})
