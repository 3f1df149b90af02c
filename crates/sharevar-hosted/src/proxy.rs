//! An object of a host, as its callers see it.

use super::answer::{Answer, other_than, own_or, returned};
use super::arguments;
use super::batch::Batch;
use super::client::{self, Client};
use super::error::{CallError, Error, Result};
use super::items::Items;
use super::kept;
use super::protocol::{Reply, write_request};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sharevar_os::process_epoch;
use sharevar_transport::Address;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often an object is looked for by its name while one host takes the place of another.
pub(super) const TRIES: usize = 20;

/// An object of a host, whatever its type. Clones are the same object, and as long as there is
/// one the host keeps it.
///
/// `#[sharevar::hosted]` makes proxies with the methods of a type; this one calls methods by name,
/// and so those of objects in a Python host, too.
///
/// A proxy can be part of any value: a shared variable's, a message's, an argument's. It is the
/// object's number then and where its host is, never a key, and keeps nothing alive: the sender
/// holds his proxy until the receiver has his. An object that was published by a name is found
/// again by its name, also after its host was started again.
#[derive(Clone)]
pub struct Proxy {
    remote: Arc<Remote>,
    timeout: Option<Duration>,
}

struct Remote {
    client: Client,
    typeid: Box<str>,
    exposed: Vec<Box<str>>,
    /// By which it was found.
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

/// A proxy of one type. `#[sharevar::hosted]` implements it.
pub trait Proxied: Clone + Sized {
    /// The name by which a host knows the type.
    const TYPE: &'static str;
    /// Its methods in a batch.
    type Calls<'b>
    where
        Self: 'b;

    /// The proxy, whose type is known to be right.
    fn wrap(proxy: Proxy) -> Self;

    /// The proxy beneath.
    fn as_proxy(&self) -> &Proxy;

    /// What is called of this object in a batch, as [`Batch::on`] gives it.
    fn calls<'b>(&'b self, batch: &'b mut Batch) -> Self::Calls<'b>;

    /// A proxy of this type for an object, if it is of this type.
    fn from_proxy(proxy: Proxy) -> Result<Self> {
        if proxy.typeid() == Self::TYPE {
            return Ok(Self::wrap(proxy));
        }
        Err(Error::WrongType { found: proxy.typeid().to_owned(), expected: Self::TYPE })
    }

    /// The same object, on which no call waits longer for its reply.
    #[must_use]
    fn with_timeout(&self, timeout: Duration) -> Self {
        Self::wrap(self.as_proxy().with_timeout(timeout))
    }
}

impl Proxy {
    /// A proxy of an object, of which the client has noted a reference.
    pub(super) fn new<'n>(
        client: Client,
        object: u64,
        typeid: &str,
        exposed: impl Iterator<Item = &'n str>,
    ) -> Self {
        let held = Held { object, process: process_epoch() };
        let held = Mutex::new(held);
        let exposed = exposed.filter(|name| !name.starts_with('#')).map(Into::into).collect();
        let remote = Remote { client, typeid: typeid.into(), exposed, name: None, held };
        Self { remote: Arc::new(remote), timeout: None }
    }

    pub(super) fn known_as(mut self, name: &str) -> Self {
        // Nobody else has it yet.
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
        Self { remote: self.remote.clone(), timeout: Some(timeout) }
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
        self.call_with(method, arguments, |answer| own_or(answer, |answer| self.value(answer)))
    }

    /// Calls a method that gives an object: another one, or its own.
    pub fn call_object(&self, method: &str, arguments: &(impl Serialize + ?Sized)) -> Result<Self> {
        self.call_with(method, arguments, |answer| self.object(answer))
    }

    /// The value that a reply of its method gives.
    #[inline]
    pub(super) fn value<R: DeserializeOwned>(&self, answer: Answer<'_>) -> Result<R> {
        match answer.reply {
            Reply::Returned(_) => returned(answer.reply),
            _ => Err(self.unwanted("a value", answer)),
        }
    }

    /// The error that a reply is which was not expected. What it brings is given back.
    #[cold]
    fn unwanted(&self, expected: &'static str, answer: Answer<'_>) -> Error {
        if let Reply::Object(_) | Reply::Stream { .. } = answer.reply {
            drop(self.remote.client.proxy_of(answer));
        }
        other_than(expected, answer.reply)
    }

    /// The object that a reply of its method gives.
    pub(super) fn object(&self, answer: Answer<'_>) -> Result<Self> {
        match answer.reply {
            Reply::Itself => Ok(self.clone()),
            _ => self.remote.client.proxy_of(answer),
        }
    }

    /// The number by which the host is asked. That of an object which is gone is one that it refuses.
    pub(super) fn number(&self) -> Result<u64> {
        match self.remote.hold() {
            Err(Error::HandleExpired { .. }) => Ok(self.remote.held().object),
            held => held,
        }
    }

    /// An object of a host, of which this process takes a reference. `restarts`: the host is one
    /// that is started again.
    pub(super) fn open(address: &Address, object: u64, restarts: bool) -> Result<Self> {
        Client::known(address, restarts)?.open_object(object)
    }

    /// Where it is, outside this process.
    pub(super) fn place(&self) -> (String, u64) {
        (self.client().address().to_string(), self.remote.held().object)
    }

    /// Looks for the object by its name: whether another is to be asked now than `old`.
    pub(super) fn is_found_again(&self, old: u64) -> bool {
        self.remote.find_again(old, String::new()).is_ok()
    }

    /// Calls a method that gives an iterator: a [`Stream`](super::Stream), or a generator in Python.
    pub fn call_stream<T: DeserializeOwned>(
        &self,
        method: &str,
        arguments: &(impl Serialize + ?Sized),
    ) -> Result<Items<T>> {
        self.call_with(method, arguments, |answer| self.stream(answer).map(Items::new))
    }

    /// Where the items come from that a reply of its method gives.
    pub(super) fn stream(&self, answer: Answer<'_>) -> Result<Self> {
        match answer.reply {
            Reply::Stream { .. } => {
                let source = self.remote.client.proxy_of(answer)?;
                Ok(Self { timeout: self.timeout, ..source })
            }
            _ => Err(self.unwanted("a stream", answer)),
        }
    }

    /// Has a stream give items, up to the first that `read` does not want more after: whether it
    /// wants more.
    pub(super) fn take(&self, demand: u32, mut read: impl FnMut(Answer<'_>) -> bool) -> Result<bool> {
        self.call_with("take", &(demand,), |answer| match answer.reply {
            Reply::Many(many) => {
                for item in many.iter() {
                    if !read(Answer { reply: item?, ..answer }) {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            other => Err(other_than("items", other)),
        })
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
            self.remote.client.ask(self.timeout, write, |answer| match answer.reply {
                Reply::Refused(super::protocol::Refusal::UnknownObject, message) => {
                    Ok(Err(message.to_owned()))
                }
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

    /// The number of the object that has its name now, if `old` is gone.
    fn find_again(&self, old: u64, message: String) -> Result<u64> {
        let mut held = self.held();
        // Another thread may have been here.
        if held.object == old {
            let found = self.find(message)?;
            self.client.release(old);
            held.object = found;
        }
        Ok(held.object)
    }

    /// The object of its name, with a reference. Without a name it has expired, as `message` says.
    fn find(&self, message: String) -> Result<u64> {
        let Some(name) = &self.name else { return Err(Error::HandleExpired { message }) };
        let write = |frame: &mut Vec<u8>| Ok(write_request::find(frame, name)?);
        self.client.ask(None, write, |answer| match answer.reply {
            Reply::Object(found) => {
                self.client.receive(found.object, answer.life);
                if found.typeid == &*self.typeid {
                    return Ok(found.object);
                }
                self.client.release(found.object);
                Err(Error::HandleExpired { message })
            }
            other => Err(other_than("an object", other)),
        })
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        let held = *self.held();
        // The reference that a forked child has inherited is its parent's.
        if held.process == process_epoch() {
            self.client.release(held.object);
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Remote { client, typeid, .. } = &*self.remote;
        write!(f, "Proxy({typeid} {:016x} at {})", self.remote.held().object, client.address())
    }
}

/// Whether both lead to the same object.
impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        let place = |proxy: &Self| (proxy.remote.held().object, proxy.remote.client.address().clone());
        Arc::ptr_eq(&self.remote, &other.remote) || place(self) == place(other)
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
        kept::note(|| self.clone());
        let (host, object) = self.place();
        let name = self.remote.name.as_deref().map(str::to_owned);
        Written { host, object, name, restarts: self.client().restarts() }.serialize(serializer)
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

/// Makes an object for a typed proxy, by a constructor that may give an error of a known type.
pub(super) fn try_create<P: Proxied, E: DeserializeOwned>(
    client: &Client,
    constructor: &str,
    arguments: &(impl Serialize + ?Sized),
) -> Result<P, CallError<E>> {
    let write = |frame: &mut Vec<u8>| client::create(frame, P::TYPE, constructor, arguments);
    client.ask(None, write, |answer| own_or(answer, |answer| P::from_proxy(client.proxy_of(answer)?)))
}
