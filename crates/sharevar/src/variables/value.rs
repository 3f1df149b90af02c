//! The typed value.

use crate::error::Result;
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::shm::{Attempts, Content, RawValue};
use crate::values::{decode, encode};
use crate::variables::impl_shared::impl_shared;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sharevar_arena::Participant;
use sharevar_value::Word;
use std::borrow::Borrow;
use std::marker::PhantomData;
use std::sync::Arc;

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
    raw: RawValue,
    items: PhantomData<fn() -> T>,
}

impl_shared!(Value, [T], RawValue, { items: PhantomData });

impl<T> Value<T> {
    #[allow(clippy::unnecessary_wraps)] // The shape that `impl_shared!` asks for.
    fn from_raw(raw: RawValue) -> Result<Self> {
        Ok(Self { raw, items: PhantomData })
    }

    /// The untyped value.
    pub fn raw(&self) -> &RawValue {
        &self.raw
    }
}

impl<T: Serialize + DeserializeOwned> Value<T> {
    pub(crate) fn create(participant: &Arc<Participant>, initial: &T) -> Result<Self> {
        let value = Self::from_raw(RawValue::create(participant)?)?;
        value.set(initial)?;
        Ok(value)
    }

    /// What it holds.
    #[inline]
    pub fn get(&self) -> Result<T> {
        if let Some(word) = self.raw.get_word() {
            return decode::word(word);
        }
        decoded(self.raw.get()?)
    }

    /// Sets it.
    #[inline]
    pub fn set<W>(&self, value: &W) -> Result<()>
    where
        T: Borrow<W>,
        W: Serialize + ?Sized,
    {
        let value = encode::value(self.raw.handle().participant(), value)?;
        if value.word().is_some_and(|word| self.raw.set_word(word)) {
            return Ok(());
        }
        self.raw.set(&value.encoded)
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
        let handle = self.raw.handle();
        let mut attempts = Attempts::of(handle);
        loop {
            let (old, stamp) = self.raw.get_stamped()?;
            let new = change(decoded(old)?);
            let value = encode::value(handle.participant(), &new)?;
            if self.raw.set_if_unchanged(&value.encoded, stamp)? {
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
        Ok(self.raw.increment(by)? - by)
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
        Value::create(self.participant(), &initial)
    }
}

impl Named<'_> {
    /// The value of that name; `initial` counts for whoever makes it.
    pub fn value<T: Serialize + DeserializeOwned>(&self, initial: T) -> Result<Value<T>> {
        self.get_or_make(|| self.manager().value(initial))
    }
}
