insert into member (id, first_name, last_name, email, born, photo, is_active) values
    (1, 'Ada', 'Lovelace', 'ada@example.org', '1815-12-10', '\x00ff', true),
    (2, 'Plato', '', null, null, '', true),
    (3, '李', '白 🍶', 'Li@例え.jp', '0701-05-19', null, false),
    (4, '', '', 'none', null, null, true),
    (5, 'Jean', 'Luc Picard', null, '2305-07-13', decode(repeat('00', 5000), 'hex'), true),
    (6, '', '', '@', null, null, true);
select setval('member_id_seq', 6);
