//! The table of kinds, as Python has them: a new class of variables is one line here.

pub(crate) mod array;
pub(crate) mod barrier;
pub(crate) mod condition;
pub(crate) mod dict;
pub(crate) mod entries;
pub(crate) mod event;
pub(crate) mod increment;
pub(crate) mod index;
pub(crate) mod key_iterator;
pub(crate) mod key_page;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod namespace;
pub(crate) mod priority_queue;
pub(crate) mod queue;
pub(crate) mod queue_class;
pub(crate) mod queue_methods;
pub(crate) mod quick_lock;
pub(crate) mod recursive_lock;
pub(crate) mod semaphore;
pub(crate) mod set;
pub(crate) mod value;
pub(crate) mod view;

use crate::native_classes::set_native_class;
use pyo3::prelude::*;
use sharevar::Kind;

macro_rules! classes {
    ($($kind:ident: $class:path,)*) => {
        /// Puts the classes into the module, and says which class variables of each kind have. A
        /// kind that is not named here can be used from Rust only.
        pub(crate) fn install(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(
                module.add_class::<$class>()?;
                set_native_class(module.py(), Kind::$kind, module.py().get_type::<$class>());
            )*
            Ok(())
        }
    };
}

classes! {
    Dict: crate::kinds::dict::Dict,
    List: crate::kinds::list::List,
    Value: crate::kinds::value::Value,
    Array: crate::kinds::array::Array,
    Lock: crate::kinds::lock::Lock,
    RLock: crate::kinds::recursive_lock::RLock,
    Semaphore: crate::kinds::semaphore::Semaphore,
    Event: crate::kinds::event::Event,
    Condition: crate::kinds::condition::Condition,
    Barrier: crate::kinds::barrier::Barrier,
    Queue: crate::kinds::queue::Queue,
    Set: crate::kinds::set::Set,
    Namespace: crate::kinds::namespace::Namespace,
    Monitor: crate::monitor::MonitorState,
    PriorityQueue: crate::kinds::priority_queue::PriorityQueue,
}
