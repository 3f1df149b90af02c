//! Requests that come to the server after their sender has given up.

use sharevar::engine::{Backed, Make, Monitor};
use sharevar::shm::RawMonitor;
use sharevar::{Kind, Manager};
use sharevar_redis::testing::{Program, Proxy, Server, await_that};

type AnyMonitor = Backed<RawMonitor, dyn Monitor>;

fn open(handle: sharevar::Handle) -> AnyMonitor {
    AnyMonitor::open(handle, Kind::Monitor).unwrap()
}

/// The number of fields that the server has of all clients.
fn fields(server: &Server) -> usize {
    let mut connection = server.connect();
    let prefix = redis::cmd("KEYS").arg("sv:{shop}:*:clients").query::<Vec<String>>(&mut connection).unwrap();
    let prefix = prefix[0].strip_suffix("clients").unwrap();
    let count = |client: &String| {
        redis::cmd("HLEN").arg(format!("{prefix}{client}")).query::<usize>(&mut server.connect()).unwrap()
    };
    server.client_names("shop").iter().map(count).sum()
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
        let (detained, before) = (proxy.detain_requests("never"), proxy.answered());
        assert_eq!(mine.any().try_enter().unwrap_err().happened(), None);
        await_that("the end of what was left undone", || proxy.answered() > before);
        let before = server.scripts();
        drop(detained);
        await_that("the late request", || server.scripts() > before);
        same.any().try_enter().unwrap().expect("no thread is inside");
        same.any().leave(&[], &[]).unwrap();
    }
}

/// The memory that the server has for a client does not grow with the requests that were given up.
#[test]
fn nothing_is_left_of_requests_that_were_given_up() {
    sharevar_redis::register();
    for server in Program::tested().filter_map(Program::start) {
        let proxy = Proxy::to(server.port());
        let options = "&lease=1000";
        let client = Manager::connect(&format!("{}{options}&timeout=0.2", proxy.address("shop"))).unwrap();
        let other = Manager::connect(&format!("{}{options}", server.address("shop"))).unwrap();
        let [lock, same] = [&client, &other].map(|manager| manager.named("lock").lock().unwrap());
        let [rwlock, same_rwlock] =
            [&client, &other].map(|manager| manager.named("rwlock").rwlock().unwrap());
        let unanswered = |begin: &dyn Fn() -> sharevar::Result<bool>, is_free: &dyn Fn() -> bool| {
            await_that("a client that is connected", || begin().is_ok());
            proxy.lose_all_answers(true);
            assert_eq!(begin().unwrap_err().happened(), None);
            proxy.lose_all_answers(false);
            await_that("a lock that is free", is_free);
        };
        let give_up = || {
            unanswered(&|| lock.try_lock().map(|hold| hold.is_some()), &|| {
                same.try_lock().unwrap().is_some()
            });
            unanswered(&|| rwlock.try_write().map(|hold| hold.is_some()), &|| {
                same_rwlock.try_write().unwrap().is_some()
            });
        };
        // The lanes of the client, of which each has a field.
        (0..3).for_each(|_| give_up());
        let before = fields(&server);
        (0..4).for_each(|_| give_up());
        let grown = fields(&server).saturating_sub(before);
        assert!(grown < 4, "{grown} more fields after 8 requests");
    }
}
