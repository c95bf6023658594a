create table categories (
  id    integer primary key,
  name  text not null unique
);

create table products (
  id           integer primary key,
  category_id  integer not null references categories (id),
  name         text not null,
  price_cents  integer not null
);

create index products_by_category on products (category_id);

insert into categories (id, name) values (1, 'books'), (2, 'games');

insert into products (category_id, name, price_cents) values
  (1, 'SQL; or, how I learned to love the semicolon', 2900),
  (1, 'Gardening in small spaces', 1850),
  (2, 'Twenty questions', 1200);
