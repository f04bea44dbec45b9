-- The flights that passengers are waiting for. A filter, nothing else: a row enters when a delay is revised upwards
-- and leaves when the flight does.
select id, departs_at, origin, destination, delay
from flight
where status = 'scheduled' and delay >= 45
