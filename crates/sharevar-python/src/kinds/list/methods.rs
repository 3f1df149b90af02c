//! The methods of lists.

use super::iterator::ListIterator;
use super::{List, search, slice, sort};
use crate::encoding::encode::prepare;
use crate::errors::{OrRaise, index as index_error, to_python};
use crate::fast_access;
use crate::kinds::index::{Place, end, place, whole};
use crate::kinds::view;
use crate::variable::{StoreOrFound, Variable, generic_alias};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyType};
use sharevar::Kind;
use sharevar::engine::{self, Backed, Make};
use sharevar::shm::{Look, RawList};

const OUT_OF_RANGE: &str = "list index out of range";
const ASSIGNMENT_OUT_OF_RANGE: &str = "list assignment index out of range";

#[pymethods]
impl List {
    #[new]
    fn new(arena: &Bound<'_, PyAny>) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = argument.handle(&Make::List)?;
        let base = Variable::of(&argument.store, &handle, Kind::List);
        let raw = Backed::<RawList, dyn engine::List>::open(handle, Kind::List).or_raise()?;
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw }))
    }

    // The common case of these two, and of `append`, is in `slots`.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        match place(index, "list")? {
            Place::At(index) => {
                let content = slf.get().any().get(index).map_err(|error| index_error(error, OUT_OF_RANGE))?;
                Self::object(slf, content)
            }
            Place::Slice(slice) => Ok(slice::get(slf, slice)?.into_any()),
        }
    }

    fn __setitem__(
        slf: &Bound<'_, Self>,
        index: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let this = slf.get();
        match place(index, "list")? {
            Place::At(index) => {
                let value = prepare(value, &this.raw)?;
                this.any().set(index, &value).map_err(|error| index_error(error, ASSIGNMENT_OUT_OF_RANGE))
            }
            Place::Slice(slice) => slice::set(slf, slice, value),
        }
    }

    fn __delitem__(slf: &Bound<'_, Self>, index: &Bound<'_, PyAny>) -> PyResult<()> {
        match place(index, "list")? {
            Place::At(index) => {
                let removed = slf.get().any().discard(index);
                removed.map_err(|error| index_error(error, ASSIGNMENT_OUT_OF_RANGE))
            }
            Place::Slice(slice) => slice::delete(slf, slice),
        }
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.any().len().or_raise()? as usize)
    }

    fn __contains__(slf: &Bound<'_, Self>, item: &Bound<'_, PyAny>) -> PyResult<bool> {
        search::contains(slf, item)
    }

    /// A view of an item: a memoryview of bytes, an array over shared memory. They stay where they are, and as
    /// they are, while the view lives. `writable` lets other processes' views and reads see what is stored
    /// through it.
    #[pyo3(signature = (index, /, *, writable = false))]
    fn view<'py>(
        slf: &Bound<'py, Self>,
        index: &Bound<'py, PyAny>,
        writable: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let this = slf.get();
        let Some(raw) = this.shm() else {
            return Err(to_python(view::unsupported(&this.raw.handle())));
        };
        let store = slf.as_super().get().store();
        if let Some(index) = fast_access::exact_int(index)
            && let Look::There(located) = raw.look(index, &mut None)
            && let Some(view) = view::of_located(slf.py(), raw.handle(), located, writable, store)?
        {
            return Ok(view);
        }
        let content = this.any().get(whole(index)?).map_err(|error| index_error(error, OUT_OF_RANGE))?;
        view::view(slf.py(), content, writable, store)
    }

    /// The items, one after the other, as they are when it is their turn.
    #[pyo3(name = "_iterate")]
    fn iterate(slf: &Bound<'_, Self>) -> ListIterator {
        ListIterator::of(slf)
    }

    /// Append an item.
    #[pyo3(signature = (item, /))]
    fn append(&self, item: &Bound<'_, PyAny>) -> PyResult<()> {
        self.any().push(&*prepare(item, &self.raw)?).or_raise()
    }

    /// Append all the items in one step.
    #[pyo3(signature = (items, /))]
    fn extend(&self, items: &Bound<'_, PyAny>) -> PyResult<()> {
        self.any().extend(&self.encode_all(items)?).or_raise()
    }

    /// Insert an item before an index.
    #[pyo3(signature = (index, item, /))]
    fn insert(&self, index: &Bound<'_, PyAny>, item: &Bound<'_, PyAny>) -> PyResult<()> {
        let index = whole(index)?;
        self.any().insert(index, &*prepare(item, &self.raw)?).or_raise()
    }

    /// Remove the item at an index, the last one by default, and return it.
    #[pyo3(signature = (index = None, /), text_signature = "($self, index=-1, /)")]
    fn pop<'py>(slf: &Bound<'py, Self>, index: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        let index = index.map_or(Ok(-1), whole)?;
        match slf.get().any().remove(index) {
            Ok(content) => Self::object(slf, content),
            Err(error @ sharevar::Error::IndexOutOfRange { length: 0, .. }) => {
                Err(index_error(error, "pop from empty list"))
            }
            Err(error) => Err(index_error(error, "pop index out of range")),
        }
    }

    /// Delete the first occurrence of a value.
    #[pyo3(signature = (value, /))]
    fn remove(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        search::remove(slf, value)
    }

    /// The first place of a value.
    #[pyo3(signature = (value, start = None, stop = None, /), text_signature = "($self, value, start=0, stop=9223372036854775807, /)")]
    fn index(
        slf: &Bound<'_, Self>,
        value: &Bound<'_, PyAny>,
        start: Option<&Bound<'_, PyAny>>,
        stop: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<u64> {
        search::index(slf, value, start.map_or(Ok(0), end)?, stop.map_or(Ok(i64::MAX), end)?)
    }

    /// How often a value occurs.
    #[pyo3(signature = (value, /))]
    fn count(slf: &Bound<'_, Self>, value: &Bound<'_, PyAny>) -> PyResult<u64> {
        search::count(slf, value)
    }

    /// Sort in place.
    ///
    /// Numbers, strs, bytes, and tuples and lists of these are compared in shared memory, and so are
    /// dates, times, UUIDs and decimals. Other comparisons and `key` run here on a copy; when the list
    /// has changed meanwhile they run again on the new contents, and after a few times other changes
    /// wait for them.
    #[pyo3(signature = (*, key = None, reverse = None), text_signature = "($self, *, key=None, reverse=False)")]
    fn sort(
        slf: &Bound<'_, Self>,
        key: Option<&Bound<'_, PyAny>>,
        reverse: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        sort::sort(slf, key, reverse.map_or(Ok(false), PyAnyMethods::is_truthy)?)
    }

    /// Reverse the list in place.
    fn reverse(&self) -> PyResult<()> {
        self.any().reverse().or_raise()
    }

    /// Make the list hold its items so many times over, in one step.
    #[pyo3(signature = (times, /))]
    fn repeat(&self, times: &Bound<'_, PyAny>) -> PyResult<()> {
        self.any().repeat(whole(times)?.try_into().unwrap_or(0)).or_raise()
    }

    /// Remove all items.
    fn clear(&self) -> PyResult<()> {
        self.any().clear().or_raise()
    }

    /// A plain list of the items at one moment.
    fn copy<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyList>> {
        if let Some(raw) = slf.get().shm() {
            return Self::objects(slf, raw.values_of_one_moment(0, u64::MAX).or_raise()?.0);
        }
        Self::objects(slf, slf.get().any().snapshot().or_raise()?.0)
    }

    #[classmethod]
    fn __class_getitem__<'py>(
        cls: &Bound<'py, PyType>,
        item: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        generic_alias(cls, item)
    }
}
