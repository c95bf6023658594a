//! Ways back that were mended after their migration was applied.

use insta::assert_snapshot;

use super::planned;

const MENDED: &str = r#"
    file 1 down:"drop table if exists a"
    row up 1 down:"drop table a"
"#;

#[test]
fn a_mended_way_back_is_stored_anew() {
    assert_snapshot!(planned(MENDED), @"
    1  refresh 1 test  recorded, nothing runs
    then the set is complete
    ");
    assert_snapshot!(planned("file 1 down:\"drop table a\"\nrow up 1 down:\"drop table a\""), @"nothing to do");
    // What has none here keeps the one it was stored with.
    assert_snapshot!(planned("file 1\nrow up 1 down:\"drop table a\""), @"nothing to do");
}

#[test]
fn what_was_stored_before_is_not_put_back() {
    assert_snapshot!(planned(&format!("{MENDED}\nrow refresh 1 down:\"drop table if exists a\"")), @"nothing to do");
    let older = "file 1 down:\"drop table a\"\nrow up 1 down:\"drop table a\"\nrow refresh 1 down:\"drop table b\"";
    assert_snapshot!(planned(older), @"nothing to do");
}

#[test]
fn a_release_behind_the_database_stores_none() {
    assert_snapshot!(planned(&format!("{MENDED}\nrow up 2")), @"
    nothing to do
    warning[M0205]: the database is ahead of this set: it has 2 of another release
       = nothing there says that it does not work with this release
    ");
}
