//! The typed monitor: a struct in shared memory, changed by one caller at a time.

use crate::engine::{self, Acquired, Backed, Home, Make};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawMonitor;
use crate::shm::handle::Handle;
use crate::variables::impl_shared::impl_shared;
use crate::variables::monitor_fields::{Fields, Found, Loading, Storing};
use crate::variables::own_thread::{self, PATIENCE};
use sharevar_arena::{Identity, RecursiveLock};
use std::marker::PhantomData;

/// A struct whose fields are shared. Code runs in the calling process, under the
/// monitor's own lock, and a call changes all or nothing.
///
/// ```
/// use sharevar::{Manager, Monitor};
///
/// #[derive(Monitor)]
/// struct Account {
///     owner: String,
///     balance: i64,
/// }
///
/// let manager = Manager::new()?;
/// let account = manager.monitor(Account { owner: "Ada".to_owned(), balance: 10 })?;
/// let balance = account.call(|account| {
///     account.balance += 5;
///     Ok(account.balance)
/// })?;
/// assert_eq!(balance, 15);
/// assert_eq!(account.get()?.owner, "Ada");
/// # Ok::<(), sharevar::Error>(())
/// ```
///
/// The closure has a copy of the fields. Those that it has changed are stored when it returns
/// `Ok`, in one operation: others see none of them or all. After an `Err` or a panic
/// nothing is stored, and neither is if the process is killed; the next caller gets the lock.
/// A field that is a shared variable itself ([`Dict`](crate::Dict), [`List`](crate::List) ...)
/// is only a handle: what is done to that variable is done at once, and stays.
///
/// The fields are stored under their names, as the attributes of Python's `sharevar.monitor` are.
/// Attributes that the struct does not have stay as they are.
pub struct Monitor<T> {
    raw: Backed<RawMonitor, dyn engine::Monitor>,
    state: PhantomData<fn() -> T>,
}

impl_shared!(backed Monitor, [T: Fields], Backed<RawMonitor, dyn engine::Monitor>, { state: PhantomData });

impl<T: Fields> Monitor<T> {
    fn create(home: &Home, state: &T) -> Result<Self> {
        let monitor = Self::from_handle(home.create(&Make::Monitor)?)?;
        let inside = monitor.enter()?.0;
        monitor.store(state, Vec::new(), &inside)?;
        drop(inside);
        Ok(monitor)
    }

    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawMonitor, dyn engine::Monitor>) -> Result<Self> {
        Ok(Self { raw, state: PhantomData })
    }

    /// Runs `method` on the fields, under the monitor's lock, and stores what it has changed.
    /// After an error nothing is stored.
    ///
    /// A call from inside of a call of the same monitor is [`Error::Reentered`]: it would not see
    /// what the outer one has changed so far.
    pub fn call<R>(&self, method: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        self.try_call(method)
    }

    /// The same, for methods that have errors of their own.
    ///
    /// ```
    /// # use sharevar::{Manager, Monitor};
    /// #[derive(Monitor)]
    /// struct Account {
    ///     balance: i64,
    /// }
    ///
    /// #[derive(Debug, PartialEq)]
    /// enum Refused {
    ///     Overdrawn,
    ///     Sharevar(sharevar::Error),
    /// }
    ///
    /// impl From<sharevar::Error> for Refused {
    ///     fn from(error: sharevar::Error) -> Self {
    ///         Self::Sharevar(error)
    ///     }
    /// }
    ///
    /// let account = Manager::new()?.monitor(Account { balance: 10 })?;
    /// let refused = account.try_call(|account| {
    ///     account.balance -= 11;
    ///     if account.balance < 0 { Err(Refused::Overdrawn) } else { Ok(account.balance) }
    /// });
    /// assert_eq!(refused, Err(Refused::Overdrawn));
    /// assert_eq!(account.get()?.balance, 10);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn try_call<R, E: From<Error>>(
        &self,
        method: impl FnOnce(&mut T) -> std::result::Result<R, E>,
    ) -> std::result::Result<R, E> {
        let (inside, mut fields) = self.enter()?;
        let mut state = T::load(&mut fields)?;
        let result = method(&mut state)?;
        self.store(&state, fields.found(), &inside)?;
        Ok(result)
    }

    /// A copy of all fields, of one moment.
    pub fn get(&self) -> Result<T> {
        if let Backed::Other(other) = &self.raw {
            // One message brings all, with no need of the lock.
            if other.is_mine() {
                return Err(Error::Reentered);
            }
            return T::load(&mut Loading::of_items(other.items()?, other.seed()));
        }
        let (_inside, mut fields) = self.enter()?;
        T::load(&mut fields)
    }

    /// Stores the fields that have changed. A monitor of another engine is left by this.
    fn store(&self, state: &T, found: Vec<Found>, inside: &Inside<'_>) -> Result<()> {
        if !inside.is_own() {
            // A child that was forked by the method. Its parent stores.
            return Err(Error::NotOwner);
        }
        let mut fields = Storing::of(&self.raw, found);
        state.store(&mut fields)?;
        fields.finish()
    }

    fn enter(&self) -> Result<(Inside<'_>, Loading<'_>)> {
        let tell = || own_thread::tell_once(&format!("{self:?} of {}", std::any::type_name::<T>()));
        match &self.raw {
            Backed::Shm(raw) => Ok((Inside::Shm(hold(raw, tell)?), Loading::of_shm(raw))),
            Backed::Other(other) => {
                let items = own_thread::enter(&**other, PATIENCE, tell)?;
                Ok((Inside::Other(Entered(&**other)), Loading::of_items(items, other.seed())))
            }
        }
    }
}

/// This thread is in a call, until this is dropped.
enum Inside<'a> {
    Shm(Held<'a>),
    Other(Entered<'a>),
}

impl Inside<'_> {
    fn is_own(&self) -> bool {
        match self {
            Self::Shm(held) => held.is_held(),
            Self::Other(entered) => entered.0.is_mine(),
        }
    }
}

/// The inside of a monitor of another engine, which a call leaves with its changes, or else without any.
struct Entered<'a>(&'a dyn engine::Monitor);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        // Without an effect if the call has left. After a failure the engine lets others in some time.
        let _ = self.0.leave(&[], &[]);
    }
}

fn hold(raw: &RawMonitor, tell: impl FnOnce()) -> Result<Held<'_>> {
    let lock = raw.lock();
    if lock.is_mine() {
        return Err(Error::Reentered);
    }
    let acquired = match Acquired::of(lock.try_acquire()?) {
        Some(acquired) => acquired,
        None => own_thread::wait_for_lock(raw, PATIENCE, tell)?,
    };
    if acquired.owner_died {
        // The fields are whole: what the dead one had changed was stored at once or not at all.
        lock.mark_consistent();
    }
    Ok(Held { lock, handle: raw.handle(), owner: raw.handle().participant().identity() })
}

/// The lock, until this is dropped.
struct Held<'a> {
    lock: RecursiveLock<'a>,
    handle: &'a Handle,
    /// The participant that took it. After a fork the child has a copy of this, and holds nothing by it.
    owner: Identity,
}

impl Held<'_> {
    fn is_held(&self) -> bool {
        self.handle.participant().identity() == self.owner
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.is_held() {
            // It fails if the manager is closed, and a closed manager's locks no longer matter.
            let _ = self.lock.release();
        }
    }
}

/// The examples of the page run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/monitors.md")]
struct Page;

impl Manager {
    /// A monitor with these fields.
    #[allow(clippy::needless_pass_by_value)] // As `value`.
    pub fn monitor<T: Fields>(&self, state: T) -> Result<Monitor<T>> {
        Monitor::create(self.home(), &state)
    }
}

impl Named<'_> {
    /// The monitor of that name; `state` counts only if this call makes it.
    pub fn monitor<T: Fields>(&self, state: T) -> Result<Monitor<T>> {
        self.get_or_make(|| self.manager().monitor(state))
    }
}
