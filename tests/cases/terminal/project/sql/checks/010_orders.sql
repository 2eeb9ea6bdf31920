select o.id as order, i.name as item
from orders as o
inner join item as i on o.item_id = i.id
where i.price is null
order by o.id;
