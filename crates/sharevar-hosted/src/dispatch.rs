//! What a host does with a request, whatever language its objects are of.

use super::object::Refused;
use super::protocol::{Batch, HOST, Refusal, Request, TooLong, part, write_reply};
use super::reply_references::ReplyReferences;
use super::table::{Table, drop_all};
use sharevar_transport::{Caller, Served, Server, Service, Session};
use std::any::Any;
use std::fmt;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What differs between the languages that objects are of.
pub trait Language: Send + Sync + Sized + 'static {
    /// An object, with all that a call of it needs.
    type Object: ?Sized + Send + Sync + 'static;
    /// A thing that a reply refers to.
    type Kept: Send + 'static;
    /// Why a request has no result.
    type Stop: From<Refused>;

    /// Runs what may use objects. None if they cannot be used any more.
    fn enter<R>(run: impl FnOnce() -> R) -> Option<R>;

    /// Appends the reply to a request to the host itself.
    fn call_host(&self, host: &Host<Self>, call: Asked<'_>) -> Result<(), Self::Stop>;

    /// Appends the reply to a call of an object.
    fn call(&self, host: &Host<Self>, object: &Arc<Self::Object>, call: Asked<'_>) -> Result<(), Self::Stop>;

    /// Makes an object by a constructor of a type, and appends which one it is.
    fn create(&self, host: &Host<Self>, typeid: &str, call: Asked<'_>) -> Result<(), Self::Stop>;

    /// Appends which object it is: the caller has a reference on it.
    fn give(
        &self,
        caller: &Caller<'_>,
        number: u64,
        object: &Self::Object,
        reply: &mut Vec<u8>,
    ) -> Result<(), Self::Stop>;

    /// Appends why there is no result.
    fn write_stop(&self, stop: Self::Stop, reply: &mut Vec<u8>) -> Result<(), TooLong>;

    /// A client has said what it holds, as it does first of all to a host that has taken the place of
    /// another.
    fn note_declaration(&self, session: Session) {
        let _ = session;
    }

    /// A client has gone.
    fn note_end(&self, session: Session) {
        let _ = session;
    }

    /// Starts one more thread that serves.
    fn start_worker(&self, server: &Arc<Server<Host<Self>>>) -> std::io::Result<()> {
        let server = Arc::clone(server);
        std::thread::Builder::new().name("sharevar host".to_owned()).spawn(move || server.work())?;
        Ok(())
    }

    /// A client speaks another protocol.
    fn foreign(&self, socket: OwnedFd, greeting: &[u8]) {
        let _ = (socket, greeting);
    }
}

/// A call on its way to an object, and where its reply goes.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The client that has called.
    pub caller: &'a Caller<'a>,
    /// The method or the constructor.
    pub method: &'a str,
    /// The arguments, not looked at yet.
    pub arguments: &'a [u8],
    /// The reply, to be appended to.
    pub reply: &'a mut Vec<u8>,
}

/// A host's side of its connections.
pub struct Host<L: Language> {
    language: L,
    table: Mutex<Table<L::Object>>,
    reply_references: ReplyReferences<L::Kept>,
    max_frame: usize,
}

impl<L: Language> Host<L> {
    /// A host of no objects. A reply has `max_frame` bytes at most.
    pub fn new(language: L, max_frame: usize) -> Self {
        Self { language, table: Mutex::default(), reply_references: ReplyReferences::default(), max_frame }
    }

    /// What the language has of it.
    pub fn language(&self) -> &L {
        &self.language
    }

    /// Its objects.
    pub fn table(&self) -> MutexGuard<'_, Table<L::Object>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its replies refer to.
    pub fn reply_references(&self) -> &ReplyReferences<L::Kept> {
        &self.reply_references
    }

    /// The most bytes of a reply.
    pub fn max_frame(&self) -> usize {
        self.max_frame
    }

    /// Appends the reply to one request. An error stands for a reply that says it.
    fn answer(&self, caller: &Caller<'_>, request: Request<'_>, reply: &mut Vec<u8>) -> Result<(), L::Stop> {
        match request {
            Request::Call { object: HOST, method, arguments } => {
                self.language.call_host(self, Asked { caller, method, arguments, reply })
            }
            Request::Call { object: number, method, arguments } => {
                let object = self.table().get(number).cloned().ok_or_else(|| unknown_object(number))?;
                self.language.call(self, &object, Asked { caller, method, arguments, reply })
            }
            Request::Create { typeid, constructor, arguments } => {
                self.language.create(self, typeid, Asked { caller, method: constructor, arguments, reply })
            }
            Request::Retain { object: number } => {
                let retained = self.table().retain(caller.session(), number).cloned();
                let object = retained.ok_or_else(|| unknown_object(number))?;
                self.language.give(caller, number, &object, reply)
            }
            Request::Find { name } => {
                let mut table = self.table();
                let found = table
                    .find(name)
                    .and_then(|number| Some((number, table.retain(caller.session(), number).cloned()?)));
                drop(table);
                let (number, object) = found.ok_or_else(|| unknown_name(name))?;
                self.language.give(caller, number, &object, reply)
            }
            Request::Batch(batch) => Ok(self.answer_all(caller, &batch, reply).map_err(Refused::from)?),
            Request::Release(_) => Err(malformed("a release gets no reply"))?,
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
        let stop = match answered {
            Ok(Ok(())) if reply.len() - start <= self.max_frame => return,
            Ok(Ok(())) => Ok(L::Stop::from(too_large(reply.len() - start, self.max_frame))),
            Ok(Err(stop)) => Ok(stop),
            Err(panic) => Err(message(&*panic).to_owned()),
        };
        reply.truncate(start);
        let told = match stop {
            Ok(stop) => self.language.write_stop(stop, reply),
            Err(panicked) => write_reply::panicked(reply, &panicked),
        };
        if told.is_err() {
            reply.truncate(start);
            // A text of ours, which is not of 4 GiB.
            let _ = write_reply::refused(reply, Refusal::Result, "an error that is too long to be told");
        }
    }
}

impl<L: Language> fmt::Debug for Host<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({} objects)", self.table().len())
    }
}

impl<L: Language> Service for Host<L> {
    fn serve(&self, caller: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        let served = L::enter(|| match Request::read(request) {
            Ok(Request::Release(releases)) => {
                let gone = self.table().release(caller.session(), releases.iter());
                drop_all(gone);
                Served::NoReply
            }
            Ok(request) => {
                let before = self.reply_references.before(caller);
                self.answer_or_refuse(caller, request, reply);
                if let Request::Batch(batch) = request
                    && batch.iter().all(|request| matches!(request, Request::Retain { .. }))
                {
                    self.language.note_declaration(caller.session());
                }
                drop_all(before);
                Served::Reply
            }
            Err(error) => {
                // A text of ours, as above.
                let _ = write_reply::refused(reply, Refusal::Malformed, &error.to_string());
                Served::Reply
            }
        });
        served.unwrap_or(Served::Close)
    }

    fn session_ended(&self, session: Session) -> Box<dyn FnOnce()> {
        let gone = L::enter(|| {
            let gone = (self.table().end(session), self.reply_references.end(session));
            self.language.note_end(session);
            gone
        });
        Box::new(move || {
            // Where objects cannot be used any more they need not be dropped.
            let _ = L::enter(|| {
                if let Some((objects, kept)) = gone {
                    drop_all(objects);
                    drop_all(kept);
                }
            });
        })
    }

    fn spawn_worker(&self, server: &Arc<Server<Self>>) -> std::io::Result<()> {
        self.language.start_worker(server)
    }

    fn serve_other_protocol(&self, socket: OwnedFd, greeting: &[u8]) {
        self.language.foreign(socket, greeting);
    }
}

/// The refusal that the host has no such object.
pub fn unknown_object(number: u64) -> Refused {
    let message = format!(
        "the host has no such object {number:016x}: nobody held it any more, or it was another host's; \
         keep a proxy of it until its receiver has one"
    );
    Refused { refusal: Refusal::UnknownObject, message }
}

fn unknown_name(name: &str) -> Refused {
    let message = format!("nothing was published at this host as {name:?}");
    Refused { refusal: Refusal::UnknownName, message }
}

fn too_large(length: usize, limit: usize) -> Refused {
    let message = format!(
        "it has {length} bytes, and a message at most {limit}; raise the limit on both sides, or give less \
         at a time"
    );
    Refused { refusal: Refusal::Result, message }
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
