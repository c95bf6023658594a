//! `MyBatis` Migrations, its command line.

use migrate_tests::Project;

use crate::round_trip::round_trips;
use crate::steps::Step;
use crate::tool::{Files, Tool, java};
use migrate_tests::servers::{Engine, Place};

const MYBATIS: Tool = Tool {
    name: "mybatis",
    layout: "mybatis",
    folder: "scripts",
    tables: |_| &["CHANGELOG"],
    alone: false,
    // The one that creates its table.
    own: 1,
    files,
    beside,
    run: java,
};

round_trips!(MYBATIS, on_sqlite Sqlite, on_postgres Postgres, on_mysql MySql, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { name, up, down, body, .. } = step;
    let up = if *body {
        let text = up.trim_end().trim_end_matches(';');
        format!("-- @DELIMITER |\n{text}\n|\n-- @DELIMITER ;\n")
    } else {
        up.clone()
    };
    let text = format!("-- // {}\n{up}\n-- //@UNDO\n{down}", name.replace('_', " "));
    vec![(format!("{}_{name}.sql", step.timestamp()), text)]
}

fn beside(tool: &Tool, place: &Place, project: &Project) {
    let changelog = "-- // create changelog\n\
                     create table CHANGELOG (\n  ID numeric(20,0) not null primary key,\n  \
                     APPLIED_AT varchar(25) not null,\n  DESCRIPTION varchar(255) not null\n);\n\n\
                     -- //@UNDO\ndrop table CHANGELOG;\n";
    project.write(&format!("{}/20240101000000_create_changelog.sql", tool.folder), changelog);
    let url = place.url();
    let (driver, address, user, password) = match place {
        Place::Sqlite(_) => ("org.sqlite.JDBC", format!("jdbc:{url}"), "", ""),
        Place::Postgres(database) => (
            "org.postgresql.Driver",
            format!("jdbc:postgresql://{}/{}", database.server().address(), database.name()),
            "postgres",
            "",
        ),
        Place::MySql(database) => (
            if url.starts_with("mariadb") { "org.mariadb.jdbc.Driver" } else { "com.mysql.cj.jdbc.Driver" },
            format!(
                "jdbc:{}//{}/{}{}",
                if url.starts_with("mariadb") { "mariadb:" } else { "mysql:" },
                database.server().address(),
                database.name(),
                if url.starts_with("mariadb") { "" } else { "?sslMode=DISABLED&allowPublicKeyRetrieval=true" }
            ),
            "test",
            "test",
        ),
    };
    let settings = format!(
        "time_zone=UTC\nscript_char_set=UTF-8\ndriver={driver}\nurl={address}\nusername={user}\npassword={password}\n\
         send_full_script=false\ndelimiter=;\nfull_line_delimiter=false\nauto_commit=false\nchangelog=CHANGELOG\n"
    );
    project.write("environments/development.properties", &settings);
}
