//! The typed monitor: a struct in shared memory, changed by one caller at a time.

use crate::engine::Acquired;
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::shm::handle::Handle;
use crate::shm::{Content, Look, RawMonitor};
use crate::values::encode::{self, Outgoing};
use crate::values::{decode, scalar};
use crate::variables::impl_shared::impl_shared;
use crate::variables::own_thread::{self, PATIENCE};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_arena::{Identity, Participant, RecursiveLock};
use sharevar_value::{Encoded, Key, Word, from_bytes};
use std::marker::PhantomData;
use std::sync::Arc;

/// A struct whose fields live in shared memory. Code runs in the calling process, under the
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
    raw: RawMonitor,
    state: PhantomData<fn() -> T>,
}

impl_shared!(Monitor, [T: Fields], RawMonitor, { state: PhantomData });

/// A struct whose fields are the attributes of a [`Monitor`]; `#[derive(Monitor)]` implements it.
pub trait Fields: Sized {
    /// Reads each field.
    fn load(fields: &mut Loading<'_>) -> Result<Self>;
    /// Writes each field, in the order in which [`Self::load`] reads them.
    fn store(&self, fields: &mut Storing<'_>) -> Result<()>;
}

/// The source from which [`Fields::load`] reads.
#[derive(Debug)]
pub struct Loading<'a> {
    raw: &'a RawMonitor,
    found: Vec<Found>,
}

/// The target to which [`Fields::store`] writes.
#[derive(Debug)]
pub struct Storing<'a> {
    raw: &'a RawMonitor,
    /// The former values of the fields; none for a new monitor.
    found: std::vec::IntoIter<Found>,
    changed: Vec<(&'static str, Outgoing<Encoded>)>,
}

/// The value that was found in a field, to know later whether it was changed.
#[derive(Debug, PartialEq)]
enum Found {
    Word(Word),
    Bytes(Vec<u8>),
}

impl Loading<'_> {
    /// The field of that name.
    pub fn field<V: DeserializeOwned>(&mut self, name: &'static str) -> Result<V> {
        let attributes = self.raw.attributes();
        let mut content = None;
        if let Some(short) = scalar::key(name, attributes.seed()) {
            let mut copied = None;
            match attributes.look(&short, &mut copied) {
                Look::Word(word) => {
                    self.found.push(Found::Word(word));
                    return decode::word(word);
                }
                Look::Bytes(bytes) => {
                    let value = from_bytes(bytes)?;
                    self.found.push(Found::Bytes(bytes.to_vec()));
                    return Ok(value);
                }
                Look::There(located) => content = attributes.read_located(located)?,
                Look::Absent => return Err(Error::NoField { name }),
                Look::Unknown => {}
            }
        }
        let content = match content {
            Some(content) => content,
            None => {
                attributes.get(&Key::from_str(name, attributes.seed())?)?.ok_or(Error::NoField { name })?
            }
        };
        // As its bytes, by which it is seen whether the method has changed it.
        let content = content.loaded()?;
        self.found.push(match &content {
            Content::Word(word) => Found::Word(*word),
            Content::Bytes(bytes, _) => Found::Bytes(bytes.clone()),
            Content::Handle(handle) => Found::Word(handle.word()),
            Content::Long(_) => {
                return Err(Error::Corrupt { what: "a value that was not loaded", offset: 0 });
            }
        });
        decode::content(content)
    }
}

impl Storing<'_> {
    /// Sets the field of that name, if `value` is not what was found there.
    pub fn field<V: Serialize + ?Sized>(&mut self, name: &'static str, value: &V) -> Result<()> {
        let value = encode::value(self.raw.handle().participant(), value)?;
        let is_same = match (self.found.next(), &value.encoded) {
            (Some(Found::Word(before)), Encoded::Word(now)) => before == *now,
            (Some(Found::Bytes(before)), Encoded::Bytes { bytes, .. }) => before == *bytes,
            _ => false,
        };
        if !is_same {
            self.changed.push((name, value));
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        let attributes = self.raw.attributes();
        if let [(name, value)] = &self.changed[..]
            && let Some(word) = value.word()
            && let Some(short) = scalar::key(*name, attributes.seed())
            && attributes.set_word(&short, word)
        {
            return Ok(());
        }
        // `changed` holds the variables that the values refer to until they are stored.
        let added = self
            .changed
            .iter()
            .map(|(name, value)| Ok((Key::from_str(name, attributes.seed())?, value.encoded.clone())));
        self.raw.change(&[], &added.collect::<Result<Vec<_>>>()?)
    }
}

impl<T: Fields> Monitor<T> {
    fn create(participant: &Arc<Participant>, state: &T) -> Result<Self> {
        let monitor = Self::from_raw(RawMonitor::create(participant)?)?;
        monitor.store(state, Vec::new())?;
        Ok(monitor)
    }

    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: RawMonitor) -> Result<Self> {
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
        let held = self.hold()?;
        let (mut state, found) = self.load()?;
        let result = method(&mut state)?;
        if !held.is_held() {
            // A child that was forked by the method. Its parent stores.
            return Err(Error::NotOwner.into());
        }
        self.store(&state, found)?;
        Ok(result)
    }

    /// A copy of all fields, of one moment.
    pub fn get(&self) -> Result<T> {
        let _held = self.hold()?;
        Ok(self.load()?.0)
    }

    fn load(&self) -> Result<(T, Vec<Found>)> {
        let mut fields = Loading { raw: &self.raw, found: Vec::new() };
        let state = T::load(&mut fields)?;
        Ok((state, fields.found))
    }

    fn store(&self, state: &T, found: Vec<Found>) -> Result<()> {
        let mut fields = Storing { raw: &self.raw, found: found.into_iter(), changed: Vec::new() };
        state.store(&mut fields)?;
        fields.finish()
    }

    fn hold(&self) -> Result<Held<'_>> {
        let lock = self.raw.lock();
        if lock.is_mine() {
            return Err(Error::Reentered);
        }
        let acquired = match Acquired::of(lock.try_acquire()?) {
            Some(acquired) => acquired,
            None => own_thread::wait_for_lock(&self.raw, PATIENCE, || {
                own_thread::tell_once(&format!("{self:?} of {}", std::any::type_name::<T>()));
            })?,
        };
        if acquired.owner_died {
            // The fields are whole: what the dead one had changed was stored at once or not at all.
            lock.mark_consistent();
        }
        Ok(Held { lock, handle: self.raw.handle(), owner: self.raw.handle().participant().identity() })
    }
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
        Monitor::create(self.participant()?, &state)
    }
}

impl Named<'_> {
    /// The monitor of that name; `state` counts only if this call makes it.
    pub fn monitor<T: Fields>(&self, state: T) -> Result<Monitor<T>> {
        self.get_or_make(|| self.manager().monitor(state))
    }
}
