insert into reader (id, first_name, last_name, email, born, photo, is_active) values
    (1, 'Ada', 'Lovelace', 'ada@example.org', '1815-12-10', '\x00ff', true),
    (2, 'Plato', '', 'unknown-2@invalid', null, '', true),
    (3, '李', '白 🍶', 'Li@例え.jp', '0701-05-19', null, false),
    (4, '', '', 'unknown-4@invalid', null, null, true),
    (5, 'Jean', 'Luc Picard', 'unknown-5@invalid', '2305-07-13', decode(repeat('00', 5000), 'hex'), true),
    (6, '', '', 'unknown-6@invalid', null, null, true);
select setval('reader_id_seq', 6);
