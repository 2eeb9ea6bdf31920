update item set price = 100 / id where price is null;
