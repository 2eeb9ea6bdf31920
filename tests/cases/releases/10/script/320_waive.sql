do $$
begin
    update charge set note = 'waived' where amount = 0 and note is null;
end $$;
