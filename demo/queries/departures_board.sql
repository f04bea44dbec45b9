-- Every flight that has not left yet, with both of its airports. A three-way join under a filter:
-- flights come and go by the thousand, and now and then an airport gets another name.
select
  f.id,
  f.departs_at,
  f.delay,
  f.origin,
  o.name as origin_name,
  o.city as origin_city,
  f.destination,
  d.name as destination_name,
  d.city as destination_city
from flight as f
join airport as o on o.iata = f.origin
join airport as d on d.iata = f.destination
where f.status = 'scheduled'
