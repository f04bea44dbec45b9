-- XMLTABLE: the rows in a document.
-- setup
create table documents (id int primary key, body xml);
insert into documents values (1, '<r><i q="1">a</i><i q="2">b</i></r>'), (2, '<r/>'), (3, null);
-- query
select d.id, x.position, x.q, x.text
from documents d left join xmltable('/r/i' passing d.body columns position for ordinality, q int path '@q' default 0, text text path '.') x on true
-- step: rows of one document
update documents set body = '<r><i>c</i></r>' where id = 1; update documents set body = '<r><i q="7"/></r>' where id = 3;
-- step: documents
delete from documents where id = 2; insert into documents values (4, '<r><i q="1">a</i></r>');
