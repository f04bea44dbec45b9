-- Airports to avoid: HAVING, so that groups enter and leave as their average moves.
select a.iata, a.name, a.state, count(*) as flights, avg(f.delay) as average_delay
from flight as f
join airport as a on a.iata = f.origin
group by a.iata, a.name, a.state
having count(*) >= 25 and avg(f.delay) > 15
