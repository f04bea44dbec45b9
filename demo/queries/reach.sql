-- How many places can be reached from an airport. Reads a stream table, `connections`.
select origin as iata, count(*) as destinations
from connections
group by origin
