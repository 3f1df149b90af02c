//! Changes that replicas confirm, and failovers.

use sharevar::engine::{Backed, Failure, Make, Monitor};
use sharevar::shm::RawMonitor;
use sharevar::{Dict, Error, Kind, Manager};
use sharevar_redis::testing::{Program, Proxy, Server, Service, await_that};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A primary with two replicas, of each program that is tested.
fn groups() -> Vec<Vec<Server>> {
    sharevar_redis::register();
    let start = |program: Program| {
        let nodes = (0..3).map(|_| program.start()).collect::<Option<Vec<_>>>()?;
        for replica in &nodes[1..] {
            replica.follow(&nodes[0]);
        }
        Some(nodes)
    };
    Program::tested().filter_map(start).collect()
}

fn is_unconfirmed<T: std::fmt::Debug>(outcome: sharevar::Result<T>, happened: bool) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Engine(Failure::NotReplicated { .. })), "{error}");
    assert_eq!(error.happened(), Some(happened), "{error}");
    assert!(error.to_string().contains("1 of 2 replicas"), "{error}");
}

#[test]
fn a_change_says_whether_all_replicas_have_it() {
    for nodes in groups() {
        let connect = |options: &str| {
            let address = nodes[0].tcp_address("shop");
            Manager::connect(&format!("{address}&replicas=2{options}")).unwrap()
        };
        // What is confirmed may take its time; what is not is waited for.
        let patient = connect("&durability=replicated&timeout=30");
        let all = connect("&durability=replicated&timeout=3");
        let (usual, fast) = (connect("&timeout=3"), connect("&durability=fast&timeout=3"));
        let of = |manager: &Manager| {
            let dict: Dict<u8, u8> = manager.named("dict").dict().unwrap();
            let queue = manager.named("queue").queue::<Vec<u8>>().unwrap();
            let ranked = manager.named("ranked").priority_queue::<i64>().unwrap();
            let lock = manager.named("lock").lock().unwrap();
            let permits = manager.named("permits").semaphore(2).unwrap();
            let shared = manager.named("shared").rwlock().unwrap();
            (dict, queue, ranked, lock, permits, shared)
        };
        let sure = of(&patient);
        patient.named("barrier").barrier(2).unwrap();
        let (dict, queue, ranked, lock, permits, shared) = of(&all);
        let barrier = all.named("barrier").barrier(2).unwrap();
        let told = sharevar_redis::inspect(&nodes[0].tcp_address("shop")).unwrap();
        let (_, role) = told.into_iter().find(|(subject, _)| *subject == "role").unwrap();
        assert!(role.unwrap().contains("say replicas=2"));
        for item in [1, 2] {
            sure.1.put(&vec![item]).unwrap();
        }
        for rank in [3, 1, 2] {
            sure.2.put(&rank).unwrap();
        }
        sure.0.insert(&1, &1).unwrap();
        drop(sure.3.lock().unwrap());

        let paused = nodes[1].pause();
        is_unconfirmed(dict.insert(&2, &2), true);
        assert_eq!(dict.get(&2).unwrap(), Some(2), "a read waits for none, and shows it");
        is_unconfirmed(queue.put(&vec![3]), true);
        is_unconfirmed(all.value(1).map(drop), false);
        // Something that is taken is put back: otherwise nobody had it.
        is_unconfirmed(queue.try_get(), false);
        is_unconfirmed(ranked.try_get(), false);
        assert_eq!((queue.len().unwrap(), ranked.len().unwrap()), (3, 3));
        is_unconfirmed(lock.try_lock().map(|taken| taken.is_some()), false);
        is_unconfirmed(permits.try_acquire().map(|taken| taken.is_some()), false);
        is_unconfirmed(shared.try_write().map(|taken| taken.is_some()), false);
        is_unconfirmed(barrier.wait_timeout(Duration::from_secs(20)).map(drop), false);
        assert_eq!((barrier.waiting().unwrap(), barrier.is_broken().unwrap()), (0, false));
        assert!(!lock.is_locked().unwrap());
        assert_eq!(permits.available_permits().unwrap(), 2);
        // Without being told so, locks alone wait.
        let same: Dict<u8, u8> = usual.named("dict").dict().unwrap();
        same.insert(&3, &3).unwrap();
        let same = usual.named("lock").lock().unwrap();
        is_unconfirmed(same.try_lock().map(|taken| taken.is_some()), false);
        let same = fast.named("lock").lock().unwrap();
        drop(same.try_lock().unwrap().expect("it is free"));

        drop(paused);
        let (dict, queue, ranked, lock, permits, shared) = sure;
        dict.insert(&4, &4).unwrap();
        assert_eq!(queue.try_get().unwrap(), Some(vec![1]), "it stands where it stood");
        assert_eq!((1..=3).map(|_| ranked.get().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
        drop(lock.lock().unwrap());
        drop(permits.acquire().unwrap());
        drop(shared.write().unwrap());
    }
}

/// What a writer left that died is told to the next one that has the lock for sure.
#[test]
fn an_undone_hold_of_a_writer_tells_of_the_death_before_it_still() {
    for nodes in groups() {
        let proxy = Proxy::to(nodes[0].port());
        let dies = Manager::connect(&format!("{}&lease=1", proxy.address("shop"))).unwrap();
        std::mem::forget(dies.named("shared").rwlock().unwrap().write().unwrap());
        proxy.cut(true);
        let address = format!("{}&replicas=2&durability=replicated", nodes[0].tcp_address("shop"));
        let patient = Manager::connect(&format!("{address}&timeout=30")).unwrap();
        let hasty = Manager::connect(&format!("{address}&timeout=3")).unwrap();
        let sure = patient.named("shared").rwlock().unwrap();
        drop(sure.read().unwrap());
        let shared = hasty.named("shared").rwlock().unwrap();
        let paused = nodes[1].pause();
        is_unconfirmed(shared.try_write().map(|taken| taken.is_some()), false);
        drop(paused);
        assert!(sure.write().unwrap().owner_died());
        assert!(!sure.write().unwrap().owner_died(), "the one before has put it right");
    }
}

/// The wait of another connection is not one for the change, which that one did not make.
#[test]
fn a_request_that_is_asked_for_again_is_confirmed_as_the_first_time() {
    for nodes in groups() {
        let proxy = Proxy::to(nodes[0].port());
        let address = format!("{}&timeout=2&durability=replicated&replicas=2", proxy.address("shop"));
        let manager = Manager::connect(&address).unwrap();
        let dict: Dict<u8, i64> = manager.named("dict").dict().unwrap();
        dict.increment(&0, 1).unwrap();
        let paused = nodes[1].pause();
        proxy.lose_next_answer();
        is_unconfirmed(dict.increment(&0, 1), true);
        assert_eq!(proxy.lost(), 1);
        drop(paused);
        proxy.lose_next_answer();
        assert_eq!(dict.increment(&0, 1).unwrap(), 3, "each was applied once");
    }
}

#[test]
fn a_level_that_a_server_lacks_is_refused() {
    sharevar_redis::register();
    for program in Program::ALL {
        let Some(server) = program.start() else { continue };
        let refused = |options: &str| match Manager::connect(&format!("{}{options}", server.address("shop")))
        {
            Err(Error::Engine(Failure::Refused { cause, .. })) => cause,
            other => panic!("{other:?}"),
        };
        assert!(refused("&durability=replicated").contains("replicas=2"));
        assert!(refused("&durability=disk").contains("appendonly"));
        let always = ["--appendonly", "yes", "--appendfsync", "always"];
        let server = program.start_with(&always).unwrap();
        let manager = Manager::connect(&format!("{}&durability=disk", server.address("shop"))).unwrap();
        manager.named("count").value(1).unwrap().set(&2).unwrap();
        let Some(server) = program.start_with(&["--appendonly", "yes"]) else { continue };
        let slower = Manager::connect(&format!("{}&durability=disk", server.address("shop")));
        // It never says that anything is on its disk.
        let never = program.start_with(&["--appendonly", "yes", "--appendfsync", "no"]).unwrap();
        let never = format!("{}&durability=disk&timeout=1", never.address("shop"));
        match (program, Manager::connect(&never)) {
            (Program::Valkey, Ok(manager)) => {
                let error = manager.named("count").value(1).map(drop).unwrap_err();
                assert!(error.to_string().contains("not on the server's disk"), "{error}");
            }
            (Program::Redis, Err(Error::Engine(Failure::Refused { .. }))) => {}
            (_, other) => panic!("{other:?}"),
        }
        match (program, slower) {
            (Program::Valkey, Ok(manager)) => manager.named("count").value(1).unwrap().set(&2).unwrap(),
            (Program::Redis, Err(Error::Engine(Failure::Refused { cause, .. }))) => {
                assert!(cause.contains("Valkey") && cause.contains("appendfsync always"), "{cause}");
            }
            (_, other) => panic!("{other:?}"),
        }
    }
}

/// A primary is killed while programs work: they find the next one, and what was acknowledged is there.
#[test]
fn a_failover_loses_nothing_that_was_acknowledged() {
    sharevar_redis::register();
    let Some(mut service) = Program::tested().find_map(|program| Service::start(program, &[])) else {
        return;
    };
    let address = format!("{}&timeout=50", service.address("shop"));
    let manager = Manager::connect(&format!("{address}&durability=replicated")).unwrap();
    let keys: Dict<u64, u64> = manager.named("keys").dict().unwrap();
    let sum = manager.named("sum").value(0_i64).unwrap();
    let lock = manager.named("lock").lock().unwrap();
    let mut last_token = 0;
    let mut hold = |lock: &sharevar::Lock| {
        let guard = lock.lock().unwrap();
        let token = lock.token().unwrap().unwrap();
        assert!(token > last_token, "tokens rise");
        last_token = token;
        drop(guard);
    };
    hold(&lock);
    let (is_over, written) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (acknowledged, happened) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let (mut acknowledged, mut happened, mut key) = (Vec::new(), 0, 0);
            while !is_over.load(Ordering::Relaxed) {
                key += 1;
                match keys.insert(&key, &key) {
                    Ok(()) => {
                        acknowledged.push(key);
                        written.store(acknowledged.len(), Ordering::Relaxed);
                    }
                    Err(error) => assert_eq!(error.happened(), Some(true), "{error}"),
                }
                match sum.fetch_add(1) {
                    Ok(_) => happened += 1,
                    Err(error) => {
                        assert_eq!(error.happened(), Some(true), "{error}");
                        happened += 1;
                    }
                }
            }
            (acknowledged, happened)
        });
        let await_writes = |count| {
            let until = Instant::now() + Duration::from_secs(50);
            while written.load(Ordering::Relaxed) < count {
                assert!(Instant::now() < until, "nothing is acknowledged");
                std::thread::yield_now();
            }
        };
        await_writes(20);
        service.nodes[0].kill();
        let next = service.await_failover();
        // The one that is away may be promoted when it comes back, so that the service waits for it.
        service.nodes[0].restart();
        service.nodes[0].follow(&service.nodes[next]);
        let other = 3 - next;
        service.nodes[other].follow(&service.nodes[next]);
        await_writes(written.load(Ordering::Relaxed) + 20);
        is_over.store(true, Ordering::Relaxed);
        writer.join().unwrap()
    });
    let found: std::collections::HashSet<u64> = keys.keys().unwrap().into_iter().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|key| !found.contains(key)).collect();
    assert!(lost.is_empty(), "{lost:?} of {} were lost", acknowledged.len());
    assert_eq!(sum.get().unwrap(), happened, "each was applied once");
    hold(&lock);
}

/// A primary that is cut off takes itself for one still: its changes are lost, if it says so or not.
#[test]
fn a_primary_that_was_replaced_confirms_nothing() {
    sharevar_redis::register();
    let Some(service) = Program::tested().find_map(Service::start_behind_proxies) else { return };
    // They are on its machine, and know no other.
    let beside = |options: &str| {
        let address = service.nodes[0].address("shop");
        Manager::connect(&format!("{address}&replicas=2&timeout=2{options}")).unwrap()
    };
    let (usual, all) = (beside(""), beside("&durability=replicated"));
    let unsafe_dict: Dict<u8, u8> = usual.named("dict").dict().unwrap();
    let safe_dict: Dict<u8, u8> = all.named("dict").dict().unwrap();
    let lock = usual.named("lock").lock().unwrap();
    safe_dict.insert(&0, &0).unwrap();
    drop(lock.lock().unwrap());
    service.nodes[0].front().hold(true);
    let next = service.await_failover();
    unsafe_dict.insert(&1, &1).unwrap();
    let refused = safe_dict.insert(&2, &2);
    let not_taken = lock.try_lock().map(|taken| taken.is_some());
    service.nodes[0].front().hold(false);
    service.nodes[0].follow(&service.nodes[next]);
    assert_eq!(refused.unwrap_err().happened(), Some(true), "where it happened, no replica is");
    assert_eq!(not_taken.unwrap_err().happened(), Some(false), "the lock was given back");
    let manager = Manager::connect(&service.address("shop")).unwrap();
    let found: Dict<u8, u8> = manager.named("dict").dict().unwrap();
    assert_eq!(found.get(&0).unwrap(), Some(0));
    assert!(manager.named("lock").lock().unwrap().try_lock().unwrap().is_some());
    assert_eq!((found.get(&1).unwrap(), found.get(&2).unwrap()), (None, None), "fast has lost what it said");
}

/// Its client lives, so that no lease frees it.
#[test]
fn a_monitor_that_was_left_on_a_lost_primary_lets_others_in() {
    type AnyMonitor = Backed<RawMonitor, dyn Monitor>;
    sharevar_redis::register();
    let Some(mut service) = Program::tested().find_map(|program| Service::start(program, &[])) else {
        return;
    };
    let address = format!("{}&lease=60", service.address("shop"));
    let manager = Manager::connect(&format!("{address}&timeout=1")).unwrap();
    let made = manager.home().create(&Make::Monitor).unwrap();
    let monitor = AnyMonitor::open(made.clone(), Kind::Monitor).unwrap();
    monitor.any().try_enter().unwrap().expect("no thread is inside");
    let paused: Vec<_> = service.nodes[1..].iter().map(Server::pause).collect();
    // They would read requests that wait in their connections when they go on.
    let mut primary = service.nodes[0].connect();
    redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("REPLICA").exec(&mut primary).unwrap();
    let left = monitor.any().leave(&[], &[]).unwrap_err();
    assert!(matches!(left, Error::Engine(Failure::NotReplicated { .. })), "{left}");
    let before = service.nodes[0].scripts();
    await_that("its end is told more than once", || service.nodes[0].scripts() > before + 1);
    service.nodes[0].kill();
    drop(paused);
    service.await_failover();
    let other = Manager::connect(&format!("{address}&timeout=20")).unwrap();
    let same = AnyMonitor::open(other.home().open(made.id()).unwrap(), Kind::Monitor).unwrap();
    // It is another primary's first change, of which the replica that is gone confirms none.
    let entered = || match same.any().try_enter() {
        Ok(items) => items.is_some(),
        Err(error) => {
            assert!(matches!(error, Error::Engine(Failure::NotReplicated { .. })), "{error}");
            true
        }
    };
    await_that("others may enter", entered);
}
