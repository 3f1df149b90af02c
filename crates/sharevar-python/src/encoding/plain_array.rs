//! Plain arrays of `NumPy`. The pickle of one depends on its type, shape and order alone, so that pickle is
//! asked for each form once, and not for each array.

use crate::encoding::pickled::{Pickle, Pickled};
use pyo3::buffer::PyUntypedBuffer;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple, PyType};
use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The properties of an array of which its pickle tells.
#[derive(PartialEq, Eq, Hash)]
struct Form {
    /// The address of the type, which is one of `NumPy`'s own and lives as long as the process.
    dtype: usize,
    shape: Vec<usize>,
    is_c_contiguous: bool,
    is_fortran_contiguous: bool,
    is_read_only: bool,
}

/// How an array is made without its pickle.
struct Recipe {
    dtype: Py<PyAny>,
    shape: Py<PyTuple>,
    is_fortran: bool,
}

/// The state of knowledge of a pickle with one buffer.
enum Reading {
    /// It was read once.
    Once,
    /// It is that of a plain array.
    Plain(Recipe),
    /// It is that of another object.
    Other,
}

/// Forms and pickles that are remembered: more are forgotten together.
const MOST: usize = 256;
/// The longest pickle that may be that of a plain array, which takes some 150 bytes.
pub(crate) const LONGEST: usize = 512;

#[derive(Default)]
struct Known {
    pickles: HashMap<Form, Py<PyBytes>>,
    /// A few comparisons take less time than to hash all of a pickle.
    readings: BTreeMap<Box<[u8]>, Reading>,
}

/// No code of Python's runs while it is locked, and no object ends.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The class of arrays, what makes one over a buffer, and the tables of those classes that the program
/// pickles in another way.
struct Numpy {
    ndarray: Py<PyType>,
    frombuffer: Py<PyAny>,
    reducers: [Py<PyDict>; 2],
}

static NUMPY: PyOnceLock<Numpy> = PyOnceLock::new();

/// `None` if the program has not imported it.
fn numpy(py: Python<'_>) -> PyResult<Option<&'static Numpy>> {
    if let Some(numpy) = NUMPY.get(py) {
        return Ok(Some(numpy));
    }
    let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    let Some(module) = modules.get_item("numpy")? else { return Ok(None) };
    // It may be in the middle of its import.
    let (Some(ndarray), true) = (module.getattr_opt("ndarray")?, module.hasattr("frombuffer")?) else {
        return Ok(None);
    };
    let table = |module: &str, names: [&str; 2]| {
        let module = py.import(module)?;
        let object = if names[0].is_empty() { module.into_any() } else { module.getattr(names[0])? };
        Ok::<_, PyErr>(object.getattr(names[1])?.cast_into::<PyDict>()?.unbind())
    };
    let reducers = [
        table("copyreg", ["", "dispatch_table"])?,
        table("multiprocessing.reduction", ["ForkingPickler", "_extra_reducers"])?,
    ];
    // A test may have put another object in its place.
    let Ok(ndarray) = ndarray.cast_into::<PyType>() else { return Ok(None) };
    let frombuffer = module.getattr("frombuffer")?.unbind();
    let found = Numpy { ndarray: ndarray.unbind(), frombuffer, reducers };
    Ok(Some(NUMPY.get_or_init(py, || found)))
}

impl Numpy {
    /// Whether this is exactly an array, which `NumPy` pickles itself.
    fn is_plain(&self, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        let (py, class) = (value.py(), self.ndarray.bind(value.py()));
        if !value.get_type().is(class) {
            return Ok(false);
        }
        for table in &self.reducers {
            if table.bind(py).contains(class)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Returns `NumPy`'s own type of elements that has the letter of `dtype`: there is one object of it, for ever.
/// `None` if it needs more than a letter.
fn own_type<'py>(dtype: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = dtype.py();
    let letter = dtype.getattr(intern!(py, "char"))?;
    Ok(py.import("numpy")?.getattr(intern!(py, "dtype"))?.call1((letter,)).ok())
}

/// An array that is being stored.
pub(crate) struct PlainArray {
    buffer: PyUntypedBuffer,
    form: Form,
}

impl PlainArray {
    /// `None` for another object, or an array that has no buffer or not all of it in one piece.
    pub(crate) fn of(value: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let py = value.py();
        let Some(numpy) = numpy(py)? else { return Ok(None) };
        if !numpy.is_plain(value)? {
            return Ok(None);
        }
        let Ok(buffer) = PyUntypedBuffer::get(value) else { return Ok(None) };
        let (is_c_contiguous, is_fortran_contiguous) =
            (buffer.is_c_contiguous(), buffer.is_fortran_contiguous());
        if !is_c_contiguous && !is_fortran_contiguous {
            return Ok(None);
        }
        let form = Form {
            dtype: value.getattr(intern!(py, "dtype"))?.as_ptr() as usize,
            shape: buffer.shape().to_vec(),
            is_c_contiguous,
            is_fortran_contiguous,
            is_read_only: buffer.readonly(),
        };
        Ok(Some(Self { buffer, form }))
    }

    /// Bytes of its elements.
    pub(crate) fn length(&self) -> usize {
        self.buffer.len_bytes()
    }

    /// Returns the array with the pickle that one of this form has; the array itself if none is known.
    pub(crate) fn pickled(self, py: Python<'_>) -> Result<Pickled<'_>, Self> {
        let pickle = known().pickles.get(&self.form).map(|pickle| pickle.clone_ref(py));
        match pickle {
            Some(pickle) => Ok(Pickled {
                pickle: Pickle::of(pickle.into_bound(py)),
                buffers: vec![self.buffer],
                handles: Vec::new(),
            }),
            None => Err(self),
        }
    }

    /// Remembers the pickle that this array, `value`, was given.
    pub(crate) fn remember(self, value: &Bound<'_, PyAny>, pickled: &Pickled<'_>) -> PyResult<()> {
        let [buffer] = &pickled.buffers[..] else { return Ok(()) };
        let is_whole =
            buffer.buf_ptr() == self.buffer.buf_ptr() && buffer.len_bytes() == self.buffer.len_bytes();
        let dtype = value.getattr(intern!(value.py(), "dtype"))?;
        if !is_whole || !pickled.handles.is_empty() || dtype.as_ptr() as usize != self.form.dtype {
            return Ok(());
        }
        if own_type(&dtype)?.is_some_and(|own| own.is(&dtype)) {
            let mut known = known();
            if known.pickles.len() >= MOST {
                known.pickles.clear();
            }
            known.pickles.insert(self.form, pickled.pickle.bytes().clone().unbind());
        }
        Ok(())
    }
}

/// The array of a pickle that this process knows, without its buffer.
pub(crate) struct KnownArray<'py> {
    numpy: &'static Numpy,
    dtype: Bound<'py, PyAny>,
    shape: Bound<'py, PyTuple>,
    is_fortran: bool,
}

impl<'py> KnownArray<'py> {
    /// `None` for another pickle.
    pub(crate) fn of(py: Python<'py>, pickle: &[u8]) -> PyResult<Option<Self>> {
        if pickle.len() > LONGEST {
            return Ok(None);
        }
        let (dtype, shape, is_fortran) = match known().readings.get(pickle) {
            Some(Reading::Plain(Recipe { dtype, shape, is_fortran })) => {
                (dtype.bind(py).clone(), shape.bind(py).clone(), *is_fortran)
            }
            _ => return Ok(None),
        };
        Ok(numpy(py)?.map(|numpy| Self { numpy, dtype, shape, is_fortran }))
    }

    /// Returns the array over a buffer.
    pub(crate) fn over(self, buffer: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = buffer.py();
        // A fifth of what the class itself takes to be called.
        let flat = self.numpy.frombuffer.bind(py).call1((buffer, self.dtype))?;
        if self.shape.len() == 1 {
            return Ok(flat);
        }
        let reshape = intern!(py, "reshape");
        if !self.is_fortran {
            return flat.call_method1(reshape, (self.shape,));
        }
        let named = PyDict::new(py);
        named.set_item(intern!(py, "order"), intern!(py, "F"))?;
        flat.call_method(reshape, (self.shape,), Some(&named))
    }
}

/// Pickles an object, but for its long buffers.
type Dumps = for<'py> fn(&Bound<'py, PyAny>) -> PyResult<(Pickle<'py>, Vec<PyUntypedBuffer>)>;

/// Remembers what a pickle with one buffer has given, if it was read before: that it is the pickle of a plain
/// array is seen by pickling the array, as `dumps` does.
pub(crate) fn remember(pickle: &[u8], object: &Bound<'_, PyAny>, dumps: Dumps) -> PyResult<()> {
    if pickle.len() > LONGEST {
        return Ok(());
    }
    let reading = match known().readings.get(pickle) {
        None => Some(Reading::Once),
        Some(Reading::Once) => None,
        Some(Reading::Plain(_) | Reading::Other) => return Ok(()),
    };
    let reading = match reading {
        Some(once) => once,
        None => recipe(pickle, object, dumps)?.map_or(Reading::Other, Reading::Plain),
    };
    let mut known = known();
    if known.readings.len() >= MOST {
        known.readings.clear();
    }
    known.readings.insert(pickle.into(), reading);
    Ok(())
}

fn recipe(pickle: &[u8], object: &Bound<'_, PyAny>, dumps: Dumps) -> PyResult<Option<Recipe>> {
    let py = object.py();
    let Some(array) = PlainArray::of(object)? else { return Ok(None) };
    // Pickle makes a type that is equal to it. The comparison below finds one that is not.
    let Some(dtype) = own_type(&object.getattr(intern!(py, "dtype"))?)? else { return Ok(None) };
    let shape = PyTuple::new(py, &array.form.shape)?;
    let is_fortran = !array.form.is_c_contiguous;
    let order = if is_fortran { "F" } else { "C" };
    // A view may be read-only where the array that was stored was not.
    let like_it = py.import("numpy")?.getattr("empty")?.call1((&shape, &dtype, order))?;
    for is_writable in [true, false] {
        let named = PyDict::new(py);
        named.set_item("write", is_writable)?;
        like_it.call_method("setflags", (), Some(&named))?;
        let (again, buffers) = dumps(&like_it)?;
        if buffers.len() == 1 && *again == *pickle {
            return Ok(Some(Recipe { dtype: dtype.unbind(), shape: shape.unbind(), is_fortran }));
        }
    }
    Ok(None)
}
