//! The canonical bytes of the standard library's immutable classes.
//!
//! Each is the state that its `__eq__` compares, so that equal objects have equal bytes in every
//! process, whatever its hash seed. Subclasses may compare otherwise and are opaque.

use crate::encoding::canonical::{text_bytes, write_int, write_standard};
use crate::errors::OrRaise;
use crate::fast_access;
use pyo3::exceptions::PyOverflowError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBytes, PyDate, PyDateTime, PyDelta, PyDeltaAccess, PyDict, PyFloat, PyInt, PyRange, PyString, PyTime,
    PyTimeAccess, PyTuple, PyType, PyTypeMethods,
};
use sharevar_value::{Encoder, StandardClass};

/// Decimals of a magnitude or precision beyond this are opaque: the int that equals 1E+999999999
/// fits no memory.
const MAX_DIGITS: i64 = 5000;

/// Writes the canonical bytes of an object of a standard class. `false` if it is of no such.
pub(crate) fn write(object: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    if let Ok(value) = object.cast_exact::<PyDateTime>() {
        return write_datetime(value, encoder);
    }
    if let Ok(value) = object.cast_exact::<PyDate>() {
        let day = days(value.as_any())?;
        return write_standard(encoder, StandardClass::Date, &day.to_le_bytes());
    }
    if let Ok(value) = object.cast_exact::<PyTime>() {
        return write_time(value, encoder);
    }
    if let Ok(value) = object.cast_exact::<PyDelta>() {
        return write_standard(encoder, StandardClass::TimeDelta, &microseconds(value).to_le_bytes());
    }
    if object.is_exact_instance_of::<PyRange>() {
        return write_range(object, encoder);
    }
    let class = object.get_type();
    if !class.get_type().is(object.py().get_type::<PyType>()) && write_enum_member(object, &class, encoder)? {
        return Ok(true);
    }
    let (module, name) = (class.module()?, class.name()?);
    match (module.to_str(), name.to_str()) {
        (Ok(module), Ok(name)) => write_named(object, &class, module, name, encoder),
        _ => Ok(false),
    }
}

/// Whether `class` is the one of that name, imported once.
fn is_class(
    class: &Bound<'_, PyType>,
    cell: &PyOnceLock<Py<PyType>>,
    module: &str,
    name: &str,
) -> PyResult<bool> {
    Ok(class.is(cell.import(class.py(), module, name)?))
}

fn write_named(
    object: &Bound<'_, PyAny>,
    class: &Bound<'_, PyType>,
    module: &str,
    name: &str,
    encoder: &mut Encoder,
) -> PyResult<bool> {
    macro_rules! is {
        ($module:literal, $name:literal) => {{
            static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            is_class(class, &CLASS, $module, $name)?
        }};
    }
    let py = object.py();
    match (module, name) {
        ("uuid", "UUID") if is!("uuid", "UUID") => {
            let bytes = object.getattr(intern!(py, "bytes"))?;
            write_standard(encoder, StandardClass::Uuid, bytes.cast::<PyBytes>()?.as_bytes())
        }
        ("decimal", "Decimal") if is!("decimal", "Decimal") => write_decimal(object, encoder),
        ("fractions", "Fraction") if is!("fractions", "Fraction") => write_rational(
            &object.getattr(intern!(py, "numerator"))?,
            &object.getattr(intern!(py, "denominator"))?,
            encoder,
        ),
        ("datetime", "timezone") if is!("datetime", "timezone") => {
            let offset = object.call_method1(intern!(py, "utcoffset"), (py.None(),))?;
            let offset = microseconds(offset.cast::<PyDelta>()?);
            write_standard(encoder, StandardClass::TimeZone, &offset.to_le_bytes())
        }
        ("pathlib" | "pathlib._local", "PurePosixPath") if is!("pathlib", "PurePosixPath") => {
            write_standard(encoder, StandardClass::PosixPath, &text_bytes(&object.str()?)?)
        }
        ("pathlib" | "pathlib._local", "PosixPath") if is!("pathlib", "PosixPath") => {
            write_standard(encoder, StandardClass::PosixPath, &text_bytes(&object.str()?)?)
        }
        ("pathlib" | "pathlib._local", "PureWindowsPath") if is!("pathlib", "PureWindowsPath") => {
            write_windows_path(object, encoder)
        }
        ("pathlib" | "pathlib._local", "WindowsPath") if is!("pathlib", "WindowsPath") => {
            write_windows_path(object, encoder)
        }
        ("ipaddress", "IPv4Address") if is!("ipaddress", "IPv4Address") => {
            write_standard(encoder, StandardClass::Ipv4Address, &address(object)?)
        }
        ("ipaddress", "IPv6Address") if is!("ipaddress", "IPv6Address") => {
            write_standard(encoder, StandardClass::Ipv6Address, &address(object)?)
        }
        ("ipaddress", "IPv4Network") if is!("ipaddress", "IPv4Network") => {
            write_standard(encoder, StandardClass::Ipv4Network, &network(object)?)
        }
        ("ipaddress", "IPv6Network") if is!("ipaddress", "IPv6Network") => {
            write_standard(encoder, StandardClass::Ipv6Network, &network(object)?)
        }
        _ => Ok(false),
    }
}

/// The days from 1 January of the year 1.
fn days(date: &Bound<'_, PyAny>) -> PyResult<i128> {
    date.call_method0(intern!(date.py(), "toordinal"))?.extract()
}

/// The microseconds of a delta, which may be more than 64 bits hold.
fn microseconds(delta: &Bound<'_, PyDelta>) -> i128 {
    let seconds = i128::from(delta.get_days()) * 86_400 + i128::from(delta.get_seconds());
    seconds * 1_000_000 + i128::from(delta.get_microseconds())
}

/// The microseconds since midnight.
fn time_of_day(time: &impl PyTimeAccess) -> i128 {
    let minutes = i128::from(time.get_hour()) * 60 + i128::from(time.get_minute());
    (minutes * 60 + i128::from(time.get_second())) * 1_000_000 + i128::from(time.get_microsecond())
}

/// The result of `utcoffset` in microseconds.
fn offset(object: &Bound<'_, PyAny>) -> PyResult<Option<i128>> {
    let offset = object.call_method0(intern!(object.py(), "utcoffset"))?;
    if offset.is_none() { Ok(None) } else { Ok(Some(microseconds(offset.cast::<PyDelta>()?))) }
}

/// Whether a time's zone has one offset only, and so no folds.
fn is_fixed(zone: &Bound<'_, PyAny>) -> PyResult<bool> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    is_class(&zone.get_type(), &CLASS, "datetime", "timezone")
}

fn write_datetime(value: &Bound<'_, PyDateTime>, encoder: &mut Encoder) -> PyResult<bool> {
    let py = value.py();
    let local = days(value)? * 86_400_000_000 + time_of_day(value);
    let zone = value.getattr(intern!(py, "tzinfo"))?;
    if zone.is_none() {
        return write_standard(encoder, StandardClass::NaiveDateTime, &local.to_le_bytes());
    }
    if !is_fixed(&zone)? {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let class = zone.get_type();
        if class.name()? != "ZoneInfo" || !is_class(&class, &CLASS, "zoneinfo", "ZoneInfo")? {
            return Ok(false);
        }
        // A time that is ambiguous, or that does not exist, equals none of another zone.
        let other = PyDict::new(py);
        other.set_item(intern!(py, "fold"), u8::from(!value.get_fold()))?;
        let other = value.call_method(intern!(py, "replace"), (), Some(&other))?;
        if offset(&other)? != offset(value)? {
            return Ok(false);
        }
    }
    match offset(value)? {
        Some(offset) => {
            write_standard(encoder, StandardClass::AwareDateTime, &(local - offset).to_le_bytes())
        }
        None => write_standard(encoder, StandardClass::NaiveDateTime, &local.to_le_bytes()),
    }
}

fn write_time(value: &Bound<'_, PyTime>, encoder: &mut Encoder) -> PyResult<bool> {
    let zone = value.getattr(intern!(value.py(), "tzinfo"))?;
    let local = time_of_day(value);
    let offset = if zone.is_none() { None } else { offset(value)? };
    match offset {
        None => write_standard(encoder, StandardClass::NaiveTime, &local.to_le_bytes()),
        // A time's `__hash__` and `__eq__` treat the microseconds of an offset differently.
        Some(offset) if is_fixed(&zone)? && offset % 1_000_000 == 0 => {
            write_standard(encoder, StandardClass::AwareTime, &(local - offset).to_le_bytes())
        }
        Some(_) => Ok(false),
    }
}

/// Ranges are equal as the sequences that they are.
fn write_range(range: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    let py = range.py();
    let length = match range.len() {
        Ok(length) => length,
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => return Ok(false),
        Err(error) => return Err(error),
    };
    let names = [intern!(py, "start"), intern!(py, "step")];
    let mut state = encode_ints([PyInt::new(py, length)])?;
    for name in &names[..length.min(2)] {
        state.extend(encode_ints([range.getattr(*name)?.cast_into::<PyInt>()?])?);
    }
    write_standard(encoder, StandardClass::Range, &state)
}

fn encode_ints<'py>(ints: impl IntoIterator<Item = Bound<'py, PyInt>>) -> PyResult<Vec<u8>> {
    let mut bytes = Vec::new();
    for int in ints {
        let mut encoder = Encoder::new();
        write_int(&int, &mut encoder)?;
        bytes.extend_from_slice(encoder.as_slice());
    }
    Ok(bytes)
}

fn write_decimal(value: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    let py = value.py();
    if !value.call_method0(intern!(py, "is_finite"))?.is_truthy()? {
        if value.call_method0(intern!(py, "is_nan"))?.is_truthy()? {
            return Ok(false);
        }
        let infinity = value.call_method0(intern!(py, "__float__"))?;
        encoder.float(infinity.cast::<PyFloat>()?.value());
        return Ok(true);
    }
    let parts = value.call_method0(intern!(py, "as_tuple"))?;
    let exponent: i64 = parts.getattr(intern!(py, "exponent"))?.extract()?;
    let digits = parts.getattr(intern!(py, "digits"))?.len()?;
    if exponent.abs() > MAX_DIGITS || digits > MAX_DIGITS as usize {
        return Ok(false);
    }
    let ratio = value.call_method0(intern!(py, "as_integer_ratio"))?.cast_into::<PyTuple>()?;
    write_rational(&ratio.get_item(0)?, &ratio.get_item(1)?, encoder)
}

/// A fraction in lowest terms, as the int or float that it equals, if there is one.
fn write_rational(
    numerator: &Bound<'_, PyAny>,
    denominator: &Bound<'_, PyAny>,
    encoder: &mut Encoder,
) -> PyResult<bool> {
    let (numerator, denominator) = (numerator.cast_exact::<PyInt>(), denominator.cast_exact::<PyInt>());
    let (Ok(numerator), Ok(denominator)) = (numerator, denominator) else { return Ok(false) };
    let py = numerator.py();
    if fast_access::small_int(denominator) == Some(1) {
        write_int(numerator, encoder)?;
        return Ok(true);
    }
    match numerator.as_any().div(denominator) {
        Ok(float) => {
            let float = float.cast_into::<PyFloat>()?;
            let ratio = float.call_method0(intern!(py, "as_integer_ratio"))?;
            if ratio.eq((numerator, denominator))? {
                encoder.float(float.value());
                return Ok(true);
            }
        }
        // Too large for a float.
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => {}
        Err(error) => return Err(error),
    }
    let state = encode_ints([numerator.clone(), denominator.clone()])?;
    write_standard(encoder, StandardClass::Rational, &state)
}

fn write_windows_path(path: &Bound<'_, PyAny>, encoder: &mut Encoder) -> PyResult<bool> {
    let lower = path.str()?.call_method0(intern!(path.py(), "lower"))?;
    write_standard(encoder, StandardClass::WindowsPath, &text_bytes(lower.cast::<PyString>()?)?)
}

/// An address, and the zone of one of version 6.
fn address(address: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = address.py();
    let mut state = address.getattr(intern!(py, "packed"))?.cast::<PyBytes>()?.as_bytes().to_vec();
    if let Ok(zone) = address.getattr(intern!(py, "scope_id"))
        && !zone.is_none()
    {
        state.extend(text_bytes(&zone.str()?)?);
    }
    Ok(state)
}

fn network(network: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let py = network.py();
    let prefix: u8 = network.getattr(intern!(py, "prefixlen"))?.extract()?;
    let mut state = vec![prefix];
    state.extend(address(&network.getattr(intern!(py, "network_address"))?)?);
    Ok(state)
}

/// A member of an enumeration that is compared by identity, and is the same one wherever its
/// class is found by name.
fn write_enum_member(
    object: &Bound<'_, PyAny>,
    class: &Bound<'_, PyType>,
    encoder: &mut Encoder,
) -> PyResult<bool> {
    static META: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static ENUM: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = object.py();
    if !class.get_type().is_subclass(META.import(py, "enum", "EnumMeta")?)? {
        return Ok(false);
    }
    let (hash, equal) = (intern!(py, "__hash__"), intern!(py, "__eq__"));
    let plain = ENUM.import(py, "enum", "Enum")?;
    let keeps = class.getattr(hash)?.is(&plain.getattr(hash)?)
        && class.getattr(equal)?.is(&py.get_type::<PyAny>().getattr(equal)?);
    let name = object.getattr(intern!(py, "_name_"))?;
    let Ok(name) = name.cast_exact::<PyString>() else { return Ok(false) };
    if !keeps {
        return Ok(false);
    }
    let (module, path) = (class.module()?, class.qualname()?);
    let (Some(module_name), Some(path_name)) = (fast_access::text(&module), fast_access::text(&path)) else {
        return Ok(false);
    };
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let mut found = modules.cast::<PyDict>()?.get_item(&module)?;
    for part in path_name.split('.') {
        found = found.and_then(|found| found.getattr(part).ok());
    }
    if !found.is_some_and(|found| found.is(class)) {
        return Ok(false);
    }
    // The main program goes by another name in a child that was not forked.
    let module_name = if module_name == "__mp_main__" { "__main__" } else { module_name };
    let mut inner = Encoder::new();
    let body = inner.begin_tuple(3).map_err(sharevar::Error::from).or_raise()?;
    for text in [module_name, path_name] {
        inner.str(text).map_err(sharevar::Error::from).or_raise()?;
    }
    inner.bytes(&text_bytes(name)?).map_err(sharevar::Error::from).or_raise()?;
    inner.end_tuple(body).map_err(sharevar::Error::from).or_raise()?;
    write_standard(encoder, StandardClass::EnumMember, inner.as_slice())
}
