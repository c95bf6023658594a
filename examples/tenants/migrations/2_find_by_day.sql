create index orders_by_day on orders (placed);
