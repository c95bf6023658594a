create table t4 (n integer);
insert into t4 values (4);
