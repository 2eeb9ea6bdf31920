create or replace view open_loan as
select l.id, l.due_on as due, concat_ws(' ', m.first_name, nullif(m.last_name, '')) as member, b.title as book
from loan as l
inner join member as m on l.member_id = m.id
inner join copy as c on l.copy_id = c.id
inner join book as b on c.book_id = b.id
where l.returned is null;
