create table if not exists copy_condition (
    name text primary key,
    can_be_lent boolean not null
);
insert into copy_condition (name, can_be_lent)
select v.name, v.can_be_lent
from (values ('new', true), ('worn', true), ('lost', false)) as v (name, can_be_lent)
where not exists (select from copy_condition as c where c.name = v.name);
