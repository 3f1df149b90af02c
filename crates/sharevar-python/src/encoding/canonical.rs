//! The canonical bytes of keys that are not of the native types: equal keys have equal bytes.
//!
//! Only classes whose equality is known have them: the native types, their subclasses that keep
//! `__eq__` and `__hash__`, numpy's scalars, and the standard classes of `standard_key`. Two of
//! them are equal in Python if and only if their bytes are. All others are opaque: they are
//! compared by Python, with every key.

use crate::encoding::standard_key;
use crate::errors::OrRaise;
use crate::fast_access;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyComplex, PyFloat, PyFrozenSet, PyInt, PyString, PyTuple, PyType};
use pyo3::types::{PyComplexMethods, PyDict};
use sharevar_value::{Encoder, StandardClass};

/// Frozen sets and tuples inside one another beyond this are opaque.
const MAX_DEPTH: usize = 100;

/// Writes the canonical bytes. `false` if there are none; the bytes written so far are void then.
pub(crate) fn write(object: &Bound<'_, PyAny>, encoder: &mut Encoder, depth: usize) -> PyResult<bool> {
    if depth > MAX_DEPTH {
        return Ok(false);
    }
    if let Ok(value) = object.cast::<PyString>() {
        if keeps_equality(object, &object.py().get_type::<PyString>())? {
            return write_str(value, encoder);
        }
    } else if let Ok(value) = object.cast::<PyInt>() {
        if let Ok(value) = object.cast_exact::<PyBool>() {
            encoder.int(i64::from(value.is_true()));
            return Ok(true);
        }
        if keeps_equality(object, &object.py().get_type::<PyInt>())? {
            write_int(value, encoder)?;
            return Ok(true);
        }
    } else if object.is_none() {
        encoder.none();
        return Ok(true);
    } else if let Ok(value) = object.cast::<PyTuple>() {
        if keeps_equality(object, &object.py().get_type::<PyTuple>())? {
            return write_tuple(value, encoder, |item, encoder| write(item, encoder, depth + 1));
        }
    } else if let Ok(value) = object.cast::<PyFloat>() {
        if keeps_equality(object, &object.py().get_type::<PyFloat>())? {
            encoder.key_float(value.value()).map_err(sharevar::Error::from).or_raise()?;
            return Ok(true);
        }
    } else if let Ok(value) = object.cast::<PyBytes>() {
        if keeps_equality(object, &object.py().get_type::<PyBytes>())? {
            encoder.bytes(value.as_bytes()).map_err(sharevar::Error::from).or_raise()?;
            return Ok(true);
        }
    } else if let Ok(value) = object.cast::<PyFrozenSet>() {
        if keeps_equality(object, &object.py().get_type::<PyFrozenSet>())? {
            return write_frozen_set(value, encoder, depth);
        }
    } else if let Ok(value) = object.cast::<PyComplex>() {
        if keeps_equality(object, &object.py().get_type::<PyComplex>())? {
            return write_complex(value.real(), value.imag(), encoder);
        }
    } else if standard_key::write(object, encoder)? {
        return Ok(true);
    }
    write_scalar_of_numpy(object, encoder)
}

pub(crate) fn write_int(value: &Bound<'_, PyInt>, encoder: &mut Encoder) -> PyResult<()> {
    match fast_access::small_int(value) {
        Some(int) => encoder.int(int),
        None => encoder.big_int(&fast_access::big_int(value)?).map_err(sharevar::Error::from).or_raise()?,
    }
    Ok(())
}

pub(crate) fn write_tuple(
    tuple: &Bound<'_, PyTuple>,
    encoder: &mut Encoder,
    write: impl Fn(&Bound<'_, PyAny>, &mut Encoder) -> PyResult<bool>,
) -> PyResult<bool> {
    // Deeper than values may nest: opaque.
    let Ok(body) = encoder.begin_tuple(tuple.len()) else { return Ok(false) };
    for item in tuple.iter_borrowed() {
        if !write(&item, encoder)? {
            return Ok(false);
        }
    }
    encoder.end_tuple(body).map_err(sharevar::Error::from).or_raise()?;
    Ok(true)
}

/// Writes the state of an object of a standard class.
pub(crate) fn write_standard(encoder: &mut Encoder, class: StandardClass, state: &[u8]) -> PyResult<bool> {
    encoder.standard(class, state).map_err(sharevar::Error::from).or_raise()?;
    Ok(true)
}

/// The bytes of a str: UTF-8, with lone surrogates as they are.
pub(crate) fn text_bytes(text: &Bound<'_, PyString>) -> PyResult<Vec<u8>> {
    match fast_access::text(text) {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => Ok(fast_access::text_with_surrogates(text)?.as_bytes().to_vec()),
    }
}

fn write_str(value: &Bound<'_, PyString>, encoder: &mut Encoder) -> PyResult<bool> {
    match fast_access::text(value) {
        Some(text) => encoder.str(text).map_err(sharevar::Error::from).or_raise()?,
        None => return write_standard(encoder, StandardClass::SurrogateStr, &text_bytes(value)?),
    }
    Ok(true)
}

fn write_frozen_set(set: &Bound<'_, PyFrozenSet>, encoder: &mut Encoder, depth: usize) -> PyResult<bool> {
    let mut elements = Vec::with_capacity(set.len());
    for element in set.iter() {
        let mut encoder = Encoder::new();
        if !write(&element, &mut encoder, depth + 1)? {
            return Ok(false);
        }
        elements.push(encoder.as_slice().to_vec());
    }
    // Encodings are prefix-free, so that one order and no separators make one set one text.
    elements.sort_unstable();
    write_standard(encoder, StandardClass::FrozenSet, &elements.concat())
}

fn write_complex(real: f64, imag: f64, encoder: &mut Encoder) -> PyResult<bool> {
    if imag == 0.0 && !real.is_nan() {
        encoder.key_float(real).map_err(sharevar::Error::from).or_raise()?;
        return Ok(true);
    }
    // -0.0 equals 0.0.
    let bits = [real, imag].map(|part| (part + 0.0).to_bits().to_le_bytes());
    write_standard(encoder, StandardClass::Complex, bits.as_flattened())
}

/// Writes a numpy scalar that equals a plain number, str or bytes and hashes as it.
fn write_scalar_of_numpy(object: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    let (py, class) = (object.py(), object.get_type());
    if !is_of_module(&class, "numpy")? {
        return Ok(false);
    }
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let Ok(numpy) = modules.cast::<PyDict>()?.get_item(intern!(py, "numpy"))?.ok_or(()) else {
        return Ok(false);
    };
    if !object.is_instance(&numpy.getattr(intern!(py, "generic"))?)? {
        return Ok(false);
    }
    // Not of times, whose item may be an int that they do not equal.
    let kind = object.getattr(intern!(py, "dtype"))?.getattr(intern!(py, "kind"))?;
    if !"biufcSU".contains(kind.cast::<PyString>()?.to_str()?) {
        return Ok(false);
    }
    let plain = object.call_method0(intern!(py, "item"))?;
    if let Ok(value) = plain.cast_exact::<PyFloat>()
        && value.value().is_nan()
    {
        return write(&plain, encoder, 0);
    }
    let is_plain = plain.is_exact_instance_of::<PyBool>()
        || plain.is_exact_instance_of::<PyInt>()
        || plain.is_exact_instance_of::<PyFloat>()
        || plain.is_exact_instance_of::<PyComplex>()
        || plain.is_exact_instance_of::<PyString>()
        || plain.is_exact_instance_of::<PyBytes>();
    if is_plain && object.eq(&plain)? && object.hash()? == plain.hash()? {
        return write(&plain, encoder, 0);
    }
    Ok(false)
}

/// Whether a class says that it is of this module.
pub(crate) fn is_of_module(class: &Bound<'_, PyType>, module: &str) -> PyResult<bool> {
    let name = class.getattr(intern!(class.py(), "__module__"))?;
    Ok(name.cast::<PyString>().is_ok_and(|name| fast_access::text(name) == Some(module)))
}

/// Whether a class compares and hashes as this one does.
pub(crate) fn keeps_equality(object: &Bound<'_, PyAny>, of: &Bound<'_, PyType>) -> PyResult<bool> {
    let (py, class) = (object.py(), object.get_type());
    if class.is(of) {
        return Ok(true);
    }
    for name in [intern!(py, "__hash__"), intern!(py, "__eq__")] {
        if !class.getattr(name)?.is(&of.getattr(name)?) {
            return Ok(false);
        }
    }
    Ok(true)
}
