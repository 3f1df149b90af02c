//! The service of a host of objects of Rust.

use super::dispatch::{Dispatcher, IncomingCall, Language, unknown_type};
use super::error::Error;
use super::info::Info;
use super::object::{Call, Callable, Hosted, Object};
use super::protocol::{RESTARTS, Refusal, TooLong, write_reply};
use super::refused::Refused;
use super::saved_state::SavedState;
use super::table::drop_all;
use sharevar_transport::{Caller, Server};
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

/// Makes an object by a constructor's name; none if the constructor gave an error.
type Create = dyn Fn(&str, Call<'_>) -> Result<Option<Arc<dyn Callable>>, Refused> + Send + Sync;

/// The types that a host makes objects of, by name.
#[derive(Default)]
pub(super) struct Types(BTreeMap<&'static str, Box<Create>>);

impl Types {
    pub(super) fn register<T: Hosted>(&mut self) {
        let create = |constructor: &str, call: Call<'_>| {
            let made = T::create(constructor, call)?;
            Ok(made.map(|object| Arc::new(Object::new(object)) as Arc<dyn Callable>))
        };
        self.0.insert(T::TYPE, Box::new(create));
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

/// A host of objects of Rust.
pub(super) type Service = Dispatcher<RustObjects>;

/// The types and the state of a host of objects of Rust, beside the objects.
pub(super) struct RustObjects {
    types: Types,
    /// Of a host that is started again when it dies.
    saved_state: Option<Arc<dyn SavedState>>,
    has_served: AtomicBool,
    /// Set once it is bound.
    server: OnceLock<Weak<Server<Service>>>,
}

impl RustObjects {
    pub(super) fn new(types: Types, saved_state: Option<Arc<dyn SavedState>>) -> Self {
        Self { types, saved_state, has_served: AtomicBool::new(false), server: OnceLock::new() }
    }

    pub(super) fn serves_at(&self, server: &Arc<Server<Service>>) {
        // Set once, before the first request.
        let _ = self.server.set(Arc::downgrade(server));
    }

    /// Puts an object into the table that a request has given, and appends it to the reply.
    pub(super) fn insert(
        &self,
        host: &Service,
        caller: &Caller<'_>,
        object: &Arc<dyn Callable>,
        reply: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        Ok(host.insert_for(caller, object, |number| self.describe(number, &**object, reply))?)
    }

    fn describe(&self, number: u64, object: &dyn Callable, reply: &mut Vec<u8>) -> Result<(), TooLong> {
        let mark = self.saved_state.as_ref().map(|_| RESTARTS);
        let names: Vec<_> = object.exposed().iter().copied().chain(mark).collect();
        write_reply::object(reply, number, object.typeid(), names.into_iter())
    }
}

impl Service {
    /// Publishes an object by a name, with the number that it had in earlier incarnations of the host.
    pub(super) fn publish(&self, name: &str, object: Arc<dyn Callable>) -> Result<(), Error> {
        let typeid = object.typeid();
        let state = self.language().saved_state.as_ref();
        let earlier = state.map(|state| state.number(name, typeid)).transpose()?.flatten();
        let (number, replaced) = self.table().publish_new(name, object, earlier);
        drop_all(replaced);
        match state {
            Some(state) if earlier != Some(number) => state.remember(name, typeid, number),
            _ => Ok(()),
        }
    }

    pub(super) fn info(&self) -> Info {
        let server = self.language().server.get().and_then(Weak::upgrade);
        Info {
            process: std::process::id(),
            objects: self.table().len(),
            clients: server.as_ref().map_or(0, |server| server.sessions()),
            connections: server.as_ref().map_or(0, |server| server.connections()),
            types: self.language().types.names().map(str::to_owned).collect(),
        }
    }
}

impl Language for RustObjects {
    type Object = dyn Callable;
    type Reference = Box<dyn Any + Send>;
    type Failure = Refused;

    fn attached<R>(run: impl FnOnce() -> R) -> Option<R> {
        Some(run())
    }

    fn call_host(&self, host: &Service, call: IncomingCall<'_>) -> Result<(), Refused> {
        let call = Call::new(host, call);
        match call.method() {
            "info" => {
                call.no_arguments()?;
                call.returned(&host.info())
            }
            "shutdown" => {
                call.no_arguments()?;
                // The reply is sent all the same: only what is not begun yet is not begun.
                if let Some(server) = self.server.get().and_then(Weak::upgrade) {
                    server.stop();
                }
                call.returned(&())
            }
            other => {
                let message = format!("a host has no method {other:?}; it has info, shutdown");
                Err(Refused::new(Refusal::NotExposed, message))
            }
        }
    }

    fn call(
        &self,
        host: &Service,
        object: &Arc<dyn Callable>,
        call: IncomingCall<'_>,
    ) -> Result<(), Refused> {
        if let Some(saved_state) = &self.saved_state
            && !self.has_served.swap(true, Ordering::Relaxed)
        {
            saved_state.note_call();
        }
        object.call(Call::new(host, call))
    }

    fn create(&self, host: &Service, typeid: &str, call: IncomingCall<'_>) -> Result<(), Refused> {
        let IncomingCall { caller, method, arguments, reply } = call;
        let create = self.types.0.get(typeid).ok_or_else(|| unknown_type(typeid, self.types.names()))?;
        let call = IncomingCall { caller, method, arguments, reply: &mut *reply };
        match create(method, Call::new(host, call))? {
            Some(object) => self.insert(host, caller, &object, reply),
            None => Ok(()),
        }
    }

    fn write_object(
        &self,
        _: &Caller<'_>,
        number: u64,
        object: &dyn Callable,
        reply: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        Ok(self.describe(number, object, reply)?)
    }

    fn write_failure(&self, stop: Refused, reply: &mut Vec<u8>) -> Result<(), TooLong> {
        write_reply::refused(reply, stop.refusal, &stop.message)
    }
}

impl fmt::Debug for RustObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RustObjects").finish_non_exhaustive()
    }
}
