-- By state. Joins a stream table, `airport_departures`, with a table.
select
  a.state,
  count(*) as airports,
  sum(d.flights) as flights,
  sum(d.late) as late,
  sum(d.delay_minutes) as delay_minutes
from airport_departures as d
join airport as a on a.iata = d.iata
group by a.state
