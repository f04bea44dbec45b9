-- compatibility: additive
-- Leases: ownership of what outlives a transaction, by this server's clock alone. A row stays when its lease was given up,
-- so that the tokens of a name only grow.

create sequence freshet.lease_token;

create table freshet.lease (
  name text primary key,
  -- null: nobody
  holder text,
  -- Unique for a reason: whoever changes it changes a key, and so waits for, or fails, a transaction with `for key share`.
  -- To extend a lease changes none.
  token bigint not null unique,
  acquired_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null
);

-- How long a lease lasts without being extended; `alter database … set freshet.lease = '5s'` changes it.
create function freshet.lease_duration() returns interval
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(nullif(current_setting('freshet.lease', true), ''), '15s')::interval
$$;

-- The last statement of a transaction that is guarded by a lease: until it ends, nobody else gets the lease.
create function freshet.fence(name text, token bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  begin
    perform from freshet.lease l where l.name = fence.name and l.token = fence.token for key share;
    if found then
      return;
    end if;
  exception when serialization_failure then
    -- in a snapshot of before: somebody else has it since
    null;
  end;
  raise exception using errcode = 'FR007', message = format('the lease %s has gone to somebody else', fence.name);
end
$$;
