-- Which airport one can reach from which: DISTINCT. A pair leaves when its last flight is cancelled.
select distinct origin, destination
from flight
