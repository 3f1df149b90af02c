//! Managers without a name, which processes have by descriptors, as the kernel shows them.

use crate::manager::Manager;
use std::collections::BTreeMap;
use std::fs::{metadata, read_dir, read_to_string};
use std::os::unix::fs::MetadataExt;

/// The name of the memory of such a manager in a process's list of mappings.
const MEMORY: &str = "/memfd:sharevar";

/// A manager without a name, or the variables of a family that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnnamedManager {
    /// The numbers of the processes that have it, as far as this one may look into them.
    pub processes: Vec<u32>,
    /// Bytes of memory that it takes, if some process still has a descriptor of it.
    pub used: Option<u64>,
}

impl Manager {
    /// Returns the managers without names that processes of this user have: those of
    /// [`Manager::new`], and the variables of families. It reads the mappings of each process of the
    /// user.
    ///
    /// ```
    /// use sharevar::Manager;
    ///
    /// let manager = Manager::new()?;
    /// let own = std::process::id();
    /// assert!(Manager::find_unnamed().iter().any(|found| found.processes.contains(&own)));
    /// # drop(manager);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn find_unnamed() -> Vec<UnnamedManager> {
        let own = metadata("/proc/self").map(|about| about.uid()).ok();
        // By device and inode.
        let mut found: BTreeMap<(String, u64), UnnamedManager> = BTreeMap::new();
        for entry in read_dir("/proc").into_iter().flatten().flatten() {
            let process = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
            let Some(process) = process.filter(|_| entry.metadata().map(|about| about.uid()).ok() == own)
            else {
                continue;
            };
            // A process that has ended, or may not be looked into, has none.
            let maps = read_to_string(entry.path().join("maps")).unwrap_or_default();
            for memory in maps.lines().filter_map(memory_of) {
                let manager = found.entry(memory);
                let manager = manager.or_insert(UnnamedManager { processes: Vec::new(), used: None });
                if manager.processes.last() != Some(&process) {
                    manager.processes.push(process);
                }
            }
        }
        let mut managers: Vec<_> = found
            .into_iter()
            .map(|((_, inode), mut manager)| {
                manager.processes.sort_unstable();
                manager.used = manager.processes.iter().find_map(|process| size(*process, inode));
                manager
            })
            .collect();
        managers.sort_by(|one, other| one.processes.cmp(&other.processes));
        managers
    }
}

/// Device and inode of the memory that a line of mappings is about, if it is that of a manager.
fn memory_of(line: &str) -> Option<(String, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let (device, inode) = (fields.nth(3)?, fields.next()?);
    let is_memory = fields.next()? == MEMORY;
    Some((device.to_owned(), inode.parse().ok()?)).filter(|_| is_memory)
}

/// Bytes of the memory with that inode, by a descriptor of the process.
fn size(process: u32, inode: u64) -> Option<u64> {
    let descriptors = read_dir(format!("/proc/{process}/fd")).ok()?;
    let mut files = descriptors.flatten().filter_map(|entry| metadata(entry.path()).ok());
    files.find(|about| about.ino() == inode).map(|about| about.blocks() * 512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_of_a_manager_is_known_by_its_name() {
        let line = "7f0000000000-7f0040000000 rw-s 00000000 00:01 1025   /memfd:sharevar (deleted)";
        assert_eq!(memory_of(line), Some(("00:01".to_owned(), 1025)));
        for other in [
            "7f0000000000-7f0040000000 rw-s 00000000 00:01 1025   /memfd:sharevar-pages (deleted)",
            "7f0000000000-7f0040000000 rw-p 00000000 00:00 0 ",
            "",
        ] {
            assert_eq!(memory_of(other), None);
        }
    }
}
