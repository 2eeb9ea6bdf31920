insert into setting (name, value) values ('greeting', 'Grüezi');
