//! Several clients of one server, and what befalls them: in the engine for tests as it is told to, on a real
//! server by a proxy that stands between.

use sharevar::Manager;
use sharevar::testing::{FakeClient, FakeServer, Fault};
use sharevar_redis::testing::{self, Program, Proxy, await_that};
use std::cell::RefCell;

/// A namespace with any number of clients.
pub(crate) trait Server {
    /// A client that nothing befalls.
    fn client(&self) -> Manager;

    /// A client to which things happen.
    fn doomed(&self) -> Box<dyn Doomed + '_>;
}

/// A client to which things happen. Each method returns when it has happened.
pub(crate) trait Doomed {
    fn manager(&self) -> &Manager;

    /// Its lease ends as if it were paused, and it goes on.
    fn expire(&self);

    /// It dies, and its lease ends.
    fn kill(&self);

    /// The reply to its next request is lost, and asked for again.
    fn lose_next_reply(&self);

    /// How many replies were lost; `None` where one that is to be lost always is.
    fn lost(&self) -> Option<u64>;

    /// From now on no reply arrives, or all do.
    fn lose_replies(&self, are_lost: bool);

    /// From now on no request arrives, or all do.
    fn cut(&self, is_cut: bool);
}

/// The engine for tests.
#[allow(clippy::unnecessary_wraps)] // A machine may not have the others.
pub(crate) fn in_memory() -> Option<Box<dyn Server>> {
    Some(Box::new(FakeServer::new()))
}

impl Server for FakeServer {
    fn client(&self) -> Manager {
        self.client().unwrap().manager().clone()
    }

    fn doomed(&self) -> Box<dyn Doomed + '_> {
        Box::new(DoomedInMemory { server: self, client: self.client().unwrap() })
    }
}

struct DoomedInMemory<'a> {
    server: &'a FakeServer,
    client: FakeClient,
}

impl DoomedInMemory<'_> {
    fn set(&self, fault: Fault, is_set: bool) {
        if is_set { self.client.fail(fault) } else { self.client.recover() }
    }
}

impl Doomed for DoomedInMemory<'_> {
    fn manager(&self) -> &Manager {
        self.client.manager()
    }

    fn expire(&self) {
        self.client.expire();
    }

    fn kill(&self) {
        self.client.clone().kill();
        self.server.advance(FakeServer::LEASE);
    }

    fn lose_next_reply(&self) {
        self.client.fail_after(0, Fault::ReplyLostOnce);
    }

    fn lost(&self) -> Option<u64> {
        None
    }

    fn lose_replies(&self, are_lost: bool) {
        self.set(Fault::ReplyLost, are_lost);
    }

    fn cut(&self, is_cut: bool) {
        self.set(Fault::Unreachable, is_cut);
    }
}

/// A server in a process of its own.
struct RealServer {
    /// Sees soon that a lease has ended, and frees what that client had. It ends before the server, which it tells.
    _keeper: Manager,
    server: testing::Server,
}

pub(crate) fn on_redis() -> Option<Box<dyn Server>> {
    on(Program::Redis)
}

pub(crate) fn on_valkey() -> Option<Box<dyn Server>> {
    on(Program::Valkey)
}

fn on(program: Program) -> Option<Box<dyn Server>> {
    sharevar_redis::register();
    let server = program.start()?;
    let keeper = Manager::connect(&format!("{}&lease=1", server.address(NAMESPACE))).unwrap();
    Some(Box::new(RealServer { server, _keeper: keeper }))
}

const NAMESPACE: &str = "shop";

impl Server for RealServer {
    fn client(&self) -> Manager {
        Manager::connect(&self.server.address(NAMESPACE)).unwrap()
    }

    fn doomed(&self) -> Box<dyn Doomed + '_> {
        let proxy = Proxy::to(self.server.port());
        let others = self.server.client_names(NAMESPACE);
        // Nothing is sent by itself while a test counts answers, and no lease ends but as the test says.
        let address = format!("{}&lease=1000&timeout=2", proxy.address(NAMESPACE));
        let manager = Manager::connect(&address).unwrap();
        let name = RefCell::new(self.server.newest_client(NAMESPACE, &others));
        Box::new(DoomedByProxy { server: &self.server, manager, proxy, others, name })
    }
}

struct DoomedByProxy<'a> {
    server: &'a testing::Server,
    manager: Manager,
    proxy: Proxy,
    /// The clients that were there before it.
    others: Vec<String>,
    /// The name by which the server knows it, which is another one some time after its lease has ended.
    name: RefCell<String>,
}

impl Drop for DoomedByProxy<'_> {
    fn drop(&mut self) {
        // The client, which ends now, would try to tell the server for as long as it may.
        self.proxy.cut(false);
        self.proxy.lose_all_answers(false);
    }
}

impl Doomed for DoomedByProxy<'_> {
    fn manager(&self) -> &Manager {
        &self.manager
    }

    fn expire(&self) {
        self.kill();
        self.proxy.cut(false);
        await_that("another connection", || self.manager.names().is_ok());
    }

    fn kill(&self) {
        self.proxy.cut(true);
        let mut name = self.name.borrow_mut();
        if !self.server.client_names(NAMESPACE).contains(&name) {
            *name = self.server.newest_client(NAMESPACE, &self.others);
        }
        await_that("the end of the lease", || {
            // Again: a renewal may have been on its way.
            self.server.end_lease(NAMESPACE, &name);
            !self.server.client_names(NAMESPACE).contains(&name)
        });
    }

    fn lose_next_reply(&self) {
        self.proxy.lose_next_answer();
    }

    fn lost(&self) -> Option<u64> {
        Some(self.proxy.lost())
    }

    fn lose_replies(&self, are_lost: bool) {
        self.proxy.lose_all_answers(are_lost);
    }

    fn cut(&self, is_cut: bool) {
        self.proxy.cut(is_cut);
    }
}

/// Makes a test of each function for each engine whose clients have leases.
macro_rules! conform_with_leases {
    ($(fn $name:ident($server:ident) $body:block)*) => {
        $(fn $name($server: &dyn crate::clients::Server) $body)*
        crate::clients::conform_with_leases!(memory, in_memory, $($name)*);
        crate::clients::conform_with_leases!(redis, on_redis, $($name)*);
        crate::clients::conform_with_leases!(valkey, on_valkey, $($name)*);
    };
    ($module:ident, $start:ident, $($name:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $name() {
                    if let Some(server) = crate::clients::$start() {
                        super::$name(&*server);
                    }
                }
            )*
        }
    };
}

pub(crate) use conform_with_leases;
