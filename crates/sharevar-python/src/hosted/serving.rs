//! A call of an object of the host: from its arguments to the reply.

use super::object::{ATTRIBUTE, Hosted};
use super::prefetch::Prefetch;
use super::service::{Failure, HostService, PythonObjects, describe, read_arguments};
use super::{arguments, caller, raise, wire};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use sharevar_hosted::Refused;
use sharevar_hosted::dispatch::unknown_type;
use sharevar_hosted::protocol::{Refusal, write_reply};
use sharevar_transport::Caller;
use std::sync::Arc;

/// A call that is being served, and its reply.
pub(super) struct Serving<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) dispatcher: &'a HostService,
    pub(super) objects: &'a PythonObjects,
    pub(super) caller: &'a Caller<'a>,
    /// Is appended to.
    pub(super) reply: &'a mut Vec<u8>,
}

impl<'py> Serving<'_, 'py> {
    /// Appends the reply to a call of the object.
    pub(super) fn call(&mut self, hosted: &Hosted, method: &str, arguments: &[u8]) -> Result<(), Failure> {
        let object = hosted.object.bind(self.py);
        let Some(name) = hosted.exposed(self.py, method) else {
            return self.fall_back(hosted, method);
        };
        let (positional, named) = read_arguments(self.py, arguments)?;
        if method.starts_with(ATTRIBUTE) {
            return self.reach_attribute(hosted, name, &positional);
        }
        if hosted.stream.is_some() {
            return self.take(hosted, &positional);
        }
        let function = object.getattr(name).map_err(Failure::RaiseRemoteError)?;
        let result = hosted
            .save(self.py, caller::serving(self.caller, || function.call(positional, named.as_ref())))?;
        if let Some(types) = &hosted.types
            && let Some(typeid) = types.bind(self.py).get_item(name)?
        {
            let typeid: String = typeid.extract()?;
            let result = self.awaited(hosted, &result)?.unwrap_or(result);
            return self.make(&typeid, &PyTuple::new(self.py, [result])?, None);
        }
        if method == "__iter__" {
            return self.stream(hosted, &result, true).map(drop);
        }
        if begins_with_block(method) {
            let result = self.awaited(hosted, &result)?.unwrap_or(result);
            if result.is(object) {
                write_reply::itself(self.reply);
                return Ok(());
            }
            return self.write_result(hosted, &result);
        }
        self.write_result(hosted, &result)
    }

    /// Makes an object, on which the caller has a reference then, and appends the reply that names it.
    pub(super) fn make(
        &mut self,
        typeid: &str,
        positional: &Bound<'py, PyTuple>,
        named: Option<Bound<'py, PyDict>>,
    ) -> Result<(), Failure> {
        let (py, host, dispatcher) = (self.py, &self.objects.host, self.dispatcher);
        let known = host.types(py)?;
        if !known.iter().any(|known| known == typeid) {
            return Err(unknown_type(typeid, known.iter().map(String::as_str)).into());
        }
        let number = dispatcher.table().unused();
        let holder =
            self.objects.checkpoint.get(py).map(|_| (self.caller.session().0, self.caller.process()));
        let made = host.make(py, number, typeid, positional, named, holder);
        let hosted = made.map_err(Failure::RaiseRemoteError)?.get().0.clone();
        dispatcher.insert_as(number, self.caller, &hosted, || describe(py, number, &hosted, self.reply))
    }

    /// Reads an attribute, or sets it to the only argument.
    #[cold]
    fn reach_attribute(
        &mut self,
        hosted: &Hosted,
        name: &Bound<'py, PyString>,
        arguments: &Bound<'py, PyTuple>,
    ) -> Result<(), Failure> {
        let object = hosted.object.bind(self.py);
        let reached = caller::serving(self.caller, || match arguments.get_item(0) {
            Ok(value) => object.setattr(name, value).map(|()| self.py.None().into_bound(self.py)),
            Err(_) => object.getattr(name),
        });
        self.write_result(hosted, &hosted.save(self.py, reached)?)
    }

    /// Calls a method that standard proxies call though it is not exposed.
    #[cold]
    fn fall_back(&mut self, hosted: &Hosted, method: &str) -> Result<(), Failure> {
        let object = hosted.object.bind(self.py);
        if !matches!(method, "#GETVALUE" | "__str__" | "__repr__") {
            let message = not_exposed(hosted.names.bind(self.py), object, method)?;
            return Err(Refused::new(Refusal::NotExposed, message).into());
        }
        let result = self.objects.host.fall_back(method, object).map_err(Failure::RaiseRemoteError)?;
        write_reply::returned(self.reply);
        if arguments::write_native_value(self.reply, &result)? {
            return Ok(());
        }
        self.write_pickled(&result)
    }

    /// Appends the items of a stream that are there.
    fn take(&mut self, hosted: &Hosted, positional: &Bound<'_, PyTuple>) -> Result<(), Failure> {
        let Some(stream) = &hosted.stream else { return Ok(()) };
        let demand: u32 = positional.get_item(0)?.extract()?;
        let items = Prefetch::started(stream.bind(self.py))?;
        let (caller, max_frame) = (self.caller, self.dispatcher.max_frame());
        let (references, reply) = (self.dispatcher.reply_references(), &mut *self.reply);
        let taken = self.py.detach(|| items.take(demand, caller, max_frame, references, reply));
        Ok(hosted.save(self.py, taken.map_err(raise::too_long))?)
    }

    /// Appends the result of a method.
    fn write_result(&mut self, hosted: &Hosted, result: &Bound<'py, PyAny>) -> Result<(), Failure> {
        let start = self.reply.len();
        write_reply::returned(self.reply);
        if arguments::write_native_value(self.reply, result)? {
            return Ok(());
        }
        self.reply.truncate(start);
        if result.is(hosted.object.bind(self.py)) && !self.objects.host.copies_itself(self.py)? {
            write_reply::itself(self.reply);
            return Ok(());
        }
        if let Some(result) = self.awaited(hosted, result)? {
            return self.write_result(hosted, &result);
        }
        let kind = result.get_type();
        if (kind.hasattr(intern!(self.py, "__next__"))? || kind.hasattr(intern!(self.py, "__anext__"))?)
            && self.stream(hosted, result, false)?
        {
            return Ok(());
        }
        write_reply::returned(self.reply);
        self.write_pickled(result)
    }

    /// Runs a coroutine on the host's event loop, and returns its result; `None` if the result is no
    /// coroutine.
    fn awaited(
        &self,
        hosted: &Hosted,
        result: &Bound<'py, PyAny>,
    ) -> Result<Option<Bound<'py, PyAny>>, Failure> {
        if !result.get_type().hasattr(intern!(self.py, "cr_await"))? {
            return Ok(None);
        }
        let returned = self.objects.host.run_coroutine(result, self.caller);
        Ok(Some(hosted.save(self.py, returned)?))
    }

    /// Keeps an iterator whose items the caller will ask for; `false` if the iterator itself is to be
    /// sent. `always`: it is not sent, even if it could be.
    fn stream(
        &mut self,
        hosted: &Hosted,
        iterator: &Bound<'_, PyAny>,
        always: bool,
    ) -> Result<bool, Failure> {
        let record = hosted.record.as_ref();
        let Some(items) = self.objects.host.stream(iterator, always, record)? else { return Ok(false) };
        let stream = Arc::new(Hosted::stream(items, record.map(|record| record.clone_ref(self.py)))?);
        self.dispatcher.insert_for(self.caller, &stream, |number| {
            write_reply::stream(self.reply, number);
            Ok(true)
        })
    }

    /// Appends a value of no native type.
    fn write_pickled(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Failure> {
        match arguments::write_pickled_value(self.reply, value) {
            Ok(proxies) => {
                if !proxies.is_empty() {
                    self.dispatcher.reply_references().keep(self.caller, proxies);
                }
                Ok(())
            }
            Err(error) => {
                let described = wire::describe(self.py, error)?;
                let message = format!("Unserializable message: {}", described.traceback);
                Err(Refused::new(Refusal::Result, message).into())
            }
        }
    }
}

/// Whether a method begins a `with`, in whose block the object itself is used.
fn begins_with_block(method: &str) -> bool {
    matches!(method, "__enter__" | "__aenter__")
}

fn not_exposed(names: &Bound<'_, PyTuple>, object: &Bound<'_, PyAny>, method: &str) -> PyResult<String> {
    Ok(format!(
        "method {method:?} of {} object is not in exposed={}",
        object.get_type().repr()?.to_str()?,
        names.repr()?.to_str()?
    ))
}
