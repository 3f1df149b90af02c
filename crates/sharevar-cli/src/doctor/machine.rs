//! The machine: its kernel and its limits.

use super::finding::{Finding, bad, good};
use crate::amount;
use sharevar_os::{WipeOnForkPage, memory_limit};
use std::fs::read_to_string;

/// The oldest kernel that sharevar runs on.
const KERNEL: (u32, u32) = (5, 15);
/// Descriptors that a program with some managers and hosts needs.
const DESCRIPTORS: u64 = 256;
/// Address space that the default capacity of a manager asks for.
const ADDRESS_SPACE: u64 = 4 << 30;
/// Memory that a few variables and their managers need.
const MEMORY: u64 = 32 << 20;

pub(super) fn kernel() -> Finding {
    let name = rustix::system::uname();
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(|character: char| !character.is_ascii_digit()).map(str::parse);
    let version = numbers.next().and_then(|major| Some((major.ok()?, numbers.next()?.ok()?)));
    match version {
        Some(version) if version >= KERNEL => good("kernel", release),
        Some(_) => bad("kernel", format!("{release} is older than 5.15; take a newer one")),
        None => bad("kernel", format!("{release:?} is no version; sharevar needs Linux 5.15")),
    }
}

/// An emulator of user programs shows its machine's kernel as its own, and may not do as that does.
pub(super) fn children() -> Finding {
    let subject = "children";
    match WipeOnForkPage::is_wiped_in_children() {
        Ok(true) => good(subject, "a fork leaves out the memory that children must not have"),
        Ok(false) => bad(
            subject,
            "madvise answers by success and does nothing, as under QEMU's emulation of user programs; a \
             process that is forked by a raw clone changes variables in its parent's name, so test such \
             programs on a real processor, or in an emulated machine with its own kernel",
        ),
        Err(error) => bad(
            subject,
            format!(
                "{error}; sharevar needs madvise(MADV_WIPEONFORK), so allow it and take a kernel of 5.15"
            ),
        ),
    }
}

/// The soft limit of that name in /proc/self/limits; `None` if there is none.
fn limit(name: &str) -> Option<u64> {
    let limits = read_to_string("/proc/self/limits").ok()?;
    limits.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

pub(super) fn address_space() -> Finding {
    let subject = "address space";
    match limit("Max address space") {
        None => good(subject, "no limit"),
        Some(bytes) if bytes >= ADDRESS_SPACE => good(subject, amount::bytes(bytes)),
        Some(bytes) => bad(
            subject,
            format!("{} are few; raise the limit (ulimit -v) or give a capacity", amount::bytes(bytes)),
        ),
    }
}

pub(super) fn descriptors() -> Finding {
    match limit("Max open files") {
        Some(number) if number < DESCRIPTORS => {
            bad("descriptors", format!("{number} are few; raise the limit (ulimit -n)"))
        }
        Some(number) => good("descriptors", number.to_string()),
        None => good("descriptors", "no limit"),
    }
}

/// Beyond the limit of its group a process is killed, and not refused.
pub(super) fn memory() -> Finding {
    let subject = "memory";
    match memory_limit::room() {
        None => good(subject, "no limit of a group"),
        Some(room) if room.left >= MEMORY => {
            let (left, limit) = (amount::bytes(room.left), amount::bytes(room.limit));
            good(subject, format!("{left} left of the {limit} of this group"))
        }
        Some(room) => {
            let (left, limit) = (amount::bytes(room.left), amount::bytes(room.limit));
            let text = format!(
                "{left} are left of the {limit} of this group, and beyond them processes are killed; \
                 raise its limit (docker run --memory, memory.max)"
            );
            bad(subject, text)
        }
    }
}

/// A number of the kernel's own.
fn setting(path: &str) -> Option<u64> {
    read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

/// Each manager is a segment, and each process has one as a sign of life.
pub(super) fn segments() -> Finding {
    let subject = "segments";
    let list = read_to_string("/proc/sysvipc/shm");
    let (Ok(list), Some(most)) = (list, setting("/proc/sys/kernel/shmmni")) else {
        return bad(subject, "the kernel's list of them cannot be read: is /proc mounted?");
    };
    for (name, unit) in [("shmmax", 1), ("shmall", sharevar_os::kernel_page())] {
        let bytes = setting(&format!("/proc/sys/kernel/{name}")).unwrap_or(u64::MAX).saturating_mul(unit);
        if bytes < ADDRESS_SPACE {
            let text = format!(
                "kernel.{name} allows {} of memory; raise it (sysctl), or give each manager a smaller \
                 capacity",
                amount::bytes(bytes)
            );
            return bad(subject, text);
        }
    }
    let number = list.lines().count().saturating_sub(1) as u64;
    if number * 10 < most * 9 {
        return good(subject, format!("{number} of {most}"));
    }
    bad(subject, format!("{number} of {most} are in use; raise kernel.shmmni, or end processes"))
}

/// With strict accounting the whole capacity of a manager counts as memory in use.
pub(super) fn overcommit() -> Option<Finding> {
    let text = "vm.overcommit_memory is 2, so that the whole capacity of each manager counts as in use; \
                set it to 0, or give each manager a small capacity";
    (setting("/proc/sys/vm/overcommit_memory") == Some(2)).then(|| bad("memory", text))
}

pub(super) fn kept() -> Option<Finding> {
    let text = "kernel.shm_rmid_forced is 1, so that no manager can be kept; set it to 0";
    (setting("/proc/sys/kernel/shm_rmid_forced") == Some(1)).then(|| bad("lifetime", text))
}
