-- The rhythm of the day. Refreshed every second, however much is written.
select
  date_trunc('hour', departs_at) as hour,
  count(*) as flights,
  count(*) filter (where status = 'departed') as departed,
  avg(delay) as average_delay,
  sum(distance) as miles
from flight
group by date_trunc('hour', departs_at)
