import { useEffect, useState } from 'preact/hooks'

/** Asks an endpoint again and again while the page is looked at, and keeps the last good answer when one fails. */
export interface Fetched<T> {
  readonly data: T | undefined
  /** Why the last attempt failed; undefined when it did not. */
  readonly problem: string | undefined
}

export function useFetched<T>(path: string, everyMs: number): Fetched<T> {
  const [state, setState] = useState<Fetched<T>>({ data: undefined, problem: undefined })
  useEffect(() => {
    const stop = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const ask = async () => {
      clearTimeout(timer)
      try {
        const response = await answerTo(path, stop.signal)
        const body: unknown = await response.json()
        if (!response.ok) throw new Error(messageOf(body) ?? `${path} answered ${response.status}`)
        setState({ data: body as T, problem: undefined })
      } catch (error) {
        if (stop.signal.aborted) return
        const problem = error instanceof Error ? error.message : String(error)
        setState(({ data }) => ({ data, problem }))
      }
      if (!document.hidden) timer = setTimeout(() => void ask(), everyMs)
    }
    const onVisible = () => {
      if (!document.hidden) void ask()
    }
    void ask()
    document.addEventListener('visibilitychange', onVisible)
    return () => {
      stop.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
    }
  }, [path, everyMs])
  return state
}

async function answerTo(path: string, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(path, { signal })
  } catch (error) {
    throw new Error('The scheduler does not answer; this page shows what it knew last.', { cause: error })
  }
}

function messageOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined
  const { error } = body
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : undefined
}
