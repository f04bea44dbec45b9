-- A join on a range, against a list of VALUES.
-- query
select p.name, b.band
from products p
join (values (0, 10, 'cheap'), (10, 100, 'fair'), (100, 1000, 'dear')) as b(low, high, band)
  on p.price >= b.low and p.price < b.high;
-- step: prices cross the borders
update products set price = price * 10;
-- step: one falls out of all bands
update products set price = 5000 where id = 4;
insert into products values (6, 'nail', 'home', 9.99);
-- step: and comes back
update products set price = 10 where id in (4, 6);
