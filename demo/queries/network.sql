-- Everything in one row.
select
  count(*) as flights,
  count(*) filter (where status = 'scheduled') as scheduled,
  avg(delay) as average_delay,
  max(delay) as worst,
  sum(distance) as miles
from flight
