//! Memory in a System V segment, which other processes of the user attach by its number.
//!
//! A segment that is marked for removal can still be attached by number as long as some process
//! has it mapped, and Linux frees it with the last mapping, however that process ends. Nothing
//! about it takes a descriptor, `/proc` or a process number. Numbers count in one IPC namespace.
#![allow(unsafe_code)]

use crate::error::{Error, Result, last_errno};
use crate::mapping::{Access, Mapping, PAGE, kernel_page};
use crate::segment;
use rustix::io::Errno;
use std::mem::MaybeUninit;

/// The upper half of the key of every segment that [`create`] makes.
pub const KEY_PREFIX: u16 = 0x5356;
/// Attempts with different keys.
const TRIES: u32 = 8;
/// Only the user's own processes attach.
const MODE: i32 = 0o600;

// Of <linux/shm.h>, and not in `libc`.
const SHM_STAT: i32 = 13;
const SHM_INFO: i32 = 14;
const IPC_INFO: i32 = 3;
const SHM_DEST: u32 = 0o1000;

/// `struct shminfo`.
#[repr(C)]
struct Limits {
    shmmax: libc::c_ulong,
    shmmin: libc::c_ulong,
    shmmni: libc::c_ulong,
    shmseg: libc::c_ulong,
    shmall: libc::c_ulong,
    unused: [libc::c_ulong; 4],
}

/// `struct shm_info`.
#[repr(C)]
struct Usage {
    used_ids: libc::c_int,
    shm_tot: libc::c_ulong,
    shm_rss: libc::c_ulong,
    shm_swp: libc::c_ulong,
    swap_attempts: libc::c_ulong,
    swap_successes: libc::c_ulong,
}

/// A segment as the kernel describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySegment {
    /// The kernel's number of the segment.
    pub number: u32,
    /// The key it was made with; 0 once it is marked for removal.
    pub key: u32,
    /// The size it was made with, in bytes.
    pub size: u64,
    /// The user that owns it.
    pub owner: u32,
    /// The process that made it; 0 if this process cannot name it.
    pub creator: u32,
    /// Whether some process has it attached.
    pub is_attached: bool,
    /// Whether it goes with the last process that has it attached.
    pub is_marked: bool,
}

impl MemorySegment {
    fn from_kernel(number: u32, about: &libc::shmid_ds) -> Self {
        Self {
            number,
            key: key_of(about),
            size: about.shm_segsz as u64,
            owner: about.shm_perm.uid,
            creator: u32::try_from(about.shm_cpid).unwrap_or(0),
            is_attached: about.shm_nattch != 0,
            is_marked: u32::from(about.shm_perm.mode) & SHM_DEST != 0,
        }
    }

    /// Whether the process that made it is certainly gone.
    pub fn is_orphan(&self) -> bool {
        let creator = i32::try_from(self.creator).ok().and_then(rustix::process::Pid::from_raw);
        creator.is_some_and(|creator| rustix::process::test_kill_process(creator) == Err(Errno::SRCH))
    }
}

/// Returns the key of a segment, whose field has a name of its own in each C library.
fn key_of(about: &libc::shmid_ds) -> u32 {
    // SAFETY: on Linux `ipc_perm` begins with the key, whatever C library declares it.
    let key = unsafe { std::ptr::from_ref(&about.shm_perm).cast::<libc::key_t>().read() };
    key as u32
}

/// Makes a segment of `size` bytes, all holes, and returns its number. It is not marked for removal.
pub fn create(size: u64) -> Result<u32> {
    let mut refused = Errno::EXIST;
    for _ in 0..TRIES {
        let mut random = [0; 2];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
            .map_err(Error::call("getrandom"))?;
        let key = u32::from(KEY_PREFIX) << 16 | u32::from(u16::from_le_bytes(random));
        let flags = libc::IPC_CREAT | libc::IPC_EXCL | libc::SHM_NORESERVE | MODE;
        // SAFETY: makes a segment or fails; touches no memory of ours.
        let number = unsafe { libc::shmget(key as i32, size as usize, flags) };
        match u32::try_from(number) {
            Ok(number) => return Ok(number),
            Err(_) => refused = last_errno(),
        }
        if refused != Errno::EXIST {
            break;
        }
    }
    Err(Error::SegmentRefused { asked: size, cause: refused })
}

/// Marks a segment for removal: it is gone with the last process that has it attached.
pub fn remove(number: u32) -> Result<()> {
    segment::remove(number as i32)
}

/// Asks the kernel for a segment by number; `None` if there is none in the thread's namespace, or
/// if it is another user's.
pub fn find(number: u32) -> Result<Option<MemorySegment>> {
    let mut about = MaybeUninit::<libc::shmid_ds>::uninit();
    // SAFETY: IPC_STAT writes one `shmid_ds`, which lives on our stack.
    if unsafe { libc::shmctl(number as i32, libc::IPC_STAT, about.as_mut_ptr()) } == 0 {
        // SAFETY: the call has succeeded, so the kernel has filled it.
        return Ok(Some(MemorySegment::from_kernel(number, unsafe { about.assume_init_ref() })));
    }
    match last_errno() {
        Errno::INVAL | Errno::IDRM | Errno::ACCESS => Ok(None),
        cause => Err(Error::Call { call: "shmctl(IPC_STAT)", cause }),
    }
}

/// Whether there is a segment of that number, and the kernel refuses it to this process: it is another
/// user's, or a security module separates the two.
pub fn is_denied(number: u32) -> bool {
    // SAFETY: maps the segment anywhere, for reading only, over no other mapping.
    let address = unsafe { libc::shmat(number as i32, std::ptr::null(), libc::SHM_RDONLY) };
    if address as isize == -1 {
        return last_errno() == Errno::ACCESS;
    }
    // SAFETY: the mapping was made above, and no other code knows of it.
    unsafe { libc::shmdt(address) };
    false
}

/// Returns the segments that this process may read, of all programs.
pub fn all() -> Result<Vec<MemorySegment>> {
    let (_, last) = usage()?;
    let mut found = Vec::new();
    for index in 0..=last {
        let mut about = MaybeUninit::<libc::shmid_ds>::uninit();
        // SAFETY: SHM_STAT writes one `shmid_ds`, which lives on our stack.
        let number = unsafe { libc::shmctl(index, SHM_STAT, about.as_mut_ptr()) };
        if let Ok(number) = u32::try_from(number) {
            // SAFETY: the call has succeeded, so the kernel has filled it.
            found.push(MemorySegment::from_kernel(number, unsafe { about.assume_init_ref() }));
            continue;
        }
        match last_errno() {
            // No segment there, one that is just going, another user's.
            Errno::INVAL | Errno::IDRM | Errno::ACCESS => {}
            cause => return Err(Error::Call { call: "shmctl(SHM_STAT)", cause }),
        }
    }
    Ok(found)
}

/// Copies the first page of a segment of `size` bytes; `None` if it is gone, or may not be read.
pub fn first_page(number: u32, size: u64) -> Result<Option<[u8; PAGE as usize]>> {
    let memory = match Mapping::attach(number, size, Access::Read) {
        Err(Error::Call { cause: Errno::INVAL | Errno::IDRM | Errno::ACCESS, .. }) => return Ok(None),
        memory => memory?,
    };
    // Not by touching it: where there is no memory for the page of a hole that would be SIGBUS.
    memory.populate_for_reading(0, PAGE).map_err(Error::call("madvise(POPULATE_READ)"))?;
    let mut page = [0; PAGE as usize];
    memory.copy_out(0, &mut page);
    Ok(Some(page))
}

/// Returns the size of the largest segment that the machine has room for by its settings, in bytes.
pub(crate) fn largest() -> u64 {
    let mut limits = MaybeUninit::<Limits>::zeroed();
    // SAFETY: IPC_INFO writes one `struct shminfo`, as declared above, which lives on our stack.
    let asked = unsafe { libc::shmctl(0, IPC_INFO, limits.as_mut_ptr().cast()) };
    let Ok((usage, _)) = usage() else { return u64::MAX };
    if asked < 0 {
        return u64::MAX;
    }
    // SAFETY: the call has succeeded, and every bit pattern is valid.
    let limits = unsafe { limits.assume_init() };
    let left = limits.shmall.saturating_sub(usage.shm_tot);
    limits.shmmax.min(left.saturating_mul(kernel_page()))
}

/// Returns how much is in use and the last index in the kernel's list.
fn usage() -> Result<(Usage, i32)> {
    let mut usage = MaybeUninit::<Usage>::zeroed();
    // SAFETY: SHM_INFO writes one `struct shm_info`, as declared above, which lives on our stack.
    let last = unsafe { libc::shmctl(0, SHM_INFO, usage.as_mut_ptr().cast()) };
    if last < 0 {
        return Err(Error::last("shmctl(SHM_INFO)"));
    }
    // SAFETY: the call has succeeded, and every bit pattern is valid.
    Ok((unsafe { usage.assume_init() }, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    /// Large, so that a test's segment is told from those of the other tests.
    const SIZE: u64 = (1 << 20) + 77;

    #[test]
    fn a_marked_segment_is_attached_by_number_until_the_last_mapping_goes() {
        let number = create(SIZE).unwrap();
        let first = Mapping::attach(number, SIZE, Access::ReadWrite).unwrap();
        first.word(8).store(5, Ordering::Release);
        remove(number).unwrap();
        let found = find(number).unwrap().unwrap();
        assert!(found.is_attached && found.is_marked && found.key == 0 && found.size == SIZE);
        assert!(all().unwrap().contains(&found));
        let second = Mapping::attach(number, SIZE, Access::ReadWrite).unwrap();
        drop(first);
        assert_eq!(second.word(8).load(Ordering::Acquire), 5);
        assert_eq!(first_page(number, SIZE).unwrap().unwrap()[8], 5);
        drop(second);
        assert_eq!(find(number).unwrap(), None);
        assert_eq!(first_page(number, SIZE).unwrap(), None);
    }

    #[test]
    fn an_unmarked_segment_stays() {
        let number = create(SIZE).unwrap();
        drop(Mapping::attach(number, SIZE, Access::ReadWrite).unwrap());
        let found = find(number).unwrap().unwrap();
        assert!(!found.is_attached && !found.is_marked && !found.is_orphan());
        assert_eq!((found.key >> 16) as u16, KEY_PREFIX);
        assert_eq!(found.creator, std::process::id());
        remove(number).unwrap();
        assert_eq!(find(number).unwrap(), None);
    }

    #[test]
    fn a_segment_is_kept_from_children_and_given_to_them() {
        let number = create(SIZE).unwrap();
        let memory = Mapping::attach(number, SIZE, Access::ReadWrite).unwrap();
        remove(number).unwrap();
        let flags = || {
            let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
            let at = format!("{:x}-", memory.base() as usize);
            let here = smaps.split_once(&at).unwrap().1;
            here.lines().find(|line| line.starts_with("VmFlags:")).unwrap().to_owned()
        };
        assert!(!flags().contains(" dc"));
        memory.keep_from_children().unwrap();
        assert!(flags().contains(" dc"));
        memory.give_to_children().unwrap();
        assert!(!flags().contains(" dc"));
    }
}
