//! What the migrations of all these tools do: a small library lends books. Each tool's file adds its own marks.

use migrate_tests::servers::Engine;

/// How many of them the other tool applies. The rest is ours.
pub(crate) const HALF: usize = 3;

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// From 1.
    pub(crate) number: usize,
    /// Words apart by `_`.
    pub(crate) name: &'static str,
    /// Statements, each with its `;` at the end of a line.
    pub(crate) up: String,
    pub(crate) down: String,
    /// Whether it is refused inside a transaction.
    pub(crate) alone: bool,
    /// Whether there is a `;` inside a statement.
    pub(crate) body: bool,
}

impl Step {
    /// Its moment, as tools that count in time write it.
    pub(crate) fn timestamp(&self) -> String {
        format!("2024010{}120000", self.number)
    }
}

/// All six. Where the tool knows no way out of a transaction (`alone` is false), nothing needs one.
pub(crate) fn steps(engine: Engine, alone: bool) -> Vec<Step> {
    let concurrently = alone && engine == Engine::Postgres;
    let texts = [
        (
            "create_readers",
            "create table reader (\n  id integer not null primary key,\n  name varchar(80) not null\n);\n".to_owned(),
            "drop table reader;\n".to_owned(),
        ),
        (
            "create_books",
            "create table book (\n  id integer not null primary key,\n  title varchar(80) not null,\n  \
             loans integer not null default 0\n);\n\
             insert into book (id, title) values (1, 'Grüne Märchen');\n"
                .to_owned(),
            "drop table book;\n".to_owned(),
        ),
        (
            "create_loans",
            "create table loan (\n  id integer not null primary key,\n  book integer not null references book (id),\n  \
             reader integer not null references reader (id)\n);\n\
             create index loan_reader on loan (reader);\n"
                .to_owned(),
            "drop table loan;\n".to_owned(),
        ),
        (
            "index_books",
            format!("create index{} book_title on book (title);\n", if concurrently { " concurrently" } else { "" }),
            if engine.commits_definitions() { "drop index book_title on book;\n" } else { "drop index book_title;\n" }
                .to_owned(),
        ),
        ("count_loans", counter(engine).to_owned(), uncounter(engine).to_owned()),
        (
            "busy_books",
            "create view busy as select book, count(*) as loans from loan group by book;\n\
             insert into reader (id, name) values (1, 'Ada');\n\
             insert into loan (id, book, reader) values (1, 1, 1);\n"
                .to_owned(),
            "drop view busy;\ndelete from loan;\ndelete from reader;\n".to_owned(),
        ),
    ];
    let step = |(number, (name, up, down))| Step {
        number,
        name,
        up,
        down,
        alone: concurrently && name == "index_books",
        body: name == "count_loans",
    };
    (1..).zip(texts).map(step).collect()
}

fn counter(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "create trigger count_loan after insert on loan begin\n  \
             update book set loans = loans + 1 where id = new.book;\nend;\n"
        }
        Engine::Postgres => {
            "do $$ begin\n  create function count_loan() returns trigger language plpgsql as $body$\n  begin\n    \
             update book set loans = loans + 1 where id = new.book;\n    return new;\n  end $body$;\n  \
             create trigger count_loan after insert on loan for each row execute function count_loan();\nend $$;\n"
        }
        Engine::MySql | Engine::MariaDb => {
            "create trigger count_loan after insert on loan for each row begin\n  \
             update book set loans = loans + 1 where id = new.book;\nend;\n"
        }
    }
}

fn uncounter(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "drop function count_loan() cascade;\n",
        _ => "drop trigger count_loan;\n",
    }
}
