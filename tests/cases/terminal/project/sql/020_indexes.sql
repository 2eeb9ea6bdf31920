create index if not exists item_name_idx on item (name);
create index if not exists orders_item_id_ordered_at_idx on orders (item_id, ordered_at desc) where ordered_at is not null;
