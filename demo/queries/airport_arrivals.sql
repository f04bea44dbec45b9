-- Where flights are going, and whether something there is badly wrong (bool_or) or all is well (bool_and).
select
  f.destination as iata,
  a.city,
  count(*) as flights,
  bool_or(f.delay >= 180) as any_severe,
  bool_and(f.delay < 15) as all_punctual,
  max(f.departs_at) as last_departure
from flight as f
join airport as a on a.iata = f.destination
group by f.destination, a.city
