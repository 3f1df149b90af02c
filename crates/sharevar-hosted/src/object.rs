//! Objects in their host.

use super::arguments;
use super::caller::Caller;
use super::dispatch::Asked;
use super::kept::keeping;
use super::protocol::{Raised, Refusal, TooLong, write_reply};
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
    /// What calls them from elsewhere.
    type Proxy: super::Proxied;

    /// Calls a method.
    fn call(object: &Object<Self>, call: Call<'_>) -> Result<(), Refused>;

    /// Makes an object.
    fn create(constructor: &str, call: Call<'_>) -> Result<Created<Self>, Refused>;
}

/// An object, and the lock by which its methods share it: those of `&self` run beside each other,
/// one of `&mut self` alone.
///
/// A method that returns one gives its caller a proxy, and the object stays at the host, for as
/// long as somebody holds it. In an `Arc` the host's own objects can hold it, too: who is given
/// it again has a proxy of the same object.
pub struct Object<T>(RwLock<T>);

impl<T> Object<T> {
    /// A new one.
    pub fn new(object: T) -> Self {
        Self(RwLock::new(object))
    }

    /// The object, for reading, as [`RwLock::read`] gives it: for whoever has it in the host.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object alone.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// For a method of `&self`. A panic of another method is not held against the object: its
    /// caller was told.
    #[inline]
    pub fn read_for(&self, call: &Call<'_>) -> Result<RwLockReadGuard<'_, T>, Refused> {
        match self.0.try_read() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let guard = self.read();
                call.is_still_wanted().map(|()| guard)
            }
        }
    }

    /// For a method of `&mut self`.
    #[inline]
    pub fn write_for(&self, call: &Call<'_>) -> Result<RwLockWriteGuard<'_, T>, Refused> {
        match self.0.try_write() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                let guard = self.write();
                call.is_still_wanted().map(|()| guard)
            }
        }
    }
}

impl<T> Debug for Object<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object({})", std::any::type_name::<T>())
    }
}

/// What a constructor came to.
#[derive(Debug)]
pub enum Created<T> {
    /// An object.
    Object(T),
    /// Its own error, which stands in the reply.
    Raised,
}

/// A call that was not carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The reason.
    pub refusal: Refusal,
    /// The same, for people.
    pub message: String,
}

impl From<TooLong> for Refused {
    fn from(error: TooLong) -> Self {
        Self { refusal: Refusal::Result, message: error.to_string() }
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
    pub(super) fn new(host: &'a Service, Asked { caller, method, arguments, reply }: Asked<'a>) -> Self {
        Self { caller, host, method, arguments, reply }
    }

    /// A call that has waited for its object and whose caller has given up meanwhile is not begun.
    #[cold]
    fn is_still_wanted(&self) -> Result<(), Refused> {
        if !self.caller.is_disconnected() {
            return Ok(());
        }
        Err(Refused {
            refusal: Refusal::GivenUp,
            message: format!("the caller of {} had given up before it was begun", self.method),
        })
    }

    /// Who has called.
    pub fn caller(&self) -> Caller<'a> {
        Caller::new(self.caller)
    }

    /// The method's name.
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The arguments as a tuple in the order of `names`. `place` keeps those that came by name.
    #[inline]
    pub fn arguments<'b, T: Deserialize<'b>>(
        &self,
        names: &[&str],
        place: &'b mut Option<Vec<u8>>,
    ) -> Result<T, Refused>
    where
        'a: 'b,
    {
        arguments::read(self.method, self.arguments, names, place)
    }

    /// Checks that there are no arguments.
    #[inline]
    pub fn no_arguments(&self) -> Result<(), Refused> {
        if self.arguments == [arguments::NONE] {
            return Ok(());
        }
        arguments::ordered(self.method, self.arguments, &[]).map(|_| ())
    }

    /// The method returned `value`.
    #[inline]
    pub fn returned<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        let (written, kept) = keeping(|| write_value(self.reply, value));
        if !kept.is_empty() {
            self.host.reply_references().keep(self.caller, kept);
        }
        written.map_err(|error| Refused {
            refusal: Refusal::Result,
            message: format!("{}: {error}", self.method),
        })
    }

    /// The method gave an error.
    pub fn raised<E: Serialize + Display>(self, error: &E) -> Result<(), Refused> {
        Ok(write_error(self.reply, error)?)
    }

    /// The method gave an object, which stays here.
    pub(super) fn kept(self, object: &Arc<dyn Callable>) -> Result<(), Refused> {
        Ok(self
            .host
            .enter(self.caller, object, |number| self.host.language().tell(number, &**object, self.reply))?)
    }

    /// The method gave an iterator, whose items the caller will ask for.
    pub(super) fn streamed(self, stream: &Arc<dyn Callable>) -> Result<(), Refused> {
        Ok(self.host.enter(self.caller, stream, |number| {
            write_reply::stream(self.reply, number);
            Ok(())
        })?)
    }

    /// There is no such method.
    pub fn not_exposed<T: Hosted>(self) -> Result<(), Refused> {
        Err(Refused {
            refusal: Refusal::NotExposed,
            message: format!(
                "{} exposes no method {:?}; it has {}",
                T::TYPE,
                self.method,
                T::METHODS.join(", ")
            ),
        })
    }

    /// There is no such constructor.
    pub fn no_constructor<T: Hosted>(self) -> Result<Created<T>, Refused> {
        Err(Refused {
            refusal: Refusal::NotExposed,
            message: format!("{} has no constructor {:?}", T::TYPE, self.method),
        })
    }
}

/// Appends what a method has returned.
#[inline]
pub(super) fn write_value<T: Serialize + ?Sized>(reply: &mut Vec<u8>, value: &T) -> Result<(), EncodeError> {
    write_reply::returned(reply);
    append_bytes(value, reply)
}

/// Appends an error of a method's.
pub(super) fn write_error<E: Serialize + Display>(reply: &mut Vec<u8>, error: &E) -> Result<(), TooLong> {
    let mut value = Vec::new();
    // An error that cannot be sent is still told by its text.
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
