//! Several components in one database.

use insta::assert_snapshot;
use migrate_tests::Project;

use super::says;

/// An application that needs a library's tables, which need nobody's.
pub(super) fn project() -> Project {
    Project::with(&[("1_orders", "create table orders (id integer primary key, job integer references jobs (id));\n")])
        .file("migrations/migrations.toml", "[depends-on]\nqueue = \"2\"\n")
        .file("vendor/queue/1_jobs.sql", "create table jobs (id integer primary key);\n")
        .file("vendor/queue/2_turns.sql", "create table turns (id integer primary key);\n")
        .file("vendor/queue/2_turns.down.sql", "drop table turns;\n")
        .file("migrate.toml", "[component.queue]\ndir = \"vendor/queue\"\n")
        .file("app.db", "")
}

#[test]
fn what_is_needed_comes_first() {
    let project = project();
    assert_snapshot!(says(&project, "check", 7), @"
    $ migrate check -d sqlite:app.db
    component queue
    pending: 2 (first: 1 jobs)
    component main
    refused[M0230]: component main needs component queue at 2 or later, and it has no version here
      --> migrations.toml
       = nothing was run: bring queue there first: migrate up --component queue
    exit 7
    ");
    assert_snapshot!(says(&project, "up", 0), @"
    $ migrate up -d sqlite:app.db
    component queue
    sqlite app.db · 2 pending
      1  jobs    1 statement  _ ms
      2  turns   1 statement  _ ms
    2 applied in _ ms · now at 2
    component main
    sqlite app.db · 1 pending
      1  orders   1 statement  _ ms
    1 applied in _ ms · now at 1
    ");
    assert_snapshot!(says(&project, "status", 0), @"
    $ migrate status -d sqlite:app.db
    component queue
    sqlite app.db · history migrate_history · layout native · 2 applied, 0 pending
      1  jobs    applied  DATE  _ ms
      2  turns   applied  DATE  _ ms
    component main
    sqlite app.db · history migrate_history · layout native · 1 applied, 0 pending
      1  orders   applied  DATE  _ ms
    ");
    says(&project, "check", 0);
    assert_snapshot!(says(&project, "up --to 1", 2), @"
    $ migrate up --to 1 -d sqlite:app.db
    error[M0407]: --to is about one component, and the project has several
       = name it: --component NAME
    exit 2
    ");
    // Each has a history of its own, and what is needed stays.
    assert_snapshot!(says(&project, "history --component queue", 0), @"
    $ migrate history --component queue -d sqlite:app.db
    row  when (UTC)        action  migration  state  time  by
    1    DATE  up      1 jobs     done  _ ms  ada@desk
    2    DATE  up      2 turns    done  _ ms  ada@desk
    ");
    assert_snapshot!(says(&project, "down --steps 1 --yes --component queue", 1), @"
    $ migrate down --steps 1 --yes --component queue -d sqlite:app.db
    refused[M0230]: component main needs component queue at 2 or later, and it would be at 1
       = nothing was run: take main back first: migrate down --component main
       = or stay at 2: migrate down --component queue --to 2
    exit 1
    ");
    assert_snapshot!(project.migrate("config show").exits(0), @"
    $ migrate config show
    migrate.toml
      dir                         migrations             default
      timeouts.connect-wait       0                      default
      timeouts.lock-wait          10m                    default
      timeouts.lock-timeout       2s                     default
      timeouts.lock-retry-for     10m                    default
      timeouts.statement-timeout  0                      default
      timeouts.reconnect-for      1m                     default
      policy.require-deployed     false                  default
      policy.on-ahead             compatible             default
      policy.on-nonempty          refuse                 default
      policy.out-of-order         layout                 default
      policy.downgrade-limit      10                     default
      policy.foreign-history      refuse                 default
      history.table               migrate_history        default
      history.create-schema       false                  default
      history.store-script        full                   default
      history.mirror-table        flyway_schema_history  default
      preconditions.required      false                  default
      backup.dir                  backups                default
      backup.required             false                  default
      component.queue.dir         vendor/queue           migrate.toml:2
    ");
}

#[test]
fn what_only_looks_goes_through_all_of_them() {
    let project = project();
    assert_snapshot!(says(&project, "wait --timeout 1ms", 7), @"
    $ migrate wait --timeout 1ms -d sqlite:app.db
    component queue
    pending: 2 (first: 1 jobs)
    component main
    refused[M0230]: component main needs component queue at 2 or later, and it has no version here
      --> migrations.toml
       = nothing was run: bring queue there first: migrate up --component queue
    exit 7
    ");
    assert_snapshot!(says(&project, "plan", 0), @"
    $ migrate plan -d sqlite:app.db
    component queue
    1  1 jobs   in a transaction, 1 statement
          create table jobs (id integer primary key)
    2  2 turns  in a transaction, 1 statement
          create table turns (id integer primary key)
    digest 354eddac · run exactly this: migrate up --component queue --plan 354eddac
    component main
    1  1 orders  in a transaction, 1 statement
          create table orders (id integer primary key, job integer references jobs (id))
    digest 97853830 · run exactly this: migrate up --component main --plan 97853830
    ");
    assert_snapshot!(says(&project, "validate", 0), @"
    $ migrate validate -d sqlite:app.db
    component queue
    layout native · sqlx and golang-migrate name files so too: if they are theirs, --layout sqlx
    2 migrations · nothing found
    component main
    1 migration · nothing found
    ");
    assert_eq!(says(&project, "up --dry-run", 0).stdout, says(&project, "plan", 0).stdout);
    says(&project, "up", 0);
    assert_snapshot!(says(&project, "wait", 0), @"
    $ migrate wait -d sqlite:app.db
    component queue
    current: at 2
    component main
    current: at 1
    ");
}

#[test]
fn what_is_wrong_is_told_of_each() {
    let project = project()
        .file("vendor/queue/3_runs.sql", "insert into turns values ('1);\n")
        .file("migrations/2_lines.sql", "-- migrate:phases pre\nselect 1;\n");
    assert_snapshot!(says(&project, "validate", 11), @"
    $ migrate validate -d sqlite:app.db
    component main
    1 finding
    component queue
    layout native · sqlx and golang-migrate name files so too: if they are theirs, --layout sqlx
    3 migrations · 1 finding
    error[M0007]: 2 lines: unknown directive `phases`
      --> migrations/2_lines.sql:1:12
     1 | -- migrate:phases pre
       |            ^^^^^^
       = did you mean `phase`?
    error[M0009]: 3 runs: this string is never closed
      --> vendor/queue/3_runs.sql:1:27
     1 | insert into turns values ('1);
       |                           ^
       = close it with `'`
    exit 11
    ");
    let changed = self::project();
    says(&changed, "up", 0);
    changed.write("vendor/queue/1_jobs.sql", "create table jobs (id integer);\n");
    assert_snapshot!(says(&changed, "plan", 1), @"
    $ migrate plan -d sqlite:app.db
    component queue
    component main
    nothing to do
    error[M0110]: 1 jobs was changed after it was applied (DATE by ada@desk)
      --> vendor/queue/1_jobs.sql
       | - create table jobs (id integer primary key);
       | + create table jobs (id integer);
       = put the old text back:   migrate accept 1 --restore
       = or accept the new text:  migrate accept 1
       = it is about component queue: add --component queue to these commands
    exit 1
    ");
}

#[test]
fn the_document_has_each_by_its_name_and_their_order() {
    let project = project();
    let document = |words: &str, code: i32| -> serde_json::Value {
        serde_json::from_str(&says(&project, words, code).stdout).unwrap()
    };
    let planned = document("plan --json", 0);
    assert_eq!(planned["order"], serde_json::json!(["queue", "main"]));
    let steps = |name: &str| planned["components"][name]["plan"]["steps"].as_array().map(Vec::len);
    assert_eq!((steps("queue"), steps("main")), (Some(2), Some(1)));
    assert_eq!(document("wait --timeout 1ms --json", 7)["components"]["queue"]["state"], "pending");
    assert_eq!(document("validate --json", 0)["components"]["main"]["findings"], 0);
    // What was done before one failed is in the document, too.
    project.write(
        "migrations/1_orders.sql",
        "create table orders (id integer primary key);\ninsert into nowhere values (1);\n",
    );
    let failed = document("up --json", 3);
    assert_eq!(failed["components"]["queue"]["report"]["steps"].as_array().map(Vec::len), Some(2));
    assert!(failed["components"]["main"]["refused"][0].as_str().unwrap().contains("nowhere"), "{failed}");
}

#[test]
fn a_component_that_is_not_there_is_named() {
    let project = project();
    assert_snapshot!(says(&project, "up --component main", 1), @"
    $ migrate up --component main -d sqlite:app.db
    refused[M0230]: component main needs component queue at 2 or later, and it has no version here
      --> migrations.toml
       = nothing was run: bring queue there first: migrate up --component queue
    exit 1
    ");
    says(&project, "up --component queue", 0);
    says(&project, "up --component main", 0);
}

#[test]
fn what_needs_each_other_cannot_begin() {
    let project = project().file("vendor/queue/migrations.toml", "[depends-on]\nmain = \"1\"\n");
    assert_snapshot!(says(&project, "up", 2), @"
    $ migrate up -d sqlite:app.db
    error[M0230]: components main, queue need each other in a circle, so none can be first
      --> migrations.toml
       = take one `depends-on` out
    exit 2
    ");
    let wrong = project.file("migrate.toml", "[component.queue]\nfolder = \"vendor/queue\"\n");
    assert_snapshot!(says(&wrong, "up", 2), @r#"
    $ migrate up -d sqlite:app.db
    error[M0405]: a component has no setting `folder`
      --> migrate.toml:2:1
     2 | folder = "vendor/queue"
       | ^^^^^^
       = a component has these: dir, layout
    error[M0405]: component queue has no folder
      --> migrate.toml:1:12
     1 | [component.queue]
       |            ^^^^^
       = write dir = "…"
    exit 2
    "#);
}
