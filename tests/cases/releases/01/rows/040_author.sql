insert into author (id, name) values
    (1, 'Ursula K. Le Guin'),
    (2, 'Станислав Лем'),
    (3, E'tab\tand\nnew line');
select setval('author_id_seq', 3);
