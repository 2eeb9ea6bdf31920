create or replace view catalogue as
select b.id, b.name as title, string_agg(a.name, ', ' order by ba.place) as authors
from book as b
left join book_author as ba on b.id = ba.book_id
left join author as a on ba.author_id = a.id
group by b.id;
comment on view catalogue is 'What a visitor sees.';
