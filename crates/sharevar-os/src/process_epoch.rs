//! The number of this process in a line of forks.
//!
//! The process's number in the kernel costs a system call, and numbers come again. A page that
//! every child finds wiped, however it was made, costs one load.

use crate::wipe_on_fork::WipeOnForkPage;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static PAGE: OnceLock<Option<WipeOnForkPage>> = OnceLock::new();
/// How many processes of the line there were up to this one; inherited, and counted on.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Returns a number that none of this process's ancestors by `fork` has.
///
/// State that belongs to one process (connections, references) is kept with the epoch in which it
/// was made, and is not used in another.
#[inline]
pub fn process_epoch() -> u64 {
    match PAGE.get_or_init(|| WipeOnForkPage::new().ok()) {
        Some(page) => {
            let word = page.word(0);
            match word.load(Ordering::Relaxed) {
                0 => begin(word),
                number => number,
            }
        }
        // Without a page the kernel's number serves, only slower. Beyond all counts.
        None => u64::MAX - u64::from(std::process::id()),
    }
}

/// Begins the epoch of a new process. Of several threads one gives the number.
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
        let first = process_epoch();
        assert!(first > 0);
        assert_eq!(std::thread::spawn(process_epoch).join().unwrap(), first);
        assert_eq!(process_epoch(), first);
    }
}
