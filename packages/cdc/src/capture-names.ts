import { CHANGES_SCHEMA, type Fragment, identifier } from '@freshet/core'

/** The objects of one source's capture, beside its change buffer. */
export function logTable(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `log_${stableName}`)
}

export function packTable(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `pack_${stableName}`)
}

export function captureFunctionName(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `capture_${stableName}`)
}
