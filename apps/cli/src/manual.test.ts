import { DEFAULT_HOST, DEFAULT_PORT } from '@freshet/scheduler'
import { describe, expect, it } from 'vitest'
import { manual } from './manual.ts'

const COMMANDS = `postgres init create serve list status sla top refresh verify explain history alter pause resume drop outbox relay inbox citus doctor repair dump restore roles`

describe('the manual', () => {
  const page = manual()

  it('has a chapter with examples for every command, and for nothing that does not exist yet', () => {
    const chapters = [...page.matchAll(/^## freshet (.+)$/gm)].map(([, name]) => name)
    expect(chapters).toEqual(COMMANDS.split(' '))
    for (const chapter of page.split(/^## freshet /m).slice(1)) expect(chapter).toContain('Examples:\n')
  })

  it('shows only commands that exist in its examples', () => {
    const used = [...page.matchAll(/^ +\$ freshet (\w+)/gm)].map(([, name]) => name)
    expect(used.length).toBeGreaterThan(20)
    expect(COMMANDS.split(' ')).toEqual(expect.arrayContaining(used))
  })

  it("names the scheduler's own defaults", () => {
    expect(page).toContain(`0 takes a free one (default: ${DEFAULT_PORT})`)
    expect(page).toContain(`the address it serves on (default: ${DEFAULT_HOST})`)
  })

  it('has lines that fit', () => {
    for (const line of page.split('\n')) expect(line.length).toBeLessThanOrEqual(125)
  })
})
