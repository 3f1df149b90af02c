//! Requests that come to the server after their sender has given up.

use sharevar::engine::{Backed, Make, Monitor};
use sharevar::shm::RawMonitor;
use sharevar::{Kind, Manager};
use sharevar_redis::testing::{Program, Proxy, Server, await_that};

type AnyMonitor = Backed<RawMonitor, dyn Monitor>;

fn open(handle: sharevar::Handle) -> AnyMonitor {
    AnyMonitor::open(handle, Kind::Monitor).unwrap()
}

/// Whether a client has a mark, by which the server knows an entrance that is over. Scripts are no sign of it:
/// each client renews its lease when it begins.
fn has_mark(server: &Server) -> bool {
    let mut connection = server.connect();
    let keys: Vec<String> = redis::cmd("KEYS").arg("sv:{shop}:*").query(&mut connection).unwrap();
    keys.iter().any(|key| {
        let fields: Vec<String> = redis::cmd("HKEYS").arg(key).query(&mut connection).unwrap_or_default();
        fields.iter().any(|field| field.starts_with('x') && field.contains('/'))
    })
}

/// It would lock the monitor for as long as its sender lives, with no thread inside.
#[test]
fn a_request_to_enter_a_monitor_admits_no_thread_that_has_given_up() {
    sharevar_redis::register();
    for server in Program::tested().filter_map(Program::start) {
        // Nothing is sent by itself but what a thread has left undone.
        let options = "&lease=1000&timeout=3";
        let other = Manager::connect(&format!("{}{options}", server.address("shop"))).unwrap();
        let made = other.home().create(&Make::Monitor).unwrap();
        let same = open(made.clone());
        let proxy = Proxy::to(server.port());
        proxy.count_only(format!(":{}:", made.id().number));
        let late = Manager::connect(&format!("{}{options}", proxy.address("shop"))).unwrap();
        let mine = open(late.home().open(made.id()).unwrap());
        // The server knows the scripts from now on.
        for monitor in [&same, &mine] {
            monitor.any().try_enter().unwrap().expect("no thread is inside");
            monitor.any().leave(&[], &[]).unwrap();
        }
        // The requests to enter, however often they are repeated, and not the one that follows them.
        let detained = proxy.detain_requests("never");
        assert_eq!(mine.any().try_enter().unwrap_err().happened(), None);
        await_that("the end of what was left undone", || has_mark(&server));
        let before = server.scripts();
        drop(detained);
        await_that("the late request", || server.scripts() > before);
        same.any().try_enter().unwrap().expect("no thread is inside");
        same.any().leave(&[], &[]).unwrap();
    }
}
