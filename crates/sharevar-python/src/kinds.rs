//! The table of kinds, as Python has them: a new class of variables is one line here.

use crate::proxy::set_native_class;
use pyo3::prelude::*;
use sharevar::Kind;

macro_rules! classes {
    ($($kind:ident: $class:path,)*) => {
        /// Says which class variables of each kind have. A kind that is not named here can be
        /// used from Rust only.
        pub(crate) fn install(py: Python<'_>) {
            $(set_native_class(py, Kind::$kind, py.get_type::<$class>());)*
        }
    };
}

classes! {
    Dict: crate::dict::Dict,
    List: crate::list::List,
    Value: crate::value::Value,
    Array: crate::array::Array,
    Lock: crate::lock::Lock,
    RLock: crate::recursive_lock::RLock,
    Semaphore: crate::semaphore::Semaphore,
    Event: crate::event::Event,
    Condition: crate::condition::Condition,
    Barrier: crate::barrier::Barrier,
    Queue: crate::queue::Queue,
    Set: crate::set::Set,
    Namespace: crate::namespace::Namespace,
    Monitor: crate::monitor::MonitorState,
}
