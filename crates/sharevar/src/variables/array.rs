//! The typed array.

use crate::engine::{Backed, Elements, Make};
use crate::error::{Error, Result};
use crate::manager::Manager;
use crate::manager::named::Named;
use crate::manager::shared::Shared;
use crate::shm::RawArray;
pub use crate::values::element::Element;
use crate::variables::impl_shared::impl_shared;
use std::marker::PhantomData;

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
    raw: Backed<RawArray, dyn Elements>,
    items: PhantomData<fn() -> T>,
}

impl_shared!(backed Array, [T: Element], Backed<RawArray, dyn Elements>, { items: PhantomData });

impl<T: Element> Array<T> {
    fn from_raw(raw: Backed<RawArray, dyn Elements>) -> Result<Self> {
        let (format, size) = (raw.any().format(), raw.any().element_size());
        if T::is_format(format) && size == T::SIZE {
            return Ok(Self { raw, items: PhantomData });
        }
        Err(Error::WrongElement { element: format, asked: T::FORMAT })
    }

    /// The untyped array, if it is in shared memory.
    pub fn shm(&self) -> Option<&RawArray> {
        self.raw.shm()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.raw.any().len() as usize
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.raw.any().is_empty()
    }

    /// Element `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Result<T> {
        if let Backed::Shm(raw) = &self.raw {
            return Ok(T::from_bits(raw.load(index as u64)?));
        }
        self.load_elsewhere(index)
    }

    /// Sets element `index`.
    #[inline]
    pub fn set(&self, index: usize, value: T) -> Result<()> {
        if let Backed::Shm(raw) = &self.raw {
            return raw.store(index as u64, value.to_bits());
        }
        self.store_elsewhere(index, value)
    }

    #[cold]
    fn load_elsewhere(&self, index: usize) -> Result<T> {
        Ok(T::from_bits(self.raw.any().load(index as u64)?))
    }

    #[cold]
    fn store_elsewhere(&self, index: usize, value: T) -> Result<()> {
        self.raw.any().store(index as u64, value.to_bits())
    }

    /// All elements, as they were at one moment.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        Ok(self.raw.any().load_slice(0, self.raw.any().len())?.into_iter().map(T::from_bits).collect())
    }

    /// Sets all elements; [`Error::WrongLength`] if there are more or fewer.
    ///
    /// It is one operation: no process reads a part of it, and it is undone if this process dies
    /// half-way.
    pub fn copy_from_slice(&self, values: &[T]) -> Result<()> {
        if values.len() != self.len() {
            return Err(Error::WrongLength { found: self.raw.any().len(), asked: values.len() as u64 });
        }
        let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        self.raw.any().store_slice(0, 1, &bits)
    }

    /// A walk over the elements as they are now.
    pub fn iter(&self) -> Result<std::vec::IntoIter<T>> {
        Ok(self.to_vec()?.into_iter())
    }
}

impl Manager {
    /// An array of `length` zeros.
    pub fn array<T: Element>(&self, length: usize) -> Result<Array<T>> {
        let (format, size, count) = (T::FORMAT, T::SIZE, length as u64);
        Array::from_handle(self.home().create(&Make::Array { format, size, count })?)
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
