//! Objects in their host.

use super::arguments;
use super::caller::Caller;
use super::dispatch::IncomingCall;
use super::embedded_references::collect_references;
use super::protocol::{Raised, Refusal, TooLong, write_reply};
use super::proxied::Proxied;
use super::refused::Refused;
use super::service::Service;
use serde::{Deserialize, Serialize};
use sharevar_transport as transport;
use sharevar_value::{EncodeError, append_bytes};
use std::fmt::{Debug, Display};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};

/// A type whose objects a host can keep. `#[sharevar::hosted]` on an `impl` implements it.
pub trait Hosted: Send + Sync + Sized + 'static {
    /// The name by which a host knows the type.
    const TYPE: &'static str;
    /// The methods that can be called, and no others.
    const METHODS: &'static [&'static str];
    /// The proxy of such an object.
    type Proxy: Proxied;

    /// Calls a method.
    fn call(object: &Object<Self>, call: Call<'_>) -> Result<(), Refused>;

    /// Makes an object; `None` if the constructor gave an error of its own, which stands in the reply.
    fn create(constructor: &str, call: Call<'_>) -> Result<Option<Self>, Refused>;
}

/// An object, and the lock by which its methods share it: those of `&self` run beside each other,
/// one of `&mut self` alone.
///
/// A method that returns one gives its caller a proxy, and the object stays at the host for as long
/// as it is referred to. In an `Arc` the host's own objects can hold it, too: a caller that gets it
/// again has a proxy of the same object.
pub struct Object<T>(RwLock<T>);

impl<T> Object<T> {
    /// Makes an object.
    pub fn new(object: T) -> Self {
        Self(RwLock::new(object))
    }

    /// Locks the object for reading, as [`RwLock::read`] does: for code in the host that has it.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the object for writing.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the object for a method of `&self`. The panic of an earlier method does not make the
    /// object unusable: its caller has got the panic.
    #[inline]
    pub fn read_for(&self, call: &Call<'_>) -> Result<RwLockReadGuard<'_, T>, Refused> {
        match self.0.try_read() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let guard = self.read();
                call.check_wanted().map(|()| guard)
            }
        }
    }

    /// Locks the object for a method of `&mut self`.
    #[inline]
    pub fn write_for(&self, call: &Call<'_>) -> Result<RwLockWriteGuard<'_, T>, Refused> {
        match self.0.try_write() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let guard = self.write();
                call.check_wanted().map(|()| guard)
            }
        }
    }
}

impl<T> Debug for Object<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object({})", std::any::type_name::<T>())
    }
}

/// A call on its way into a method, and its result on the way out.
#[derive(Debug)]
pub struct Call<'a> {
    pub(super) caller: &'a transport::Caller<'a>,
    pub(super) host: &'a Service,
    method: &'a str,
    arguments: &'a [u8],
    pub(super) reply: &'a mut Vec<u8>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        host: &'a Service,
        IncomingCall { caller, method, arguments, reply }: IncomingCall<'a>,
    ) -> Self {
        Self { caller, host, method, arguments, reply }
    }

    /// Refuses a call that has waited for its object and whose caller has given up meanwhile.
    #[cold]
    fn check_wanted(&self) -> Result<(), Refused> {
        if !self.caller.is_disconnected() {
            return Ok(());
        }
        let message = format!("the caller of {} had given up before it was begun", self.method);
        Err(Refused::new(Refusal::GivenUp, message))
    }

    /// The caller.
    pub fn caller(&self) -> Caller<'a> {
        Caller::new(self.caller)
    }

    /// The method's name.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// Reads the arguments as a tuple in the order of `names`. `ordered` keeps those that came by name.
    #[inline]
    pub fn arguments<'b, T: Deserialize<'b>>(
        &self,
        names: &[&str],
        ordered: &'b mut Option<Vec<u8>>,
    ) -> Result<T, Refused>
    where
        'a: 'b,
    {
        arguments::read(self.method, self.arguments, names, ordered)
    }

    /// Checks that there are no arguments.
    #[inline]
    pub fn no_arguments(&self) -> Result<(), Refused> {
        if self.arguments == [arguments::NONE] {
            return Ok(());
        }
        arguments::in_order(self.method, self.arguments, &[]).map(|_| ())
    }

    /// Appends the value that the method has returned.
    #[inline]
    pub fn returned<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        let (written, references) = collect_references(|| write_value(self.reply, value));
        if !references.is_empty() {
            self.host.reply_references().keep(self.caller, references);
        }
        written.map_err(|error| Refused::new(Refusal::Result, format!("{}: {error}", self.method)))
    }

    /// Appends the error that the method has returned.
    pub fn raised<E: Serialize + Display>(self, error: &E) -> Result<(), Refused> {
        Ok(write_error(self.reply, error)?)
    }

    /// Appends the object that the method has returned, which stays here.
    pub(super) fn exported(self, object: &Arc<dyn Callable>) -> Result<(), Refused> {
        self.host.language().insert(self.host, self.caller, object, self.reply)
    }

    /// Appends the iterator that the method has returned, whose items the caller will ask for.
    pub(super) fn streamed(self, stream: &Arc<dyn Callable>) -> Result<(), Refused> {
        self.host.insert_for(self.caller, stream, |number| {
            write_reply::stream(self.reply, number);
            Ok(())
        })
    }

    /// Refuses a method that there is not.
    pub fn not_exposed<T: Hosted>(self) -> Result<(), Refused> {
        let known = T::METHODS.join(", ");
        let message = format!("{} exposes no method {:?}; it has {known}", T::TYPE, self.method);
        Err(Refused::new(Refusal::NotExposed, message))
    }

    /// Refuses a constructor that there is not.
    pub fn no_constructor<T: Hosted>(self) -> Result<Option<T>, Refused> {
        let message = format!("{} has no constructor {:?}", T::TYPE, self.method);
        Err(Refused::new(Refusal::NotExposed, message))
    }
}

/// Appends the value that a method has returned.
#[inline]
pub(super) fn write_value<T: Serialize + ?Sized>(reply: &mut Vec<u8>, value: &T) -> Result<(), EncodeError> {
    write_reply::returned(reply);
    append_bytes(value, reply)
}

/// Appends the error that a method has returned.
pub(super) fn write_error<E: Serialize + Display>(reply: &mut Vec<u8>, error: &E) -> Result<(), TooLong> {
    let mut value = Vec::new();
    // An error that cannot be encoded is still sent as text.
    if append_bytes(error, &mut value).is_err() {
        value.clear();
    }
    let message = error.to_string();
    let raised =
        Raised { typename: std::any::type_name::<E>(), message: &message, traceback: "", value: &value };
    write_reply::raised(reply, &raised)
}

/// An object of any type.
pub(super) trait Callable: Send + Sync {
    fn call(&self, call: Call<'_>) -> Result<(), Refused>;
    fn typeid(&self) -> &'static str;
    fn exposed(&self) -> &'static [&'static str];
}

impl<T: Hosted> Callable for Object<T> {
    fn call(&self, call: Call<'_>) -> Result<(), Refused> {
        T::call(self, call)
    }

    fn typeid(&self) -> &'static str {
        T::TYPE
    }

    fn exposed(&self) -> &'static [&'static str] {
        T::METHODS
    }
}
