//! The caller of a method.

use sharevar_transport as transport;

/// The caller of a method. A method with an argument of the type `Caller<'_>` gets it, and its
/// callers do not see that argument.
///
/// ```
/// use sharevar::hosted::{Caller, Error, Host, Proxied};
/// use std::time::Duration;
///
/// struct Number(u64);
///
/// #[sharevar::hosted]
/// impl Number {
///     /// Its smallest factor.
///     pub fn factor(&self, caller: Caller<'_>) -> Option<u64> {
///         let candidates = (2..).take_while(|factor| factor * factor <= self.0);
///         candidates
///             .take_while(|factor| factor % 1_000_000 != 0 || !caller.is_disconnected())
///             .find(|factor| self.0.is_multiple_of(*factor))
///     }
/// }
///
/// assert_eq!(Number(91).factor(Caller::local()), Some(7));
/// let host = Host::new().add("large", Number(u64::MAX - 58)).start()?;
/// let large: NumberProxy = host.client()?.proxy("large")?;
/// let limit = Duration::from_millis(1);
/// assert_eq!(large.with_timeout(limit).factor(), Err(Error::TimedOut { after: limit }));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a>(Option<&'a transport::Caller<'a>>);

impl<'a> Caller<'a> {
    pub(super) fn new(caller: &'a transport::Caller<'a>) -> Self {
        Self(Some(caller))
    }

    /// A caller in this process, which never disconnects: for calling a method directly.
    pub fn local() -> Self {
        Self(None)
    }

    /// Returns whether the caller waits no more: its time is over, or it is dead. The result of the
    /// method is dropped then, so that the method may end. Each time it costs a system call.
    pub fn is_disconnected(self) -> bool {
        self.0.is_some_and(transport::Caller::is_disconnected)
    }

    /// The number of its process, if it is on this machine and not this process.
    pub fn process(self) -> Option<u32> {
        self.0.and_then(transport::Caller::process)
    }
}
