create table queue_jobs (
  id integer primary key,
  work text not null
);
