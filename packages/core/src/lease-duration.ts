/**
 * How long something may stand still and keep others out: an interval, in SQL. A person changes it with
 * `alter database … set freshet.lease = '5s'`; `freshet.lease_duration()` is the same.
 */
export const LEASE_DURATION = `coalesce(nullif(current_setting('freshet.lease', true), ''), '15s')::interval`
