//! The programs of a server, and where they have their files.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::Flavour;
use crate::servers::guard::Guard;
use crate::servers::process::search_path;
use crate::servers::{command_of, complaint};

/// What was found for a flavour.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) server: PathBuf,
    /// What the server says about itself: `9.7.4-2`, `10.11.19-MariaDB-0+deb12u1`.
    pub(super) version: String,
    /// What the paths of the rest begin with.
    pub(super) base: PathBuf,
    /// Messages, character sets and scripts.
    pub(super) share: PathBuf,
    flavour: Flavour,
    /// Where they were copied to, if `nobody` may not look at the place where they were found.
    _copy: Option<Guard>,
}

impl Programs {
    /// Those of all servers that are started without naming any.
    pub(super) fn of(flavour: Flavour) -> &'static Self {
        static MYSQL: OnceLock<Programs> = OnceLock::new();
        static MARIADB: OnceLock<Programs> = OnceLock::new();
        let programs = if flavour == Flavour::MySql { &MYSQL } else { &MARIADB };
        programs.get_or_init(|| {
            let servers = servers(flavour).into_iter();
            let found = servers.filter(|path| is_flavour(path, flavour)).find_map(|path| Self::new(flavour, &path));
            found.unwrap_or_else(|| panic!("{}", flavour.absent()))
        })
    }

    /// Those in a folder.
    pub(super) fn in_folder(flavour: Flavour, folder: &Path) -> Self {
        let servers = servers_in(folder, flavour.server_names());
        let programs = servers.iter().find_map(|server| Self::new(flavour, server));
        programs.unwrap_or_else(|| panic!("no {} server in {}", flavour.name(), folder.display()))
    }

    /// Those beside a server.
    fn new(flavour: Flavour, server: &Path) -> Option<Self> {
        let base = server.parent()?.parent()?;
        let (base, copy) = where_nobody_may_look(base, server);
        let server = base.join(server.strip_prefix(server.parent()?.parent()?).ok()?);
        let share = ["share/mysql", "share/mariadb", "share"].map(|name| base.join(name));
        let share = share.into_iter().find(|folder| folder.join("charsets").is_dir())?;
        let version = version(&server)?;
        Some(Self { server, version, base, share, flavour, _copy: copy })
    }

    /// A client program: `client` or `dump`.
    pub(super) fn client(&self, names: &[&'static str]) -> Option<PathBuf> {
        let beside = ["bin", "sbin"].map(|name| self.base.join(name));
        let own = names.iter().flat_map(|name| beside.iter().map(move |folder| folder.join(name)));
        own.into_iter().find(|path| path.is_file()).or_else(|| client(self.flavour, names))
    }

    /// What a server must be told about its files, wherever it was installed.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "--no-defaults".to_owned(),
            format!("--basedir={}", self.base.display()),
            format!("--lc-messages-dir={}", self.share.display()),
            format!("--character-sets-dir={}", self.share.join("charsets").display()),
        ];
        let plugins = ["lib/mysql/plugin", "lib/plugin"].map(|name| self.base.join(name));
        let plugins = plugins.into_iter().find(|folder| folder.is_dir());
        arguments.extend(plugins.map(|folder| format!("--plugin-dir={}", folder.display())));
        if self.flavour == Flavour::MySql {
            // Its default is a folder of the distribution's that is not there.
            arguments.push("--secure-file-priv=NULL".into());
        }
        arguments
    }
}

/// A client program for a server that is not ours; that of the other flavour is better than none.
pub(super) fn client(flavour: Flavour, names: &[&'static str]) -> Option<PathBuf> {
    let folders = search_path().chain(trees(flavour.tree()).into_iter().map(|tree| tree.join("usr/bin")));
    let found: Vec<_> = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name))).collect();
    let mut found: Vec<_> = found.into_iter().filter(|path| path.is_file()).collect();
    found.sort_by_key(|path| !is_flavour(path, flavour));
    found.into_iter().next()
}

/// Where servers may be, the best place first.
fn servers(flavour: Flavour) -> Vec<PathBuf> {
    let names = flavour.server_names();
    if let Some(folder) = env::var_os(flavour.bin_variable()).filter(|folder| !folder.is_empty()) {
        return servers_in(Path::new(&folder), names);
    }
    let folders = search_path().chain(trees(flavour.tree()).into_iter().map(|tree| tree.join("usr/sbin")));
    let paths = folders.flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    paths.filter(|path| path.is_file()).collect()
}

/// The servers in a folder of programs, or in the one beside it: packages have them apart from their clients.
fn servers_in(folder: &Path, names: &[&'static str]) -> Vec<PathBuf> {
    let folders = [folder.to_owned(), folder.join("../sbin"), folder.join("../libexec")];
    let paths = folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    paths.filter_map(|path| path.canonicalize().ok()).collect()
}

/// What scripts/debian-tree unpacked for scripts/test, the newest version first.
pub(super) fn trees(name: &str) -> Vec<PathBuf> {
    let folder = crate::target().join(name);
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut trees: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let version: Option<Vec<u32>> = name.to_str()?.split('.').map(|part| part.parse().ok()).collect();
            Some((version?, entry.path()))
        })
        .filter(|(_, path)| path.join("complete").is_file())
        .collect();
    trees.sort_by(|one, other| other.cmp(one));
    trees.into_iter().map(|(_, path)| path).collect()
}

/// MariaDB's packages also bring what is called as MySQL's programs are.
fn is_flavour(program: &Path, flavour: Flavour) -> bool {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    output.is_ok_and(|output| {
        output.status.success() && (complaint(&output).contains("MariaDB") == (flavour == Flavour::MariaDb))
    })
}

fn version(server: &Path) -> Option<String> {
    let output = Command::new(server).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = complaint(&output);
    text.split_once(" Ver ")?.1.split_whitespace().next().map(str::to_owned)
}

/// The servers of root are run by `nobody`, who may not look into every folder: what was unpacked for the tests is
/// copied to where that is possible, for as long as this process lives.
fn where_nobody_may_look(base: &Path, server: &Path) -> (PathBuf, Option<Guard>) {
    let tree = base.parent().filter(|tree| tree.join("complete").is_file());
    let Some(tree) = tree.filter(|_| crate::servers::guard::is_root()) else { return (base.to_owned(), None) };
    let guard = Guard::new("programs");
    let mut command = command_of(guard.folder(), server);
    if command.arg("--version").output().is_ok_and(|output| output.status.success()) {
        return (base.to_owned(), None);
    }
    let copy = guard.folder().join("tree");
    let status = Command::new("cp").arg("-a").arg(tree).arg(&copy).status();
    assert!(status.is_ok_and(|status| status.success()), "{} cannot be copied", tree.display());
    (copy.join(base.strip_prefix(tree).unwrap_or(base)), Some(guard))
}
