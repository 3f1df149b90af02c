//! Functions that hosted objects call in the process that has passed them.
//!
//! That process becomes a host for it, in threads, at a private socket. The message has the address
//! of the function, and its receiver a reference, as on any object.

use super::embedded_references;
use super::error::{Error, Result};
use super::host::{Host, RunningHost};
use super::object::{Call, Callable};
use super::protocol::Refusal;
use super::proxy::Proxy;
use super::refused::Refused;
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sharevar_os::process_epoch;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// The method by which a function is called, as Python has it.
const CALL: &str = "__call__";
const TYPE: &str = "callback";

/// A function that is handed to a hosted object, which calls it in the process that made it:
/// during the call that hands it over or after it, from any thread.
///
/// It takes one argument, a tuple for several. It is dropped when no process has it any more. When
/// its process has ended, calling it is [`Error::HostDied`]. It may call the object that calls it,
/// unless the object is alone in a method of `&mut self` meanwhile. It reaches no further than
/// the machine.
///
/// ```
/// use sharevar::hosted::{Callback, Host};
/// use std::sync::mpsc::channel;
///
/// #[derive(Default)]
/// struct Bell(Vec<Callback<String, usize>>);
///
/// #[sharevar::hosted]
/// impl Bell {
///     pub fn tell(&mut self, listener: Callback<String, usize>) {
///         self.0.push(listener);
///     }
///
///     pub fn ring(&self, sound: String) -> usize {
///         self.0.iter().filter_map(|listener| listener.call(sound.clone()).ok()).sum()
///     }
/// }
///
/// let host = Host::new().add("bell", Bell::default()).start()?;
/// let bell: BellProxy = host.client()?.proxy("bell")?;
/// let (heard, sounds) = channel();
/// bell.tell(Callback::new(move |sound: String| {
///     let length = sound.len();
///     heard.send(sound).map_or(0, |()| length)
/// }))?;
/// assert_eq!(bell.ring("ding dong".to_owned())?, 9);
/// assert_eq!(sounds.recv().as_deref(), Ok("ding dong"));
/// # Ok::<(), sharevar::hosted::Error>(())
/// ```
pub struct Callback<A, R = ()>(Location<A, R>);

enum Location<A, R> {
    /// In this process, which has made it.
    Local(Arc<Local<A, R>>),
    Remote(Proxy, PhantomData<fn(A) -> R>),
}

struct Local<A, R> {
    function: Arc<Function<A, R>>,
    /// The host of this process that has it, once it was passed to another process.
    entry: Mutex<Option<(Arc<OwnHost>, u64)>>,
}

struct Function<A, R>(Box<dyn Fn(A) -> R + Send + Sync>);

impl<A: DeserializeOwned + 'static, R: Serialize + 'static> Callback<A, R> {
    /// Lets hosted objects call a function.
    pub fn new(function: impl Fn(A) -> R + Send + Sync + 'static) -> Self {
        let function = Arc::new(Function(Box::new(function)));
        Self(Location::Local(Arc::new(Local { function, entry: Mutex::default() })))
    }
}

impl<A: Serialize, R: DeserializeOwned> Callback<A, R> {
    /// Calls it, where it was made; there it is called as any function.
    pub fn call(&self, argument: A) -> Result<R> {
        match &self.0 {
            Location::Local(local) => Ok((local.function.0)(argument)),
            Location::Remote(proxy, _) => proxy.call(CALL, &(argument,)),
        }
    }
}

impl<A, R> Callback<A, R> {
    /// The same function, for whose result no call waits longer.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        match &self.0 {
            Location::Local(local) => Self(Location::Local(local.clone())),
            Location::Remote(proxy, _) => Self(Location::Remote(proxy.with_timeout(timeout), PhantomData)),
        }
    }
}

impl<A: DeserializeOwned, R: Serialize> Callable for Function<A, R> {
    fn call(&self, call: Call<'_>) -> Result<(), Refused> {
        if call.method() != CALL {
            let message = format!("a callback has no method {:?}; it has {CALL}", call.method());
            return Err(Refused::new(Refusal::NotExposed, message));
        }
        let mut ordered = None;
        let (argument,): (A,) = call.arguments(&["argument"], &mut ordered)?;
        let result = (self.0)(argument);
        call.returned(&result)
    }

    fn typeid(&self) -> &'static str {
        TYPE
    }

    fn exposed(&self) -> &'static [&'static str] {
        &[CALL]
    }
}

/// The host in this process of the functions that it has passed.
struct OwnHost {
    running: RunningHost,
    process: u64,
}

static OWN_HOST: Mutex<Option<Arc<OwnHost>>> = Mutex::new(None);

impl OwnHost {
    /// Returns that of this process, which is started when it is first needed.
    fn get() -> Result<Arc<Self>> {
        let mut own = OWN_HOST.lock().unwrap_or_else(PoisonError::into_inner);
        let process = process_epoch();
        if let Some(host) = &*own
            && host.process == process
        {
            return Ok(host.clone());
        }
        let started = Arc::new(Self { running: Host::new().start()?, process });
        // The copy that a fork has made is never dropped: the socket is its parent's.
        std::mem::forget(own.replace(started.clone()));
        Ok(started)
    }
}

impl<A: DeserializeOwned + 'static, R: Serialize + 'static> Local<A, R> {
    /// Returns the host's address and the function's number. A forked child has another host.
    fn enter(&self) -> Result<(String, u64)> {
        let own = OwnHost::get()?;
        let mut entry = self.entry.lock().unwrap_or_else(PoisonError::into_inner);
        let number = match &*entry {
            Some((host, number)) if Arc::ptr_eq(host, &own) => *number,
            _ => {
                let number = own.running.hold(self.function.clone());
                let inherited = entry.replace((own.clone(), number));
                std::mem::forget(inherited);
                number
            }
        };
        Ok((own.running.address().to_string(), number))
    }
}

impl<A, R> Drop for Local<A, R> {
    fn drop(&mut self) {
        let entry = self.entry.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        match entry {
            Some((host, number)) if host.process == process_epoch() => host.running.release(number),
            inherited => std::mem::forget(inherited),
        }
    }
}

/// A function outside its process.
#[derive(Serialize, Deserialize)]
#[serde(expecting = "a callback")]
struct Written {
    callback: u64,
    host: String,
    machine: String,
}

impl<A: DeserializeOwned + 'static, R: Serialize + 'static> Serialize for Callback<A, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (host, callback) = match &self.0 {
            Location::Local(local) => local.enter().map_err(S::Error::custom)?,
            Location::Remote(proxy, _) => proxy.location(),
        };
        embedded_references::note(|| self.clone());
        Written { callback, host, machine: machine().map_err(S::Error::custom)? }.serialize(serializer)
    }
}

/// Takes a reference of this process, for which it asks the one that made it.
impl<'de, A, R> Deserialize<'de> for Callback<A, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { callback, host, machine } = Written::deserialize(deserializer)?;
        let open = || {
            if machine != self::machine()? {
                return Err(Error::OtherMachine);
            }
            let proxy = Proxy::open(&host.parse()?, callback, false)?;
            if proxy.typeid() == TYPE {
                return Ok(proxy);
            }
            Err(Error::WrongType { found: proxy.typeid().to_owned(), expected: TYPE })
        };
        Ok(Self(Location::Remote(open().map_err(D::Error::custom)?, PhantomData)))
    }
}

/// Returns the identity of this machine from its start to its end.
fn machine() -> Result<String> {
    static MACHINE: LazyLock<Result<String, String>> = LazyLock::new(|| {
        let read = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        read.map(|id| id.trim().to_owned()).map_err(|error| error.to_string())
    });
    let read = MACHINE.clone();
    read.map_err(|cause| sharevar_transport::Error::Io { what: "cannot know this machine", cause }.into())
}

impl<A, R> Clone for Callback<A, R> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Location::Local(local) => Location::Local(local.clone()),
            Location::Remote(proxy, _) => Location::Remote(proxy.clone(), PhantomData),
        })
    }
}

/// Two callbacks are equal if they are the same function, in any process.
impl<A, R> PartialEq for Callback<A, R> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Location::Local(one), Location::Local(other)) => Arc::ptr_eq(one, other),
            (Location::Remote(one, _), Location::Remote(other, _)) => one == other,
            (Location::Local(local), Location::Remote(proxy, _))
            | (Location::Remote(proxy, _), Location::Local(local)) => {
                let entry = local.entry.lock().unwrap_or_else(PoisonError::into_inner);
                let location =
                    |(host, number): &(Arc<OwnHost>, u64)| (host.running.address().to_string(), *number);
                entry.as_ref().is_some_and(|entry| location(entry) == proxy.location())
            }
        }
    }
}

impl<A, R> Eq for Callback<A, R> {}

impl<A, R> fmt::Debug for Callback<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Location::Local(_) => f.write_str("Callback(local)"),
            Location::Remote(proxy, _) => write!(f, "Callback({proxy:?})"),
        }
    }
}
