//! A call of an object of the host: from its arguments to the reply.

use super::encoded_reply::EncodedReply;
use super::object::{ATTRIBUTE, Hosted};
use super::service::{HostService, PythonObjects, Stop, read_arguments, refuse};
use super::{arguments, caller, wire};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use sharevar_hosted::dispatch::Language;
use sharevar_hosted::protocol::{Refusal, write_reply};
use sharevar_transport::Caller;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

/// A call of an object that is being served.
pub(super) struct Serving<'a, 'py> {
    pub(super) py: Python<'py>,
    pub(super) host: &'a HostService,
    pub(super) objects: &'a PythonObjects,
    pub(super) caller: &'a Caller<'a>,
}

impl<'py> Serving<'_, 'py> {
    fn server(&self) -> PyResult<Bound<'py, PyAny>> {
        self.objects.server(self.py)
    }

    /// Appends the reply to a call of the object.
    pub(super) fn call(
        &self,
        hosted: &Arc<Hosted>,
        method: &str,
        arguments: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let object = hosted.object.bind(self.py);
        let Some(name) = hosted.exposed(self.py, method) else {
            return self.fall_back(hosted, method, reply);
        };
        let (positional, named) = read_arguments(self.py, arguments)?;
        if method.starts_with(ATTRIBUTE) {
            return self.reach_attribute(hosted, name, &positional, reply);
        }
        let function = object.getattr(name).map_err(Stop::RaiseRemoteError)?;
        let result = hosted
            .save(self.py, caller::serving(self.caller, || function.call(positional, named.as_ref())))?;
        if let Some(types) = &hosted.types
            && let Some(typeid) = types.bind(self.py).get_item(name)?
        {
            let typeid: String = typeid.extract()?;
            let result = self.awaited(hosted, &result)?.unwrap_or(result);
            let positional = PyTuple::new(self.py, [result])?;
            let session = self.caller.session();
            let made = self.objects.make(self.py, self.host, session, &typeid, &positional, None)?;
            return self.objects.give(self.caller, made.number, &made.hosted, reply);
        }
        if method == "__iter__" {
            return self.stream(hosted, &result, true, reply).map(drop);
        }
        if is_of_with(method) {
            let result = self.awaited(hosted, &result)?.unwrap_or(result);
            if result.is(object) {
                write_reply::itself(reply);
                return Ok(());
            }
            return self.give(hosted, &result, reply);
        }
        self.give(hosted, &result, reply)
    }

    /// Reads an attribute, or sets it to the only argument.
    #[cold]
    fn reach_attribute(
        &self,
        hosted: &Arc<Hosted>,
        name: &Bound<'_, PyString>,
        arguments: &Bound<'_, PyTuple>,
        reply: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let object = hosted.object.bind(self.py);
        let reached = caller::serving(self.caller, || match arguments.get_item(0) {
            Ok(value) => object.setattr(name, value).map(|()| self.py.None().into_bound(self.py)),
            Err(_) => object.getattr(name),
        });
        self.give(hosted, &hosted.save(self.py, reached)?, reply)
    }

    /// What standard proxies ask for though nobody exposes it.
    #[cold]
    fn fall_back(&self, hosted: &Arc<Hosted>, method: &str, reply: &mut Vec<u8>) -> Result<(), Stop> {
        let object = hosted.object.bind(self.py);
        if !matches!(method, "#GETVALUE" | "__str__" | "__repr__") {
            let message = not_exposed(hosted.names.bind(self.py), object, method)?;
            return Err(refuse(Refusal::NotExposed, message));
        }
        let result = self
            .server()?
            .call_method1(intern!(self.py, "fall_back"), (method, object))
            .map_err(Stop::RaiseRemoteError)?;
        write_reply::returned(reply);
        if arguments::write_native_value(reply, &result)? {
            return Ok(());
        }
        self.write_pickled(&result, reply)
    }

    /// Appends what a method has returned.
    fn give(&self, hosted: &Arc<Hosted>, result: &Bound<'_, PyAny>, reply: &mut Vec<u8>) -> Result<(), Stop> {
        let start = reply.len();
        write_reply::returned(reply);
        if arguments::write_native_value(reply, result)? {
            return Ok(());
        }
        reply.truncate(start);
        if let Ok(encoded) = result.cast::<EncodedReply>() {
            let proxies = encoded.get().append(self.py, reply);
            self.keep(&proxies);
            return Ok(());
        }
        if result.is(hosted.object.bind(self.py)) && !self.copies_itself()? {
            write_reply::itself(reply);
            return Ok(());
        }
        if let Some(result) = self.awaited(hosted, result)? {
            return self.give(hosted, &result, reply);
        }
        let kind = result.get_type();
        if (kind.hasattr(intern!(self.py, "__next__"))? || kind.hasattr(intern!(self.py, "__anext__"))?)
            && self.stream(hosted, result, false, reply)?
        {
            return Ok(());
        }
        write_reply::returned(reply);
        self.write_pickled(result, reply)
    }

    /// Whether a method that returns its object gives a copy of it, as in the standard library.
    #[cold]
    fn copies_itself(&self) -> PyResult<bool> {
        self.server()?.getattr(intern!(self.py, "copies_itself"))?.is_truthy()
    }

    /// What a coroutine gives, which the host's event loop runs; `None` of all that is none.
    fn awaited(
        &self,
        hosted: &Hosted,
        result: &Bound<'py, PyAny>,
    ) -> Result<Option<Bound<'py, PyAny>>, Stop> {
        if !result.get_type().hasattr(intern!(self.py, "cr_await"))? {
            return Ok(None);
        }
        let descriptor = self.caller.as_fd().as_raw_fd();
        let given = self.server()?.call_method1(intern!(self.py, "run_coroutine"), (result, descriptor));
        Ok(Some(hosted.save(self.py, given)?))
    }

    /// Keeps an iterator whose items the caller will ask for: whether it is one that stays here.
    /// `always`: it is not sent, even if it could be.
    fn stream(
        &self,
        hosted: &Hosted,
        iterator: &Bound<'_, PyAny>,
        always: bool,
        reply: &mut Vec<u8>,
    ) -> Result<bool, Stop> {
        let record = hosted.record.as_ref().map(|record| record.bind(self.py));
        let asked = (self.caller.session().0, iterator, always, record);
        let kept: Option<u64> = self.server()?.call_method1(intern!(self.py, "stream"), asked)?.extract()?;
        if let Some(number) = kept {
            write_reply::stream(reply, number);
        }
        Ok(kept.is_some())
    }

    /// Appends a value of no native type.
    fn write_pickled(&self, value: &Bound<'_, PyAny>, reply: &mut Vec<u8>) -> Result<(), Stop> {
        match arguments::write_pickled_value(reply, value) {
            Ok(proxies) => {
                self.keep(&proxies);
                Ok(())
            }
            Err(error) => {
                let described = wire::describe(self.py, error)?;
                Err(refuse(Refusal::Result, format!("Unserializable message: {}", described.traceback)))
            }
        }
    }

    /// Keeps what the reply refers to.
    fn keep(&self, proxies: &Bound<'_, PyList>) {
        if !proxies.is_empty() {
            self.host.reply_references().keep(self.caller, proxies.iter().map(Bound::unbind).collect());
        }
    }
}

/// The methods that begin a `with`, in whose block the object itself is used.
fn is_of_with(method: &str) -> bool {
    matches!(method, "__enter__" | "__aenter__")
}

fn not_exposed(names: &Bound<'_, PyTuple>, object: &Bound<'_, PyAny>, method: &str) -> PyResult<String> {
    Ok(format!(
        "method {method:?} of {} object is not in exposed={}",
        object.get_type().repr()?.to_str()?,
        names.repr()?.to_str()?
    ))
}
