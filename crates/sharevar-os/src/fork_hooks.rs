//! Functions that run around every `fork` of this process, and when it exits.

/// Has `before` run before each fork that libc makes, and one of the others after it.
///
/// The handlers of `before` run in the reverse order of their registration, the others in that
/// order. In the child no other thread is left: a lock that one of them held stays taken.
#[allow(unsafe_code)]
pub fn at_fork(before: extern "C" fn(), in_parent: extern "C" fn(), in_child: extern "C" fn()) {
    // SAFETY: the handlers are safe functions of a library that is never unloaded: Python
    // extensions are not, and Rust links this one in.
    let _ = unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
}

/// Has `hook` run when this process returns from `main` or calls `exit`. Without room for it
/// the kernel's answer is lost, and an exit looks like a death.
#[allow(unsafe_code)]
pub fn at_exit(hook: extern "C" fn()) {
    // SAFETY: as above.
    let _ = unsafe { libc::atexit(hook) };
}
