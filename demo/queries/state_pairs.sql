-- Traffic between states: a join with the same table twice, in a CTE, aggregated. Refreshed every two seconds.
with leg as (
  select o.state as from_state, d.state as to_state, f.distance, f.delay
  from flight as f
  join airport as o on o.iata = f.origin
  join airport as d on d.iata = f.destination
)
select from_state, to_state, count(*) as flights, sum(distance) as miles, avg(delay) as average_delay
from leg
where from_state <> to_state
group by from_state, to_state
