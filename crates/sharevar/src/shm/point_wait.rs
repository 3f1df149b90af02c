//! Waiting at a variable's wait point.

use crate::engine::wait::Wait;
use crate::error::Result;
use sharevar_arena::{WaitPoint, Waiter};
use std::time::Duration;

/// A wait for which its kind gives a cheap look and an attempt.
///
/// No wake-up is lost between the look and the sleep: the count of wake-ups is read first, then the
/// attempt announces the sleep under the variable's lock, and the sleep ends if the count has moved
/// since. This order stands here alone.
pub(crate) struct PointWait<'p, L, A> {
    point: WaitPoint<'p>,
    waiter: Waiter<'p>,
    /// The count before the last attempt that announced a sleep, until that sleep.
    count: Option<u32>,
    reasons: u32,
    look: L,
    attempt: A,
}

impl<'p, L, A> PointWait<'p, L, A> {
    /// A wait at `point` for any of `reasons`.
    ///
    /// `look` needs no lock, and tells whether an attempt may succeed. `attempt` is told whether to
    /// announce a sleep for `reasons`, under the variable's lock, if it cannot succeed now.
    pub(crate) fn new<T>(point: WaitPoint<'p>, reasons: u32, look: L, attempt: A) -> Self
    where
        L: Fn() -> bool,
        A: FnMut(bool) -> Result<Option<T>>,
    {
        Self { point, waiter: point.waiter(), count: None, reasons, look, attempt }
    }
}

impl<T, L, A> Wait<T> for PointWait<'_, L, A>
where
    L: Fn() -> bool + Send,
    A: FnMut(bool) -> Result<Option<T>> + Send,
{
    fn is_ready(&self) -> bool {
        (self.look)()
    }

    fn attempt(&mut self, announce: bool) -> Result<Option<T>> {
        if announce {
            self.count = Some(self.point.count());
        }
        (self.attempt)(announce)
    }

    fn sleep(&mut self, left: Duration) {
        if let Some(count) = self.count.take() {
            self.waiter.sleep(count, self.reasons, left);
        }
    }
}
