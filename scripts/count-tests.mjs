/**
 * Reads vitest's JSON report and prints `N passed, N failed` or `N passed, N failed, N skipped`.
 * A file that could not even be loaded has no tests to count and counts as one failure, as does a missing report.
 */
import { existsSync, readFileSync } from 'node:fs'

const [path] = process.argv.slice(2)
const { passed, failed, skipped } = existsSync(path) ? count(JSON.parse(readFileSync(path, 'utf8'))) : missing()

console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

function count(report) {
  const unloaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0)
  const failures = report.numFailedTests + unloaded.length
  return {
    passed: report.numPassedTests,
    // an error outside of every test fails the run without failing a test
    failed: failures === 0 && !report.success ? 1 : failures,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

function missing() {
  console.error(`the test run left no report at ${path}`)
  return { passed: 0, failed: 1, skipped: 0 }
}
