//! A new file in the folder is a reason to compile again.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
