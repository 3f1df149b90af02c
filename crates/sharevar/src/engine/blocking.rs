//! Calls that wait for something outside of this process.

use std::sync::OnceLock;

/// Calls a function while the calling thread keeps nothing from the others that they could need.
pub type Blocker = fn(&mut dyn FnMut());

static BLOCKER: OnceLock<Blocker> = OnceLock::new();

/// Says how [`blocking`] calls a function. The Python module lets go of the interpreter meanwhile. The
/// first one that is said counts.
pub fn set_blocker(blocker: Blocker) {
    let _ = BLOCKER.set(blocker);
}

/// Calls `function`, which waits for a server: engines send and receive within it. No lock is taken or
/// given back in it.
pub fn blocking<R>(function: impl FnOnce() -> R) -> R {
    let (mut function, mut result) = (Some(function), None);
    let mut call = || result = function.take().map(|function| function()).or(result.take());
    match BLOCKER.get() {
        Some(blocker) => blocker(&mut call),
        None => call(),
    }
    match result {
        Some(result) => result,
        None => unreachable!("the blocker calls the function"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn it_gives_what_the_function_gives_with_a_blocker_and_without() {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        assert_eq!(blocking(|| 7), 7);
        set_blocker(|function| {
            CALLS.fetch_add(1, Ordering::Relaxed);
            function();
        });
        set_blocker(|_| unreachable!("the first one counts"));
        let text = String::from("moved in");
        assert_eq!(blocking(move || text), "moved in");
        assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    }
}
