-- SQLite cannot add a CHECK to a table: the table is built anew. The order lines that refer to it stay.
-- migrate:up
create table products_new (
  id           integer primary key,
  category_id  integer not null references categories (id),
  name         text not null,
  price_cents  integer not null check (price_cents > 0)
);

insert into products_new (id, category_id, name, price_cents) select id, category_id, name, price_cents from products;

drop table products;

alter table products_new rename to products;

create index products_by_category on products (category_id);

-- migrate:down
create table products_old (
  id           integer primary key,
  category_id  integer not null references categories (id),
  name         text not null,
  price_cents  integer not null
);

insert into products_old (id, category_id, name, price_cents) select id, category_id, name, price_cents from products;

drop table products;

alter table products_old rename to products;

create index products_by_category on products (category_id);
