//! logind, which removes what a user has in shared memory at its last logout (`RemoveIPC`).
//!
//! That takes nothing from processes that run, since the next one that opens a manager finds it in the
//! kernel's list. But a kept manager that no process has is gone.

use super::finding::{Finding, bad, good};
use sharevar::Lifetime;
use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

/// The folders of settings; a later line counts, and of files of one name those of the first folder.
const FOLDERS: [&str; 3] = ["etc/systemd", "run/systemd", "usr/lib/systemd"];
/// Users up to this number are the system's; logind leaves what they have alone.
const LAST_OF_SYSTEM: u32 = 999;

/// The finding for `user`, whose managers live as `lifetimes` say; `None` on a machine without logind.
pub(super) fn logout(
    root: &Path,
    user: u32,
    mut lifetimes: impl Iterator<Item = Lifetime>,
) -> Option<Finding> {
    if !root.join("run/systemd/seats").exists() {
        return None;
    }
    let is_ordinary = user > LAST_OF_SYSTEM && user != 65534;
    if !is_ordinary || !removes(root) || lingers(root, user) {
        return Some(good("logind", "removes no shared memory of this user"));
    }
    let text = "removes this user's shared memory at its last logout (RemoveIPC): managers that processes \
                have stay, and kept ones that no process has are gone; run `loginctl enable-linger`, or \
                keep them as a system user";
    let has_kept = lifetimes.any(|lifetime| lifetime == Lifetime::Keep);
    Some(if has_kept { bad("logind", text) } else { good("logind", text) })
}

/// Whether the last line that says it asks for the removal, as it is without any.
fn removes(root: &Path) -> bool {
    let mut files: Vec<PathBuf> = vec![root.join("etc/systemd/logind.conf")];
    let mut added: Vec<PathBuf> = Vec::new();
    for folder in FOLDERS {
        let entries = read_dir(root.join(folder).join("logind.conf.d")).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let is_known = added.iter().any(|known| known.file_name() == path.file_name());
            if !is_known && path.extension().is_some_and(|extension| extension == "conf") {
                added.push(path);
            }
        }
    }
    added.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    files.extend(added);
    let mut removes = true;
    for path in files {
        for line in read_to_string(path).unwrap_or_default().lines() {
            if let Some((key, value)) = line.split_once('=')
                && key.trim() == "RemoveIPC"
            {
                removes = !matches!(value.trim(), "no" | "false" | "0" | "off");
            }
        }
    }
    removes
}

/// Whether the user is one whose programs stay after its logout.
fn lingers(root: &Path, user: u32) -> bool {
    let users = read_to_string(root.join("etc/passwd")).unwrap_or_default();
    let name_of = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        (fields.nth(1)?.parse() == Ok(user)).then_some(name)
    };
    let name = users.lines().find_map(name_of);
    name.is_some_and(|name| root.join("var/lib/systemd/linger").join(name).exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A machine's files, which are removed when this is dropped.
    struct Machine(PathBuf);

    impl Machine {
        fn new(label: &str) -> Self {
            let root = std::env::temp_dir().join(format!("logind-{}-{label}", std::process::id()));
            let machine = Self(root);
            machine.write("run/systemd/seats/seat0", "");
            machine.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n");
            machine
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn is_good(&self, user: u32, lifetime: Lifetime) -> bool {
            logout(&self.0, user, std::iter::once(lifetime)).unwrap().is_good
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn kept_managers_of_an_ordinary_user_are_in_danger() {
        let machine = Machine::new("users");
        assert!(!machine.is_good(1000, Lifetime::Keep));
        assert!(machine.is_good(1000, Lifetime::WhileUsed));
        for system in [0, 999, 65534] {
            assert!(machine.is_good(system, Lifetime::Keep));
        }
        machine.write("var/lib/systemd/linger/ada", "");
        assert!(machine.is_good(1000, Lifetime::Keep) && !machine.is_good(1001, Lifetime::Keep));
    }

    #[test]
    fn the_last_setting_counts() {
        let machine = Machine::new("settings");
        machine.write("etc/systemd/logind.conf", "[Login]\n#RemoveIPC=yes\nRemoveIPC=no\n");
        assert!(machine.is_good(1000, Lifetime::Keep));
        machine.write("usr/lib/systemd/logind.conf.d/10-distribution.conf", "[Login]\nRemoveIPC = yes\n");
        assert!(!machine.is_good(1000, Lifetime::Keep));
        // A file of the same name in a folder before takes its place.
        machine.write("etc/systemd/logind.conf.d/10-distribution.conf", "");
        assert!(machine.is_good(1000, Lifetime::Keep));
    }

    #[test]
    fn a_machine_without_logind_has_nothing_to_tell() {
        let root = std::env::temp_dir().join(format!("logind-{}-none", std::process::id()));
        assert!(logout(&root, 1000, std::iter::once(Lifetime::Keep)).is_none());
    }
}
