drop table fax;
alter table shelf drop column height;
