drop view if exists open_loan;
alter table member add column first_name text, add column last_name text;
update member set
    first_name = coalesce(split_part(name, ' ', 1), ''),
    last_name = coalesce(ltrim(substr(name, length(split_part(name, ' ', 1)) + 1)), '');
alter table member alter column first_name set not null, alter column last_name set not null;
alter table member drop column name;
