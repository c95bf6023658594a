-- migrate:up
create table orders (
  id           integer primary key,
  customer_id  integer not null references customers (id),
  placed_at    text not null default current_timestamp
);

-- A line keeps the price of the day, whatever the catalogue says later.
create table order_lines (
  order_id     integer not null references orders (id) on delete cascade,
  product_id   integer not null references products (id) on delete cascade,
  quantity     integer not null check (quantity > 0),
  price_cents  integer not null,
  primary key (order_id, product_id)
) without rowid;

insert into orders (id, customer_id) values (1, 1), (2, 2);

insert into order_lines (order_id, product_id, quantity, price_cents) values
  (1, 1, 1, 2900),
  (1, 3, 2, 1200),
  (2, 2, 1, 1850);

-- migrate:down
drop table order_lines;

drop table orders;
