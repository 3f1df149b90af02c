//! A System V segment that is attached and already marked for removal, as a sign that a process
//! lives.
//!
//! It exists exactly as long as some address space has it attached. SIGKILL, exit and exec end
//! it, `close` and `closerange` do not, and fork does not copy it. Making it and asking for it by
//! number takes no descriptor, no `/proc`, no process number and no privilege.
#![allow(unsafe_code)]

use crate::error::{Error, Result, last_errno};
use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Processes of other users get EACCES, which says as much. If they could read the segment, any
/// user could attach it, so that its maker would seem to live after its death.
const MODE: i32 = 0o400;
/// Attempts with different keys.
const TRIES: u32 = 8;
/// The upper half of every key. It identifies segments of processes that were killed before
/// they could mark them for removal.
pub const KEY_PREFIX: u16 = 0x5357;

/// A System V segment as another process finds it.
///
/// Numbers are used again after about four million segments. The random size is a mark of twelve
/// bits against that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The namespace in which the number counts, as the caller numbers namespaces.
    pub namespace: u32,
    /// In bytes, 1 to [`Mark::MAX_SIZE`].
    pub size: u32,
    /// The kernel's number of the segment.
    pub number: u32,
}

impl Mark {
    /// The largest size of a segment, in bytes.
    pub const MAX_SIZE: u64 = 1 << 12;
}

/// An attached segment. Dropped, it shows no life of this process any more.
#[derive(Debug)]
pub struct Segment {
    address: NonNull<core::ffi::c_void>,
    mark: Mark,
    /// Whether children that this process forks have it attached, too.
    is_inherited: bool,
}

// SAFETY: nothing is ever read or written through the address.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

/// The kernel's answer about a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It exists: the process that made it, or one that inherited it, lives.
    Attached,
    /// There is none of this number and size in the thread's namespace.
    Gone,
    /// The kernel gives no answer.
    Unknown,
}

impl Segment {
    /// Makes a segment in IPC namespace `namespace`, which forked children inherit.
    ///
    /// `note` is called with a word that names the segment before it exists, and with 0 once it is
    /// attached. Should this process die in between, [`remove_unattached`] takes that word.
    pub fn make(namespace: u32, mut note: impl FnMut(u64)) -> Result<Self> {
        let mut refused = Errno::EXIST;
        for _ in 0..TRIES {
            let mut random = [0; 8];
            rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())
                .map_err(Error::call("getrandom"))?;
            let random = u64::from_le_bytes(random);
            let key = u32::from(KEY_PREFIX) << 16 | u32::from(random as u16);
            let size = (random >> 32) % Mark::MAX_SIZE + 1;
            note(size << 32 | u64::from(key));
            let made = Self::attach_new(key as i32, size as u32, namespace);
            note(0);
            match made {
                // The key is in use, or another process took this one for dead and removed it.
                Err(Error::Call { cause: cause @ (Errno::EXIST | Errno::INVAL | Errno::IDRM), .. }) => {
                    refused = cause;
                }
                made => return made,
            }
        }
        Err(Error::Call { call: "shmget", cause: refused })
    }

    fn attach_new(key: i32, size: u32, namespace: u32) -> Result<Self> {
        // SAFETY: makes a segment or fails; touches no memory of ours.
        let number = unsafe { libc::shmget(key, size as usize, libc::IPC_CREAT | libc::IPC_EXCL | MODE) };
        let number = u32::try_from(number).map_err(|_| Error::last("shmget"))?;
        // SAFETY: the kernel chooses the address, so nothing is aliased. Never read or written.
        let address = unsafe { libc::shmat(number as i32, std::ptr::null(), libc::SHM_RDONLY) };
        let attached = if address as isize == -1 { Err(Error::last("shmat")) } else { Ok(address) };
        // From here on the kernel removes it when the last address space lets it go.
        let removed = remove(number as i32);
        let address = attached?;
        let mark = Mark { namespace, size, number };
        let address_of_page = NonNull::new(address).expect("shmat gives no null");
        let segment = Self { address: address_of_page, mark, is_inherited: true };
        removed?;
        // SAFETY: the range is this segment's one page.
        let _ = unsafe { libc::madvise(address, size as usize, libc::MADV_DONTDUMP) };
        Ok(segment)
    }

    /// The number and mark by which other processes ask for the segment.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Keeps children from inheriting the segment. If the kernel refuses, the segment still shows
    /// the life of this process, and a forked child lets go of its copy by hand.
    #[must_use]
    pub fn keep_from_children(mut self) -> Self {
        // SAFETY: the range is this segment's one page.
        let kept =
            unsafe { libc::madvise(self.address.as_ptr(), self.mark.size as usize, libc::MADV_DONTFORK) };
        self.is_inherited = kept != 0;
        self
    }

    /// Lets go of the parent's segment in a forked child, which has it attached only if it could
    /// not be kept from children.
    pub fn forget_in_child(self) {
        if !self.is_inherited {
            std::mem::forget(self);
        }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: it is attached there, and nothing else refers to the address.
        let _ = unsafe { libc::shmdt(self.address.as_ptr()) };
    }
}

/// Asks the kernel for a segment, in the namespace of the calling thread.
pub fn ask(mark: Mark) -> Seen {
    let mut about = MaybeUninit::<libc::shmid_ds>::uninit();
    // SAFETY: IPC_STAT writes one `shmid_ds`, which lives on our stack.
    let answer = unsafe { libc::shmctl(mark.number as i32, libc::IPC_STAT, about.as_mut_ptr()) };
    if answer == 0 {
        // SAFETY: the call has succeeded, so the kernel has filled it.
        let size = unsafe { about.assume_init() }.shm_segsz;
        return if size == mark.size as usize { Seen::Attached } else { Seen::Gone };
    }
    match last_errno() {
        // It exists and is another user's.
        Errno::ACCESS => Seen::Attached,
        Errno::INVAL | Errno::IDRM => Seen::Gone,
        _ => Seen::Unknown,
    }
}

/// Removes the segment that a word of [`Segment::make`]'s note names, if it exists and no process
/// has attached it.
///
/// Safe at any time: should its maker live after all, it makes another.
pub fn remove_unattached(noted: u64) {
    let (key, size) = (noted as u32 as i32, (noted >> 32) as usize);
    if key == 0 {
        return;
    }
    // SAFETY: asks for a number by key.
    let number = unsafe { libc::shmget(key, 0, 0) };
    if number < 0 {
        return;
    }
    let mut about = MaybeUninit::<libc::shmid_ds>::uninit();
    // SAFETY: IPC_STAT writes one `shmid_ds`, which lives on our stack.
    if unsafe { libc::shmctl(number, libc::IPC_STAT, about.as_mut_ptr()) } != 0 {
        return;
    }
    // SAFETY: the call has succeeded, so the kernel has filled it.
    let about = unsafe { about.assume_init() };
    if about.shm_nattch == 0 && about.shm_segsz == size {
        let _ = remove(number);
    }
}

pub(crate) fn remove(number: i32) -> Result<()> {
    // SAFETY: IPC_RMID takes no buffer.
    let removed = unsafe { libc::shmctl(number, libc::IPC_RMID, std::ptr::null_mut()) };
    if removed == 0 { Ok(()) } else { Err(Error::last("shmctl(IPC_RMID)")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_there_until_it_is_dropped() {
        let segment = Segment::make(7, |_| ()).unwrap().keep_from_children();
        let mark = segment.mark();
        assert_eq!(ask(mark), Seen::Attached);
        let other = if mark.size == 1 { 2 } else { mark.size - 1 };
        assert_eq!(ask(Mark { size: other, ..mark }), Seen::Gone, "a number that came again");
        drop(segment);
        assert_eq!(ask(mark), Seen::Gone);
    }

    #[test]
    fn only_an_unattached_segment_is_removed() {
        // SAFETY: makes a segment.
        let number = unsafe { libc::shmget(0x7368_7631, 77, libc::IPC_CREAT | libc::IPC_EXCL | MODE) };
        assert!(number >= 0);
        remove_unattached(78 << 32 | 0x7368_7631);
        let mark = Mark { namespace: 0, size: 77, number: number as u32 };
        assert_eq!(ask(mark), Seen::Attached, "of another size: not the one that is named");
        remove_unattached(77 << 32 | 0x7368_7631);
        assert_eq!(ask(mark), Seen::Gone);
        let mut noted = Vec::new();
        drop(Segment::make(0, |word| noted.push(word)).unwrap());
        assert!(noted.len() >= 2 && noted[0] != 0 && noted.last() == Some(&0));
    }
}
