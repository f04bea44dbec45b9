import type { FreshetError } from '@freshet/core'
import type { Circuit } from './backoff.ts'

/** What a relay tells of its work: to its log, its metrics, its health. */
export type RelayNotice = { readonly relay: string } & (
  | { readonly kind: 'waiting' }
  | { readonly kind: 'started'; readonly position: string }
  | { readonly kind: 'delivered'; readonly messages: number; readonly bytes: number; readonly seconds: number }
  | { readonly kind: 'failed'; readonly error: FreshetError; readonly retryInMs: number; readonly circuit: Circuit }
  | { readonly kind: 'dead letter'; readonly id: string; readonly error: FreshetError }
  | { readonly kind: 'redelivered'; readonly messages: number }
  | { readonly kind: 'lag'; readonly messages: number }
  | { readonly kind: 'stopped' }
)

export type Listener = (notice: RelayNotice) => void
