//! Shared variables for Python: thin classes over `sharevar`.
//!
//! The façade in `python/sharevar/` subclasses them with empty `__slots__`, so that
//! the protocol slots (`[]`, `len`, `in`) are the ones made here: a Python method in
//! between would cost more than the operation itself.
#![deny(unsafe_code)]
#![allow(clippy::inline_always)] // One operation is tens of nanoseconds; see python/benches.

mod arena;
mod argument_types;
mod command;
mod encoding;
mod engines;
mod errors;
mod family;
mod fast_access;
mod fencing;
mod hosted;
mod info;
mod kinds;
mod manager_name;
mod monitor;
mod native_classes;
mod new_objects;
mod proxy;
mod record_writer;
mod slots;
mod store;
mod testing;
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
    use crate::arena::{manager_names, remove_manager};
    #[pymodule_export]
    use crate::command::command;
    #[pymodule_export]
    use crate::encoding::pickler::set_pickler;
    #[pymodule_export]
    use crate::engines::add_passwords;
    #[pymodule_export]
    use crate::engines::known_passwords;
    #[pymodule_export]
    use crate::family::family_of_environment;
    #[pymodule_export]
    use crate::family::new_family;
    #[pymodule_export]
    use crate::hosted::caller::caller_descriptor;
    #[pymodule_export]
    use crate::hosted::client::HostClient;
    #[pymodule_export]
    const ENTRIES: &str = sharevar::engine::ENTRIES;
    #[pymodule_export]
    const LOCK_OF: &str = sharevar::engine::LOCK_OF;
    #[pymodule_export]
    use crate::hosted::client::address_of_host;
    #[pymodule_export]
    use crate::hosted::client::remove_socket;
    #[pymodule_export]
    use crate::hosted::client::unused_address;
    #[pymodule_export]
    use crate::hosted::object::HostedObject;
    #[pymodule_export]
    use crate::hosted::options::CallOptions;
    #[pymodule_export]
    use crate::hosted::pending::PendingCall;
    #[pymodule_export]
    use crate::hosted::prefetch::Prefetch;
    #[pymodule_export]
    use crate::hosted::reference::HostedReference;
    #[pymodule_export]
    use crate::hosted::relayed::end_relayed_connections;
    #[pymodule_export]
    use crate::hosted::relayed::relayed_address;
    #[pymodule_export]
    use crate::hosted::restart::RestartPolicy;
    #[pymodule_export]
    use crate::hosted::server::HostServer;
    #[pymodule_export]
    use crate::info::{manager_info, variable_info};
    #[pymodule_export]
    use crate::kinds::queue_class::set_queue_class;
    #[pymodule_export]
    use crate::monitor::Monitor;
    #[pymodule_export]
    use crate::monitor::make_monitor;
    #[pymodule_export]
    use crate::monitor::method::Method;
    #[pymodule_export]
    use crate::monitor::monitor_attributes;
    #[pymodule_export]
    use crate::monitor::monitor_state;
    #[pymodule_export]
    use crate::monitor::started_inside::monitors_inside;
    #[pymodule_export]
    use crate::monitor::started_inside::note_started_inside;
    #[pymodule_export]
    use crate::monitor::started_inside::note_thread_started_inside;
    #[pymodule_export]
    use crate::proxy::set_class_loader;
    #[pymodule_export]
    use crate::proxy::set_proxy_class;
    #[pymodule_export]
    use crate::record_writer::RecordWriter;
    #[pymodule_export]
    use crate::store::Store;
    #[pymodule_export]
    use crate::testing::{FakeClient, FakeServer};
    #[pymodule_export]
    use crate::variable::Variable;
    #[pymodule_export]
    use crate::waiting::greenlet::set_greenlets;

    use super::{Bound, PyModule, PyModuleMethods, PyResult};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        sharevar_arena::set_sleeper(crate::waiting::long_lock::sleep);
        sharevar::engine::set_blocker(crate::waiting::blocked::call);
        sharevar_redis::register();
        crate::kinds::install(module)?;
        crate::slots::install(module.py())?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("FAMILY", sharevar::Family::VARIABLE)?;
        crate::errors::add_to(module)
    }
}
