/**
 * Copies what a package reads at run time and `tsc` does not emit (SQL migrations, pages, styles) from `src` to
 * `dist`, keeping the paths. Run from the package's folder, after `tsc -b`.
 */
import { cpSync } from 'node:fs'

const COPIED = /\.(sql|html|css|svg|json)$/

cpSync('src', 'dist', {
  recursive: true,
  filter: (path) => !/\.[a-z]+$/.test(path) || COPIED.test(path),
})
