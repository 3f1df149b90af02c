//! Beside others who need the processors.

mod rooms;

use rooms::{echo_at, unix};
use sharevar_transport::{Connection, Settings};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Processes that never sleep, one more than there are processors.
struct Crowd(Vec<Child>);

impl Crowd {
    fn gather() -> Self {
        let processors = std::thread::available_parallelism().unwrap().get();
        let busy = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..=processors).map(|_| busy()).collect())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whoever waits must not give away to them what it takes to notice an answer: a bare socket, of
/// which both ends sleep, is the measure.
#[test]
fn an_answer_takes_no_longer_than_by_a_socket_that_sleeps() {
    const ROUNDS: usize = 400;
    let room = unix();
    let settings = Settings::default();
    let server = echo_at(&room.address, &settings);
    let mut connection = Connection::open(&room.address, &settings).unwrap();
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 36];
        while theirs.read_exact(&mut buffer).is_ok() && theirs.write_all(&buffer).is_ok() {}
    });
    let crowd = Crowd::gather();
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
    drop(crowd);
    server.stop();
    calls.sort_unstable();
    bare.sort_unstable();
    let (call, bare) = (calls[ROUNDS / 2], bare[ROUNDS / 2]);
    assert!(call < 5 * bare, "an answer takes {call:?}, and by a bare socket {bare:?}");
}

fn time(what: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    what();
    begin.elapsed()
}
