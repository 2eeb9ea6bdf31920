insert into branch (id, name, city, opened) values
    (1, 'Main', 'Zürich', '1901-02-28'),
    (2, '東京', null, '-infinity'),
    (3, '', '', '4713-01-01 BC');
select setval('branch_id_seq', 3);
