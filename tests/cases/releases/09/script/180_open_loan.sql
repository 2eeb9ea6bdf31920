create or replace view open_loan as
select l.id, l.due_on as due, concat_ws(' ', r.first_name, nullif(r.last_name, '')) as reader, b.title as book
from loan as l
inner join reader as r on l.member_id = r.id
inner join copy as c on l.copy_id = c.id
inner join book as b on c.book_id = b.id
where l.returned is null;
