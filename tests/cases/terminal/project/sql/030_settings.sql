insert into setting (name, value)
select 'currency', {{ currency }}
where not exists (select from setting where name = 'currency')
returning name, 'created' as result;
