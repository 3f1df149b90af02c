//! How much memory the kernel will give before it kills instead of refusing.
//!
//! Inside a memory cgroup, running out is a kill, not an error (hazard 14). So limit and usage
//! are read up the hierarchy, of cgroup v1 and v2, before memory is populated.

use std::path::{Path, PathBuf};

/// Bytes that are kept free for other processes of the group.
const RESERVE: u64 = 8 << 20;

/// A cgroup's limit and how much of it is left, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// The limit.
    pub limit: u64,
    /// The memory that is left of it, less a reserve for other processes of the group.
    pub left: u64,
}

/// Returns the tightest memory limit of this process's groups; `None` if there is none.
pub fn room() -> Option<Room> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    room_in(&groups, Path::new("/sys/fs/cgroup"))
}

/// Returns half of what this process may use, 64 MiB at least.
pub fn default_capacity() -> u64 {
    let machine = machine_memory().unwrap_or(1 << 30);
    let limit = room().map_or(machine, |room| room.limit.min(machine));
    (limit / 2).clamp(64 << 20, 1 << 40)
}

fn machine_memory() -> Option<u64> {
    let system = rustix::system::sysinfo();
    (system.totalram as u64).checked_mul(u64::from(system.mem_unit.max(1)))
}

fn room_in(groups: &str, root: &Path) -> Option<Room> {
    groups.lines().filter_map(|line| tightest(line, root)).min_by_key(|room| room.left)
}

/// One line of `/proc/self/cgroup`: `0::/path` (v2) or `7:memory:/path` (v1).
fn tightest(line: &str, root: &Path) -> Option<Room> {
    let mut fields = line.splitn(3, ':');
    let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let (mount, limit, usage) = if controllers.is_empty() {
        (root.to_path_buf(), "memory.max", "memory.current")
    } else if controllers.split(',').any(|name| name == "memory") {
        (root.join("memory"), "memory.limit_in_bytes", "memory.usage_in_bytes")
    } else {
        return None;
    };
    let mut folder: PathBuf = mount.join(path.trim_start_matches('/'));
    let mut found: Option<Room> = None;
    while folder.starts_with(&mount) {
        if let (Some(limit), Some(usage)) = (number(&folder.join(limit)), number(&folder.join(usage)))
            && limit < 1 << 62
        {
            let left = limit.saturating_sub(usage).saturating_sub(RESERVE);
            if found.is_none_or(|room| left < room.left) {
                found = Some(Room { limit, left });
            }
        }
        if !folder.pop() {
            break;
        }
    }
    found
}

/// The number in a file; `max` counts as no number.
fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!(
            "sharevar-cgroup-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn the_tightest_limit_up_the_hierarchy_counts() {
        let root = folder();
        write(&root.join("a/memory.max"), "104857600\n");
        write(&root.join("a/memory.current"), "1048576\n");
        write(&root.join("a/b/memory.max"), "max\n");
        write(&root.join("a/b/memory.current"), "4096\n");
        let found = room_in("0::/a/b\n", &root).unwrap();
        assert_eq!(found, Room { limit: 104_857_600, left: 104_857_600 - 1_048_576 - RESERVE });
        write(&root.join("a/b/memory.max"), "16777216\n");
        assert_eq!(room_in("0::/a/b\n", &root).unwrap().limit, 16_777_216);
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn version_one_groups_are_read_too_and_no_limit_is_none() {
        let root = folder();
        write(&root.join("memory/c/memory.limit_in_bytes"), "67108864\n");
        write(&root.join("memory/c/memory.usage_in_bytes"), "67000000\n");
        assert_eq!(room_in("5:cpu:/x\n7:memory:/c\n", &root).unwrap().left, 0);
        write(&root.join("memory/c/memory.limit_in_bytes"), "9223372036854771712\n");
        assert_eq!(room_in("7:memory:/c\n", &root), None);
        std::fs::remove_dir_all(root).unwrap();
    }
}
