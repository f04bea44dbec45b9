import type { ComponentChildren } from 'preact'
import type { StatusAnswer } from '../../src/api.ts'
import { ago } from './format.ts'

interface Props {
  readonly status: StatusAnswer | undefined
  readonly problem: string | undefined
  readonly children: ComponentChildren
}

export function Header({ status, problem, children }: Props) {
  const trouble = problem ?? status?.reason
  const state = trouble ? 'bad' : status === undefined ? 'quiet' : 'good'
  return (
    <>
      <header>
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M4 12c4-4.600 8-4.600 12 0s8 4.600 12 0" />
          <path d="M4 21c4-4.600 8-4.600 12 0s8 4.600 12 0" />
        </svg>
        <h1>Freshet</h1>
        {children}
        <span class={`state ${state}`} role="status">
          <i class="dot" />
          {state === 'bad' ? 'not refreshing' : state === 'good' ? 'refreshing' : 'connecting'}
        </span>
        {status && (
          <span class="quiet since" title={status.startedAt}>
            scheduler started {ago(status.startedAt, Date.now())}
          </span>
        )}
      </header>
      {trouble && (
        <p class="banner" role="alert">
          {trouble}
        </p>
      )}
    </>
  )
}
