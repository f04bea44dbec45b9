import { toFreshetError } from '@freshet/core'

/**
 * Breaks a generated statement into lines for a reader. The formatter is large, so it is loaded when it is wanted.
 * It only knows most of PostgreSQL's SQL: a statement that it can not read is shown as it is, with the reason above.
 */
export async function sqlFormatter(): Promise<(statement: string) => string> {
  const { formatDialect, postgresql } = await import('sql-formatter')
  return (statement) => {
    try {
      return formatDialect(statement, { dialect: postgresql, expressionWidth: 100 })
    } catch (error) {
      return `-- not formatted: ${toFreshetError(error).message.split('\n')[0]}\n${statement.trim()}`
    }
  }
}
