insert into publisher (name) values ('(unknown)');
