//! Who has called a method.

use sharevar_transport as transport;

/// Who has called a method. One that has an argument of the type `Caller<'_>` is told, and its
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
///             .take_while(|factor| factor % 1_000_000 != 0 || !caller.hung_up())
///             .find(|factor| self.0.is_multiple_of(*factor))
///     }
/// }
///
/// assert_eq!(Number(91).factor(Caller::nobody()), Some(7));
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

    /// One who is in no other process, and does not hang up: for calling a method here.
    pub fn nobody() -> Self {
        Self(None)
    }

    /// Whether he waits no more: his time is over, or he is dead. What the method gives is then
    /// dropped, so that it may end. Each time it costs a call of the kernel.
    pub fn hung_up(self) -> bool {
        self.0.is_some_and(transport::Caller::is_disconnected)
    }

    /// The number of his process, if it is on this machine and not this one's own call.
    pub fn process(self) -> Option<u32> {
        self.0.and_then(transport::Caller::process)
    }
}
