create index notes_by_text on notes (text);
