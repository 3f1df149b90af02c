//! Hosts and clients in processes of their own, some of which are killed.
//!
//! A child program is this very test binary, told by its environment which part to play.

mod support;

use sharevar::hosted::{Address, Callback, Caller, Client, Error, Host, Info, Outcome, Proxied, Stream};
use sharevar::process::CommandExt;
use sharevar::{Event, Manager, Value};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};
use support::forks::{fork, status_of};
use support::waiting::{until, until_some};

const PART: &str = "SHAREVAR_TEST_PART";
const PLACE: &str = "SHAREVAR_TEST_PLACE";

/// Things by name, kept in a host. What a test wants to see of it also stands in shared variables.
struct Stock {
    things: Vec<String>,
    begun: Value<i64>,
    go: Event,
}

#[sharevar::hosted]
impl Stock {
    pub fn new() -> Self {
        let manager = Manager::inherited().unwrap();
        let begun = manager.named("begun").value(0).unwrap();
        Self { things: Vec::new(), begun, go: manager.named("go").event().unwrap() }
    }

    pub fn push(&mut self, thing: &str) -> usize {
        self.things.push(thing.to_owned());
        self.things.len()
    }

    pub fn things(&self) -> &[String] {
        &self.things
    }

    /// Takes until it may go on.
    pub fn take_long(&self) -> i64 {
        let turn = self.begun.fetch_add(1).unwrap() + 1;
        self.go.wait().unwrap();
        turn
    }

    /// Takes as long as its caller lives, and counts when it begins and ends.
    pub fn take_a_life(&self, caller: Caller<'_>) -> i64 {
        self.count();
        while !caller.is_disconnected() {
            std::thread::yield_now();
        }
        self.count()
    }

    /// Has had its effect some time before it returns.
    pub fn toil(&self) -> i64 {
        let turn = self.count();
        (0..20_000).for_each(|_| std::hint::spin_loop());
        turn
    }

    pub fn count(&self) -> i64 {
        self.begun.fetch_add(1).unwrap() + 1
    }

    /// Numbers without end, until nobody wants them, which is counted.
    pub fn numbers(&self) -> Stream<i64> {
        struct Counts(Value<i64>);
        impl Drop for Counts {
            fn drop(&mut self) {
                self.0.fetch_add(1).unwrap();
            }
        }
        let counts = Counts(self.begun.clone());
        Stream::new((0..).inspect(move |_| {
            let _is_in_it = &counts;
        }))
    }
}

struct Bell(u32);

#[sharevar::hosted]
impl Bell {
    pub fn ring(&mut self) -> u32 {
        self.0 += 1;
        self.0
    }

    #[allow(clippy::needless_pass_by_value, clippy::unused_self)] // Its callers have both.
    pub fn ask(&mut self, who: Callback<(), u32>) -> Option<u32> {
        who.call(()).ok()
    }
}

/// What child programs do. As a test of its own it does nothing.
#[test]
fn plays_its_part() {
    let Ok(part) = std::env::var(PART) else { return };
    let address: Address = std::env::var(PLACE).unwrap().parse().unwrap();
    match part.as_str() {
        "host" => {
            more_descriptors();
            let host = Host::new().register::<Stock>().add("stock", Stock::new()).address(address).start();
            let host = host.unwrap();
            eprintln!("ready");
            host.wait();
        }
        "host that forks" => {
            let host = Host::new().register::<Stock>().add("stock", Stock::new()).address(address).start();
            let host = host.unwrap();
            // Connected when it forks, as those of others are.
            let stock: StockProxy = host.client().unwrap().proxy("stock").unwrap();
            eprintln!("ready");
            let begun = Manager::inherited().unwrap().named("begun").value(0).unwrap();
            until("the others", || begun.get() == Ok(1));
            outlive();
            stock.count().unwrap();
            host.wait();
        }
        "client that forks" => {
            let client = Client::connect(&address).unwrap();
            let _mine: Vec<_> = (0..3).map(|_| StockProxy::new(&client).unwrap()).collect();
            let stock: StockProxy = client.proxy("stock").unwrap();
            outlive();
            stock.take_a_life().unwrap();
        }
        "named host" => {
            let Address::Unix(name) = address else { panic!("no name") };
            let host = Host::new().add("stock", Stock::new()).name(name.to_str().unwrap()).start().unwrap();
            eprintln!("ready");
            host.wait();
        }
        "pushes" => {
            let stock: StockProxy = Client::connect(&address).unwrap().proxy("stock").unwrap();
            for number in 0..500 {
                stock.push(&format!("{} {number}", std::process::id())).unwrap();
            }
        }
        "named client" => {
            let Address::Unix(name) = address else { panic!("no name") };
            let stock: StockProxy = Client::named(name.to_str().unwrap()).unwrap().proxy("stock").unwrap();
            stock.push("from a stranger").unwrap();
        }
        "makes and waits" => {
            let client = Client::connect(&address).unwrap();
            let mine: Vec<_> = (0..3).map(|_| StockProxy::new(&client).unwrap()).collect();
            client.proxy::<StockProxy>("stock").unwrap().take_long().unwrap();
            drop(mine);
        }
        "waits for life" => {
            let stock: StockProxy = Client::connect(&address).unwrap().proxy("stock").unwrap();
            stock.take_a_life().unwrap();
        }
        "takes numbers" => {
            let stock: StockProxy = Client::connect(&address).unwrap().proxy("stock").unwrap();
            let (mut numbers, _other) = (stock.numbers().unwrap(), stock.numbers().unwrap());
            assert!(numbers.by_ref().take(3000).map(Result::unwrap).eq(0..3000));
            stock.take_long().unwrap();
        }
        other => panic!("no part {other:?}"),
    }
}

/// A place for a host, and the variables by which it is looked at.
struct Room {
    manager: Manager,
    place: PathBuf,
}

impl Room {
    fn new(test: &str) -> Self {
        let manager = Manager::builder().capacity(16 << 20).build().unwrap();
        let place = std::env::temp_dir().join(format!("sharevar-test-{}-{test}", std::process::id()));
        Self { manager, place }
    }

    fn child(&self, part: &str, place: &str) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--exact", "plays_its_part", "--nocapture"]).env(PART, part).env(PLACE, place);
        command.stdout(Stdio::null()).share(&self.manager).unwrap();
        command
    }

    fn address(&self) -> Address {
        Address::Unix(self.place.clone())
    }

    fn start(&self, part: &str) -> Child {
        self.child(part, &self.address().to_string()).spawn().unwrap()
    }

    fn host(&self) -> Process {
        ready(self.child("host", &self.address().to_string()))
    }

    fn client(&self) -> Client {
        Client::connect(&self.address()).unwrap()
    }

    fn begun(&self) -> Value<i64> {
        self.manager.named("begun").value(0).unwrap()
    }

    fn go(&self) -> Event {
        self.manager.named("go").event().unwrap()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // A host that ended in order has taken it away.
        let _ = std::fs::remove_file(&self.place);
    }
}

/// A child that is killed when the test ends, however it does.
struct Process(Child);

impl Process {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Stops it, and gives back once none of its threads runs.
    #[allow(unsafe_code)]
    fn stop(&self) {
        let (pid, mut status) = (self.0.id() as i32, 0);
        // SAFETY: a signal to a child that was not waited for, so that its number is still its own;
        // and `status` is a place for an int.
        unsafe {
            assert_eq!(libc::kill(pid, libc::SIGSTOP), 0);
            assert_eq!(libc::waitpid(pid, &raw mut status, libc::WUNTRACED), pid);
        }
        assert!(libc::WIFSTOPPED(status));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Forks a child that lives until the input of both ends, and then says so.
fn outlive() {
    fork(|| {
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        Manager::inherited().unwrap().named("go").event().unwrap().set().unwrap();
        true
    });
}

/// A host, once it says that it is one.
fn ready(mut command: Command) -> Process {
    ready_by(&mut command)
}

fn ready_by(command: &mut Command) -> Process {
    let mut process = Process(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(process.0.stderr.take().unwrap()).lines();
    let said = lines.by_ref().map(Result::unwrap).find(|line| line == "ready");
    assert!(said.is_some(), "the host did not start");
    // What it says afterwards is passed on.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| eprintln!("host: {line}")));
    process
}

fn wait(mut child: Child) {
    let status = child.wait().unwrap();
    assert!(status.success(), "{status}");
}

#[allow(unsafe_code)]
fn more_descriptors() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a place for the two numbers, which are then read.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
    }
    limit.rlim_cur
}

#[test]
fn two_processes_change_one_object_and_both_see_it() {
    let room = Room::new("two");
    let _host = room.host();
    let children = [(); 2].map(|()| room.start("pushes"));
    let pids = children.each_ref().map(Child::id);
    children.into_iter().for_each(wait);
    let stock: StockProxy = room.client().proxy("stock").unwrap();
    let things = stock.things().unwrap();
    assert_eq!(things.len(), 1000);
    for pid in pids {
        let own: Vec<_> = things.iter().filter_map(|thing| thing.strip_prefix(&format!("{pid} "))).collect();
        let expected: Vec<_> = (0..500).map(|number: i32| number.to_string()).collect();
        assert_eq!(own, expected, "calls of one proxy run in order");
    }
}

#[test]
fn a_host_is_found_by_name_from_a_process_that_knows_nothing_else() {
    let room = Room::new("named");
    let name = format!("test-{}-named", std::process::id());
    let mut host = ready(room.child("named host", &format!("unix:{name}")));
    let mut stranger = room.child("named client", &format!("unix:{name}"));
    wait(stranger.env_remove("SHAREVAR_INHERITED").spawn().unwrap());
    let client = Client::named(&name).unwrap();
    assert_eq!(client.proxy::<StockProxy>("stock").unwrap().things().unwrap(), ["from a stranger"]);
    // The place of one that was killed is free again.
    host.kill();
    let second = ready(room.child("named host", &format!("unix:{name}")));
    let stock: StockProxy = client.proxy("stock").unwrap();
    assert_eq!(stock.things(), Ok(Vec::new()));
    client.shutdown().unwrap();
    wait_for_end(second);
    let Address::Unix(path) = client.address() else { panic!("no path") };
    assert!(!path.exists());
}

fn wait_for_end(mut process: Process) {
    let status = process.0.wait().unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn a_host_killed_before_a_call_has_not_begun_it() {
    let room = Room::new("before");
    let mut host = room.host();
    let client = room.client();
    let stock: StockProxy = client.proxy("stock").unwrap();
    assert_eq!(stock.count(), Ok(1));
    host.kill();
    for _ in 0..3 {
        let died = Error::HostDied { address: room.address(), started: false };
        assert_eq!(stock.count(), Err(died));
    }
    // One that is there again is found, and the call that was not begun is made once.
    let _host = room.host();
    assert_eq!(stock.count(), Ok(2));
    assert_eq!(room.begun().get(), Ok(2));
}

#[test]
fn a_host_killed_during_a_call_says_that_it_may_have_begun_and_nobody_begins_it_again() {
    let room = Room::new("during");
    let mut host = room.host();
    let stock: StockProxy = room.client().proxy("stock").unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| stock.take_long());
        until("the call", || room.begun().get() == Ok(1));
        host.kill();
        let _second = room.host();
        let died = Error::HostDied { address: room.address(), started: true };
        assert_eq!(call.join().unwrap(), Err(died));
        // The second host would have counted it.
        assert_eq!(stock.count(), Ok(2));
    });
}

#[test]
fn of_a_batch_whose_host_is_killed_nothing_is_begun_again() {
    let room = Room::new("batch");
    let mut host = room.host();
    let client = room.client();
    let stock: StockProxy = client.proxy("stock").unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| {
            let mut batch = client.batch();
            let counted = (batch.on(&stock).count(), batch.on(&stock).take_long(), batch.on(&stock).count());
            (batch.send().map(drop), [counted.0, counted.1, counted.2].map(Outcome::result))
        });
        until("the call", || room.begun().get() == Ok(2));
        host.kill();
        let _second = room.host();
        let died = Error::HostDied { address: room.address(), started: true };
        let (sent, counted) = call.join().unwrap();
        assert_eq!(sent, Err(died.clone()));
        assert!(counted.into_iter().all(|given| given == Err(died.clone())));
        assert_eq!(stock.count(), Ok(3));
    });
}

#[test]
fn a_call_that_the_killed_host_has_not_read_is_made_once_at_the_next() {
    let room = Room::new("unread");
    let mut host = room.host();
    let stock: StockProxy = room.client().proxy("stock").unwrap();
    stock.count().unwrap();
    host.stop();
    std::thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let stock = &stock;
        let call = scope.spawn(move || {
            tell.send(rustix::thread::gettid().as_raw_nonzero()).unwrap();
            stock.count()
        });
        let thread = told.recv().unwrap();
        // It has sent what it had to send when it sleeps until the answer comes.
        // Newer machines have the second call only.
        #[cfg(target_arch = "x86_64")]
        let sleeping = [libc::SYS_poll, libc::SYS_ppoll].map(|number| number.to_string());
        #[cfg(not(target_arch = "x86_64"))]
        let sleeping = [libc::SYS_ppoll].map(|number| number.to_string());
        until("the request", || {
            let call = std::fs::read_to_string(format!("/proc/self/task/{thread}/syscall")).unwrap();
            call.split(' ').next().is_some_and(|number| sleeping.iter().any(|known| known == number))
        });
        host.kill();
        let error = call.join().unwrap().unwrap_err();
        assert_eq!(error, Error::HostDied { address: room.address(), started: false });
        assert_eq!(room.begun().get(), Ok(1));
    });
    let _host = room.host();
    assert_eq!((stock.count(), room.begun().get()), (Ok(2), Ok(2)));
}

#[test]
fn a_host_killed_after_a_call_has_carried_it_out() {
    let room = Room::new("after");
    for turn in 1..=5 {
        let mut host = room.host();
        let stock: StockProxy = room.client().proxy("stock").unwrap();
        assert_eq!(stock.count(), Ok(turn));
        host.kill();
        assert_eq!(room.begun().get(), Ok(turn));
    }
}

/// A hundred hosts are killed, one after the other, at any moments of calls.
#[test]
fn hosts_killed_at_any_moment_have_carried_out_no_call_twice() {
    // As many, and until there was enough of what the test is about.
    const HOSTS: i64 = 100;
    const AT_MOST: Duration = Duration::from_mins(5);
    let room = Room::new("storm");
    let mut host = room.host();
    let begun = room.begun();
    let is_over = AtomicBool::new(false);
    let (returned, unknown, not_begun) = (AtomicI64::new(0), AtomicI64::new(0), AtomicI64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let stock: StockProxy =
                    until_some("the stock", || Client::connect(&room.address()).ok()?.proxy("stock").ok());
                while !is_over.load(Ordering::Relaxed) {
                    let ended = match stock.toil() {
                        Ok(_) => &returned,
                        Err(Error::HostDied { started: true, .. }) => &unknown,
                        Err(Error::HostDied { started: false, .. }) => &not_begun,
                        Err(error) => panic!("{error:?}"),
                    };
                    ended.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let since = Instant::now();
        let is_enough =
            || unknown.load(Ordering::Relaxed) > HOSTS / 10 && returned.load(Ordering::Relaxed) > HOSTS;
        for turn in (0..).take_while(|turn| *turn < HOSTS || !is_enough()) {
            if since.elapsed() > AT_MOST {
                break;
            }
            // At another moment each time: after so many calls, and so many turns of an empty loop.
            let enough = begun.get().unwrap() + turn % 7 + 1;
            until("the calls", || begun.get().unwrap() >= enough);
            (0..turn * 37 % 1000).for_each(|_| std::hint::spin_loop());
            host.kill();
            host = room.host();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let [returned, unknown, not_begun] = [returned, unknown, not_begun].map(AtomicI64::into_inner);
    let carried_out = begun.get().unwrap();
    eprintln!("{carried_out} carried out; {returned} returned, {unknown} unknown, {not_begun} not begun");
    assert!(returned <= carried_out && carried_out <= returned + unknown);
    assert!(unknown > HOSTS / 10 && returned > HOSTS);
}

/// What a host has when only `client` looks.
fn counts(client: &Client) -> (usize, usize, usize) {
    let Info { objects, clients, connections, .. } = client.info().unwrap();
    (objects, clients, connections)
}

#[test]
fn what_a_client_held_that_was_killed_in_a_call_is_released() {
    let room = Room::new("client");
    let _host = room.host();
    let client = room.client();
    let stock: StockProxy = client.proxy("stock").unwrap();
    let at_first = counts(&client);
    let mut children: Vec<_> = (0..4).map(|_| Process(room.start("makes and waits"))).collect();
    until("the calls", || room.begun().get() == Ok(4));
    // They are all in a call, which delays nobody else.
    assert_eq!(stock.count(), Ok(5));
    assert_eq!(counts(&client).0, at_first.0 + 12);
    children.iter_mut().for_each(Process::kill);
    // Their calls end like any other; then nothing of them is left.
    room.go().set().unwrap();
    until("the release", || counts(&client) == at_first);
    assert_eq!(stock.push("afterwards"), Ok(1));
}

#[test]
fn thousands_of_idle_connections_do_no_harm() {
    let room = Room::new("idle");
    let limit = more_descriptors();
    let number = (limit / 2).min(4000) as usize;
    if number < 1000 {
        eprintln!("no more than {limit} descriptors can be had: not tested");
        return;
    }
    let host = room.host();
    let client = room.client();
    let stock: StockProxy = client.proxy("stock").unwrap();
    let at_first = counts(&client);
    let settings = sharevar_transport::Settings::default();
    let idle: Vec<_> = (0..number)
        .map(|_| sharevar_transport::Connection::open(&room.address(), &settings).unwrap())
        .collect();
    assert_eq!(counts(&client).2, at_first.2 + number);
    for turn in 1..=1000 {
        assert_eq!(stock.count(), Ok(turn));
    }
    // They cost a place in a table, and no thread.
    let status = std::fs::read_to_string(format!("/proc/{}/status", host.0.id())).unwrap();
    let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap().trim().to_owned();
    assert!(threads.parse::<usize>().unwrap() < 50, "{threads} threads");
    drop(idle);
    until("the end of the connections", || counts(&client) == at_first);
}

#[allow(unsafe_code)]
fn kill_myself() -> ! {
    // SAFETY: a signal to oneself, from which nobody returns.
    unsafe {
        libc::kill(libc::getpid(), libc::SIGKILL);
    }
    unreachable!("SIGKILL has ended the process")
}

#[test]
fn a_forked_child_has_references_of_its_own() {
    let room = Room::new("fork");
    let _host = room.host();
    let client = room.client();
    let mine = StockProxy::new(&client).unwrap();
    assert_eq!(mine.push("parent"), Ok(1));
    let child = fork(|| {
        let in_time = mine.push("child") == Ok(2);
        let own = StockProxy::new(mine.as_proxy().client()).unwrap();
        let alone = own.things() == Ok(Vec::new());
        drop(own);
        in_time && alone
    });
    assert_eq!(status_of(child), 0);
    assert_eq!(mine.things().unwrap(), ["parent", "child"]);
    // One that leaves a proxy which it never used takes nothing from its parent.
    let child = fork(|| {
        drop(mine.clone());
        true
    });
    assert_eq!(status_of(child), 0);
    until("the end of the children", || counts(&client).1 == 1);
    assert_eq!(mine.push("parent"), Ok(3));
}

#[test]
fn a_host_is_not_stopped_by_a_forked_child_that_drops_it() {
    let mut host = Some(Host::new().add("bell", Bell(0)).start().unwrap());
    let bell: BellProxy = host.as_ref().unwrap().client().unwrap().proxy("bell").unwrap();
    assert_eq!(bell.ring(), Ok(1));
    let child = fork(|| {
        drop(host.take());
        true
    });
    assert_eq!(status_of(child), 0);
    assert_eq!(bell.ring(), Ok(2));
    // New connections, too: the socket is still there.
    let client = Client::connect(host.as_ref().unwrap().address()).unwrap();
    assert_eq!(client.proxy::<BellProxy>("bell").unwrap().ring(), Ok(3));
}

#[test]
fn a_method_learns_that_its_caller_was_killed() {
    let room = Room::new("life");
    let _host = room.host();
    let mut child = Process(room.start("waits for life"));
    until("the call", || room.begun().get() == Ok(1));
    child.kill();
    until("the end of the call", || room.begun().get() == Ok(2));
}

#[test]
fn the_iterators_of_a_client_that_was_killed_are_dropped() {
    let room = Room::new("numbers");
    let _host = room.host();
    let client = room.client();
    let mut child = Process(room.start("takes numbers"));
    until("the numbers", || room.begun().get() == Ok(1));
    assert_eq!(client.info().unwrap().objects, 3);
    child.kill();
    // Once the call has returned that it was killed in.
    room.go().set().unwrap();
    until("the end of the iterators", || room.begun().get() == Ok(3));
    assert_eq!(client.info().unwrap().objects, 1);
}

#[test]
fn of_items_whose_host_is_killed_an_error_is_the_last() {
    let room = Room::new("last");
    let mut host = room.host();
    let stock: StockProxy = room.client().proxy("stock").unwrap();
    let mut numbers = stock.numbers().unwrap();
    assert!(numbers.by_ref().take(3000).map(Result::unwrap).eq(0..3000));
    host.kill();
    let _second = room.host();
    // What was there is still given. Then the next host is asked, which has no such iterator.
    let mut rest: Vec<_> = numbers.by_ref().take(5000).collect();
    let last = rest.pop().unwrap();
    assert!(matches!(last, Err(Error::HandleExpired { .. } | Error::HostDied { .. })), "{last:?}");
    assert!(
        rest.len() < 4096
            && rest.into_iter().map(Result::unwrap).zip(3000..).all(|(item, number)| item == number)
    );
    assert!(numbers.next().is_none());
    assert!(stock.numbers().unwrap().map(Result::unwrap).take(10).eq(0..10));
}

#[test]
fn a_function_that_a_fork_has_copied_is_called_in_the_child() {
    let host = Host::new().add("bell", Bell(0)).start().unwrap();
    let bell: BellProxy = host.client().unwrap().proxy("bell").unwrap();
    let who = Callback::new(|()| std::process::id());
    assert_eq!(bell.ask(who.clone()), Ok(Some(std::process::id())));
    for _ in 0..3 {
        let child = fork(|| (0..3).all(|_| bell.ask(who.clone()) == Ok(Some(std::process::id()))));
        assert_eq!(status_of(child), 0);
        // The child's copy was no reference of its parent's.
        let child = fork(|| {
            drop(who.clone());
            true
        });
        assert_eq!(status_of(child), 0);
        assert_eq!(bell.ask(who.clone()), Ok(Some(std::process::id())));
    }
}

#[test]
fn a_killed_host_is_gone_though_a_child_that_it_has_forked_lives() {
    let room = Room::new("outlived");
    let mut command = room.child("host that forks", &room.address().to_string());
    let mut host = ready_by(command.stdin(Stdio::piped()));
    let client = room.client();
    let stock: StockProxy = client.proxy("stock").unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| stock.take_long());
        until("the fork", || room.begun().get() == Ok(2));
        let input = host.0.stdin.take();
        host.kill();
        assert_eq!(call.join().unwrap(), Err(Error::HostDied { address: room.address(), started: true }));
        assert_eq!(stock.count(), Err(Error::HostDied { address: room.address(), started: false }));
        assert!(Client::connect(&room.address()).is_err());
        // All of that while the child lived.
        assert_eq!(room.go().is_set(), Ok(false));
        drop(input);
        room.go().wait().unwrap();
    });
}

#[test]
fn a_killed_client_is_gone_though_a_child_that_it_has_forked_lives() {
    let room = Room::new("left");
    let _host = room.host();
    let client = room.client();
    let stock: StockProxy = client.proxy("stock").unwrap();
    let at_first = counts(&client);
    let mut command = room.child("client that forks", &room.address().to_string());
    let mut child = Process(command.stdin(Stdio::piped()).spawn().unwrap());
    until("the call", || room.begun().get() == Ok(1));
    let input = child.0.stdin.take();
    child.kill();
    until("the end of the call", || room.begun().get() == Ok(2));
    until("the release", || counts(&client) == at_first);
    assert_eq!((stock.things(), room.go().is_set()), (Ok(Vec::new()), Ok(false)));
    drop(input);
    room.go().wait().unwrap();
}

#[test]
fn ten_thousand_clients_killed_in_a_row_leave_nothing() {
    let room = Room::new("many");
    let _host = room.host();
    let client = room.client();
    let at_first = counts(&client);
    let address = room.address();
    for number in 0..10_000 {
        let child = fork(|| {
            let client = Client::connect(&address).unwrap();
            if number % 4 == 0 {
                kill_myself();
            }
            let mine = StockProxy::new(&client).unwrap();
            if number % 4 == 1 {
                kill_myself();
            }
            mine.push("mine").unwrap();
            let held = client.proxy::<StockProxy>("stock").unwrap();
            if number % 4 == 2 {
                // In the middle of a request.
                let settings = sharevar_transport::Settings::default();
                let mut cut = sharevar_transport::Connection::open(&address, &settings).unwrap();
                let _ = std::thread::spawn(move || cut.send(&vec![1; 10 << 20], None));
                held.count().unwrap();
            }
            kill_myself();
        });
        assert_eq!(status_of(child), libc::SIGKILL, "child {number}");
    }
    until("the release", || counts(&client) == at_first);
    let stock: StockProxy = client.proxy("stock").unwrap();
    assert_eq!(stock.things(), Ok(Vec::new()));
    assert_eq!(room.begun().get(), Ok(2500));
}
