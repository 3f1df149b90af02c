//! Where a number of threads wait for each other.

use super::content::Content;
use super::handle::Handle;
use super::wait::Wait;
use crate::error::Result;
use std::fmt::Debug;

/// The operations of an engine on barriers.
pub trait Barrier: Debug + Send + Sync {
    /// Returns a handle on the variable.
    fn handle(&self) -> Handle;

    /// Returns how many must arrive.
    fn parties(&self) -> Result<u64>;

    /// Returns how many seconds a wait may take if it does not say otherwise; `None` is for ever.
    fn limit(&self) -> Result<Option<f64>>;

    /// Returns the action; absent if there is none.
    fn action(&self) -> Result<Content>;

    /// Returns how many wait; none if it is broken.
    fn waiting(&self) -> Result<u64>;

    /// Returns whether it is broken.
    fn is_broken(&self) -> Result<bool>;

    /// Arrives; `None` while the action of a generation runs, all of which has arrived.
    fn try_arrive(&self) -> Result<Option<Arrived<'_>>>;

    /// Returns a wait until the caller has arrived.
    fn arrive_wait(&self) -> Box<dyn Wait<Arrived<'_>> + '_>;

    /// Breaks it, until it is reset.
    fn abort(&self) -> Result<()>;

    /// Breaks it for those that wait, and makes it as good as new.
    fn reset(&self) -> Result<()>;
}

/// The end of a generation, as one of it sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All had arrived; this one has that index.
    Released(u64),
    /// It was broken, or reset.
    Broken,
}

/// The next step of a waiter that has arrived.
pub enum Arrived<'a> {
    /// Nothing.
    Over(Outcome),
    /// To wait for the others. At its deadline the wait breaks the barrier; unless all have arrived, and
    /// then the action decides, for which the caller goes on waiting.
    Wait(Box<dyn Wait<Outcome> + 'a>),
    /// To run the action: all are there.
    Run(Box<dyn Ticket + 'a>),
}

impl Debug for Arrived<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Over(outcome) => write!(f, "Over({outcome:?})"),
            Self::Wait(_) => f.write_str("Wait"),
            Self::Run(_) => f.write_str("Run"),
        }
    }
}

/// The right to run the action. Dropping it breaks the barrier, as an action does that fails.
pub trait Ticket: Send {
    /// Ends the action: all are released if it went `well`.
    fn finish(self: Box<Self>, well: bool) -> Result<Outcome>;
}

/// A ticket of a function that ends the action, which is told whether it went well.
#[derive(Debug)]
pub struct Running<F: FnOnce(bool) -> Result<Outcome>>(Option<F>);

impl<F: FnOnce(bool) -> Result<Outcome>> Running<F> {
    /// Of an action that runs from now on.
    pub fn until(end: F) -> Self {
        Self(Some(end))
    }

    fn end(&mut self, well: bool) -> Result<Outcome> {
        self.0.take().map_or(Ok(Outcome::Broken), |end| end(well))
    }
}

impl<F: FnOnce(bool) -> Result<Outcome> + Send> Ticket for Running<F> {
    fn finish(mut self: Box<Self>, well: bool) -> Result<Outcome> {
        self.end(well)
    }
}

impl<F: FnOnce(bool) -> Result<Outcome>> Drop for Running<F> {
    fn drop(&mut self) {
        // It fails when the engine is closed, and then no thread waits any more; or a server is out of reach,
        // and then the barrier breaks when the lease ends.
        let _ = self.end(false);
    }
}
