//! Requests that come to the server after their sender has given up.

use sharevar::engine::{Backed, Make, Monitor};
use sharevar::shm::RawMonitor;
use sharevar::{Kind, Manager};
use sharevar_redis::testing::{Program, Proxy, Server, await_that};
use std::thread;

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

/// Takes a lock, if it is free, and gives it back. Returns whether it was free.
type Take = Box<dyn Fn() -> sharevar::Result<bool> + Send + Sync>;

/// Two locks of a kind, each as another client has it, and as the one that gives up.
type Locks = [[Take; 2]; 2];

fn monitors(other: &Manager, late: &Manager) -> Locks {
    [(); 2].map(|()| {
        let made = other.home().create(&Make::Monitor).unwrap();
        let same = late.home().open(made.id()).unwrap();
        [made, same].map(|handle| {
            let monitor = open(handle);
            Box::new(move || {
                let is_free = monitor.any().try_enter()?.is_some();
                if is_free {
                    monitor.any().leave(&[], &[])?;
                }
                Ok(is_free)
            }) as Take
        })
    })
}

fn locks(other: &Manager, late: &Manager) -> Locks {
    ["first", "second"].map(|name| {
        [other, late].map(|manager| {
            let lock = manager.named(name).lock().unwrap();
            Box::new(move || lock.try_lock().map(|hold| hold.is_some())) as Take
        })
    })
}

fn locks_for_writing(other: &Manager, late: &Manager) -> Locks {
    ["third", "fourth"].map(|name| {
        [other, late].map(|manager| {
            let lock = manager.named(name).rwlock().unwrap();
            Box::new(move || lock.try_write().map(|hold| hold.is_some())) as Take
        })
    })
}

fn locks_for_reading(other: &Manager, late: &Manager) -> Locks {
    ["fifth", "sixth"].map(|name| {
        let [same, mine] = [other, late].map(|manager| manager.named(name).rwlock().unwrap());
        // A reader would keep a writer out.
        [
            Box::new(move || same.try_write().map(|hold| hold.is_some())) as Take,
            Box::new(move || mine.try_read().map(|hold| hold.is_some())),
        ]
    })
}

/// Otherwise the lock would be taken for as long as the sender lives, with no thread that knows. Of two that give up at
/// the same time, each by a lane of its own, the next requests use one lane, so that no number refuses the request that
/// comes late by the other.
fn late_requests_take_nothing(kind: fn(&Manager, &Manager) -> Locks) {
    sharevar_redis::register();
    for server in Program::tested().filter_map(Program::start) {
        // Nothing is sent by itself but what a thread has left undone.
        let options = "&lease=1000&timeout=3";
        let other = Manager::connect(&format!("{}{options}", server.address("shop"))).unwrap();
        let proxy = Proxy::to(server.port());
        let late = Manager::connect(&format!("{}{options}", proxy.address("shop"))).unwrap();
        let locks = kind(&other, &late);
        // The server knows the scripts from now on.
        assert!(locks.iter().flatten().all(|take| take().unwrap()));
        // A key that requests of locks and monitors have.
        proxy.count_only(":w\r");
        // The requests to begin, however often they are repeated, and not those that follow them.
        let (detained, before) = (proxy.detain_requests("never"), proxy.answered());
        thread::scope(|scope| {
            for [_, mine] in &locks {
                scope.spawn(|| assert_eq!(mine().unwrap_err().happened(), None));
            }
        });
        await_that("the ends of what was left undone", || proxy.answered() > before + 1);
        let (before, late) = (server.scripts(), detained.count());
        assert!(late > 1, "both have sent theirs");
        drop(detained);
        await_that("the late requests", || server.scripts() >= before + late);
        assert!(locks.iter().all(|[same, _]| same().unwrap()), "a late request has taken it");
    }
}

#[test]
fn a_request_to_enter_a_monitor_admits_no_thread_that_has_given_up() {
    late_requests_take_nothing(monitors);
}

#[test]
fn a_request_for_a_lock_takes_it_for_no_thread_that_has_given_up() {
    late_requests_take_nothing(locks);
}

#[test]
fn a_request_to_write_takes_a_lock_for_no_thread_that_has_given_up() {
    late_requests_take_nothing(locks_for_writing);
}

#[test]
fn a_request_to_read_takes_a_lock_for_no_thread_that_has_given_up() {
    late_requests_take_nothing(locks_for_reading);
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
