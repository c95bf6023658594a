alter table queue_jobs add column taken integer not null default 0;
