create or replace view receipt as
select id, upper(token) as code from loan;
