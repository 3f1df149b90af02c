//! Items of priority queues on their way in: tuples whose parts have an order or have none.
//!
//! A tuple with an object of no native type is one pickle elsewhere, so that the object is the same
//! at all its places. The order of an item is that of its first elements, which must be readable.
//! So here each element of a tuple or list that has to be pickled has a pickle of its own.

use crate::encoding::encode::{Unencodable, Writer, encode};
use crate::encoding::pickler;
use crate::errors::OrRaise;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};
use sharevar::engine::InHome;
use sharevar_value::{Encoded, Encoder};

/// A value ready to be stored in that home.
pub(crate) fn encode_in_parts(value: &Bound<'_, PyAny>, home: &dyn InHome) -> PyResult<Encoded> {
    if !has_parts(value) {
        return encode(value, home);
    }
    let mut native = Writer::new(Some(home));
    let (bytes, handles) = match native.write(value) {
        Ok(()) => native.encoder.finish().map_err(sharevar::Error::from).or_raise()?,
        Err(Unencodable::Raise(error)) => return Err(error),
        Err(Unencodable::Pickle) => {
            let mut parts =
                Parts { home, encoder: Encoder::new(), of_pickles: Vec::new(), around: Vec::new() };
            match parts.write(value) {
                Ok(()) => {}
                Err(Unencodable::Raise(error)) => return Err(error),
                Err(Unencodable::Pickle) => return encode(value, home),
            }
            let (bytes, mut handles) = parts.encoder.finish().map_err(sharevar::Error::from).or_raise()?;
            handles.extend(parts.of_pickles);
            (bytes, handles)
        }
    };
    Ok(Encoded::Bytes { bytes, handles })
}

fn has_parts(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyTuple>() || value.is_exact_instance_of::<PyList>()
}

struct Parts<'a> {
    home: &'a dyn InHome,
    encoder: Encoder,
    /// The variables that pickles refer to.
    of_pickles: Vec<u64>,
    /// The addresses of the containers that the element is in, to find a cycle.
    around: Vec<usize>,
}

impl Parts<'_> {
    fn write(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Unencodable> {
        if !has_parts(value) {
            return self.write_element(value);
        }
        let address = value.as_ptr() as usize;
        if self.around.contains(&address) {
            return Err(Unencodable::Pickle);
        }
        self.around.push(address);
        if let Ok(tuple) = value.cast_exact::<PyTuple>() {
            let body = self.encoder.begin_tuple(tuple.len())?;
            tuple.iter_borrowed().try_for_each(|item| self.write(&item))?;
            self.encoder.end_tuple(body)?;
        } else if let Ok(list) = value.cast_exact::<PyList>() {
            // A copy: pickling runs code, which may change the list.
            let items: Vec<_> = list.iter().collect();
            self.encoder.list_header(items.len())?;
            items.iter().try_for_each(|item| self.write(item))?;
        }
        self.around.pop();
        Ok(())
    }

    /// Writes an element natively if that is possible, which shows only at its end.
    fn write_element(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Unencodable> {
        let mut attempt = Writer::new(Some(self.home));
        match attempt.write(value) {
            Err(Unencodable::Pickle) => {
                let (pickle, handles) = pickler::dumps(value, self.home)?;
                self.of_pickles.extend(handles);
                Ok(self.encoder.pickle(&pickle)?)
            }
            Err(stop) => Err(stop),
            Ok(()) => {
                let mut again = Writer::new(Some(self.home));
                std::mem::swap(&mut again.encoder, &mut self.encoder);
                let written = again.write(value);
                std::mem::swap(&mut again.encoder, &mut self.encoder);
                written
            }
        }
    }
}
