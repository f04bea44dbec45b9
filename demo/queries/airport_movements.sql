-- Take-offs and landings together: UNION ALL below an aggregate.
select iata, count(*) as movements, sum(departing) as departures, sum(1 - departing) as arrivals
from (
  select origin as iata, 1 as departing from flight where status = 'departed'
  union all
  select destination as iata, 0 as departing from flight where status = 'departed'
) as movement
group by iata
