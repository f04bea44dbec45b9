/** A column of an operator, by a name that no other column of the plan has. */
export interface Column {
  readonly name: string
  readonly notNull: boolean
  /** Its values are numbers of a type of PostgreSQL's own. */
  readonly number?: boolean
}
