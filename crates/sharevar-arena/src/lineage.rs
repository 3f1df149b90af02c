//! Which process this is, in a line of forks.
//!
//! Asking the kernel for the process's number costs a system call, and numbers come again. A page
//! that every child finds wiped, however it was made, costs one load.

use crate::memory::WipedPage;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static PAGE: OnceLock<Option<WipedPage>> = OnceLock::new();
/// How many processes of the line there were up to this one: inherited, and counted on.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// A number that none of the processes has from which this one was forked.
///
/// What a process keeps for itself alone (connections, references) notes it, and is not used
/// where another number is found.
#[inline]
pub fn lineage() -> u64 {
    match PAGE.get_or_init(|| WipedPage::new().ok()) {
        Some(page) => {
            let word = page.word(0);
            match word.load(Ordering::Relaxed) {
                0 => begin(word),
                number => number,
            }
        }
        // No page to be had: the kernel knows as well, only slower. Beyond all counts.
        None => u64::MAX - u64::from(std::process::id()),
    }
}

/// The first one to ask in a new process. Of several threads one gives the number.
#[cold]
fn begin(word: &AtomicU64) -> u64 {
    let number = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    match word.compare_exchange(0, number, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => number,
        Err(given) => given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_the_same_in_one_process() {
        let first = lineage();
        assert!(first > 0);
        assert_eq!(std::thread::spawn(lineage).join().unwrap(), first);
        assert_eq!(lineage(), first);
    }
}
