-- Whether the database has an event trigger that would run.
select 1
from pg_catalog.pg_event_trigger
where evtenabled <> 'D'
limit 1
