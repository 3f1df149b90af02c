//! Programs that empty the directory of names.
//!
//! That loses no manager, since the next process that opens one finds it in the kernel's list.

use super::finding::{Finding, bad, good};
use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::path::Path;

/// The folders of systemd-tmpfiles; of files of one name the first counts.
const RULES: [&str; 3] = ["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/lib/tmpfiles.d"];

/// Rules of systemd-tmpfiles by which files age in the directory.
pub(super) fn rules(directory: &Path) -> Finding {
    let mut files = BTreeMap::new();
    for folder in RULES.iter().rev() {
        let entries = read_dir(folder).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| (entry.file_name(), entry.path())));
    }
    let mut ages = None;
    for path in files.values() {
        for line in read_to_string(path).unwrap_or_default().lines() {
            match rule_of(line, directory) {
                // An exception counts, wherever it stands.
                Some(Rule::Excepted) => return good("cleaners", format!("{} excepts it", path.display())),
                Some(Rule::Ages) => ages = ages.or(Some((path.display(), line.to_owned()))),
                None => {}
            }
        }
    }
    match ages {
        None => good("cleaners", "no rule of systemd-tmpfiles"),
        Some((path, line)) => bad(
            "cleaners",
            format!(
                "systemd-tmpfiles empties {} by {path} ({line}); except it by a line `x {}` in \
                 /etc/tmpfiles.d/sharevar.conf",
                directory.display(),
                directory.display()
            ),
        ),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Rule {
    Ages,
    Excepted,
}

/// The meaning of a line for the directory, if it has any. Its fields are type, path, mode, user, group
/// and age.
fn rule_of(line: &str, directory: &Path) -> Option<Rule> {
    let mut fields = line.split_whitespace();
    let (kind, path) = (fields.next()?, fields.next()?);
    let (age, letter) = (fields.nth(3), kind.chars().next()?);
    // A pattern stands for all that it may match.
    let fixed = path.split(['*', '?', '[']).next().unwrap_or_default();
    let covers = if fixed.len() == path.len() {
        directory.starts_with(path)
    } else {
        directory.to_str().is_some_and(|directory| directory.starts_with(fixed))
    };
    match letter {
        _ if !covers => None,
        'x' | 'X' => (fixed != "/dev/shm").then_some(Rule::Excepted),
        'd' | 'D' | 'e' | 'v' | 'q' | 'Q' | 'C' => {
            age.is_some_and(|age| age != "-" && age != "0").then_some(Rule::Ages)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_understood() {
        let directory = Path::new("/dev/shm/sharevar-1000");
        let of = |line| rule_of(line, directory);
        for line in ["e /dev/shm - - - 10d", "d! /dev/shm 1777 root root 1h", "e /dev/shm/* - - - 1d"] {
            assert_eq!(of(line), Some(Rule::Ages), "{line}");
        }
        for line in ["# e /dev/shm - - - 1d", "", "d /dev/shm 1777 root root -", "e /dev/shmx - - - 1d"] {
            assert_eq!(of(line), None, "{line}");
        }
        for line in ["d /tmp 1777 root root 10d", "r /dev/shm/x", "d /dev/shm"] {
            assert_eq!(of(line), None, "{line}");
        }
        assert_eq!(of("x /dev/shm/sharevar-*"), Some(Rule::Excepted));
        assert_eq!(of("x /dev/shm/sharevar-1000"), Some(Rule::Excepted));
    }
}
