//! How fast a dump is split and classified, per dialect: 100 MB of text written here.

use std::fmt::Write as _;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use migrate_core::Source;
use migrate_core::sql::script::Classify;
use migrate_core::sql::{Script, Syntax, classify};

const SIZE: usize = 100_000_000;

/// Tables with their rows, as a dump has them: long inserts, texts with quotes and semicolons, comments, and now and
/// then a body. `tail` is what one engine alone has after each table.
fn dump(tail: &str) -> String {
    let mut text = String::with_capacity(SIZE + 100_000);
    let mut table = 0;
    while text.len() < SIZE {
        table += 1;
        let _ = write!(
            text,
            "--\n-- Table structure for t{table}; with a semicolon\n--\n\n\
             create table t{table} (\n  id integer not null primary key,\n  name varchar(80) default 'a;''b''',\n  \
             amount numeric(10, 2) /* cents; */ not null\n);\n\n"
        );
        for block in 0..20 {
            let _ = write!(text, "insert into t{table} (id, name, amount) values");
            for row in 0..100 {
                let separator = if row == 0 { "" } else { "," };
                let id = block * 100 + row;
                let _ = write!(text, "{separator}\n  ({id}, 'row {id}; it''s -- no comment', {id}.25)");
            }
            text.push_str(";\n");
        }
        text.push_str(&tail.replace("TABLE", &format!("t{table}")));
    }
    text
}

const POSTGRES: &str = "
create function touch_TABLE() returns trigger language plpgsql as $body$
begin
  new.name := 'x;y'; -- $$ is not the end
  return new;
end
$body$;
copy TABLE (id, name, amount) from stdin;
1\ta;b\t1.00
2\tit's\t2.00
\\.

";

const MYSQL: &str = "
/*!40000 alter table `TABLE` disable keys */;
delimiter //
create trigger touch_TABLE before insert on `TABLE` for each row
begin
  set new.name = 'it\\'s; x';
  if new.amount is null then set new.amount = 0; end if;
end//
delimiter ;

";

const SQLITE: &str = "
create trigger touch_TABLE after insert on TABLE begin
  update TABLE set name = case when new.name = '' then 'x;y' else new.name end where id = new.id;
  delete from [TABLE] where amount < 0;
end;

";

fn splitter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("splitter");
    group.sample_size(10).measurement_time(Duration::from_secs(10));
    let dialects: [(&str, &str, &Syntax, Classify); 3] = [
        ("postgres", POSTGRES, &Syntax::POSTGRES, classify::postgres),
        ("mysql", MYSQL, &Syntax::MYSQL, classify::mysql),
        ("sqlite", SQLITE, &Syntax::SQLITE, classify::sqlite),
    ];
    for (name, tail, syntax, classify) in dialects {
        let source = Source::new("dump.sql", dump(tail));
        group.throughput(Throughput::Bytes(source.text().len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let script = Script::parse(source.clone(), syntax, classify);
                script.unwrap_or_else(|problems| panic!("{name}: {:?}", problems[0])).len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, splitter);
criterion_main!(benches);
