-- The body of a DO block: a table about to be detached gets the CHECK that DETACH PARTITION CONCURRENTLY leaves.
begin
    execute pg_catalog.format(
        'alter table %s drop constraint if exists {name}, add constraint {name} check (%s)',
        {table}, pg_catalog.pg_get_partition_constraintdef({table}::pg_catalog.regclass)
    );
end
