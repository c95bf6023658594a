fn main() {
    let _ = migrate_macros::embed!((migrate_core) sqlite "sets/directive");
}
