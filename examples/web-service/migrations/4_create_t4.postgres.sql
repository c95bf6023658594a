create table t4 (n integer);
-- As slow as a migration of many rows.
insert into t4 select 4 from pg_sleep(1);
