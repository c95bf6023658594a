//! A manifest where nothing reads one.

use super::Manifest;
use crate::diagnostic::{Diagnostic, Place, codes, without_feature};
use crate::source::Source;

pub(super) fn parse(source: &Source) -> (Manifest, Vec<Diagnostic>) {
    let what = format!("{}: cannot be read", Manifest::FILE);
    let problem = without_feature(codes::BAD_MANIFEST, what, "manifest").at(Place::path(source.path()));
    (Manifest::default(), vec![problem])
}
