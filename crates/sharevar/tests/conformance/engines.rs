//! The engines that the tests run on.

use sharevar::Manager;
use sharevar::engine::{Home, Stamp};
use sharevar_redis::testing::{Cluster, Program, Server, Service};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A manager of each engine inside of a process.
pub(crate) fn managers() -> [Manager; 2] {
    [Manager::new().unwrap(), Manager::connect("memory:").unwrap()]
}

/// An engine, as the tests need it.
#[derive(Clone, Copy)]
pub(crate) struct Engine {
    /// Makes a home without variables; `None` where the machine has no such engine.
    make: fn() -> Option<Home>,
    /// Whether each operation takes a message to another process.
    is_remote: bool,
}

impl Engine {
    pub(crate) const SHM: Self = Self { make: || Some(shm()), is_remote: false };
    pub(crate) const MEMORY: Self = Self { make: || Some(memory()), is_remote: false };
    pub(crate) const REDIS: Self = Self { make: || on(Program::Redis), is_remote: true };
    pub(crate) const VALKEY: Self = Self { make: || on(Program::Valkey), is_remote: true };
    /// A node of a cluster, and seldom the right one, for a user who may use these namespaces alone.
    pub(crate) const CLUSTER: Self = Self { make: on_cluster, is_remote: true };
    /// The primary that sentinels know, whose replicas confirm each change.
    pub(crate) const SENTINEL: Self = Self { make: by_sentinels, is_remote: true };

    /// Whether the machine has it.
    pub(crate) fn is_here(self) -> bool {
        (self.make)().is_some()
    }

    /// A home without variables.
    pub(crate) fn home(self) -> Home {
        (self.make)().expect("the engine is here")
    }

    /// How many random cases are tried: fewer where one takes long, but for `make test-redis`.
    pub(crate) fn cases(self) -> u32 {
        match (self.is_remote, are_groups_tested()) {
            (false, _) => 200,
            (true, true) => 30,
            (true, false) => 3,
        }
    }

    /// How often something is done that goes wrong once in a while: less where it takes long, but for
    /// `make test-redis`.
    pub(crate) fn times(self) -> usize {
        if self.is_remote && !are_groups_tested() { 500 } else { 10_000 }
    }
}

pub(crate) fn shm() -> Home {
    Home::Shm(crate::modeled::arena())
}

fn memory() -> Home {
    Manager::connect("memory:").unwrap().home().clone()
}

/// A manager of each engine that the machine has.
pub(crate) fn all_managers() -> Vec<Manager> {
    let mut all = Vec::from(managers());
    all.extend(Program::ALL.into_iter().filter_map(manager_on));
    all
}

fn on(program: Program) -> Option<Home> {
    manager_on(program).map(|manager| manager.home().clone())
}

/// A namespace of its own on a server, which this process has started.
pub(crate) fn manager_on(program: Program) -> Option<Manager> {
    static SERVERS: Mutex<Option<HashMap<&str, Option<Server>>>> = Mutex::new(None);
    let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    let name = if program == Program::Redis { "redis" } else { "valkey" };
    let server = servers.get_or_insert_default().entry(name).or_insert_with(|| program.start());
    let address = server.as_ref()?.address(&format!("n{}", NAMESPACES.fetch_add(1, Ordering::Relaxed)));
    sharevar_redis::register();
    Some(Manager::connect(&address).unwrap())
}

/// Whether the tests are those of `make test-redis`, which start groups of servers, too.
fn are_groups_tested() -> bool {
    std::env::var_os("SHAREVAR_TEST_SERVERS").is_some()
}

static NAMESPACES: AtomicU64 = AtomicU64::new(0);

fn on_cluster() -> Option<Home> {
    static CLUSTER: Mutex<Option<Cluster>> = Mutex::new(None);
    if !are_groups_tested() {
        return None;
    }
    sharevar_redis::register();
    let mut cluster = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    let cluster = cluster.get_or_insert_with(|| {
        let started = Cluster::start(Program::Valkey, &[]).expect("there is a server");
        started.nodes.iter().for_each(|node| node.let_in("n"));
        started
    });
    let number = NAMESPACES.fetch_add(1, Ordering::Relaxed);
    let node = number as usize % cluster.nodes.len();
    let address = cluster.address(&[node], "app:secret@", &format!("n{number}"));
    Some(Manager::connect(&address).unwrap().home().clone())
}

fn by_sentinels() -> Option<Home> {
    static SERVICE: Mutex<Option<Service>> = Mutex::new(None);
    if !are_groups_tested() {
        return None;
    }
    sharevar_redis::register();
    let mut service = SERVICE.lock().unwrap_or_else(PoisonError::into_inner);
    let service =
        service.get_or_insert_with(|| Service::start(Program::Redis, &[]).expect("there is a server"));
    let namespace = format!("n{}", NAMESPACES.fetch_add(1, Ordering::Relaxed));
    let address = format!("{}&durability=replicated", service.address(&namespace));
    Some(Manager::connect(&address).unwrap().home().clone())
}

/// Makes a test of each function for each engine.
macro_rules! conform {
    ($(fn $name:ident($engine:ident) $body:block)*) => {
        $(fn $name($engine: crate::engines::Engine) $body)*
        crate::engines::conform!(shm, SHM, $($name)*);
        crate::engines::conform!(memory, MEMORY, $($name)*);
        crate::engines::conform!(redis, REDIS, $($name)*);
        crate::engines::conform!(valkey, VALKEY, $($name)*);
        crate::engines::conform!(cluster, CLUSTER, $($name)*);
        crate::engines::conform!(sentinel, SENTINEL, $($name)*);
    };
    ($module:ident, $engine:ident, $($name:ident)*) => {
        mod $module {
            use crate::engines::Engine;
            $(
                #[test]
                fn $name() {
                    if Engine::$engine.is_here() {
                        super::$name(Engine::$engine);
                    }
                }
            )*
        }
    };
}

pub(crate) use conform;

/// The stamp of one change before, in the same history.
pub(crate) fn earlier(now: Stamp) -> Stamp {
    Stamp::new(now.to_bits().wrapping_sub(1))
}
