create or replace function is_overdue(due date, returned timestamptz) returns boolean language sql stable as $$
    select returned is null and due < current_date
$$;
