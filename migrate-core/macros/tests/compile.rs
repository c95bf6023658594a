//! What is wrong with a set is an error of the compiler that names the file, the line and the column.

use std::fs;
use std::path::Path;

/// The macro counts from the manifest of the crate that is compiled, which `trybuild` writes into the target folder.
fn put(sets: &Path, into: &Path) {
    for set in fs::read_dir(sets).expect("the folder of sets") {
        let set = set.expect("a folder").path();
        let copy = into.join("sets").join(set.file_name().expect("a name"));
        let _ = fs::remove_dir_all(&copy);
        fs::create_dir_all(&copy).expect("a folder can be made");
        for file in fs::read_dir(&set).expect("a folder") {
            let file = file.expect("a file");
            fs::copy(file.path(), copy.join(file.file_name())).expect("a file can be copied");
        }
    }
}

#[test]
fn whatever_is_wrong_with_a_set_is_an_error_of_the_compiler() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder");
    put(&here.join("tests/sets"), &target.join("tests/trybuild").join(env!("CARGO_PKG_NAME")));
    trybuild::TestCases::new().compile_fail("tests/cases/*.rs");
}
