create table b (n integer);
