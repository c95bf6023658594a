//! `atlas.sum` where nothing reads one.

use crate::layout::{Folder, Reading};

/// Its name.
pub(super) const FILE: &str = "atlas.sum";

/// A folder with a sum is not taken without it.
pub(super) fn verify(folder: &Folder, reading: &mut Reading) {
    if let Some(file) = folder.file(FILE) {
        reading.unread(FILE, &file.path());
    }
}
