/**
 * Whether Citus would compute something else by an INSERT … SELECT that it hands to the shards: it evaluates beforehand what
 * names no column, and takes for that the placeholders in a CASE with an operand and in casts of arrays, which are null then.
 * Told by the text, and rather once too often.
 */
export function isSpoiltByCitus(statement: string): boolean {
  const casts = statement.replaceAll(/'[^']*'::[\w ]+\[\]/g, '')
  return /\bcase\s+(?!when\b)|\[\s*\]/i.test(casts)
}
