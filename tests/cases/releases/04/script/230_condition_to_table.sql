create table copy_condition (
    name text primary key,
    can_be_lent boolean not null
);
insert into copy_condition (name, can_be_lent) values ('new', true), ('worn', true), ('lost', false);
drop index copy_lost;
alter table copy alter column condition drop default;
alter table copy alter column condition type text using condition::text;
alter table copy alter column condition set default 'new';
alter table copy add foreign key (condition) references copy_condition;
drop type condition;
