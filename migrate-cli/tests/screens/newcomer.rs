//! The path of somebody who sees it for the first time, and of somebody who deploys.

use insta::assert_snapshot;

use super::{Project, exists};

const SHOP: &[(&str, &str)] = &[
    (
        "1_create_users.up.sql",
        "create table users (id integer primary key, name text);\ncreate index n on users (name);\n",
    ),
    ("1_create_users.down.sql", "drop table users;\n"),
    (
        "2_add_email.sql",
        "-- migrate:up\nalter table users add column email text;\n-- migrate:down\nalter table users drop column email;\n",
    ),
    ("R__user_view.sql", "drop view if exists user_view;\ncreate view user_view as select name from users;\n"),
];

const PHASED: &[(&str, &str)] = &[
    ("2.1.0_01_pre_add_owner.up.sql", "create table pets (owner text, legacy text);\n"),
    ("2.2.0_01_pre_index.up.sql", "-- migrate:no-transaction\ncreate index o on pets (owner);\n"),
    ("2.2.0_50_post_drop_legacy.up.sql", "alter table pets drop column legacy;\n"),
];

#[test]
fn a_project_begins() {
    let project = Project::new();
    assert_snapshot!(project.screen(&[
        "init -d sqlite:app.db",
        "new create_users --reversible",
        "new Add email",
        "new user_view --repeatable",
        "new --sequential x",
        "new owner --release 2.1.0 --phase post",
        "init",
    ]), @r#"
        $ migrate init -d sqlite:app.db
        created migrations/  migrate.toml  migrations/migrations.toml
        next: migrate new create_users
        $ migrate new create_users --reversible
        migrations/20261121103000_create_users.up.sql
        migrations/20261121103000_create_users.down.sql
        $ migrate new Add email
        migrations/20261121103001_add_email.sql
        $ migrate new user_view --repeatable
        migrations/R__user_view.sql
        $ migrate new --sequential x
        migrations/20261121103002_x.sql
        $ migrate new owner --release 2.1.0 --phase post
        migrations/2.1.0_50_post_owner.sql
        $ migrate init
        kept as it is: migrations/  migrate.toml  migrations/migrations.toml
        next: migrate new create_users
        "#);
    assert!(exists(&project, "migrations/R__user_view.sql"));
}

#[test]
fn up_and_what_there_is_then() {
    let project = Project::with(SHOP);
    assert_snapshot!(project.screen(&["check", "up", "up --create-db", "up", "status", "history", "check"]), @r#"
        $ migrate check
        error[M0404]: there is no database app.db
           = create it with `migrate db create`, or in the same go: migrate up --create-db
        [exit 6]
        $ migrate up
        error[M0404]: there is no database app.db
           = create it with `migrate db create`, or in the same go: migrate up --create-db
        [exit 6]
        $ migrate up --create-db
        created app.db
        sqlite app.db · 3 pending
          1  create users   2 statements # ms
          2  add email      1 statement # ms
          R user_view       2 statements # ms
        3 applied in # ms · now at 2
        $ migrate up
        nothing to do · now at 2
        $ migrate status
        sqlite app.db · history migrate_history · layout native · 3 applied, 0 pending
          1  create users   applied  DATE TIME # ms
          2  add email      applied  DATE TIME # ms
          R user_view       applied  DATE TIME # ms
        $ migrate history
        row  when (UTC)        action  migration       state  time  by
        1    DATE TIME  up      1 create users  done # ms
        2    DATE TIME  up      2 add email     done # ms
        3    DATE TIME  up      R user_view     done # ms
        $ migrate check
        current: at 2
        "#);
}

#[test]
fn a_plan_is_shown_and_only_that_plan_runs() {
    let project = Project::with(SHOP);
    project.run("db create");
    assert_snapshot!(project.screen(&["plan", "up --plan 00000000", "up --to 1", "up --dry-run", "up --steps 1"]), @r#"
        $ migrate plan
        1  1 create users  in a transaction, 2 statements
              create table users (id integer primary key, name text)
              create index n on users (name)
        2  2 add email     in a transaction, 1 statement
              alter table users add column email text
        3  R user_view     in a transaction, 2 statements; destructive
              drop view if exists user_view
              create view user_view as select name from users
        digest 1102092f · run exactly this: migrate up --plan 1102092f
        $ migrate up --plan 00000000
        refused[M0213]: the plan is 1102092f, not 00000000
           = nothing was run: look at it with `migrate plan`, which ends with the command for it
        [exit 1]
        $ migrate up --to 1
        sqlite app.db · 1 pending
          1  create users   2 statements # ms
        1 applied in # ms · now at 1
        $ migrate up --dry-run
        1  2 add email  in a transaction, 1 statement
              alter table users add column email text
        2  R user_view  in a transaction, 2 statements; destructive
              drop view if exists user_view
              create view user_view as select name from users
        digest ec80ecae · run exactly this: migrate up --plan ec80ecae
        $ migrate up --steps 1
        sqlite app.db · 1 pending
          2  add email   1 statement # ms
        1 applied in # ms · now at 2
        "#);
}

#[test]
fn the_script_of_a_plan_leaves_the_history_as_up_does() {
    let project = Project::with(SHOP);
    project.run("db create");
    let script = project.run("plan --sql");
    assert_eq!((script.code, script.stderr.as_str()), (0, ""));
    assert!(script.stdout.contains("create index n on users (name);") && script.stdout.contains("INSERT INTO"));
}

#[test]
fn ways_back() {
    let project = Project::with(&SHOP[..3]);
    project.run("up --create-db");
    assert_snapshot!(project.screen(&[
        "down",
        "down --steps 1",
        "down --steps 1 --yes",
        "redo --yes",
        "down --to 0 --dry-run",
        "down --to 0 --yes",
        "status",
    ]), @r#"
        $ migrate down
        error[M0407]: down needs to know how far
           = the newest migration only:       migrate down --steps 1
           = down to a version, which stays:  migrate down --to VERSION
        [exit 2]
        $ migrate down --steps 1
        refused[M0406]: down: this takes 1 migration back from app.db: nobody is there to be asked
           = say yes beforehand: migrate down --steps 1 --yes
        [exit 2]
        $ migrate down --steps 1 --yes
        sqlite app.db · 1 to take back
          2  add email   taken back, 1 statement # ms
        1 taken back in # ms · now at 1
        $ migrate redo --yes
        sqlite app.db · 1 to take back
          1  create users   taken back, 1 statement # ms
        1 taken back in # ms · nothing is applied
        sqlite app.db · 1 pending
          1  create users   2 statements # ms
        1 applied in # ms · now at 1
        $ migrate down --to 0 --dry-run
        1  down 1 create users  in a transaction, 1 statement; destructive
              drop table users
        $ migrate down --to 0 --yes
        sqlite app.db · 1 to take back
          1  create users   taken back, 1 statement # ms
        1 taken back in # ms · nothing is applied
        $ migrate status
        sqlite app.db · history migrate_history · layout native · 0 applied, 2 pending
          1  create users   pending
          2  add email      pending
        next: migrate up
        "#);
}

#[test]
fn a_way_back_runs_as_it_was_stored() {
    let project = Project::with(&SHOP[..2]);
    project.run("up --create-db");
    project.write("migrations/1_create_users.down.sql", "drop table other;\n");
    assert_snapshot!(project.screen(&["down --steps 1 --dry-run", "down --steps 1 --yes -v"]), @r#"
        $ migrate down --steps 1 --dry-run
        1  down 1 create users  in a transaction, 1 statement; destructive
              drop table users
        warning[M0112]: 1 create users: the file's way back is not the stored one
          --> migrations/1_create_users.down.sql
           | - drop table users;
           | + drop table other;
           = the stored one runs: it belongs to what was applied
           = to run the file's instead, store it first: migrate accept 1
        $ migrate down --steps 1 --yes -v
        sqlite app.db · 1 to take back
          1  create users   taken back, 1 statement # ms
        1 taken back in # ms · nothing is applied
        warning[M0112]: 1 create users: the file's way back is not the stored one
          --> migrations/1_create_users.down.sql
           | - drop table users;
           | + drop table other;
           = the stored one runs: it belongs to what was applied
           = to run the file's instead, store it first: migrate accept 1
            1: drop table users
        "#);
}

#[test]
fn a_question_is_answered_with_the_name_of_the_database() {
    let project = Project::with(SHOP).answering("no\n");
    project.run("up --create-db");
    assert_snapshot!(project.screen(&["db drop"]), @r#"
        $ migrate db drop
        db drop: this drops app.db with everything in it
        type the name of the database to go on (app.db): refused[M0406]: the answer was not app.db
           = nothing was done
        [exit 1]
        "#);
    assert!(exists(&project, "app.db"));
    let project = project.answering("app.db\n");
    assert_snapshot!(project.screen(&["db reset", "db drop"]), @r#"
        $ migrate db reset
        dropped and created app.db
        sqlite app.db · 3 pending
          1  create users   2 statements # ms
          2  add email      1 statement # ms
          R user_view       2 statements # ms
        3 applied in # ms · now at 2
        db reset: this drops app.db with everything in it
        type the name of the database to go on (app.db): $ migrate db drop
        dropped app.db
        db drop: this drops app.db with everything in it
        type the name of the database to go on (app.db):
        "#);
    assert!(!exists(&project, "app.db"));
}

#[test]
fn a_release_is_deployed_in_two_phases() {
    let project = Project::with(PHASED);
    assert_snapshot!(project.screen(&[
        "up --to 2.1.0 --create-db",
        "status",
        "up",
        "up --phase pre",
        "check --phase pre",
        "status",
        "up --phase post",
    ]), @r#"
        $ migrate up --to 2.1.0 --create-db
        created app.db
        sqlite app.db · 1 pending
          2.1.0/pre/01  add owner   1 statement # ms
        1 applied in # ms · now at 2.1.0/pre/01
        $ migrate status
        sqlite app.db · history migrate_history · layout native · 1 applied, 2 pending
          release 2.1.0
            pre   01  add owner     applied  DATE TIME # ms
          release 2.2.0
            pre   01  index         pending  (not in a transaction)
            post  50  drop legacy   pending
        next: migrate up --phase pre      then deploy 2.2.0, then migrate up --phase post
        $ migrate up
        refused[M0210]: 2.2.0/post/50 drop legacy is pending after a deploy, and no phase was chosen
           = pending before the deploy: 2.2.0/pre/01 index
           = pending after it: 2.2.0/post/50 drop legacy
           = before the deploy: migrate up --phase pre; after it: migrate up --phase post
           = with the service stopped: migrate up --phase all
        [exit 1]
        $ migrate up --phase pre
        sqlite app.db · 1 pending
          2.2.0/pre/01  index   1 statement # ms
        1 applied in # ms · now at 2.2.0/pre/01
        next: deploy 2.2.0, then migrate up --phase post
        $ migrate check --phase pre
        current: at 2.2.0/pre/01
        $ migrate status
        sqlite app.db · history migrate_history · layout native · 2 applied, 1 pending
          release 2.1.0
            pre   01  add owner     applied  DATE TIME # ms
          release 2.2.0
            pre   01  index         applied  DATE TIME # ms
            post  50  drop legacy   pending
        next: once 2.2.0 is deployed, migrate up --phase post
        $ migrate up --phase post
        sqlite app.db · 1 pending
          2.2.0/post/50  drop legacy   1 statement # ms
        1 applied in # ms · now at 2.2.0/post/50
        "#);
}

#[test]
fn a_changed_file_is_put_back_or_accepted() {
    let project = Project::with(SHOP);
    project.run("up --create-db");
    project.write(
        "migrations/2_add_email.sql",
        "-- migrate:up\nalter table users add column mail text;\n-- migrate:down\nselect 1;\n",
    );
    assert_snapshot!(project.screen(&["up", "accept 2 --restore", "up"]), @"
    $ migrate up
    error[M0110]: 2 add email was changed after it was applied (DATE)
      --> migrations/2_add_email.sql
       |   -- migrate:up
       | - alter table users add column email text;
       | + alter table users add column mail text;
       = put the old text back:   migrate accept 2 --restore
       = or accept the new text:  migrate accept 2
    [exit 1]
    $ migrate accept 2 --restore
    migrations/2_add_email.sql is again as it was applied
    $ migrate up
    sqlite app.db · 1 to record
      2  add email   way back replaced # ms
    1 refreshed in # ms · now at 2
    ");
    let text = std::fs::read_to_string(project.path("migrations/2_add_email.sql")).unwrap();
    assert_eq!(text, "-- migrate:up\nalter table users add column email text;\n-- migrate:down\nselect 1;\n");
    project
        .write("migrations/R__user_view.sql", "drop view if exists user_view;\ncreate view user_view as select 1;\n");
    project.write("migrations/1_create_users.up.sql", "create table users (id integer);\n");
    assert_snapshot!(project.screen(&["accept 1", "up"]), @"
    $ migrate accept 1
    sqlite app.db · 1 to record
      1  create users   new text accepted # ms
    1 accepted in # ms · now at 2
    note[M0110]: 1 create users: this is accepted, and runs nowhere
      --> migrations/1_create_users.up.sql
       | - create table users (id integer primary key, name text);
       | - create index n on users (name);
       | + create table users (id integer);
    $ migrate up
    sqlite app.db · 1 pending
      R user_view   2 statements # ms
    1 applied in # ms · now at 2
    ");
}

#[test]
fn backups_are_never_replaced() {
    let project = Project::with(SHOP);
    project.run("up --create-db");
    let screen = project.screen(&[
        "backup b.db",
        "backup b.db",
        "restore b.db",
        "restore none.db --yes",
        "restore b.db --yes",
        "check",
    ]);
    // The size is SQLite's.
    assert_snapshot!(screen.replace(char::is_numeric, "#"), @r#"
        $ migrate backup b.db
        b.db: backup of app.db, ## kB
        $ migrate backup b.db
        refused[M####]: the file is there already
          --> b.db
           = choose another name: a backup never replaces anything
        [exit ##]
        $ migrate restore b.db
        refused[M####]: restore: this replaces everything in app.db by b.db: nobody is there to be asked
           = say yes beforehand: migrate restore b.db --yes
        [exit #]
        $ migrate restore none.db --yes
        error[M####]: there is no such backup
          --> none.db
           = nothing was done
        [exit ##]
        $ migrate restore b.db --yes
        app.db: restored from b.db
        next: migrate status
        $ migrate check
        current: at #
        "#);
}

#[test]
fn what_was_done_by_hand_is_said() {
    let project = Project::with(SHOP);
    project.run("up --create-db");
    assert_snapshot!(project.screen(&[
        "resolve 2 --not-applied",
        "resolve 0002_add_email.sql --applied",
        "resolve 2 --statement 1 --ran",
        "resolve user_veiw --applied",
        "baseline 1",
    ]), @r#"
        $ migrate resolve 2 --not-applied
        sqlite app.db · 1 to record
          2  add email   recorded as not applied # ms
        1 resolved in # ms · now at 1
        2: applied → not applied
        next: migrate status
        $ migrate resolve 0002_add_email.sql --applied
        sqlite app.db · 1 to record
          2  add email   recorded as applied # ms
        1 resolved in # ms · now at 2
        2: not applied → applied
        next: migrate status
        $ migrate resolve 2 --statement 1 --ran
        refused[M0216]: nothing is in doubt about 2
           = see where it stands with `migrate status`
        [exit 1]
        $ migrate resolve user_veiw --applied
        error[M0211]: there is no migration user_veiw
           = did you mean "R user_view"?
        [exit 2]
        $ migrate baseline 1
        refused[M0216]: the history already has 1: a baseline is only for a database without one
           = see what it has with `migrate history`
        [exit 1]
        "#);
    let project = Project::with(SHOP);
    project.run("db create");
    assert_snapshot!(project.screen(&["baseline 1", "status"]), @r#"
        $ migrate baseline 1
        sqlite app.db · 2 to record
          1  create users   was there before # ms
          1  baseline       everything up to here # ms
        1 recorded as there before in # ms · now at 1
        next: migrate status
        $ migrate status
        sqlite app.db · history migrate_history · layout native · 1 applied, 2 pending
          1  create users   applied  DATE TIME # ms  (baseline)
          2  add email      pending
          R user_view       pending
        next: migrate up
        "#);
}

#[test]
fn settings_and_where_they_come_from() {
    let project = Project::with(SHOP).set("MIGRATE_LOCK_WAIT", "1m").set("MIGRATE_LOCK_WIAT", "1m");
    project.write(".env", "MIGRATE_APP=1\nDATABASE_URL=sqlite:from-env.db\n");
    project.write("migrate.toml", "url = 'x'\n[policy]\non_ahead = 'refuse'\n[settings.sqlite]\ncache_size = -2000\n");
    assert_snapshot!(project.screen(&["config show --dir a --dir b"]), @"
    $ migrate config show --dir a --dir b
    migrate.toml
      url                         sqlite:from-env.db     DATABASE_URL in .env
      dir                         a, b                   --dir
      timeouts.connect-wait       0                      default
      timeouts.lock-wait          1m                     MIGRATE_LOCK_WAIT
      timeouts.lock-timeout       2s                     default
      timeouts.lock-retry-for     10m                    default
      timeouts.statement-timeout  0                      default
      timeouts.reconnect-for      1m                     default
      policy.require-deployed     false                  default
      policy.on-ahead             refuse                 migrate.toml:3
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
      settings.sqlite.cache_size  -2000                  migrate.toml:5
    warning[M0407]: MIGRATE_LOCK_WIAT is set, but is not a variable of migrate
       = did you mean MIGRATE_LOCK_WAIT?
    ");
}
