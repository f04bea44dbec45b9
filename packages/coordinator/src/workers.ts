/**
 * How many refreshes run at once in this process, where it takes care of several databases: they share the workers. Each
 * may take as many as its own setting permits, but one is left for each database that has none, so that a database whose
 * refreshes hang keeps no other one waiting.
 */
export interface Workers {
  /** For one more database. */
  share(): WorkerShare
}

export interface WorkerShare {
  /** So many workers it may take now. */
  free(): number
  take(): void
  giveBack(): void
  /** Called when a worker may have come free after none was. */
  onFree(listener: () => void): void
}

interface Member {
  taken: number
  /** It found no worker. */
  waiting: boolean
  wake: () => void
}

/** `limit` is at least the number of databases, or some would never find a worker. */
export function createWorkers(limit: number): Workers {
  const members = new Set<Member>()
  const free = (member: Member) => {
    let left = limit
    for (const other of members) {
      left -= other.taken
      if (other !== member && other.taken === 0) left--
    }
    return Math.max(left, 0)
  }
  return {
    share: () => {
      const member: Member = { taken: 0, waiting: false, wake: () => undefined }
      members.add(member)
      return {
        free: () => {
          const found = free(member)
          if (found === 0) member.waiting = true
          return found
        },
        take: () => {
          member.taken++
        },
        giveBack: () => {
          member.taken--
          for (const other of members) {
            if (!other.waiting || other === member) continue
            other.waiting = false
            other.wake()
          }
        },
        onFree: (listener) => {
          member.wake = listener
        },
      }
    },
  }
}

/** Of a database that has this process for itself: its setting is the limit. */
export const UNSHARED: WorkerShare = {
  free: () => Infinity,
  take: () => undefined,
  giveBack: () => undefined,
  onFree: () => undefined,
}
