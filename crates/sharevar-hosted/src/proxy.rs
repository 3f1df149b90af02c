//! An object of a host, as its callers see it.

use super::answer::{Answer, read_fallible, returned, unexpected};
use super::arguments;
use super::client::Client;
use super::embedded_references;
use super::error::{CallError, Error, Result};
use super::options::{CallOptions, Repetition};
use super::protocol::{Object, RESTARTS, Refusal, Reply, write_request};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sharevar_os::process_epoch;
use sharevar_transport::Address;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often an object is looked up by its name while one host takes the place of another.
pub(super) const TRIES: usize = 20;

/// An object of a host, whatever its type. Clones are the same object, and as long as there is
/// one the host keeps it.
///
/// `#[sharevar::hosted]` makes proxies with the methods of a type; this one calls methods by name,
/// and so those of objects in a Python host, too.
///
/// A proxy can be part of any value: a shared variable's, a message's, an argument's. It is the
/// object's number and its host's address then, never a key, and keeps nothing alive: the sender
/// holds its proxy until the receiver has one. An object that was published by a name is found
/// again by its name, also after its host was started again.
#[derive(Clone)]
pub struct Proxy {
    remote: Arc<Remote>,
    options: CallOptions,
}

struct Remote {
    client: Client,
    typeid: Box<str>,
    exposed: Vec<Box<str>>,
    /// The name by which it was found.
    name: Option<Box<str>>,
    held: Mutex<Held>,
}

/// The object, among the references of this process.
#[derive(Clone, Copy)]
struct Held {
    object: u64,
    /// The process that has the reference: this one, or the one from which it was forked.
    process: u64,
}

impl Client {
    /// Finds the object that the host has published by a name.
    pub fn object(&self, name: &str) -> Result<Proxy> {
        let write = |frame: &mut Vec<u8>| Ok(write_request::find(frame, name)?);
        let found = self.ask(CallOptions::FOR_OBJECT, write, |answer| self.receive_proxy(answer))?;
        Ok(found.known_as(name))
    }

    /// Makes an object of a registered type by one of its constructors, which is called with a
    /// tuple of arguments. Python's types have one constructor, of the empty name.
    ///
    /// A constructor's own error is [`Error::Raised`]; the typed proxies give it back as it is.
    pub fn create<A: Serialize + ?Sized>(
        &self,
        typeid: &str,
        constructor: &str,
        arguments: &A,
    ) -> Result<Proxy> {
        let write = |frame: &mut Vec<u8>| write_create(frame, typeid, constructor, arguments);
        self.ask(CallOptions::default(), write, |answer| self.receive_proxy(answer))
    }

    /// Makes the proxy of an object in a reply, with the reference that came with it.
    pub(super) fn receive_proxy(&self, answer: Answer<'_>) -> Result<Proxy> {
        let Object { object, typeid, exposed } = self.receive(answer)?;
        Ok(Proxy::new(self.clone(), object, typeid, &exposed))
    }

    /// Notes the reference on an object that came with a reply.
    fn receive<'a>(&self, answer: Answer<'a>) -> Result<Object<'a>> {
        let found = match answer.reply {
            Reply::Object(found) => found,
            Reply::Stream { object } => Object { object, typeid: "", exposed: Vec::new() },
            other => return Err(unexpected("an object", &other)),
        };
        if found.exposed.contains(&RESTARTS) {
            self.connections().set_restarts(true);
        }
        self.connections().receive(found.object, answer.incarnation);
        Ok(found)
    }

    /// Asks the host for a reference on an object.
    fn retain<R>(&self, object: u64, read: impl FnOnce(Answer<'_>) -> Result<R>) -> Result<R> {
        let write = |frame: &mut Vec<u8>| {
            write_request::retain(frame, object);
            Ok(())
        };
        self.ask(CallOptions::FOR_OBJECT, write, read)
    }

    /// Adds a proxy of an object. If this process has none, it takes a reference.
    fn hold(&self, object: u64) -> Result<()> {
        if self.connections().references().add(object) {
            return Ok(());
        }
        self.retain(object, |answer| self.receive(answer).map(drop))
    }
}

pub(super) fn write_create<A: Serialize + ?Sized>(
    frame: &mut Vec<u8>,
    typeid: &str,
    constructor: &str,
    arguments: &A,
) -> Result<()> {
    write_request::create(frame, typeid, constructor)?;
    Ok(arguments::write(arguments, frame)?)
}

impl Proxy {
    /// Makes a proxy of an object, for which the client has noted a reference.
    fn new(client: Client, object: u64, typeid: &str, exposed: &[&str]) -> Self {
        let held = Mutex::new(Held { object, process: process_epoch() });
        let exposed =
            exposed.iter().filter(|name| !name.starts_with('#')).map(|name| (*name).into()).collect();
        let remote = Remote { client, typeid: typeid.into(), exposed, name: None, held };
        Self { remote: Arc::new(remote), options: CallOptions::default() }
    }

    pub(super) fn known_as(mut self, name: &str) -> Self {
        // No other thread has it yet.
        if let Some(remote) = Arc::get_mut(&mut self.remote) {
            remote.name = Some(name.into());
        }
        self
    }

    /// The name of its type at its host.
    pub fn typeid(&self) -> &str {
        &self.remote.typeid
    }

    /// The methods that can be called.
    pub fn exposed(&self) -> impl Iterator<Item = &str> {
        self.remote.exposed.iter().map(|name| &**name)
    }

    /// The client by which it is reached.
    pub fn client(&self) -> &Client {
        &self.remote.client
    }

    /// The same object, on which no call waits longer for its reply.
    ///
    /// After [`Error::TimedOut`] the method may still be at work. Its result is dropped; the
    /// object stays usable.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        let mut limited = self.clone();
        limited.options.timeout = Some(timeout);
        limited
    }

    /// The same object, on which a call may be carried out twice: if the host dies after it has read
    /// the request, the call is made once more, at the host that takes its place. For methods that do
    /// the same when they are called again.
    #[must_use]
    pub fn idempotent(&self) -> Self {
        let mut repeating = self.clone();
        repeating.options.repetition = Repetition::Once;
        repeating
    }

    /// Calls a method with a tuple of arguments.
    ///
    /// ```
    /// # #[derive(Default)]
    /// # struct Counter(i64);
    /// # #[sharevar::hosted]
    /// # impl Counter {
    /// #     pub fn add(&mut self, by: i64) -> i64 {
    /// #         self.0 += by;
    /// #         self.0
    /// #     }
    /// # }
    /// # let host = sharevar::hosted::Host::new().add("visits", Counter::default()).start()?;
    /// let visits = host.client()?.object("visits")?;
    /// assert_eq!(visits.call::<i64>("add", &(2,))?, 2);
    /// # Ok::<(), sharevar::hosted::Error>(())
    /// ```
    #[inline]
    pub fn call<R: DeserializeOwned>(
        &self,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<R> {
        self.call_with(method, arguments, |answer| self.value(answer))
    }

    /// Calls a method that may give an error of a known type.
    pub fn try_call<R: DeserializeOwned, E: DeserializeOwned>(
        &self,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<R, CallError<E>> {
        self.call_with(method, arguments, |answer| read_fallible(answer, |answer| self.value(answer)))
    }

    /// Calls a method that gives an object: another one, or its own.
    pub fn call_object(&self, method: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Self> {
        self.call_with(method, arguments, |answer| self.object(answer))
    }

    /// Reads the value that a method has returned.
    #[inline]
    pub(super) fn value<R: DeserializeOwned>(&self, answer: Answer<'_>) -> Result<R> {
        match answer.reply {
            Reply::Returned(_) => returned(answer.reply),
            _ => Err(self.unwanted("a value", &answer)),
        }
    }

    /// Returns the error for a reply of another kind, whose reference is released.
    #[cold]
    fn unwanted(&self, expected: &'static str, answer: &Answer<'_>) -> Error {
        if let Reply::Object(Object { object, .. }) | Reply::Stream { object } = answer.reply {
            let connections = self.client().connections();
            connections.receive(object, answer.incarnation);
            connections.release(object);
        }
        unexpected(expected, &answer.reply)
    }

    /// Reads the object that a method has returned.
    pub(super) fn object(&self, answer: Answer<'_>) -> Result<Self> {
        match answer.reply {
            Reply::Itself => Ok(self.clone()),
            _ => self.remote.client.receive_proxy(answer),
        }
    }

    /// The object's number at the host. The host refuses that of an object which is gone.
    pub(super) fn number(&self) -> Result<u64> {
        match self.remote.hold() {
            Err(Error::HandleExpired { .. }) => Ok(self.remote.held().object),
            held => held,
        }
    }

    /// Makes a proxy of an object, of which this process takes a reference. `restarts`: the host is
    /// started again when it dies.
    pub(super) fn open(address: &Address, object: u64, restarts: bool) -> Result<Self> {
        let client = Client::known(address, restarts)?;
        client.retain(object, |answer| client.receive_proxy(answer))
    }

    /// The host's address and the object's number, for other processes.
    pub(super) fn location(&self) -> (String, u64) {
        (self.client().address().to_string(), self.remote.held().object)
    }

    /// Looks the object up by its name, and returns whether it has another number than `old` now.
    pub(super) fn is_found_again(&self, old: u64) -> bool {
        self.remote.find_again(old, String::new()).is_ok()
    }

    /// Reads the stream that a method has returned.
    pub(super) fn stream(&self, answer: Answer<'_>) -> Result<Self> {
        match answer.reply {
            Reply::Stream { .. } => {
                let source = self.remote.client.receive_proxy(answer)?;
                Ok(Self { options: self.options.for_items(), ..source })
            }
            _ => Err(self.unwanted("a stream", &answer)),
        }
    }

    pub(super) fn call_with<R, E: From<Error>>(
        &self,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
        mut read: impl FnMut(Answer<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut once = |object: u64| {
            let write = |frame: &mut Vec<u8>| {
                write_request::call(frame, object, method)?;
                Ok(arguments::write(arguments, frame)?)
            };
            // A host that knows no such object has done nothing, and it may be asked again.
            self.remote.client.ask(self.options, write, |answer| match answer.reply {
                Reply::Refused(Refusal::UnknownObject, message) => Ok(Err(message.to_owned())),
                _ => read(answer).map(Ok),
            })
        };
        let mut object = self.remote.hold()?;
        for _ in 0..TRIES {
            match once(object)? {
                Ok(result) => return Ok(result),
                // The host that takes the call may be yet another than the one that was asked.
                Err(message) => object = self.remote.find_again(object, message)?,
            }
        }
        once(object)?.map_err(|message| Error::HandleExpired { message }.into())
    }
}

impl Remote {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object's number. A forked child takes a reference of its own first.
    fn hold(&self) -> Result<u64> {
        let process = process_epoch();
        let mut held = self.held();
        if held.process != process {
            let object = match self.client.hold(held.object) {
                Err(Error::HandleExpired { message }) => self.find(message)?,
                retained => retained.map(|()| held.object)?,
            };
            *held = Held { object, process };
        }
        Ok(held.object)
    }

    /// Returns the number of the object that has the name now, if `old` is gone.
    fn find_again(&self, old: u64, message: String) -> Result<u64> {
        let mut held = self.held();
        // Another thread may have been here.
        if held.object == old {
            let found = self.find(message)?;
            self.client.connections().release(old);
            held.object = found;
        }
        Ok(held.object)
    }

    /// Finds the object of its name, with a reference. Without a name it has expired, as `message` says.
    fn find(&self, message: String) -> Result<u64> {
        let Some(name) = &self.name else { return Err(Error::HandleExpired { message }) };
        let write = |frame: &mut Vec<u8>| Ok(write_request::find(frame, name)?);
        self.client.ask(CallOptions::FOR_OBJECT, write, |answer| {
            let found = self.client.receive(answer)?;
            if found.typeid == &*self.typeid {
                return Ok(found.object);
            }
            self.client.connections().release(found.object);
            Err(Error::HandleExpired { message })
        })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let held = *self.held();
        // The reference that a forked child has inherited is its parent's.
        if held.process == process_epoch() {
            self.client.connections().release(held.object);
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Remote { client, typeid, .. } = &*self.remote;
        write!(f, "Proxy({typeid} {:016x} at {})", self.remote.held().object, client.address())
    }
}

/// Two proxies are equal if they lead to the same object.
impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        let location = |proxy: &Self| (proxy.remote.held().object, proxy.remote.client.address().clone());
        Arc::ptr_eq(&self.remote, &other.remote) || location(self) == location(other)
    }
}

impl Eq for Proxy {}

/// A proxy outside its process.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "a proxy of a hosted object")]
struct Written {
    host: String,
    object: u64,
    #[serde(default)]
    name: Option<String>,
    /// Whether the host is started again when it dies.
    #[serde(default)]
    restarts: bool,
}

impl Serialize for Proxy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        embedded_references::note(|| self.clone());
        let (host, object) = self.location();
        let name = self.remote.name.as_deref().map(str::to_owned);
        Written { host, object, name, restarts: self.client().connections().restarts() }.serialize(serializer)
    }
}

/// Takes a reference of this process, for which it asks the host.
impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { host, object, name, restarts } = Written::deserialize(deserializer)?;
        let address: Address = host.parse().map_err(D::Error::custom)?;
        let open = || match (Self::open(&address, object, restarts), name) {
            (Ok(proxy), Some(name)) => Ok(proxy.known_as(&name)),
            (Err(Error::HandleExpired { .. }), Some(name)) => {
                Client::known(&address, restarts)?.object(&name)
            }
            (retained, _) => retained,
        };
        open().map_err(D::Error::custom)
    }
}
