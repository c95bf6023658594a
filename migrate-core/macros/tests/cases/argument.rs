fn main() {
    let folder = "sets/name";
    let _ = migrate_macros::embed!((migrate_core) sqlite folder);
}
