//! What lies beside scripts: read with the feature `embed`, refused without.

#[cfg(not(feature = "embed"))]
#[test]
fn what_lies_beside_scripts_is_never_passed_over() {
    for (layout, scripts, beside) in [
        (None, ["1_a.sql"], "migrations.toml"),
        (Some("flyway"), ["V1__a.sql"], "flyway.toml"),
        (Some("drizzle"), ["0000_a.sql"], "meta/_journal.json"),
        (Some("diesel"), ["2026-01-31-120000_a/up.sql"], "2026-01-31-120000_a/metadata.toml"),
        (Some("atlas"), ["20260131120000_a.sql"], "atlas.sum"),
    ] {
        let files = [(scripts[0], super::USERS), (beside, "")];
        let said = super::read(layout, &files).expect_err(beside);
        let expected = format!(
            "{beside}: cannot be read: this program was built without the feature `manifest`\n  --> m/{beside}\n   \
             = build it with that: features = [\"manifest\"] where Cargo.toml names the backend's crate"
        );
        assert!(said.contains(&expected), "{beside}: {said}");
    }
}

#[cfg(feature = "embed")]
#[test]
fn sets_of_other_tools_are_compiled_in_and_run_without_the_feature_other_tools() {
    use migrate_sqlite::embed_migrations;

    for (name, set) in [
        ("native", embed_migrations!("native")),
        ("flyway", embed_migrations!("flyway")),
        ("drizzle", embed_migrations!("drizzle")),
        ("diesel", embed_migrations!("diesel")),
    ] {
        assert_eq!(set.stale(), None, "{name}");
        let migrator = super::Database::new(name).migrator(set);
        assert_eq!(migrator.up().unwrap_or_else(|error| panic!("{name}: {error}")).steps.len(), 1, "{name}");
        assert!(migrator.check().is_ok_and(|check| check.is_current()), "{name}");
    }
}
