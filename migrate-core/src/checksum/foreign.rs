//! The checksums of other tools, each exactly as its tool computes it.
//!
//! They are taken over a migration's file as it was written, and only to be compared with what that tool recorded, or
//! to be written for it: our own history knows the two digests of [`checksum`](super) alone. Each function names the
//! tool's version whose source was read.
//!
//! Available with feature `other-tools`.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha384};
use siphasher::sip::SipHasher13;

pub use crate::history::format::entry::Algorithm;

/// Flyway's checksum: CRC-32 of the lines without their ends, as a signed number.
///
/// A line ends at LF, CR or CRLF; a byte order mark before the first line is dropped. Line ends, blank lines and the
/// end of the file do not change it. Source: Flyway 13.0.0, `ChecksumCalculator`; run against 7.15.0.
///
/// ```
/// assert_eq!(migrate_core::checksum::foreign::flyway("CREATE TABLE users (id INTEGER PRIMARY KEY);\r\n"), -7_233_374);
/// ```
pub fn flyway(text: &str) -> i32 {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut crc = crc32fast::Hasher::new();
    for line in text.split(['\n', '\r']) {
        crc.update(line.as_bytes());
    }
    crc.finalize().cast_signed()
}

/// sqlx's checksum: SHA-384 of the file, as lower-case hexadecimal digits. Source: sqlx 0.9-dev, `sqlx-core`.
pub fn sqlx(text: &str) -> String {
    digits(&Sha384::digest(text.as_bytes()))
}

/// refinery's checksum: SipHash-1-3 with a zero key over the name, the version and the text, as `Hash` feeds them.
///
/// `wide` is the crate's feature `int8-versions`. The version is little-endian, which it is wherever the crate runs in
/// practice. `None` if the version does not fit. Source: refinery 0.9, `refinery_core/src/runner.rs`; vectors from the
/// crate itself.
pub fn refinery(name: &str, version: i64, text: &str, wide: bool) -> Option<u64> {
    use std::hash::Hasher as _;
    let mut hasher = SipHasher13::new();
    hasher.write(name.as_bytes());
    hasher.write(&[0xff]);
    if wide {
        hasher.write(&version.to_le_bytes());
    } else {
        hasher.write(&i32::try_from(version).ok()?.to_le_bytes());
    }
    hasher.write(text.as_bytes());
    hasher.write(&[0xff]);
    Some(hasher.finish())
}

/// SHA-256 of the file, as lower-case hexadecimal digits: Prisma (engines of 2026), Drizzle 0.x and 1.0 beta.
pub fn sha256(text: &str) -> String {
    digits(&Sha256::digest(text.as_bytes()))
}

/// Prisma's older form of the same: each byte printed without its leading zero.
pub(crate) fn sha256_unpadded(text: &str) -> String {
    let padded = sha256(text);
    let pairs = (0..padded.len()).step_by(2).map(|at| &padded[at..at + 2]);
    pairs.map(|pair| pair.strip_prefix('0').unwrap_or(pair)).collect()
}

/// SHA-1 of the file, as lower-case hexadecimal digits: what Sqitch calls a script's hash (Sqitch at 0ab857e3bb).
pub fn sqitch(text: &str) -> String {
    digits(&Sha1::digest(text.as_bytes()))
}

/// MD5 of a statement without its delimiter, as lower-case hexadecimal digits: what OpenMetadata finds a statement by.
pub fn openmetadata(statement: &str) -> String {
    digits(&Md5::digest(statement.as_bytes()))
}

/// How a Liquibase changeset asks to be split, as far as the older checksum depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiquibaseOptions {
    /// `endDelimiter`.
    pub end_delimiter: Option<String>,
    /// `splitStatements`.
    pub split_statements: bool,
    /// `stripComments`.
    pub strip_comments: bool,
}

impl Default for LiquibaseOptions {
    fn default() -> Self {
        Self { end_delimiter: None, split_statements: true, strip_comments: true }
    }
}

/// Liquibase's checksum of a changeset of formatted SQL with one change: `sql` is its text after parameters, without
/// header, comment and rollback lines. `version` is 8 or 9, the number before the colon; `None` for any other.
///
/// Source: Liquibase 5.0.4-dev; the inner digests were compared with its own tests, the outer one is from source only.
pub fn liquibase(version: u32, sql: &str, options: &LiquibaseOptions) -> Option<String> {
    let inner = liquibase_change(version, sql, options)?;
    Some(format!("{version}:{}", digits(&Md5::digest(format!("{inner}:").as_bytes()))))
}

/// The checksum of the change alone.
fn liquibase_change(version: u32, sql: &str, options: &LiquibaseOptions) -> Option<String> {
    const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];
    let text = match version {
        9 => sql.chars().filter(|c| !BLANKS.contains(c)).collect(),
        8 => {
            let words: Vec<&str> = sql.split(BLANKS).filter(|word| !word.is_empty()).collect();
            let LiquibaseOptions { end_delimiter, split_statements, strip_comments } = options;
            let delimiter = end_delimiter.as_deref().unwrap_or("null");
            format!("{delimiter}:{split_statements}:{strip_comments}:{}", words.join(" "))
        }
        _ => return None,
    };
    Some(format!("{version}:{}", digits(&Md5::digest(text.as_bytes()))))
}

/// The running digest behind the lines of an `atlas.sum`: each file's value depends on all files before it.
///
/// Source: Atlas at a5e0aecc2b, `sql/migrate/dir.go`; a fixture of its own was reproduced byte for byte.
#[derive(Clone, Debug, Default)]
pub struct Atlas(Sha256);

impl Atlas {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of the next file, in the order of their names: standard base64, without `h1:`.
    pub fn file(&mut self, name: &str, bytes: &[u8]) -> String {
        self.0.update(name.as_bytes());
        self.0.update(bytes);
        base64(&self.0.clone().finalize())
    }

    /// A file that `atlas:sum ignore` leaves out: only its name counts, and it has no line.
    pub fn ignored(&mut self, name: &str) {
        self.0.update(name.as_bytes());
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn digits(bytes: &[u8]) -> String {
    super::hex("", bytes).split_off(1)
}

/// A text as it is, with LF, and with CRLF as line ends; only those that differ. Version control changes line ends, and
/// a raw digest changes with them.
pub(crate) fn line_ending_variants(text: &str) -> Vec<String> {
    let unix = text.replace("\r\n", "\n");
    let windows = unix.replace('\n', "\r\n");
    let mut variants = vec![text.to_owned()];
    for variant in [unix, windows] {
        if !variants.contains(&variant) {
            variants.push(variant);
        }
    }
    variants
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";

    #[test]
    fn flyway_reads_lines_and_not_their_ends() {
        for (text, sum) in [
            (USERS, -7_233_374),
            (&USERS.replace('\n', "\r\n"), -7_233_374),
            (&USERS.replace('\n', "\r"), -7_233_374),
            (USERS.trim_end(), -7_233_374),
            (&format!("\u{feff}{USERS}"), -7_233_374),
            (&format!("{USERS}\n\n\n"), -7_233_374),
            ("SELECT 1;\nSELECT 2;\n", -1_665_099_012),
            ("SELECT 1;SELECT 2;", -1_665_099_012),
            ("", 0),
            ("\n", 0),
            ("-- é ü 漢\n", 995_462_812),
            ("\u{feff}ALTER TABLE users ADD COLUMN name TEXT;\r\n\r\n\r\n", -295_727_525),
            ("-- 42\nDROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1 AS a;\n", -2_088_121_181),
            ("-- ${ver}\nDROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1 AS a;\n", 1_844_132_721),
        ] {
            assert_eq!(flyway(text), sum, "{text:?}");
        }
    }

    #[test]
    fn sqlx_digests_the_bytes() {
        assert_eq!(
            sqlx(USERS),
            "bf56d804b4fa9e24aa2a3c122aaf2a88eea1e9f13d33cb772d90e0e8fa668bdf8f1ebb8de95be124e4681305e616e8f7"
        );
    }

    #[test]
    fn refinery_digests_name_version_and_text() {
        for (name, version, text, narrow, wide) in [
            ("create_users", 1, USERS, 18_274_778_505_149_910_206, Some(13_715_191_258_393_703_588)),
            ("create_users", 1, &USERS.replace('\n', "\r\n"), 13_947_302_606_498_127_118, None),
            ("add_brand", 3, USERS, 18_350_743_345_800_221_707, Some(3_106_418_307_363_858_907)),
        ] {
            assert_eq!(refinery(name, version, text, false), Some(narrow), "{name}");
            if let Some(wide) = wide {
                assert_eq!(refinery(name, version, text, true), Some(wide), "{name}");
            }
        }
        assert_eq!(refinery("a", 20_260_101_000_000, "", false), None);
    }

    #[test]
    fn prisma_and_drizzle_digest_the_bytes() {
        assert_eq!(sha256(USERS), "6869107c4910d8df4680ee89aff9924b65ae79c81b5b78478f2b12f90254f6c5");
        let windows = USERS.replace('\n', "\r\n");
        assert_eq!(sha256(&windows), "b7ade382451b7e6000d5ff1333fafb0ac8fafc671ed84b7a64471ee5ca1c4764");
        assert_eq!(sha256_unpadded(USERS), "6869107c4910d8df4680ee89aff9924b65ae79c81b5b78478f2b12f9254f6c5");
    }

    #[test]
    fn liquibase_digests_a_change_and_then_the_changeset() {
        let options = LiquibaseOptions::default();
        let check = |version, inner: &str, outer: &str| {
            assert_eq!(liquibase_change(version, USERS.trim(), &options).as_deref(), Some(inner));
            assert_eq!(liquibase(version, USERS.trim(), &options).as_deref(), Some(outer));
        };
        check(9, "9:202b52210da103b9ec3e3687e861022d", "9:f1acdd05fa8b66057be5072b459bab50");
        check(8, "8:decf31d67e3965ec5ab706abe5f86066", "8:bc305948de488b387dcfb5d55ea982ec");
        assert_eq!(liquibase(7, USERS, &options), None);
    }

    #[test]
    fn openmetadata_and_sqitch_digest_what_they_run() {
        assert_eq!(openmetadata(USERS.trim_end().trim_end_matches(';')), "3499613a544f76f9dd4a717c6e6ea122");
        assert_eq!(sqitch(USERS), "4a0c592fb274ea6cc0a21ce728d38dd4162bf1b6");
    }

    #[test]
    fn atlas_digests_all_files_up_to_one() {
        let mut atlas = Atlas::new();
        let files = [("20240101000000_a.sql", USERS), ("20240102000000_b.sql", "SELECT 1;\n")];
        let values = files.map(|(name, text)| atlas.file(name, text.as_bytes()));
        assert_eq!(
            values,
            ["ZIsXkZkdAJaDhDs5jJ0lzX58B786+RrXswTEQo6xzKM=", "jkLHlno3iY3ud3gcLxofR1cAP+s/HnbiR68BRCARxfs="]
        );
    }

    #[test]
    fn line_endings_are_the_only_difference_of_variants() {
        assert_eq!(line_ending_variants("a\r\nb\n"), ["a\r\nb\n", "a\nb\n", "a\r\nb\r\n"]);
        assert_eq!(line_ending_variants("a"), ["a"]);
    }
}
