//! Service files: `pg_service.conf`, which gives a name to a list of connection parameters.
//!
//! ```text
//! # comment
//! [shop]
//! host=db.example
//! dbname=shop
//! ```

use super::conninfo::ConnInfoError;

/// A file of services, as somebody read it.
#[derive(Clone, Copy, Debug)]
pub struct ServiceFile<'a> {
    /// How messages name it.
    pub path: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// The parameters of a service, in the file's order; `None` where the file has no such service.
///
/// As in libpq, other services are not looked at, and the first of two sections with one name counts.
pub(super) fn find(file: ServiceFile<'_>, service: &str) -> Result<Option<Vec<(String, String)>>, ConnInfoError> {
    let mut found: Option<Vec<(String, String)>> = None;
    for (index, line) in file.text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            let name = rest.split_once(']').map_or(rest, |(name, _)| name);
            found = (name == service).then(Vec::new);
            continue;
        }
        let Some(parameters) = &mut found else { continue };
        let wrong = |why| ConnInfoError::ServiceFile { path: file.path.to_owned(), line: index + 1, why };
        if line.starts_with("ldap") {
            return Err(wrong("LDAP is not asked here: write the parameters themselves"));
        }
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("it is not NAME=VALUE"))?;
        if name == "service" {
            return Err(wrong("a service cannot name another one"));
        }
        parameters.push((name.trim_end().to_owned(), value.trim_start().to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# all of them\n[a]\nhost=one\n\n[ b c ]\r\n  host = two \nport=6543\n[empty]\n[a]\nhost=never\n[bad]\nno\n[ldap]\nldap://x\n";

    fn found(service: &str) -> String {
        match find(ServiceFile { path: "f", text: FILE }, service) {
            Ok(None) => "none".to_owned(),
            Ok(Some(all)) => all.iter().map(|(name, value)| format!("{name}={value};")).collect::<Vec<_>>().concat(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_service_is_a_section() {
        for (service, parameters) in [
            ("a", "host=one;"),
            (" b c ", "host=two;port=6543;"),
            ("empty", ""),
            ("A", "none"),
            ("bad", "f:12: it is not NAME=VALUE"),
            ("ldap", "f:14: LDAP is not asked here: write the parameters themselves"),
        ] {
            assert_eq!(found(service), parameters, "{service}");
        }
    }
}
