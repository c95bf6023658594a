create table customers (
  id         integer primary key,
  email      text not null unique collate nocase,
  full_name  text not null
);

insert into customers (email, full_name) values
  ('ada@example.com', 'Ada Lovelace'),
  ('grace@example.com', 'Grace Hopper');
