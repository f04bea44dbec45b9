/** What the doctor has to say of one thing. */
export interface Finding {
  readonly level: 'ok' | 'warning' | 'error'
  readonly subject: string
  readonly message: string
  readonly hint: string | null
}
