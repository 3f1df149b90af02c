//! Handles that are given up, many at once.

use sharevar::engine::Home;
use sharevar::{Dict, List, Manager};
use sharevar_redis::testing::Program;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(50);
/// So many handles come with one message.
const MANY: usize = 200;
const THREADS: usize = 6;
const RENEWALS: u32 = 2;

#[test]
fn a_flood_of_released_handles_keeps_no_lease_from_being_renewed() {
    sharevar_redis::register();
    for server in Program::tested().filter_map(Program::start) {
        let other = Manager::connect(&server.address("shop")).unwrap();
        let before = server.client_names("shop");
        // It is renewed with the handles, or not at all while this test runs.
        let manager = Manager::connect(&format!("{}&lease=1000", server.address("shop"))).unwrap();
        let client = server.client_names("shop").into_iter().find(|name| !before.contains(name)).unwrap();
        let list: List<Dict<u8, u8>> = manager.list().unwrap();
        list.extend((0..MANY).map(|_| manager.dict().unwrap())).unwrap();
        let is_over = AtomicBool::new(false);
        // While one request that gives handles up is under way, each thread gets and drops more of them.
        let flood = || {
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(list.to_vec().unwrap().len(), MANY, "a variable that a list has is there");
            }
        };
        std::thread::scope(|scope| {
            (0..THREADS).for_each(|_| _ = scope.spawn(flood));
            let (mut renewals, mut last) = (0, server.lease_end("shop", &client));
            let until = Instant::now() + PATIENCE;
            while renewals < RENEWALS && Instant::now() < until {
                let end = server.lease_end("shop", &client);
                renewals += u32::from(end != last);
                last = end;
                std::thread::sleep(Duration::from_millis(10));
            }
            is_over.store(true, Ordering::Relaxed);
            assert_eq!(renewals, RENEWALS, "the lease is not renewed");
        });
        // Each handle was given up once: all variables go with the list that has them.
        drop(list);
        let Home::Other(engine) = other.home() else { panic!("it is on a server") };
        let until = Instant::now() + PATIENCE;
        while engine.count().unwrap() > 0 {
            assert!(Instant::now() < until, "{} variables stay", engine.count().unwrap());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
