/** Whether a test takes its time: `npm test` runs short forms, the long suites set the variable. */
export const LONG = process.env['FRESHET_TEST_LENGTH'] === 'long'
