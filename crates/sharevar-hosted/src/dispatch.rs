//! The dispatch of requests to objects, for hosts of all languages.

use super::protocol::{HOST, Refusal, Request, TooLong, part, write_reply};
use super::refused::Refused;
use super::reply_references::ReplyReferences;
use super::table::{Table, drop_all};
use sharevar_transport::{Caller, Served, Server, Service, Session};
use std::any::Any;
use std::fmt;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The differences between the languages of objects.
pub trait Language: Send + Sync + Sized + 'static {
    /// An object, with all that a call of it needs.
    type Object: ?Sized + Send + Sync + 'static;
    /// A reference in a reply, which lives until the reply is read.
    type Reference: Send + 'static;
    /// The reason why a request has no result.
    type Failure: From<Refused>;

    /// Runs code that may use objects. `None` if they cannot be used any more.
    fn attached<R>(run: impl FnOnce() -> R) -> Option<R>;

    /// Appends the reply to a request to the host itself.
    fn call_host(&self, host: &Dispatcher<Self>, call: IncomingCall<'_>) -> Result<(), Self::Failure>;

    /// Appends the reply to a call of an object.
    fn call(
        &self,
        host: &Dispatcher<Self>,
        object: &Arc<Self::Object>,
        call: IncomingCall<'_>,
    ) -> Result<(), Self::Failure>;

    /// Makes an object by a constructor of a type, and appends the reply that names it.
    fn create(
        &self,
        host: &Dispatcher<Self>,
        typeid: &str,
        call: IncomingCall<'_>,
    ) -> Result<(), Self::Failure>;

    /// Appends the reply that names an object, on which the caller has a reference.
    fn write_object(
        &self,
        caller: &Caller<'_>,
        number: u64,
        object: &Self::Object,
        reply: &mut Vec<u8>,
    ) -> Result<(), Self::Failure>;

    /// Appends the reason why there is no result.
    fn write_failure(&self, failure: Self::Failure, reply: &mut Vec<u8>) -> Result<(), TooLong>;

    /// A client has announced all that it holds, its first request to a host that was started in the
    /// place of another.
    fn session_declared(&self, session: Session) {
        let _ = session;
    }

    /// A client has gone.
    fn session_ended(&self, session: Session) {
        let _ = session;
    }

    /// Starts one more thread that serves.
    fn start_worker(&self, server: &Arc<Server<Dispatcher<Self>>>) -> std::io::Result<()> {
        let server = Arc::clone(server);
        std::thread::Builder::new().name("sharevar host".to_owned()).spawn(move || server.work())?;
        Ok(())
    }

    /// A client speaks another protocol.
    fn serve_other_protocol(&self, socket: OwnedFd, greeting: &[u8]) {
        let _ = (socket, greeting);
    }
}

/// A call that has arrived, and the buffer of its reply.
#[derive(Debug)]
pub struct IncomingCall<'a> {
    /// The client that has called.
    pub caller: &'a Caller<'a>,
    /// The method or the constructor.
    pub method: &'a str,
    /// The arguments, encoded.
    pub arguments: &'a [u8],
    /// The reply, to be appended to.
    pub reply: &'a mut Vec<u8>,
}

/// The objects of a host, and the requests to them.
pub struct Dispatcher<L: Language> {
    language: L,
    table: Mutex<Table<L::Object>>,
    reply_references: ReplyReferences<L::Reference>,
    max_frame: usize,
}

impl<L: Language> Dispatcher<L> {
    /// A host of no objects. A reply has `max_frame` bytes at most.
    pub fn new(language: L, max_frame: usize) -> Self {
        Self { language, table: Mutex::default(), reply_references: ReplyReferences::default(), max_frame }
    }

    /// The part that depends on the language.
    pub fn language(&self) -> &L {
        &self.language
    }

    /// Its objects.
    pub fn table(&self) -> MutexGuard<'_, Table<L::Object>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The references in its replies.
    pub fn reply_references(&self) -> &ReplyReferences<L::Reference> {
        &self.reply_references
    }

    /// The most bytes of a reply.
    pub fn max_frame(&self) -> usize {
        self.max_frame
    }

    /// Puts an object into the table that a request has given, which may be there already. `write`
    /// tells the caller its number.
    pub fn insert_for<R, E>(
        &self,
        caller: &Caller<'_>,
        object: &Arc<L::Object>,
        write: impl FnOnce(u64) -> Result<R, E>,
    ) -> Result<R, E> {
        let number = self.table().insert(caller.session(), object.clone());
        self.hand_over(caller, number, write(number))
    }

    /// Puts a new object into the table that a request has given. `write` tells the caller its number.
    pub fn insert_as<E>(
        &self,
        number: u64,
        caller: &Caller<'_>,
        object: &Arc<L::Object>,
        write: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.table().insert_as(number, object.clone(), caller.session());
        self.hand_over(caller, number, write())
    }

    /// A caller that has given up does not learn of the object, and so cannot release it.
    fn hand_over<R, E>(&self, caller: &Caller<'_>, number: u64, written: Result<R, E>) -> Result<R, E> {
        if written.is_err() || caller.is_disconnected() {
            let removed = self.table().release(caller.session(), std::iter::once((number, 1)));
            drop_all(removed);
        }
        written
    }

    /// Appends the reply to one request. An error becomes a reply, too.
    fn answer(
        &self,
        caller: &Caller<'_>,
        request: &Request<'_>,
        reply: &mut Vec<u8>,
    ) -> Result<(), L::Failure> {
        match *request {
            Request::Call { object: HOST, method, arguments } => {
                self.language.call_host(self, IncomingCall { caller, method, arguments, reply })
            }
            Request::Call { object: number, method, arguments } => {
                let object = self.table().get(number).cloned().ok_or_else(|| unknown_object(number))?;
                self.language.call(self, &object, IncomingCall { caller, method, arguments, reply })
            }
            Request::Create { typeid, constructor, arguments } => self.language.create(
                self,
                typeid,
                IncomingCall { caller, method: constructor, arguments, reply },
            ),
            Request::Retain { object: number } => {
                let retained = self.table().retain(caller.session(), number).cloned();
                let object = retained.ok_or_else(|| unknown_object(number))?;
                self.language.write_object(caller, number, &object, reply)
            }
            Request::Find { name } => {
                let mut table = self.table();
                let found = table
                    .find(name)
                    .and_then(|number| Some((number, table.retain(caller.session(), number).cloned()?)));
                drop(table);
                let (number, object) = found.ok_or_else(|| unknown_name(name))?;
                self.language.write_object(caller, number, &object, reply)
            }
            Request::Batch(ref batch) => Ok(self.answer_all(caller, batch, reply).map_err(Refused::from)?),
            Request::Release(_) => Err(Refused::new(Refusal::Malformed, "a release gets no reply"))?,
        }
    }

    fn answer_all(
        &self,
        caller: &Caller<'_>,
        batch: &[Request<'_>],
        reply: &mut Vec<u8>,
    ) -> Result<(), TooLong> {
        write_reply::many(reply, batch.len())?;
        for request in batch {
            part(reply, |reply| self.answer_or_refuse(caller, request, reply))?;
        }
        Ok(())
    }

    /// Appends one reply: that of the request, or its failure.
    fn answer_or_refuse(&self, caller: &Caller<'_>, request: &Request<'_>, reply: &mut Vec<u8>) {
        let start = reply.len();
        let answered = catch_unwind(AssertUnwindSafe(|| self.answer(caller, request, reply)));
        let failure = match answered {
            Ok(Ok(())) if reply.len() - start <= self.max_frame => return,
            Ok(Ok(())) => Ok(L::Failure::from(too_large(reply.len() - start, self.max_frame))),
            Ok(Err(failure)) => Ok(failure),
            Err(panic) => Err(panic_message(&*panic).to_owned()),
        };
        reply.truncate(start);
        let written = match failure {
            Ok(failure) => self.language.write_failure(failure, reply),
            Err(panicked) => write_reply::panicked(reply, &panicked),
        };
        if written.is_err() {
            reply.truncate(start);
            // A short text fits.
            let _ = write_reply::refused(reply, Refusal::Result, "an error that is too long for a message");
        }
    }
}

impl<L: Language> fmt::Debug for Dispatcher<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({} objects)", self.table().len())
    }
}

impl<L: Language> Service for Dispatcher<L> {
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        let served = L::attached(|| match Request::read(request) {
            Ok(Request::Release(releases)) => {
                let removed = self.table().release(caller.session(), releases.into_iter());
                drop_all(removed);
                Served::NoReply
            }
            Ok(request) => {
                let before = self.reply_references.take_before(caller);
                self.answer_or_refuse(caller, &request, reply);
                if let Request::Batch(batch) = request
                    && batch.iter().all(|request| matches!(request, Request::Retain { .. }))
                {
                    self.language.session_declared(caller.session());
                }
                drop_all(before);
                Served::Reply
            }
            Err(error) => {
                // A short text, as above.
                let _ = write_reply::refused(reply, Refusal::Malformed, &error.to_string());
                Served::Reply
            }
        });
        served.unwrap_or(Served::Close)
    }

    fn session_ended(&self, session: Session) -> Box<dyn FnOnce()> {
        let removed = L::attached(|| {
            let removed = (self.table().end(session), self.reply_references.end(session));
            self.language.session_ended(session);
            removed
        });
        Box::new(move || {
            // Where objects cannot be used any more they need not be dropped.
            let _ = L::attached(|| {
                if let Some((objects, references)) = removed {
                    drop_all(objects);
                    drop_all(references);
                }
            });
        })
    }

    fn spawn_worker(&self, server: &Arc<Server<Self>>) -> std::io::Result<()> {
        self.language.start_worker(server)
    }

    fn serve_other_protocol(&self, socket: OwnedFd, greeting: &[u8]) {
        self.language.serve_other_protocol(socket, greeting);
    }
}

/// The refusal that the host has no such object.
pub fn unknown_object(number: u64) -> Refused {
    let message = format!(
        "the host has no such object {number:016x}: its last reference was released, or it was another \
         host's; keep a proxy of it until its receiver has one"
    );
    Refused::new(Refusal::UnknownObject, message)
}

/// The refusal that the host makes no objects of a type.
pub fn unknown_type<'n>(typeid: &str, known: impl Iterator<Item = &'n str>) -> Refused {
    let known = known.collect::<Vec<_>>().join(", ");
    let message = format!(
        "no type is registered at the host as {typeid:?}, but {}; what is to be made there must be \
         registered before the host starts",
        if known.is_empty() { "none at all" } else { &known }
    );
    Refused::new(Refusal::UnknownType, message)
}

fn unknown_name(name: &str) -> Refused {
    Refused::new(Refusal::UnknownName, format!("nothing was published at this host as {name:?}"))
}

fn too_large(length: usize, limit: usize) -> Refused {
    let message = format!(
        "it has {length} bytes, and a message at most {limit}; raise the limit on both sides, or give less \
         at a time"
    );
    Refused::new(Refusal::Result, message)
}

/// The message of a panic.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("with a value that is no text")
}
