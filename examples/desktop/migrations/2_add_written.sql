alter table notes add column written text;
update notes set written = date('now');
