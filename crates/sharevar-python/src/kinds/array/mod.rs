//! The shared array of machine numbers.

mod buffer;
mod element;

use self::element::Format;
use crate::errors::{OrRaise, index as index_error};
use crate::kinds::index::{Place, place};
use crate::variable::{StoreOrFound, Variable};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PySlice};
use sharevar::Kind;
use sharevar::engine::{Backed, Elements, Make};
use sharevar::shm::RawArray;

/// A fixed number of machine numbers; every process sees the same bytes.
#[pyclass(extends = Variable, subclass, frozen, module = "sharevar._native")]
#[derive(Debug)]
pub(crate) struct Array {
    raw: Backed<RawArray, dyn Elements>,
    /// The number of elements.
    length: u64,
    format: Format,
    /// Length and stride, where buffers point to.
    shape: [isize; 2],
}

impl Array {
    fn index(&self, index: i64) -> u64 {
        // Out of range either way stays so.
        if index < 0 { self.length.wrapping_add(index as u64) } else { index as u64 }
    }

    /// The element of that index, if it is there and a number.
    #[inline(always)]
    pub(crate) fn quick_get<'py>(&self, py: Python<'py>, index: i64) -> Option<Bound<'py, PyAny>> {
        if !self.format.is_number() {
            return None;
        }
        let bits = self.raw.shm()?.load(self.index(index)).ok()?;
        self.format.object(py, bits).ok()
    }

    /// Sets the element of that index to an int or float that fits. `false` says nothing.
    #[inline(always)]
    pub(crate) fn quick_set(&self, index: i64, value: &Bound<'_, PyAny>) -> bool {
        self.raw.shm().is_some_and(|raw| {
            self.format.quick_bits(value).is_some_and(|bits| raw.store(self.index(index), bits).is_ok())
        })
    }

    /// Where a slice begins, how far apart its elements are, and how many there are.
    fn elements(&self, slice: &Bound<'_, PySlice>) -> PyResult<(u64, i64, u64)> {
        let indices = slice.indices(self.length as isize)?;
        Ok((indices.start as u64, indices.step as i64, indices.slicelength as u64))
    }

    /// The bytes of elements, as they are at one moment.
    fn load_octets(&self, start: u64, step: i64, count: u64) -> sharevar::Result<Vec<u8>> {
        let array = match &self.raw {
            Backed::Shm(raw) => return raw.load_octets(start, step, count),
            Backed::Other(array) => array,
        };
        // The engine gives what lies between them, too.
        let span = step.unsigned_abs() * count.saturating_sub(1);
        let first = if step < 0 { start.saturating_sub(span) } else { start };
        let bits = if count == 0 { Vec::new() } else { array.load_slice(first, span + 1)? };
        let apart = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX).max(1);
        let mut bits: Vec<u64> = bits.into_iter().step_by(apart).collect();
        if step < 0 {
            bits.reverse();
        }
        let size = self.format.size as usize;
        Ok(bits.iter().flat_map(|bits| bits.to_le_bytes()[..size].to_vec()).collect())
    }

    /// Sets the bytes of elements, in one step.
    fn store_octets(&self, start: u64, step: i64, octets: &[u8]) -> sharevar::Result<()> {
        match &self.raw {
            Backed::Shm(raw) => raw.store_octets(start, step, octets),
            Backed::Other(array) => {
                let bits: Vec<u64> = octets.chunks_exact(self.format.size as usize).map(bits_of).collect();
                array.store_slice(start, step, &bits)
            }
        }
    }

    /// The bytes that the items of `value` are as elements.
    fn octets(&self, value: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
        // An array of the same numbers has them already, checked, and they are of one moment.
        if let Ok(other) = value.cast::<Self>()
            && other.get().format.letter == self.format.letter
        {
            return other.get().load_octets(0, 1, other.get().length).or_raise();
        }
        if value.get_type().is(&value.py().import("array")?.getattr("array")?)
            && value.getattr("typecode")?.extract::<char>()? == self.format.letter
        {
            return value.call_method0("tobytes")?.extract();
        }
        let mut octets = Vec::new();
        for item in value.try_iter()? {
            let bits = self.format.bits(&item?)?;
            octets.extend_from_slice(&bits.to_le_bytes()[..self.format.size as usize]);
        }
        Ok(octets)
    }
}

/// The bits of an element, from its bytes.
fn bits_of(octets: &[u8]) -> u64 {
    let mut bits = [0; 8];
    bits[..octets.len()].copy_from_slice(octets);
    u64::from_le_bytes(bits)
}

#[pymethods]
impl Array {
    #[new]
    #[pyo3(signature = (arena, item_format = None, item_count = None))]
    fn new(
        arena: &Bound<'_, PyAny>,
        item_format: Option<char>,
        item_count: Option<i64>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let mut argument = StoreOrFound::from_argument(arena)?;
        let handle = if argument.exists() {
            // It is found, and nothing is made.
            argument.handle(&Make::Array { format: 'B', size: 1, count: 0 })?
        } else {
            let (Some(letter), Some(count)) = (item_format, item_count) else {
                return Err(PyTypeError::new_err("an array is made with item_format and item_count"));
            };
            let format = Format::of(letter)?;
            let count =
                u64::try_from(count).map_err(|_| PyValueError::new_err("an array has no negative length"))?;
            argument.handle(&Make::Array { format: format.letter, size: format.size, count })?
        };
        let base = Variable::of(&argument.store, &handle, Kind::Array);
        let raw = Backed::<RawArray, dyn Elements>::open(handle, Kind::Array).or_raise()?;
        let (format, length) = (Format::of(raw.any().format())?, raw.any().len());
        let shape = [length as isize, format.size as isize];
        Ok(PyClassInitializer::from(base).add_subclass(Self { raw, length, format, shape }))
    }

    fn __len__(&self) -> usize {
        self.length as usize
    }

    // The common case of this and of setting is in `slots`.
    fn __getitem__<'py>(slf: &Bound<'py, Self>, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        match place(index, "array")? {
            Place::At(index) => {
                let bits = this.raw.any().load(this.index(index));
                this.format.object(py, bits.map_err(|error| index_error(error, "array index out of range"))?)
            }
            Place::Slice(slice) => slf.call_method1(intern!(py, "_items"), (slice,)),
        }
    }

    /// The elements of a slice. A class derived from this one may give another sequence than a list.
    #[pyo3(signature = (place, /))]
    fn _items<'py>(&self, place: &Bound<'py, PySlice>) -> PyResult<Bound<'py, PyAny>> {
        let py = place.py();
        let (start, step, count) = self.elements(place)?;
        let octets = self.load_octets(start, step, count).or_raise()?;
        let objects = octets
            .chunks_exact(self.format.size as usize)
            .map(|octets| self.format.object(py, bits_of(octets)));
        Ok(PyList::new(py, objects.collect::<PyResult<Vec<_>>>()?)?.into_any())
    }

    /// The letter of the elements' format.
    #[getter]
    fn _typecode(&self) -> char {
        self.format.letter
    }

    /// The bytes of the elements of a slice, as they are at one moment.
    #[pyo3(signature = (place, /))]
    fn _octets<'py>(&self, place: &Bound<'py, PySlice>) -> PyResult<Bound<'py, PyBytes>> {
        let (start, step, count) = self.elements(place)?;
        Ok(PyBytes::new(place.py(), &self.load_octets(start, step, count).or_raise()?))
    }

    fn __setitem__(&self, index: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match place(index, "array")? {
            Place::At(index) => {
                let stored = self.raw.any().store(self.index(index), self.format.bits(value)?);
                stored.map_err(|error| index_error(error, "array assignment index out of range"))
            }
            Place::Slice(slice) => {
                let octets = self.octets(value)?;
                let (start, step, count) = self.elements(slice)?;
                if octets.len() as u64 != count * self.format.size {
                    return Err(PyValueError::new_err("Can only assign sequence of same size"));
                }
                self.store_octets(start, step, &octets).or_raise()
            }
        }
    }

    #[allow(unsafe_code)]
    // SAFETY: called by the interpreter alone, with a view to fill.
    #[allow(clippy::needless_pass_by_value)] // PyO3 has no other form.
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut ffi::Py_buffer,
        flags: std::ffi::c_int,
    ) -> PyResult<()> {
        let this = slf.get();
        let Some(raw) = this.raw.shm() else {
            return Err(buffer::unsupported(
                slf.py(),
                slf.as_super().get().store().get().home().engine_name(),
            ));
        };
        // SAFETY: `view` is what the interpreter gave; the array and the shape are the object's.
        unsafe { buffer::fill(slf.as_any(), raw, this.format.text, &this.shape, view, flags) }
    }
}
