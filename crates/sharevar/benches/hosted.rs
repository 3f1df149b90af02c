//! What a call of a hosted object costs, against bare frames of the same lengths over the same
//! transport, from one process to another in one run.
//!
//! `cargo bench -p sharevar --bench hosted`
//!
//! Instructions do not depend on the machine's load: run `<the binary> --serve`, and with the first
//! address that it prints `valgrind --tool=callgrind <the binary> --once 10000 <the address>`.

use sharevar::hosted::{Address, Client, Host, Outcome, Proxied, Settings, Stream};
use sharevar_transport::{Caller, Served, Server, Service};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Counter(i64);

#[sharevar::hosted]
impl Counter {
    pub fn add(&mut self, by: i64) -> i64 {
        self.0 += by;
        self.0
    }

    pub fn numbers(&self) -> Stream<i64> {
        Stream::new(self.0..)
    }

    pub fn add_length(&mut self, text: &str) -> i64 {
        self.add(text.len() as i64)
    }
}

/// Answers with as many bytes as the call of a counter is answered with.
struct Bare;

impl Service for Bare {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        reply.extend_from_slice(&request[..4]);
        Served::Reply
    }
}

const ROUNDS: usize = 15;
/// What a request of `add` is long.
const REQUEST: usize = 1 + 8 + 2 + 3 + 8;

/// The other process: both of the addresses, until its input ends.
fn serve() {
    let host = Host::new().add("counter", Counter::default()).start().expect("a host");
    let bare = std::env::temp_dir().join(format!("sharevar-bare-{}", std::process::id()));
    let bare = Server::bind(&Address::Unix(bare), &Settings::default(), Bare).expect("a free address");
    bare.start().expect("a thread");
    let mut output = std::io::stdout();
    writeln!(output, "{}\n{}", host.address(), bare.address()).expect("a parent");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Makes calls and nothing else, so that their instructions can be counted.
fn make_calls(calls: usize, address: &Address) {
    let client = Client::connect(address).expect("a host");
    let counter: CounterProxy = client.proxy("counter").expect("the counter");
    for _ in 0..calls {
        counter.add(1).expect("a result");
    }
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "--serve") {
        serve();
        return;
    }
    if let [_, once, calls, address, ..] = &arguments[..]
        && once == "--once"
    {
        make_calls(calls.parse().expect("a number"), &address.parse().expect("an address"));
        return;
    }
    let mut other = Command::new("/proc/self/exe")
        .arg("--serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("another process");
    let mut lines = BufReader::new(other.stdout.take().expect("its output")).lines();
    let mut address = || lines.next().expect("a line").expect("text").parse::<Address>().expect("an address");
    let counter: CounterProxy =
        Client::connect(&address()).and_then(|client| client.proxy("counter")).expect("the counter");
    let bare = sharevar_transport::Client::new(address(), Settings::default());
    let mut connection = bare.connection().expect("a connection");
    let text = "x".repeat(10_000);
    let mut exchange = |length: usize| {
        connection.send(&vec![1; length], None).expect("sent");
        assert_eq!(connection.receive(None).expect("an answer").len(), 4);
        connection.consume();
    };
    for (state, pause, turns) in [("awake", Duration::ZERO, 3000), ("asleep", Duration::from_millis(5), 20)] {
        let [mut bares, mut calls, mut long_bares, mut long_calls] = [const { Vec::new() }; 4];
        for _ in 0..ROUNDS {
            bares.push(measure(turns, pause, || exchange(REQUEST)));
            calls.push(measure(turns, pause, || assert!(counter.add(1).is_ok())));
            long_bares.push(measure(turns, pause, || exchange(10_000)));
            long_calls.push(measure(turns, pause, || assert!(counter.add_length(&text).is_ok())));
        }
        show(state, "a call with a number", &mut bares, &mut calls);
        show(state, "a call with 10 kB of text", &mut long_bares, &mut long_calls);
    }
    show_together(&counter);
    drop(other.stdin.take());
    other.wait().expect("its end");
}

/// What a call costs that travels with others, and an item of a stream: the medians of the rounds.
fn show_together(counter: &CounterProxy) {
    const CALLS: usize = 100;
    const ITEMS: usize = 100_000;
    let client = counter.as_proxy().client();
    let mut calls: Vec<_> = (0..ROUNDS)
        .map(|_| {
            measure(300, Duration::ZERO, || {
                let mut batch = client.batch();
                let outcomes: Vec<_> = (0..CALLS).map(|_| batch.on(counter).add(1)).collect();
                batch.send().expect("a host");
                assert!(outcomes.into_iter().map(Outcome::result).all(|given| given.is_ok()));
            })
        })
        .collect();
    let mut items: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            let items = counter.numbers().expect("a stream").take(ITEMS);
            assert!(items.into_iter().all(|item| item.is_ok()));
            begin.elapsed().as_nanos()
        })
        .collect();
    calls.sort_unstable();
    items.sort_unstable();
    eprintln!(
        "   awake, a call in a batch of {CALLS} {:>4} ns, an item of a stream {:>4} ns",
        calls[ROUNDS / 2] / CALLS as u128,
        items[ROUNDS / 2] / ITEMS as u128
    );
}

/// The median of so many turns, in nanoseconds.
fn measure(turns: usize, pause: Duration, mut turn: impl FnMut()) -> u128 {
    let mut times: Vec<_> = (0..turns)
        .map(|_| {
            std::thread::sleep(pause);
            let begin = Instant::now();
            turn();
            begin.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    times[turns / 2]
}

/// The median of the rounds, and the best, which the machine's other work has disturbed least.
fn show(state: &str, what: &str, bares: &mut [u128], calls: &mut [u128]) {
    bares.sort_unstable();
    calls.sort_unstable();
    let times = |call: u128, bare: u128| call as f64 / bare as f64;
    let (bare, call) = (bares[ROUNDS / 2], calls[ROUNDS / 2]);
    eprintln!(
        "{state:>8}, {what:<26} {call:>6} ns, bare {bare:>6} ns: {:.2} times; best {:>6} and {:>6}: {:.2} times",
        times(call, bare),
        calls[0],
        bares[0],
        times(calls[0], bares[0])
    );
}
