//! Folders that nobody would make, read by every layout.

use proptest::prelude::*;

use super::{EngineNames, Folder, LAYOUTS};
use crate::set::ReadOptions;

fn a_name() -> impl Strategy<Value = String> {
    let stem = "(R__|B|V|U|v)?[0-9]{0,5}(\\.[0-9]{1,2})?[_-]{0,2}(pre_|post_)?[a-z.~ é]{0,6}";
    let ending = "(/up|/down|/migration|\\.up|\\.down|\\.dwn)?(\\.sql|\\.SQL|\\.rs|\\.go|\\.bak|/metadata\\.toml)?";
    (stem, ending)
        .prop_map(|(stem, ending)| format!("{stem}{ending}"))
        .prop_filter("a name", |name| name.split('/').all(|part| !part.is_empty() && !part.starts_with('.')))
}

fn a_text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "select 1;",
        "",
        "-- migrate:up",
        "-- migrate:down transaction:false",
        "-- +goose Up",
        "-- +goose Down",
        "-- +goose StatementBegin",
        "-- +goose StatementEnd",
        "-- no-transaction",
        "-- atlas:txmode none",
        "-- atlas:delimiter \\n",
        "--> statement-breakpoint",
        "-- //@UNDO",
        "-- +migrate Up",
        "-- +migrate Down",
        "\u{feff}",
        "${x}",
        "'",
        "$$",
        "é",
    ]);
    (prop::collection::vec(line, 0..8), prop::sample::select(vec!["\n", "\r\n", "\r"]))
        .prop_map(|(lines, end)| lines.join(end))
}

proptest! {
    #[test]
    fn no_folder_makes_a_layout_panic_or_take_one_identity_twice(
        files in prop::collection::btree_map(a_name(), a_text(), 0..6),
    ) {
        let folder = Folder::embedded("m", files);
        for layout in LAYOUTS {
            let reading = layout.read(&folder, &ReadOptions::new(EngineNames::POSTGRES));
            let mut ids: Vec<_> = reading.migrations.iter().map(|migration| &migration.id).collect();
            let all = ids.len();
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), all, "{}", layout.name());
            let _ = layout.signature(&folder);
        }
    }

    #[test]
    fn no_numbered_script_is_lost(name in "[0-9]{1,3}[_-]?[a-z]{0,3}(\\.up|\\.down|\\.dwn)?\\.sql(\\.bak)?") {
        let folder = Folder::embedded("m", [(name.as_str(), "-- migrate:up\nselect 1;\n-- migrate:down\n")]);
        for layout in LAYOUTS {
            let reading = layout.read(&folder, &ReadOptions::new(EngineNames::POSTGRES));
            let said = reading.migrations.len() + reading.snapshots.len() + reading.diagnostics.len();
            prop_assert!(said > 0, "{name} is lost in {}", layout.name());
        }
    }
}
