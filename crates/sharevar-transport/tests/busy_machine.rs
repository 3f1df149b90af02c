//! Calls on a machine whose processors are all busy.

mod support;

use sharevar_transport::{Connection, Settings};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use support::{echo_at, socket_path};

/// Processes that never sleep, one more than there are processors.
struct BusyProcesses(Vec<Child>);

impl BusyProcesses {
    fn start() -> Self {
        let processors = std::thread::available_parallelism().unwrap().get();
        let busy = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..=processors).map(|_| busy()).collect())
    }
}

impl Drop for BusyProcesses {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A waiter that spins must not lose the processor to them for longer than a sleeping waiter does.
/// The measure is a bare socket, at which both ends sleep.
#[test]
fn a_reply_takes_no_longer_than_by_a_socket_that_sleeps() {
    const ROUNDS: usize = 400;
    let socket = socket_path();
    let settings = Settings::default();
    let server = echo_at(&socket.address, &settings);
    let mut connection = Connection::open(&socket.address, &settings).unwrap();
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 36];
        while theirs.read_exact(&mut buffer).is_ok() && theirs.write_all(&buffer).is_ok() {}
    });
    let busy_processes = BusyProcesses::start();
    let (mut calls, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        calls.push(time(|| {
            connection.send(&[1; 32], None).unwrap();
            connection.receive(None).unwrap();
            connection.consume();
        }));
        bare.push(time(|| {
            ours.write_all(&[1; 36]).unwrap();
            ours.read_exact(&mut [0; 36]).unwrap();
        }));
    }
    drop(busy_processes);
    server.stop();
    calls.sort_unstable();
    bare.sort_unstable();
    let (call, bare) = (calls[ROUNDS / 2], bare[ROUNDS / 2]);
    assert!(call < 5 * bare, "a reply takes {call:?}, and by a bare socket {bare:?}");
}

fn time(operation: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    operation();
    begin.elapsed()
}
