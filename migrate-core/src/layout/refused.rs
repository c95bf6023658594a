//! Folders of tools whose migrations cannot be read here: programs, descriptions of changes, graphs.
//!
//! Their state can be taken over as a baseline; so what is said leads there. Sources: Sqitch at commit 0ab857e3bb,
//! `lib/App/Sqitch/Plan.pm`; Liquibase at commit cdbdec7fa9, the changelog parsers; Alembic 1.20, `alembic/script/base.py`;
//! Django 5.2, `django/db/migrations/loader.py`; Rails at commit 2a2db1e8d6, `active_record/migration.rb`.

use super::name::ends;
use super::{File, Folder};
use crate::diagnostic::{Diagnostic, Place, codes};

/// A tool whose migrations cannot be read here.
#[derive(Debug)]
pub struct Refused {
    /// As people would type it: `--layout alembic`.
    pub name: &'static str,
    /// As it is called in sentences.
    title: &'static str,
    /// What its migrations are.
    are: &'static str,
    sign: fn(&Folder) -> Option<File>,
}

/// All of them.
pub static REFUSED: &[Refused] = &[
    Refused {
        name: "sqitch",
        title: "Sqitch",
        are: "scripts for psql in the order of a plan",
        sign: |folder| {
            let scripts = ["deploy", "revert", "verify"];
            let is_project = folder.subfolder_names().any(|name| scripts.contains(&name.as_ref()))
                || folder.roots().iter().any(|root| scripts.iter().any(|name| root.ends_with(name)));
            folder.above("sqitch.plan").filter(|plan| {
                is_project && plan.source().is_ok_and(|plan| plan.text().starts_with("%syntax-version="))
            })
        },
    },
    Refused {
        name: "liquibase-changelog",
        title: "Liquibase",
        are: "descriptions of changes, from which the tool makes the SQL",
        sign: |folder| {
            let is_changelog = |file: &&File| {
                let endings = [".xml", ".yaml", ".yml", ".json"];
                endings.iter().any(|ending| file.name().to_ascii_lowercase().ends_with(ending))
                    && file.source().is_ok_and(|source| source.text().contains("databaseChangeLog"))
            };
            folder.files().iter().find(is_changelog).cloned()
        },
    },
    Refused {
        name: "alembic",
        title: "Alembic",
        are: "Python",
        sign: |folder| {
            let has = |file: &&File, word: &str| {
                ends(file.name(), ".py") && file.source().is_ok_and(|source| source.text().contains(word))
            };
            let revision = folder.files().iter().find(|file| has(file, "down_revision"));
            let environment = folder.files().iter().find(|file| file.name() == "env.py" && has(file, "alembic"));
            revision.or(environment).cloned()
        },
    },
    Refused {
        name: "django",
        title: "Django",
        are: "Python",
        sign: |folder| {
            let is_migration = |file: &&File| {
                ends(file.name(), ".py")
                    && file.source().is_ok_and(|source| source.text().contains("migrations.Migration"))
            };
            folder.files().iter().find(is_migration).cloned()
        },
    },
    Refused {
        name: "rails",
        title: "Rails",
        are: "Ruby",
        sign: |folder| {
            let is_migration = |file: &&File| {
                ends(file.name(), ".rb")
                    && file.source().is_ok_and(|source| source.text().contains("ActiveRecord::Migration"))
            };
            folder.files().iter().find(is_migration).cloned()
        },
    },
];

/// The refusal of a folder, if it is one of these tools'.
pub(super) fn refuse(folder: &Folder) -> Option<Diagnostic> {
    let (tool, sign) = REFUSED.iter().find_map(|tool| Some((tool, (tool.sign)(folder)?)))?;
    Some(tool.refusal(sign.name()).at(Place::path(sign.path())))
}

/// The refusal of a layout that somebody named.
pub(super) fn refuse_name(name: &str) -> Option<Diagnostic> {
    REFUSED.iter().find(|tool| tool.name == name).map(|tool| tool.refusal(name))
}

impl Refused {
    fn refusal(&self, subject: &str) -> Diagnostic {
        let from = self.name.trim_end_matches("-changelog");
        let (title, are) = (self.title, self.are);
        Diagnostic::error(
            codes::FOREIGN_LAYOUT,
            format!("{subject}: migrations of {title} are {are}: they cannot be run here"),
        )
        .help("new ones are SQL, in a folder of their own: migrate init --dir FOLDER")
        .help(format!("what {title} has applied is taken over as it is: migrate adopt --from {from} --dir FOLDER"))
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::layout::named;
    use crate::layout::testing::decision;

    #[test]
    fn a_folder_of_theirs_is_refused_by_name() {
        let plan = ("sqitch.plan", "%syntax-version=1.0.0\n%project=shop\n");
        assert_snapshot!(decision(&[("deploy/users.sql", ""), ("revert/users.sql", "")], &[plan]), @"
        error[M0020]: sqitch.plan: migrations of Sqitch are scripts for psql in the order of a plan: they cannot be run here
          --> sqitch.plan
           = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
           = what Sqitch has applied is taken over as it is: migrate adopt --from sqitch --dir FOLDER
        ");
        assert_snapshot!(decision(&[("db.changelog-master.yaml", "databaseChangeLog:\n- changeSet:\n"), ("1_a.sql", "")], &[]), @"
        error[M0020]: db.changelog-master.yaml: migrations of Liquibase are descriptions of changes, from which the tool makes the SQL: they cannot be run here
          --> m/db.changelog-master.yaml
           = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
           = what Liquibase has applied is taken over as it is: migrate adopt --from liquibase --dir FOLDER
        ");
        assert_snapshot!(decision(&[("3f1a_users.py", "revision = '3f1a'\ndown_revision = None\n")], &[]), @"
        error[M0020]: 3f1a_users.py: migrations of Alembic are Python: they cannot be run here
          --> m/3f1a_users.py
           = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
           = what Alembic has applied is taken over as it is: migrate adopt --from alembic --dir FOLDER
        ");
        let django = "class Migration(migrations.Migration):\n    pass\n";
        assert_snapshot!(decision(&[("__init__.py", ""), ("0001_initial.py", django)], &[]), @"
        error[M0020]: 0001_initial.py: migrations of Django are Python: they cannot be run here
          --> m/0001_initial.py
           = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
           = what Django has applied is taken over as it is: migrate adopt --from django --dir FOLDER
        ");
        assert_snapshot!(decision(&[("20240131_create.rb", "class Create < ActiveRecord::Migration[8.0]\nend\n")], &[]), @"
        error[M0020]: 20240131_create.rb: migrations of Rails are Ruby: they cannot be run here
          --> m/20240131_create.rb
           = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
           = what Rails has applied is taken over as it is: migrate adopt --from rails --dir FOLDER
        ");
        assert_snapshot!(named("rails").unwrap_err(), @"
        error[M0020]: rails: migrations of Rails are Ruby: they cannot be run here
           = new ones are SQL, in a folder of their own: migrate init --dir FOLDER
           = what Rails has applied is taken over as it is: migrate adopt --from rails --dir FOLDER
        ");
        assert_eq!(
            decision(&[("1_a.sql", ""), ("deploy.yaml", "kind: Deployment\n"), ("helper.py", "import os\n")], &[]),
            "native"
        );
    }
}
