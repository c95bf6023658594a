//! A data folder as it is after the installation, made once per version and copied for each server.
//!
//! MySQL takes seconds to initialise one. The copy is kept in the target folder as an archive; several test processes
//! at once wait for the one that makes it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Flavour;
use super::programs::Programs;
use crate::servers::guard::Guard;
use crate::servers::{command_of, complaint, said, said_of};

/// Beside `root`, who has no password and comes by the socket: who may do everything from everywhere.
const ACCOUNTS: &str = "CREATE USER test@'%' IDENTIFIED BY 'test';\nGRANT ALL ON *.* TO test@'%' WITH GRANT OPTION;\n";

/// To be raised where what is put into a template changes.
const EDITION: u32 = 1;

/// A server has a hundred megabytes of redo log otherwise, in memory where there is enough of it.
pub(super) const SMALL_LOG: [&str; 2] = ["--loose-innodb-redo-log-capacity=16M", "--loose-innodb-log-file-size=16M"];

/// Fills the folder `data` of a server.
///
/// # Panics
/// If the server's programs refuse.
pub(super) fn unpack(flavour: Flavour, programs: &Programs, guard: &Guard) {
    let archive = archive(flavour, programs);
    let mut command = command_of(guard.folder(), "tar");
    command.args(["-x", "-f", "-", "-C"]).arg(guard.folder());
    let archive = File::open(&archive).unwrap_or_else(|error| panic!("{}: {error}", archive.display()));
    let output = command.stdin(archive).output().expect("tar starts");
    assert!(output.status.success(), "{command:?}\n{}", complaint(&output));
}

fn archive(flavour: Flavour, programs: &Programs) -> PathBuf {
    let folder = crate::target().join("templates");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let kind = if flavour == Flavour::MySql { "mysql" } else { "mariadb" };
    let path = folder.join(format!("{kind}-{}-{EDITION}.tar", programs.version));
    let lock = File::create(path.with_extension("lock")).expect("a lock file");
    lock.lock().expect("a lock");
    if !path.is_file() {
        let guard = Guard::new("template");
        initialise(flavour, programs, &guard);
        // Each server has an identity of its own.
        let _ = fs::remove_file(guard.folder().join("data/auto.cnf"));
        let partial = path.with_extension("partial");
        let mut tar = Command::new("tar");
        tar.args(["-c", "--sparse", "--hole-detection=raw", "-f"]).arg(&partial).arg("-C").arg(guard.folder());
        said(tar.arg("data"));
        fs::rename(&partial, &path).expect("an archive that can be renamed");
    }
    path
}

fn initialise(flavour: Flavour, programs: &Programs, guard: &Guard) {
    let mut command = command_of(guard.folder(), &programs.server);
    command.args(programs.arguments()).arg(format!("--datadir={}", guard.folder().join("data").display()));
    command.args(SMALL_LOG).args(["--innodb-flush-log-at-trx-commit=0", "--loose-innodb-flush-method=nosync"]);
    if flavour == Flavour::MySql {
        let accounts = guard.write("accounts.sql", ACCOUNTS);
        command.arg("--initialize-insecure").arg(format!("--init-file={}", accounts.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}\n{}", complaint(&output));
    } else {
        said(command_of(guard.folder(), "mkdir").arg("-p").arg(guard.folder().join("data/mysql")));
        command.args(["--bootstrap", "--skip-log-bin", "--max-allowed-packet=8M", "--log-warnings=0"]);
        said_of(&mut command, &bootstrap(&programs.share));
    }
}

/// What `mariadb-install-db` feeds to the server. That is a script which only finds its files where the package's
/// author put them.
fn bootstrap(share: &Path) -> String {
    // Where the accounts' folder says nothing else, root comes in without a password.
    let mut text = "CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n".to_owned();
    let scripts = [
        (true, "system_tables.sql"),
        (true, "performance_tables.sql"),
        (true, "system_tables_data.sql"),
        (false, "maria_add_gis_sp_bootstrap.sql"),
        (true, "sys_schema.sql"),
    ];
    for (is_prefixed, name) in scripts {
        let names =
            if is_prefixed { [format!("mariadb_{name}"), format!("mysql_{name}")].to_vec() } else { vec![name.into()] };
        // Older versions have fewer.
        let script = names.iter().find_map(|name| fs::read_to_string(share.join(name)).ok()).unwrap_or_default();
        let _ = writeln!(text, "{script}");
    }
    format!("{text}FLUSH PRIVILEGES;\n{ACCOUNTS}")
}
