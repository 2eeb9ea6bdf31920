do $$ begin perform 1; end $$;
create index concurrently if not exists issue_created_idx on issue (created_at);
