//! The elements of arrays: which formats there are, and what they hold.

use crate::fast_access;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString};
use std::ffi::CStr;

/// How an element's bits are a Python object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    Signed,
    Unsigned,
    Float,
    Bool,
    Char,
    Wide,
}

/// A format of `struct` and `array`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// Its letter.
    pub(crate) letter: char,
    /// Bytes of an element.
    pub(crate) size: u64,
    nature: Nature,
    /// Its C name in error messages.
    name: &'static str,
    /// For buffers.
    pub(crate) text: &'static CStr,
}

const fn format(letter: char, size: u64, nature: Nature, name: &'static str, text: &'static CStr) -> Format {
    Format { letter, size, nature, name, text }
}

/// The sizes are those of C on 64-bit Linux.
const FORMATS: [Format; 15] = [
    format('b', 1, Nature::Signed, "signed char", c"b"),
    format('B', 1, Nature::Unsigned, "unsigned byte integer", c"B"),
    format('h', 2, Nature::Signed, "signed short integer", c"h"),
    format('H', 2, Nature::Unsigned, "unsigned short", c"H"),
    format('i', 4, Nature::Signed, "signed integer", c"i"),
    format('I', 4, Nature::Unsigned, "unsigned int", c"I"),
    format('l', 8, Nature::Signed, "signed long", c"l"),
    format('L', 8, Nature::Unsigned, "unsigned long", c"L"),
    format('q', 8, Nature::Signed, "signed long long", c"q"),
    format('Q', 8, Nature::Unsigned, "unsigned long long", c"Q"),
    format('f', 4, Nature::Float, "float", c"f"),
    format('d', 8, Nature::Float, "double", c"d"),
    format('?', 1, Nature::Bool, "bool", c"?"),
    format('c', 1, Nature::Char, "char", c"c"),
    // In buffers the letter that NumPy and `array.array` give it.
    format('u', 4, Nature::Wide, "character", c"w"),
];

impl Format {
    /// The format of a letter.
    pub(crate) fn of(letter: char) -> PyResult<Self> {
        FORMATS.into_iter().find(|format| format.letter == letter).ok_or_else(|| {
            PyValueError::new_err("bad typecode (must be b, B, u, h, H, i, I, l, L, q, Q, f, d, ? or c)")
        })
    }

    /// The object that the bits of an element are.
    #[inline]
    pub(crate) fn object(self, py: Python<'_>, bits: u64) -> PyResult<Bound<'_, PyAny>> {
        let unused = 64 - 8 * self.size as u32;
        match self.nature {
            Nature::Signed => ((bits << unused) as i64 >> unused).into_bound_py_any(py),
            Nature::Unsigned => bits.into_bound_py_any(py),
            Nature::Float if self.size == 4 => {
                Ok(PyFloat::new(py, f64::from(f32::from_bits(bits as u32))).into_any())
            }
            Nature::Float => Ok(PyFloat::new(py, f64::from_bits(bits)).into_any()),
            Nature::Bool => Ok(PyBool::new(py, bits != 0).to_owned().into_any()),
            Nature::Char => Ok(PyBytes::new(py, &[bits as u8]).into_any()),
            // A surrogate by itself is no `char`, and another process may write anything.
            Nature::Wide => py.import("builtins")?.call_method1("chr", (bits as u32,)),
        }
    }

    /// The bits of an element that holds the object, or the error that `array.array` raises.
    #[inline]
    pub(crate) fn bits(self, object: &Bound<'_, PyAny>) -> PyResult<u64> {
        match self.nature {
            Nature::Float => {
                let value: f64 = object.extract()?;
                Ok(if self.size == 4 { u64::from((value as f32).to_bits()) } else { value.to_bits() })
            }
            Nature::Bool => Ok(u64::from(object.is_truthy()?)),
            Nature::Char => match object.cast::<PyBytes>().map(PyBytesMethods::as_bytes) {
                Ok([byte]) => Ok(u64::from(*byte)),
                _ => Err(PyTypeError::new_err("one character bytes expected")),
            },
            Nature::Wide => match object.cast::<PyString>() {
                Ok(text) if text.len()? == 1 => Ok(u64::from(
                    object.py().import("builtins")?.call_method1("ord", (text,))?.extract::<u32>()?,
                )),
                _ => Err(PyTypeError::new_err("array item must be unicode character")),
            },
            Nature::Signed | Nature::Unsigned => self.integer_bits(object),
        }
    }

    /// Whether elements are numbers (not truth values either).
    #[inline(always)]
    pub(crate) fn is_number(self) -> bool {
        matches!(self.nature, Nature::Signed | Nature::Unsigned | Nature::Float)
    }

    /// The bits of an element that holds the object, if it is an int or a float (no subclass) that
    /// fits and needs no conversion. `None` says nothing.
    #[inline(always)]
    pub(crate) fn quick_bits(self, object: &Bound<'_, PyAny>) -> Option<u64> {
        let unused = 64 - 8 * self.size as u32;
        match self.nature {
            Nature::Signed => {
                let value = fast_access::exact_int(object)?;
                (value << unused >> unused == value).then_some(value as u64)
            }
            Nature::Unsigned => {
                let value = u64::try_from(fast_access::exact_int(object)?).ok()?;
                (value << unused >> unused == value).then_some(value)
            }
            Nature::Float if self.size == 8 => Some(object.cast_exact::<PyFloat>().ok()?.value().to_bits()),
            _ => None,
        }
    }

    fn integer_bits(self, object: &Bound<'_, PyAny>) -> PyResult<u64> {
        let index;
        let int = if let Ok(int) = object.cast_exact::<PyInt>() {
            int
        } else {
            index = fast_access::index(object)?;
            &index
        };
        if self.nature == Nature::Unsigned {
            let max = u64::MAX >> (64 - 8 * self.size);
            return match fast_access::small_int(int) {
                Some(value) if value < 0 => Err(self.beyond("less than minimum")),
                Some(value) if value as u64 <= max => Ok(value as u64),
                Some(_) => Err(self.beyond("greater than maximum")),
                None if int.lt(0)? => Err(self.beyond("less than minimum")),
                None => match int.extract::<u64>() {
                    Ok(value) if value <= max => Ok(value),
                    _ => Err(self.beyond("greater than maximum")),
                },
            };
        }
        let max = i64::MAX >> (64 - 8 * self.size);
        match fast_access::small_int(int) {
            Some(value) if value > max => Err(self.beyond("greater than maximum")),
            Some(value) if value < !max => Err(self.beyond("less than minimum")),
            Some(value) => Ok(value as u64),
            None if int.lt(0)? => Err(self.beyond("less than minimum")),
            None => Err(self.beyond("greater than maximum")),
        }
    }

    #[cold]
    fn beyond(self, how: &str) -> PyErr {
        PyOverflowError::new_err(format!("{} is {how}", self.name))
    }
}
