update copy set shelf_id = null where condition = 'lost';
