//! A variable of either shared memory or another engine.

use super::barrier::Barrier;
use super::cell::Cell;
use super::condition::Condition;
use super::contract::held;
use super::elements::Elements;
use super::event::Event;
use super::exclusive::Exclusive;
use super::handle::Handle;
use super::home::InHome;
use super::list::List;
use super::map::Map;
use super::monitor::Monitor;
use super::pickles::Pickles;
use super::rwlock::RwLock;
use super::units::Units;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::{
    QueueKind, RawArray, RawBarrier, RawCondition, RawDict, RawEvent, RawList, RawLock, RawMonitor, RawRLock,
    RawRwLock, RawSemaphore, RawValue,
};
use std::sync::Arc;

/// A variable of shared memory, `S`, whose methods are called without a detour, or of another engine.
#[derive(Debug)]
pub enum Backed<S, T: ?Sized> {
    /// In shared memory.
    Shm(S),
    /// Elsewhere.
    Other(Arc<T>),
}

impl<S, T: ?Sized> Backed<S, T> {
    /// Returns the variable, if it is in shared memory.
    #[inline(always)]
    pub fn shm(&self) -> Option<&S> {
        match self {
            Self::Shm(raw) => Some(raw),
            Self::Other(_) => None,
        }
    }
}

// By hand, since a derive would ask the trait for it.
impl<S: Clone, T: ?Sized> Clone for Backed<S, T> {
    fn clone(&self) -> Self {
        match self {
            Self::Shm(raw) => Self::Shm(raw.clone()),
            Self::Other(other) => Self::Other(other.clone()),
        }
    }
}

/// Writes what each pair has: the kinds of variables that it can be of, how shared memory opens one of
/// a kind, and the method of [`Held`](super::contract::Held) for the same.
macro_rules! pair {
    ($raw:ident $(: $bound:ident)?, $trait:path, $method:ident, |$handle:ident, $kind:ident| $open:expr) => {
        impl$(<$raw: $bound>)? Backed<$raw, dyn $trait> {
            /// Opens the variable of that kind that a handle leads to.
            pub fn open($handle: Handle, $kind: Kind) -> Result<Self> {
                match $handle.expect($kind)? {
                    Handle::Shm($handle) => $open.map(Self::Shm),
                    Handle::Other(foreign) => held(foreign)?.$method().map(Self::Other),
                }
            }

            /// The variable, whichever engine keeps it.
            #[inline]
            pub fn any(&self) -> &dyn $trait {
                match self {
                    Self::Shm(raw) => raw,
                    Self::Other(other) => &**other,
                }
            }

            /// A handle on the variable.
            pub fn handle(&self) -> Handle {
                match self {
                    Self::Shm(raw) => raw.handle().clone().into(),
                    Self::Other(other) => other.handle(),
                }
            }
        }

        impl$(<$raw: $bound>)? PartialEq for Backed<$raw, dyn $trait> {
            fn eq(&self, other: &Self) -> bool {
                match (self, other) {
                    (Self::Shm(one), Self::Shm(other)) => one == other,
                    (Self::Other(one), Self::Other(other)) => one.handle() == other.handle(),
                    _ => false,
                }
            }
        }

        impl$(<$raw: $bound>)? InHome for Backed<$raw, dyn $trait> {
            #[inline]
            fn home_id(&self) -> u128 {
                match self {
                    Self::Shm(raw) => raw.handle().participant().home_id(),
                    Self::Other(other) => other.handle().home_id(),
                }
            }

            fn as_participant(&self) -> Option<&sharevar_arena::Participant> {
                self.shm().map(|raw| &**raw.handle().participant())
            }

            fn pickles(&self) -> Pickles {
                match self {
                    Self::Shm(raw) => raw.handle().participant().pickles(),
                    Self::Other(other) => other.handle().pickles(),
                }
            }
        }
    };
}

pair!(RawDict, Map, map, |handle, kind| RawDict::from_handle_as(handle, kind));
pair!(RawList, List, list, |handle, _kind| RawList::from_handle(handle));
pair!(RawValue, Cell, cell, |handle, _kind| RawValue::from_handle(handle));
pair!(RawArray, Elements, elements, |handle, _kind| RawArray::from_handle(handle));
pair!(RawLock, Exclusive, exclusive, |handle, _kind| RawLock::from_handle(handle));
pair!(RawRLock, Exclusive, exclusive, |handle, _kind| RawRLock::from_handle(handle));
pair!(RawRwLock, RwLock, rwlock, |handle, _kind| RawRwLock::from_handle(handle));
pair!(RawSemaphore, Units, units, |handle, _kind| RawSemaphore::from_handle(handle));
pair!(RawCondition, Condition, condition, |handle, _kind| RawCondition::from_handle(handle));
pair!(RawEvent, Event, event, |handle, _kind| RawEvent::from_handle(handle));
pair!(RawBarrier, Barrier, barrier, |handle, _kind| RawBarrier::from_handle(handle));
pair!(RawMonitor, Monitor, monitor, |handle, _kind| RawMonitor::from_handle(handle));
// By its path: in scope, the trait would hide the `handle` that the queues have by their frame.
pair!(K: QueueKind, super::queue::Queue, queue, |handle, _kind| K::from_handle(handle));
