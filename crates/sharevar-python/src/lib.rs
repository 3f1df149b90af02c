//! Shared variables for Python: thin classes over `sharevar`.
//!
//! The façade in `python/sharevar/` subclasses them with empty `__slots__`, so that
//! the protocol slots (`[]`, `len`, `in`) are the ones made here: a Python method in
//! between would cost more than the operation itself.
#![deny(unsafe_code)]
#![allow(clippy::inline_always)] // One operation is tens of nanoseconds; see python/benches.

mod arena;
mod argument;
mod array;
mod barrier;
mod buffer;
mod canonical;
mod condition;
mod decode;
mod dict;
mod element;
mod encode;
mod errors;
mod event;
mod greenlet;
mod hosted;
mod key;
mod key_hashing;
mod key_index;
mod kinds;
mod list;
mod list_search;
mod list_slice;
mod list_sort;
mod lock;
mod method;
mod monitor;
mod monitor_call;
mod monitor_slots;
mod names;
mod namespace;
mod native;
mod number;
mod opaque;
mod overlay;
mod pickler;
mod proxy;
mod queue;
mod queue_class;
mod recursive_lock;
mod semaphore;
mod set;
mod slots;
mod standard_key;
mod started_inside;
mod timeout;
mod value;
mod variable;
mod waiting;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::arena::Arena;
    #[pymodule_export]
    use crate::arena::depart;
    #[pymodule_export]
    use crate::array::Array;
    #[pymodule_export]
    use crate::barrier::Barrier;
    #[pymodule_export]
    use crate::condition::Condition;
    #[pymodule_export]
    use crate::dict::Dict;
    #[pymodule_export]
    use crate::event::Event;
    #[pymodule_export]
    use crate::greenlet::set_greenlets;
    #[pymodule_export]
    use crate::hosted::caller::caller_descriptor;
    #[pymodule_export]
    use crate::hosted::client::HostClient;
    #[pymodule_export]
    use crate::hosted::client::address_of_host;
    #[pymodule_export]
    use crate::hosted::encoded::EncodedReply;
    #[pymodule_export]
    use crate::hosted::pending::PendingCall;
    #[pymodule_export]
    use crate::hosted::reference::HostedReference;
    #[pymodule_export]
    use crate::hosted::server::HostServer;
    #[pymodule_export]
    use crate::list::List;
    #[pymodule_export]
    use crate::lock::Lock;
    #[pymodule_export]
    use crate::method::Method;
    #[pymodule_export]
    use crate::monitor::Monitor;
    #[pymodule_export]
    use crate::monitor::MonitorState;
    #[pymodule_export]
    use crate::monitor::make_monitor;
    #[pymodule_export]
    use crate::monitor::monitor_attributes;
    #[pymodule_export]
    use crate::monitor::monitor_state;
    #[pymodule_export]
    use crate::namespace::Namespace;
    #[pymodule_export]
    use crate::pickler::set_pickler;
    #[pymodule_export]
    use crate::proxy::set_proxy_class;
    #[pymodule_export]
    use crate::queue::Queue;
    #[pymodule_export]
    use crate::queue_class::set_queue_class;
    #[pymodule_export]
    use crate::recursive_lock::RLock;
    #[pymodule_export]
    use crate::semaphore::Semaphore;
    #[pymodule_export]
    use crate::set::Set;
    #[pymodule_export]
    use crate::started_inside::monitors_inside;
    #[pymodule_export]
    use crate::started_inside::note_started_inside;
    #[pymodule_export]
    use crate::started_inside::note_thread_started_inside;
    #[pymodule_export]
    use crate::value::Value;
    #[pymodule_export]
    use crate::variable::Variable;

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        sharevar_arena::set_sleeper(crate::waiting::sleep_for_long_lock);
        crate::kinds::install(module.py());
        crate::slots::install(module.py())?;
        crate::monitor_slots::install(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        crate::errors::add_to(module)
    }
}
