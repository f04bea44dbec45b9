-- One row per route that has been flown.
select
  origin,
  destination,
  count(*) as flights,
  avg(delay) as average_delay,
  max(delay) as worst,
  sum(distance) as miles
from flight
where status = 'departed'
group by origin, destination
