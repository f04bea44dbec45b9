-- States where more than three flights of ten are late. The third floor: a stream table over a stream table over a
-- stream table.
select state, flights, late
from state_delays
where late * 10 > flights * 3
