create or replace function is_overdue(due date, returned timestamptz) returns boolean language sql stable as $$
    select coalesce(returned::date, current_date) > due and isfinite(due)
$$;
