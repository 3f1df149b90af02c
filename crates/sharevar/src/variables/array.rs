//! The typed array.

use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::shm::RawArray;
pub use crate::values::element::Element;
use crate::variables::impl_shared::impl_shared;
use sharevar_arena::Participant;
use std::marker::PhantomData;
use std::sync::Arc;

/// A fixed number of machine numbers, in memory that all processes see.
///
/// An element is read without a lock and changed by one store; all of them are read, or set, as
/// of one moment.
///
/// ```
/// let manager = sharevar::Manager::new()?;
/// let levels = manager.array::<f64>(3)?;
/// levels.set(1, 2.5)?;
/// assert_eq!(levels.to_vec()?, [0.0, 2.5, 0.0]);
/// levels.copy_from_slice(&[1.0, 2.0, 3.0])?;
/// assert_eq!(levels.get(2)?, 3.0);
/// # Ok::<(), sharevar::Error>(())
/// ```
pub struct Array<T: Element> {
    raw: RawArray,
    items: PhantomData<fn() -> T>,
}

impl_shared!(Array, [T: Element], RawArray, { items: PhantomData });

impl<T: Element> Array<T> {
    fn create(participant: &Arc<Participant>, length: usize) -> Result<Self> {
        Self::from_raw(RawArray::create(participant, T::FORMAT, T::SIZE, length as u64)?)
    }

    fn from_raw(raw: RawArray) -> Result<Self> {
        if T::is_format(raw.format()) && raw.element_size() == T::SIZE {
            return Ok(Self { raw, items: PhantomData });
        }
        Err(Error::WrongElement { element: raw.format(), asked: T::FORMAT })
    }

    /// The untyped array.
    pub fn raw(&self) -> &RawArray {
        &self.raw
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.raw.len() as usize
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Element `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Result<T> {
        Ok(T::from_bits(self.raw.load(index as u64)?))
    }

    /// Sets element `index`.
    #[inline]
    pub fn set(&self, index: usize, value: T) -> Result<()> {
        self.raw.store(index as u64, value.to_bits())
    }

    /// All elements, as they were at one moment.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        Ok(self.raw.load_slice(0, self.raw.len())?.into_iter().map(T::from_bits).collect())
    }

    /// Sets all elements; [`Error::WrongLength`] if there are more or fewer.
    ///
    /// It is one operation: nobody reads a part of it, and it is undone if this process dies
    /// half-way.
    pub fn copy_from_slice(&self, values: &[T]) -> Result<()> {
        if values.len() != self.len() {
            return Err(Error::WrongLength { found: self.raw.len(), asked: values.len() as u64 });
        }
        let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        self.raw.store_slice(0, 1, &bits)
    }

    /// A walk over the elements as they are now.
    pub fn iter(&self) -> Result<std::vec::IntoIter<T>> {
        Ok(self.to_vec()?.into_iter())
    }
}

impl Manager {
    /// An array of `length` zeros.
    pub fn array<T: Element>(&self, length: usize) -> Result<Array<T>> {
        Array::create(self.participant(), length)
    }
}

impl Named<'_> {
    /// The array of that name. One of another length is [`Error::WrongLength`].
    pub fn array<T: Element>(&self, length: usize) -> Result<Array<T>> {
        let array = self.get_or_make(|| self.manager().array(length))?;
        if array.len() == length {
            return Ok(array);
        }
        Err(Error::WrongLength { found: array.len() as u64, asked: length as u64 })
    }
}
