create or replace view receipt as
select id, upper(token::text) as code from loan;
