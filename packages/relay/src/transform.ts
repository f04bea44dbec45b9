import { FreshetError } from '@freshet/core'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Transform } from './encode.ts'

/** Loads the function `transform` of a module; a file that has changed since is loaded anew. */
export async function loadTransform(folder: string, path: string): Promise<Transform> {
  const file = resolve(folder, path)
  const module = await loaded(file).catch((cause: unknown) => {
    throw new FreshetError('RELAY_CONFIG_INVALID', `the transform ${file} can not be loaded: ${String(cause)}`, {
      cause,
    })
  })
  const found: unknown = Reflect.get(module, 'transform') ?? Reflect.get(module, 'default')
  if (isTransform(found)) return found
  throw new FreshetError('RELAY_CONFIG_INVALID', `the transform ${file} exports no function \`transform\``)
}

async function loaded(file: string): Promise<object> {
  const { mtimeMs } = await stat(file)
  const module: unknown = await import(`${pathToFileURL(file).href}?changed=${mtimeMs}`)
  return Object(module) as object
}

/** What it answers is checked by its use: of a function nothing more can be told. */
function isTransform(value: unknown): value is Transform {
  return typeof value === 'function'
}
