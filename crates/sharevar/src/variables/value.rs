//! The typed value.

use crate::engine::{Backed, Cell, Content, Home, Make};
use crate::error::Result;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::{Attempts, RawValue};
use crate::values::{decode, encode};
use crate::variables::impl_shared::impl_shared;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_value::Word;
use std::borrow::Borrow;
use std::marker::PhantomData;

/// One shared value. Every method is one operation for all processes.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let counter = manager.value(5_i64)?;
/// assert_eq!(counter.fetch_add(2)?, 5);
/// assert_eq!(counter.get()?, 7);
/// let place = manager.value((1.5, "here".to_owned()))?;
/// place.set(&(2.5, "there".to_owned()))?;
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct Value<T> {
    raw: Backed<RawValue, dyn Cell>,
    items: PhantomData<fn() -> T>,
}

impl_shared!(backed Value, [T], Backed<RawValue, dyn Cell>, { items: PhantomData });

impl<T> Value<T> {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: Backed<RawValue, dyn Cell>) -> Result<Self> {
        Ok(Self { raw, items: PhantomData })
    }

    /// The untyped value, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawValue> {
        self.raw.shm()
    }
}

impl<T: Serialize + DeserializeOwned> Value<T> {
    pub(crate) fn create(home: &Home, initial: &T) -> Result<Self> {
        let initial = encode::value(home, initial)?;
        Self::from_handle(home.create(&Make::Value(&initial.encoded))?)
    }

    /// The value.
    #[inline]
    pub fn get(&self) -> Result<T> {
        if let Some(word) = self.raw.shm().and_then(RawValue::get_word) {
            return decode::word(word);
        }
        decoded(self.raw.any().get()?)
    }

    /// Sets it.
    #[inline]
    pub fn set<W>(&self, value: &W) -> Result<()>
    where
        T: Borrow<W>,
        W: Serialize + ?Sized,
    {
        encode::store(
            &self.raw,
            value,
            |word| self.raw.shm().is_some_and(|raw| raw.set_word(word)),
            |_| false,
            |encoded| self.raw.any().set(encoded),
        )
    }

    /// Sets it to what `change` makes of it, as one operation. The new value.
    ///
    /// If another process sets it between the reading and the writing, `change` runs again with
    /// what is there then; after a few times other changes wait for it.
    ///
    /// # Errors
    /// [`ChangedMeanwhile`](crate::Error::ChangedMeanwhile) if `change` itself sets the variable.
    ///
    /// ```
    /// let manager = sharevar::Manager::new()?;
    /// let text = manager.value("a".to_owned())?;
    /// assert_eq!(text.update(|text| text + "b")?, "ab");
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    pub fn update(&self, mut change: impl FnMut(T) -> T) -> Result<T> {
        let mut attempts = Attempts::at(self.raw.shm().map(RawValue::handle));
        loop {
            let (old, stamp) = self.raw.any().get_stamped()?;
            let new = change(decoded(old)?);
            let value = encode::value(&self.raw, &new)?;
            if self.raw.any().set_if_unchanged(&value.encoded, stamp)? {
                return Ok(new);
            }
            attempts.fail()?;
        }
    }
}

impl Value<i64> {
    /// Adds `by` as one operation and gives back what was there before, as the atomic integers
    /// of the standard library do.
    ///
    /// Beyond 62 bits it is [`NotANumber`](crate::Error::NotANumber), and nothing is changed.
    #[inline]
    pub fn fetch_add(&self, by: i64) -> Result<i64> {
        Ok(self.raw.any().increment(by)? - by)
    }
}

/// Made by another program and never set, it reads as none.
fn decoded<T: DeserializeOwned>(found: Option<Content>) -> Result<T> {
    decode::content(found.unwrap_or(Content::Word(Word::NONE)))
}

impl Manager {
    /// One value.
    #[allow(clippy::needless_pass_by_value)] // `manager.value(0)` reads better than with a reference.
    pub fn value<T: Serialize + DeserializeOwned>(&self, initial: T) -> Result<Value<T>> {
        Value::create(self.home(), &initial)
    }
}

impl Named<'_> {
    /// The value of that name; `initial` counts only if this call makes it.
    pub fn value<T: Serialize + DeserializeOwned>(&self, initial: T) -> Result<Value<T>> {
        self.get_or_make_typed(|| self.manager().value(initial), Value::get)
    }
}
