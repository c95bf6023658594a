//! Django, its program.

use migrate_tests::Project;

use crate::baseline::{baselines, python};
use crate::steps::Step;
use crate::tool::{Files, Tool};
use migrate_tests::servers::{Engine, Place};

const DJANGO: Tool = Tool {
    name: "django",
    layout: "native",
    folder: "library/migrations",
    tables: |_| &["django_migrations"],
    alone: false,
    own: 0,
    files,
    beside,
    run: django,
};

baselines!(DJANGO, on_sqlite Sqlite, on_postgres Postgres, on_mariadb MariaDb);

fn files(_: Engine, step: &Step) -> Files {
    let Step { number, up, .. } = step;
    let before = if *number == 1 { String::new() } else { format!("(\"library\", \"{:04}_step\")", number - 1) };
    let calls = up.trim_end().split_terminator(';').fold(String::new(), |text, statement| {
        text + "        migrations.RunSQL(\"\"\"" + statement.trim() + "\"\"\"),\n"
    });
    let text = format!(
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n    dependencies = [{before}]\n    \
         operations = [\n{calls}    ]\n"
    );
    vec![(format!("{number:04}_step.py"), text)]
}

fn beside(tool: &Tool, place: &Place, project: &Project) {
    project.write("library/__init__.py", "");
    project.write(&format!("{}/__init__.py", tool.folder), "");
    let address = |address: &str| {
        let (host, port) = address.rsplit_once(':').expect("an address with a port");
        format!("\"HOST\": \"{host}\", \"PORT\": {port}")
    };
    let database = match place {
        Place::Sqlite(path) => format!("\"ENGINE\": \"django.db.backends.sqlite3\", \"NAME\": \"{}\"", path.display()),
        Place::Postgres(database) => format!(
            "\"ENGINE\": \"django.db.backends.postgresql\", \"USER\": \"postgres\", \"NAME\": \"{}\", {}",
            database.name(),
            address(&database.server().address())
        ),
        Place::MySql(database) => format!(
            "\"ENGINE\": \"django.db.backends.mysql\", \"USER\": \"test\", \"PASSWORD\": \"test\", \"NAME\": \"{}\", {}",
            database.name(),
            address(&database.server().address())
        ),
    };
    let driver = if let Place::MySql(_) = place { "import pymysql\n\npymysql.install_as_MySQLdb()\n" } else { "" };
    let settings = format!(
        "{driver}SECRET_KEY = \"-\"\nINSTALLED_APPS = [\"library\"]\nDATABASES = {{\"default\": {{{database}}}}}\n"
    );
    project.write("settings.py", &settings);
}

fn django(tool: &Tool, _: &str, _: &Place, project: &Project) -> Result<String, String> {
    python("django-admin", tool, project, &["migrate", "--settings", "settings", "--pythonpath", ".", "--no-input"])
}
