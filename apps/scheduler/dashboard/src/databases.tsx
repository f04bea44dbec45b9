import { useEffect, useState } from 'preact/hooks'

/**
 * Which database of several the page is about. It is in the page's address, so that it can be kept and passed on; null is
 * the first.
 */
export function useDatabase(): readonly [string | null, (name: string) => void] {
  const [name, setName] = useState(inAddress)
  useEffect(() => {
    const onMove = () => setName(inAddress())
    window.addEventListener('popstate', onMove)
    return () => window.removeEventListener('popstate', onMove)
  }, [])
  const choose = (chosen: string) => {
    history.pushState(null, '', `?database=${encodeURIComponent(chosen)}`)
    setName(chosen)
  }
  return [name, choose]
}

function inAddress(): string | null {
  return new URLSearchParams(location.search).get('database')
}

export interface DatabasesProps {
  readonly databases: readonly string[]
  readonly chosen: string | null
  readonly choose: (name: string) => void
}

export function Databases({ databases, chosen, choose }: DatabasesProps) {
  if (databases.length < 2) return null
  return (
    <select
      class="databases"
      aria-label="Database"
      value={chosen ?? databases[0]}
      onChange={(event) => choose(event.currentTarget.value)}
    >
      {databases.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  )
}
