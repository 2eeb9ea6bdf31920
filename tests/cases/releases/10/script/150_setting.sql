create table if not exists setting (
    name text primary key,
    value text not null
);
insert into setting (name, value)
select 'loan_days', '28'
where not exists (select from setting where name = 'loan_days');
update setting set value = '28' where name = 'loan_days' and value is distinct from '28';
