//! Replies that are encoded before somebody asks for them: the items of a stream.

use super::{arguments, raise};
use pyo3::prelude::*;
use pyo3::types::PyList;
use sharevar_hosted::protocol::{part, write_reply};

/// A reply, as it stands in its frame. What it was made of may change afterwards.
#[pyclass(frozen, module = "sharevar._native")]
pub(crate) struct EncodedReply {
    bytes: Vec<u8>,
    /// The proxies in it, which must live until it is read.
    proxies: Py<PyList>,
}

#[pymethods]
impl EncodedReply {
    /// A value. It raises what pickle does if it cannot be sent.
    #[staticmethod]
    fn returned(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = value.py();
        let mut bytes = Vec::with_capacity(32);
        write_reply::returned(&mut bytes);
        let proxies = if arguments::write_native_value(&mut bytes, value)? {
            PyList::empty(py)
        } else {
            arguments::write_pickled_value(&mut bytes, value)?
        };
        Ok(Self { bytes, proxies: proxies.unbind() })
    }

    /// An exception.
    #[staticmethod]
    fn raised(error: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = error.py();
        let mut bytes = Vec::new();
        raise::write_raised(py, PyErr::from_value(error.clone()), true, &mut bytes)?;
        Ok(Self { bytes, proxies: PyList::empty(py).unbind() })
    }

    /// Many replies in one, in order.
    #[staticmethod]
    fn many(py: Python<'_>, replies: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        let length = replies.iter().map(|reply| reply.bytes.len() + 4).sum::<usize>();
        let mut bytes = Vec::with_capacity(length + 5);
        let proxies = PyList::empty(py);
        write_reply::many(&mut bytes, replies.len()).map_err(raise::too_long)?;
        for reply in replies {
            part(&mut bytes, |bytes| bytes.extend_from_slice(&reply.bytes)).map_err(raise::too_long)?;
            for proxy in reply.proxies.bind(py) {
                proxies.append(proxy)?;
            }
        }
        Ok(Self { bytes, proxies: proxies.unbind() })
    }

    fn __len__(&self) -> usize {
        self.bytes.len()
    }
}

impl EncodedReply {
    /// Appends it to a frame: the proxies in it.
    pub(super) fn append<'py>(&self, py: Python<'py>, reply: &mut Vec<u8>) -> Bound<'py, PyList> {
        reply.extend_from_slice(&self.bytes);
        self.proxies.bind(py).clone()
    }
}
