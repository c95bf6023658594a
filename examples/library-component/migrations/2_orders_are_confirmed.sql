-- What the mail is sent by is a job of the queue.
alter table orders add column mail integer references queue_jobs (id);
