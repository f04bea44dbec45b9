-- Departures by airport: the aggregates that add up (count, sum, avg) beside those that do not (min, max).
select
  origin as iata,
  count(*) as flights,
  count(*) filter (where delay >= 15) as late,
  sum(delay) as delay_minutes,
  avg(delay) as average_delay,
  min(delay) as best,
  max(delay) as worst
from flight
where status = 'departed'
group by origin
