import { FreshetError } from '@freshet/core'

/** Sends a command as it is. */
type Ask = (...command: string[]) => Promise<unknown>

/**
 * A Redis that would lose what it has acknowledged is refused: one that removes keys when its memory is full, or, unless a
 * person says that this is enough, one that answers before it has written to the disk. A cluster's scripts see one node only.
 */
export async function requireSafe(ask: Ask, durability: 'fsync' | 'server'): Promise<void> {
  const info = String(await ask('INFO', 'all'))
  const said = (name: string) => new RegExp(`^${name}:(\\S*)`, 'm').exec(info)?.[1]
  if (said('cluster_enabled') === '1') throw refused('it is a cluster', 'Deliver to a Redis that is none.')
  if (said('maxmemory') !== '0' && said('maxmemory_policy')?.startsWith('allkeys-') === true)
    throw refused('it removes keys when its memory is full', 'Set its `maxmemory-policy` to noeviction.')
  if (durability === 'server') return
  const fsync = said('aof_enabled') === '1' ? String(await ask('CONFIG', 'GET', 'appendfsync')) : 'no'
  if (fsync.split(',').at(-1) !== 'always')
    throw refused(
      'it answers before it has written to the disk',
      'Set its `appendonly` to yes and `appendfsync` to always, or `durability: server` if what a crash of its machine loses may be lost.',
    )
}

function refused(what: string, hint: string): FreshetError {
  return new FreshetError('SINK_REFUSED', `this Redis is not safe to deliver to: ${what}`, { hint })
}
