//! Messages through shared memory: a sleeping side is woken, and no message is lost or doubled.

mod support;

use sharevar_transport::{Caller, Client, Served, Server, Service, Settings};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use support::{echo_at, socket_path};

/// Serializes the tests: one of them counts mappings of the process, which `cargo test` shares.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Replies with the request after the pause that its first byte names. Its second byte says whether
/// there is a reply.
struct Slow;

impl Service for Slow {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        pause(request[0]);
        if request[1] == 1 {
            return Served::NoReply;
        }
        reply.extend_from_slice(request);
        Served::Reply
    }
}

/// No pause, pauses that end while the other side still spins, and some that end about when it
/// stops.
fn pause(kind: u8) {
    let time = Duration::from_micros([0, 1, 5, 20, 45, 50, 55, 60, 200, 12_000][usize::from(kind % 10)]);
    let begin = Instant::now();
    while begin.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn a_side_that_has_stopped_spinning_is_woken() {
    let _alone = alone();
    let socket = socket_path();
    let server = Server::bind(&socket.address, &Settings::default(), Slow).unwrap();
    server.start().unwrap();
    std::thread::scope(|scope| {
        for number in 0..3_u64 {
            let client = Client::new(socket.address.clone(), Settings::default());
            scope.spawn(move || {
                let mut connection = client.connection().unwrap();
                let mut random = number + 1;
                for round in 0..4000_u64 {
                    // A linear congruential generator: the same pauses every time.
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let choice = random.to_be_bytes();
                    // The longest pauses are rare.
                    pause(choice[0] % if round % 50 == 0 { 10 } else { 9 });
                    let length = [8, 100, 8191, 8192, 8193, 40_000][usize::from(choice[1] % 6)];
                    let mut request = vec![choice[2]; length];
                    request[0] = choice[3] % 9;
                    request[1] = u8::from(choice[4] < 30);
                    request[2..8].copy_from_slice(&round.to_be_bytes()[2..]);
                    connection.send(&request, None).unwrap();
                    if request[1] == 0 {
                        let until = Instant::now() + Duration::from_secs(30);
                        assert!(connection.receive(Some(until)).unwrap() == request, "round {round}");
                        connection.consume();
                    }
                }
            });
        }
    });
    server.stop();
}

#[test]
fn a_connection_has_one_mailbox_after_some_requests() {
    let _alone = alone();
    let socket = socket_path();
    let server = echo_at(&socket.address, &Settings::default());
    let client = Client::new(socket.address.clone(), Settings::default());
    let mut connection = client.connection().unwrap();
    let maps = || std::fs::read_to_string("/proc/self/maps").unwrap().matches("sharevar-pages").count();
    let before = maps();
    for round in 0..100_u8 {
        connection.send(&[round], None).unwrap();
        assert_eq!(connection.receive(None).unwrap(), [round]);
        connection.consume();
    }
    // Both ends are in this process.
    assert_eq!(maps() - before, 2);
    drop(connection);
    client.close();
    while server.connections() > 0 {
        std::thread::yield_now();
    }
    assert_eq!(maps(), before);
    server.stop();
}
