create table if not exists setting (
    name text primary key,
    value text not null
);
insert into setting (name, value)
select 'loan_days', '21'
where not exists (select from setting where name = 'loan_days');
