-- migrate:no-transacton
create table a (n integer);
