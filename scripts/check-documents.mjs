/**
 * The promises that documents make about the tree: every package has a README of fewer than 60 lines and one entry
 * point, every operator's page has the same parts, and every relative link in a Markdown file leads somewhere.
 */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const OPERATOR_PARTS = ['Law', 'Example', 'SQL', 'State', 'Limits']

const faults = []
const foreign = (path) => /(^|\/)(node_modules|dist|\.git)(\/|$)/.test(path)

for (const manifest of globSync(['packages/*/package.json', 'apps/*/package.json'])) {
  const folder = dirname(manifest)
  const readme = join(folder, 'README.md')
  if (!existsSync(readme)) faults.push(`${readme} is missing`)
  else {
    const lines = readFileSync(readme, 'utf8').trimEnd().split('\n').length
    if (lines >= 60) faults.push(`${readme} has ${lines} lines; a package's README has fewer than 60`)
  }
  if (!existsSync(join(folder, 'src/index.ts'))) faults.push(`${folder}/src/index.ts is missing`)
  const doors = Object.keys(JSON.parse(readFileSync(manifest, 'utf8')).exports ?? {})
  if (doors.join() !== '.')
    faults.push(`${manifest} exports ${doors.join(', ') || 'nothing'}; a package has one entry point`)
}

for (const page of globSync('docs/operators/!(README).md')) {
  const parts = [...readFileSync(page, 'utf8').matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
  if (parts.join() !== OPERATOR_PARTS.join()) {
    faults.push(`${page} has the parts ${parts.join(', ')}; an operator's page has ${OPERATOR_PARTS.join(', ')}`)
  }
}

for (const page of globSync('**/*.md', { exclude: foreign }).filter((path) => !foreign(path))) {
  const text = readFileSync(page, 'utf8').replace(/```[\s\S]*?```/g, '')
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^([a-z]+:|#)/.test(target)) continue
    const path = normalize(join(dirname(page), target.replace(/#.*$/, '')))
    if (!existsSync(path)) faults.push(`${page} links to ${target}, which does not exist`)
  }
}

for (const fault of faults) console.error(fault)
process.exitCode = faults.length === 0 ? 0 : 1
