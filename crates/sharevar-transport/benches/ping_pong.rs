//! What a message and its answer cost, by this transport and by bare sockets.
//!
//! `cargo bench -p sharevar-transport`
#![allow(clippy::print_stdout)]

use sharevar_transport::{Address, Caller, Client, Served, Server, Service, Settings};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

struct Echo;

impl Service for Echo {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(request);
        Served::Reply
    }
}

const ROUNDS: usize = 20_000;

fn main() {
    let path = std::env::temp_dir().join(format!("sharevar-ping-pong-{}", std::process::id()));
    let server = Server::bind(&Address::Unix(path), &Settings::default(), Echo).expect("a free address");
    server.start().expect("a thread");
    let client = Client::new(server.address().clone(), Settings::default());
    let mut connection = client.connection().expect("a connection");
    let (mut ours, mut theirs) = UnixStream::pair().expect("a pair");
    std::thread::spawn(move || {
        let mut buffer = [0; 36];
        while theirs.read_exact(&mut buffer).is_ok() && theirs.write_all(&buffer).is_ok() {}
    });
    let (mut spun, mut their_spun) = UnixStream::pair().expect("a pair");
    spun.set_nonblocking(true).expect("a socket");
    their_spun.set_nonblocking(true).expect("a socket");
    std::thread::spawn(move || while spin(&mut their_spun) && their_spun.write_all(&[0; 36]).is_ok() {});
    let mut transport = || {
        connection.send(&[1; 32], None).expect("sent");
        assert_eq!(connection.receive(None).expect("an answer").len(), 32);
        connection.consume();
    };
    let mut bare = || {
        ours.write_all(&[1; 36]).expect("sent");
        ours.read_exact(&mut [0; 36]).expect("an answer");
    };
    let mut spinning = || {
        spun.write_all(&[1; 36]).expect("sent");
        assert!(spin(&mut spun));
    };
    println!("a message of 32 bytes and its answer, threads of one process, ns (median of rounds)");
    let pauses =
        [("awake", Duration::ZERO, ROUNDS), ("after 20 ms of sleep", Duration::from_millis(20), 100)];
    for (state, pause, rounds) in pauses {
        println!(
            "{state:>24}: transport {:>7}, bare socket {:>7}, bare socket that spins {:>7}",
            measure(rounds, pause, &mut transport),
            measure(rounds, pause, &mut bare),
            measure(rounds, pause, &mut spinning),
        );
    }
    server.stop();
}

fn spin(stream: &mut UnixStream) -> bool {
    loop {
        match stream.read(&mut [0; 36]) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(_) => std::thread::yield_now(),
        }
    }
}

fn measure(rounds: usize, pause: Duration, round: &mut impl FnMut()) -> u128 {
    let mut times: Vec<_> = (0..rounds)
        .map(|_| {
            std::thread::sleep(pause);
            let begin = Instant::now();
            round();
            begin.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    times[rounds / 2]
}
