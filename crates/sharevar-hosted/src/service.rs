//! What a host does with a request.

use super::error::Error;
use super::handed_out::{HandedOut, let_go};
use super::object::{Call, Callable, Created, Hosted, Object, Refused};
use super::protocol::{Batch, HOST, RESTARTS, Refusal, Releases, Request, TooLong, part, write_reply};
use super::saved_state::SavedState;
use super::table::{Table, drop_all};
use serde::{Deserialize, Serialize};
use sharevar_transport::{Caller, Served, Server, Session};
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// Makes an object by a constructor's name; none if the constructor gave an error.
type Create = dyn Fn(&str, Call<'_>) -> Result<Option<Arc<dyn Callable>>, Refused> + Send + Sync;

/// The types that a host makes objects of, by name.
#[derive(Default)]
pub(super) struct Types(BTreeMap<&'static str, Box<Create>>);

impl Types {
    pub(super) fn register<T: Hosted>(&mut self) {
        let create = |constructor: &str, call: Call<'_>| {
            Ok(match T::create(constructor, call)? {
                Created::Object(object) => Some(Arc::new(Object::new(object)) as Arc<dyn Callable>),
                Created::Raised => None,
            })
        };
        self.0.insert(T::TYPE, Box::new(create));
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

/// What a host tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The host's process.
    pub process: u32,
    /// How many objects it keeps.
    pub objects: usize,
    /// How many client processes are connected.
    pub clients: usize,
    /// How many connections there are.
    pub connections: usize,
    /// The types that it makes objects of.
    pub types: Vec<String>,
}

/// A host's side of its connections.
pub(super) struct Service {
    types: Types,
    table: Mutex<Table>,
    pub(super) handed_out: HandedOut,
    max_frame: usize,
    /// If it is started again when it dies.
    saved_state: Option<Arc<dyn SavedState>>,
    has_served: AtomicBool,
    /// Known once it is bound.
    server: OnceLock<Weak<Server<Self>>>,
}

impl Service {
    pub(super) fn new(types: Types, max_frame: usize, saved_state: Option<Arc<dyn SavedState>>) -> Self {
        Self {
            types,
            table: Mutex::default(),
            handed_out: HandedOut::default(),
            max_frame,
            saved_state,
            has_served: AtomicBool::new(false),
            server: OnceLock::new(),
        }
    }

    pub(super) fn serves_at(&self, server: &Arc<Server<Self>>) {
        // Said once, before the first request.
        let _ = self.server.set(Arc::downgrade(server));
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes an object by a name, with the number that it had in earlier lives.
    pub(super) fn publish(&self, name: &str, object: Arc<dyn Callable>) -> Result<(), Error> {
        let typeid = object.typeid();
        let state = self.saved_state.as_ref();
        let earlier = state.map(|state| state.number(name, typeid)).transpose()?.flatten();
        let (number, replaced) = self.table().publish(name, object, earlier);
        drop_all(replaced);
        match state {
            Some(state) if earlier != Some(number) => state.remember(name, typeid, number),
            _ => Ok(()),
        }
    }

    /// Says in a reply which object it is.
    pub(super) fn tell(
        &self,
        number: u64,
        object: &dyn Callable,
        reply: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        let mark = self.saved_state.as_ref().map(|_| RESTARTS);
        let names: Vec<_> = object.exposed().iter().copied().chain(mark).collect();
        write_reply::object(reply, number, object.typeid(), names.into_iter())
    }

    pub(super) fn max_frame(&self) -> usize {
        self.max_frame
    }

    pub(super) fn info(&self) -> Info {
        let server = self.server.get().and_then(Weak::upgrade);
        Info {
            process: std::process::id(),
            objects: self.table().len(),
            clients: server.as_ref().map_or(0, |server| server.sessions()),
            connections: server.as_ref().map_or(0, |server| server.connections()),
            types: self.types.names().map(str::to_owned).collect(),
        }
    }

    /// Appends the reply to one request. An error stands for a reply that says it.
    fn answer(&self, caller: &Caller<'_>, request: Request<'_>, reply: &mut Vec<u8>) -> Result<(), Refused> {
        match request {
            Request::Call { object: HOST, method, arguments } => {
                self.call_host(Call::new(caller, self, method, arguments, reply))
            }
            Request::Call { object, method, arguments } => {
                let object = self.table().get(object).cloned().ok_or_else(expired)?;
                if let Some(saved_state) = &self.saved_state
                    && !self.has_served.swap(true, Ordering::Relaxed)
                {
                    saved_state.note_call();
                }
                object.call(Call::new(caller, self, method, arguments, reply))
            }
            Request::Create { typeid, constructor, arguments } => {
                match self.create(typeid, Call::new(caller, self, constructor, arguments, &mut *reply))? {
                    Some(object) => {
                        Ok(self.enter(caller, &object, |number| self.tell(number, &*object, reply))?)
                    }
                    None => Ok(()),
                }
            }
            Request::Retain { object } => {
                let kept = self.table().retain(caller.session(), object).cloned().ok_or_else(expired)?;
                Ok(self.tell(object, &*kept, reply)?)
            }
            Request::Find { name } => {
                let mut table = self.table();
                let found = table
                    .find(name)
                    .and_then(|number| Some((number, table.retain(caller.session(), number).cloned()?)));
                drop(table);
                let (number, object) = found.ok_or_else(|| Refused {
                    refusal: Refusal::UnknownName,
                    message: format!("this host has published no object as {name:?}"),
                })?;
                Ok(self.tell(number, &*object, reply)?)
            }
            Request::Batch(batch) => Ok(self.answer_all(caller, &batch, reply)?),
            Request::Release(_) => Err(malformed("a release gets no reply")),
        }
    }

    fn create(&self, typeid: &str, call: Call<'_>) -> Result<Option<Arc<dyn Callable>>, Refused> {
        let Some(create) = self.types.0.get(typeid) else {
            let known: Vec<_> = self.types.names().collect();
            return Err(Refused {
                refusal: Refusal::UnknownType,
                message: format!("this host makes no {typeid:?}; it makes {}", known.join(", ")),
            });
        };
        create(call.method(), call)
    }

    /// Enters an object that a request has given, and tells the caller its number by `write`.
    pub(super) fn enter(
        &self,
        caller: &Caller<'_>,
        object: &Arc<dyn Callable>,
        write: impl FnOnce(u64) -> Result<(), TooLong>,
    ) -> Result<(), TooLong> {
        let number = self.table().insert(caller.session(), object.clone());
        let written = write(number);
        // Who has given up does not learn of the object, and so cannot give it back.
        if written.is_err() || caller.is_disconnected() {
            let gone = self.table().release(caller.session(), std::iter::once((number, 1)));
            drop_all(gone);
        }
        written
    }

    fn call_host(&self, call: Call<'_>) -> Result<(), Refused> {
        match call.method() {
            "info" => {
                call.no_arguments()?;
                call.returned(&self.info())
            }
            "shutdown" => {
                call.no_arguments()?;
                // The reply is sent all the same: only what is not begun yet is not begun.
                if let Some(server) = self.server.get().and_then(Weak::upgrade) {
                    server.stop();
                }
                call.returned(&())
            }
            other => Err(Refused {
                refusal: Refusal::NotExposed,
                message: format!("a host has no method {other:?}; it has info, shutdown"),
            }),
        }
    }

    fn answer_all(&self, caller: &Caller<'_>, batch: &Batch<'_>, reply: &mut Vec<u8>) -> Result<(), TooLong> {
        write_reply::many(reply, batch.len())?;
        for request in batch.iter() {
            part(reply, |reply| self.answer_or_refuse(caller, request, reply))?;
        }
        Ok(())
    }

    /// Appends one reply, whatever happens.
    fn answer_or_refuse(&self, caller: &Caller<'_>, request: Request<'_>, reply: &mut Vec<u8>) {
        let start = reply.len();
        let answered = catch_unwind(AssertUnwindSafe(|| self.answer(caller, request, reply)));
        let answered = match answered {
            Ok(Ok(())) if reply.len() - start <= self.max_frame => return,
            Ok(Ok(())) => Err(Refused {
                refusal: Refusal::Result,
                message: format!(
                    "it has {} bytes, and a message at most {}; raise the limit on both sides, or give less at a time",
                    reply.len() - start,
                    self.max_frame
                ),
            }),
            Ok(Err(refused)) => Err(refused),
            Err(panic) => Ok(message(&*panic).to_owned()),
        };
        reply.truncate(start);
        // Texts of ours, and of a panic: none is of 4 GiB.
        let _ = match answered {
            Ok(panicked) => write_reply::panicked(reply, &panicked),
            Err(Refused { refusal, message }) => write_reply::refused(reply, refusal, &message),
        };
    }

    fn release(&self, session: Session, releases: Releases<'_>) {
        let gone = self.table().release(session, releases.iter());
        drop_all(gone);
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({} objects)", self.table().len())
    }
}

impl sharevar_transport::Service for Service {
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        match Request::read(request) {
            Ok(Request::Release(releases)) => {
                self.release(caller.session(), releases);
                return Served::NoReply;
            }
            Ok(request) => {
                let before = self.handed_out.before(caller);
                self.answer_or_refuse(caller, request, reply);
                let_go(before);
            }
            Err(error) => {
                let _ = write_reply::refused(reply, Refusal::Malformed, &error.to_string());
            }
        }
        Served::Reply
    }

    fn session_ended(&self, session: Session) -> Box<dyn FnOnce()> {
        let gone = self.table().end(session);
        let handed_out = self.handed_out.end(session);
        Box::new(move || {
            drop_all(gone);
            handed_out.into_iter().for_each(let_go);
        })
    }
}

fn expired() -> Refused {
    Refused {
        refusal: Refusal::UnknownObject,
        message: "this host has no such object, or not any more".to_owned(),
    }
}

fn malformed(message: &str) -> Refused {
    Refused { refusal: Refusal::Malformed, message: message.to_owned() }
}

/// What a panic said.
pub(super) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("with a value that is no text")
}
