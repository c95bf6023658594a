create table people (
  id bigint unsigned not null auto_increment primary key,
  name varchar(100) not null,
  revision int not null default 1
);

-- So that there is something to do.
insert into people (name)
with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < 1000)
select concat('åsa berg ', n) from numbers;
