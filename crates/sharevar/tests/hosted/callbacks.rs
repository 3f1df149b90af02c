//! Functions that are handed to hosted objects.

use crate::support::waiting::{AT_MOST, until};
use sharevar::hosted::{Address, Callback, Client, Error, Host, Proxied, RunningHost};
use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Listener = Callback<(String, usize), String>;

/// Keeps functions, and calls them.
#[derive(Default)]
struct Bell {
    listeners: Vec<Listener>,
}

#[sharevar::hosted]
#[allow(clippy::unused_self, clippy::needless_pass_by_value)] // Its callers have an object, and pass it on.
impl Bell {
    pub fn tell(&mut self, listener: Listener) -> usize {
        self.listeners.push(listener);
        self.listeners.len()
    }

    pub fn forget(&mut self, listener: Listener) -> usize {
        self.listeners.retain(|known| *known != listener);
        self.listeners.len()
    }

    pub fn ring(&self, sound: &str) -> Vec<Result<String, String>> {
        let ring = |(number, listener): (usize, &Listener)| listener.call((sound.to_owned(), number));
        let said = self.listeners.iter().enumerate().map(ring);
        said.map(|said| said.map_err(|error| error.to_string())).collect()
    }

    /// From a thread of its own each time.
    pub fn ring_many(&self, times: usize) -> usize {
        std::thread::scope(|scope| {
            let all = self.listeners.iter().flat_map(|listener| std::iter::repeat_n(listener, times));
            let rung: Vec<_> =
                all.map(|listener| scope.spawn(|| listener.call((String::new(), 0)))).collect();
            rung.into_iter().filter_map(|rung| rung.join().unwrap().ok()).count()
        })
    }

    pub fn apply(&self, function: Callback<i64, i64>, argument: i64) -> Result<i64, String> {
        function.call(argument).map_err(|error| error.to_string())
    }

    pub fn divide(&self, by: Callback<i64, Result<i64, String>>, argument: i64) -> Result<i64, String> {
        by.call(argument).map_err(|error| error.to_string())?
    }

    pub fn within(&self, function: Callback<(), ()>, milliseconds: u64) -> Option<String> {
        let limit = Duration::from_millis(milliseconds);
        function.with_timeout(limit).call(()).err().map(|error| error.to_string())
    }

    pub fn length(&self) -> usize {
        self.listeners.len()
    }
}

fn bell() -> (RunningHost, Client, BellProxy) {
    let host = Host::new().add("bell", Bell::default()).start().unwrap();
    let client = host.client().unwrap();
    let bell = client.proxy("bell").unwrap();
    (host, client, bell)
}

/// Tells when it is dropped.
struct Told(Sender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        // Nobody may be interested.
        let _ = self.0.send(());
    }
}

fn echo() -> (Listener, Receiver<()>) {
    let (dropped, when_dropped) = channel();
    let told = Told(dropped);
    let echo = Callback::new(move |(sound, number): (String, usize)| {
        let _is_in_it = &told;
        format!("{sound} {number}")
    });
    (echo, when_dropped)
}

#[test]
fn a_function_is_called_during_the_call_and_after_it() {
    let (_host, _, bell) = bell();
    let tenfold = Callback::new(|number: i64| number * 10);
    assert_eq!(bell.apply(tenfold.clone(), 7), Ok(70));
    assert_eq!((tenfold.call(5), bell.apply(tenfold, 8)), (Ok(50), Ok(80)));
    let (first, second) = (echo().0, echo().0);
    assert_eq!((bell.tell(first), bell.tell(second)), (Ok(1), Ok(2)));
    let said = || Ok(vec![Ok("ding 0".to_owned()), Ok("ding 1".to_owned())]);
    assert_eq!((bell.ring("ding"), bell.ring("ding")), (said(), said()));
    assert_eq!(bell.ring_many(20), Ok(40));
}

#[test]
fn a_function_is_kept_as_long_as_somebody_has_it() {
    let (host, client, bell) = bell();
    let (mine, dropped) = echo();
    bell.tell(mine.clone()).unwrap();
    assert_eq!(bell.forget(mine.clone()), Ok(0));
    assert!(dropped.try_recv().is_err());
    bell.tell(mine).unwrap();
    // Only the bell has it.
    assert_eq!(bell.ring("ding"), Ok(vec![Ok("ding 0".to_owned())]));
    assert!(dropped.try_recv().is_err());
    assert!(host.remove("bell"));
    drop(bell);
    client.info().unwrap();
    assert_eq!(dropped.recv_timeout(AT_MOST), Ok(()));
}

#[test]
fn functions_are_the_same_wherever_they_are() {
    let (_host, _, bell) = bell();
    let (one, other) = (echo().0, echo().0);
    assert!(one == one.clone() && one != other);
    for _ in 0..3 {
        bell.tell(one.clone()).unwrap();
        bell.tell(other.clone()).unwrap();
    }
    assert_eq!((bell.forget(one), bell.length(), bell.forget(other)), (Ok(3), Ok(3), Ok(0)));
}

#[test]
fn what_a_function_gives_instead_comes_to_the_object() {
    let (_host, _, bell) = bell();
    let divide = Callback::new(|by: i64| 100_i64.checked_div(by).ok_or_else(|| "by nothing".to_owned()));
    assert_eq!(bell.divide(divide.clone(), 5), Ok(20));
    let refused = bell.divide(divide, 0).map_err(|error| error.to_string());
    assert_eq!(refused, Err("by nothing".to_owned()));
    let falls = Callback::new(|number: i64| if number > 0 { panic!("at {number}") } else { number });
    assert_eq!(bell.apply(falls.clone(), 0), Ok(0));
    let error = bell.apply(falls, 3).unwrap_err().to_string();
    assert!(error.contains("at 3"), "{error}");
    assert_eq!(bell.apply(Callback::new(|number: i64| -number), 3), Ok(-3));
    // One that takes something else says so.
    let wrong = Callback::new(|text: String| text);
    let error = bell.as_proxy().try_call::<i64, String>("apply", &(wrong, 3)).unwrap_err().to_string();
    assert!(error.contains("__call__(argument)"), "{error}");
}

#[test]
fn a_function_may_call_the_object_again() {
    let (_host, _, bell) = bell();
    bell.tell(echo().0).unwrap();
    let again = bell.clone();
    let counts = Callback::new(move |number: i64| number + again.length().unwrap() as i64);
    assert_eq!(bell.apply(counts, 10), Ok(11));
}

#[test]
fn a_function_that_takes_too_long_is_given_up() {
    let (_host, _, bell) = bell();
    let (go, may_go) = channel();
    let may_go = Mutex::new(may_go);
    let waits = Callback::new(move |()| may_go.lock().unwrap().recv().unwrap());
    // It is kept here, too: on a busy machine it may not have begun when it is given up.
    let told = bell.within(waits.clone(), 20).unwrap().unwrap();
    assert!(told.contains("no reply within 20ms"), "{told}");
    go.send(()).unwrap();
    assert_eq!(bell.within(Callback::new(|()| ()), 30_000), Ok(None));
}

#[test]
fn what_is_in_a_batch_lives_until_it_is_sent() {
    let (_host, client, bell) = bell();
    let mut batch = client.batch();
    let (told, tenfold) =
        (batch.on(&bell).tell(echo().0), batch.on(&bell).apply(Callback::new(|number: i64| number * 10), 4));
    let said = batch.on(&bell).ring("ding");
    batch.send().unwrap();
    assert_eq!((told.result(), tenfold.result()), (Ok(1), Ok(40)));
    assert_eq!(said.result(), Ok(vec![Ok("ding 0".to_owned())]));
    let (listener, dropped) = echo();
    let mut batch = client.batch();
    let told = batch.on(&bell).tell(listener);
    drop((batch, told));
    assert_eq!(dropped.recv_timeout(AT_MOST), Ok(()));
}

#[test]
fn a_function_is_handed_on() {
    let ((host, _, bell), (other_host, _, other)) = (bell(), bell());
    let calls = Arc::new(AtomicUsize::new(0));
    let counts = calls.clone();
    let (listener, dropped) = echo();
    let listener = Callback::new(move |(sound, number)| {
        counts.fetch_add(1, Ordering::SeqCst);
        listener.call((sound, number)).unwrap()
    });
    // From one process to the next, as it would be written in a message.
    let text = serde_json::to_string(&listener).unwrap();
    let received: Listener = serde_json::from_str(&text).unwrap();
    assert_eq!(received, listener);
    drop(listener);
    other.tell(received.clone()).unwrap();
    bell.tell(received).unwrap();
    assert_eq!(other.ring("dong"), Ok(vec![Ok("dong 0".to_owned())]));
    assert_eq!(bell.ring("ding"), Ok(vec![Ok("ding 0".to_owned())]));
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    // Whoever reads it when nobody has it any more is told.
    drop((bell, other, host, other_host));
    assert_eq!(dropped.recv_timeout(AT_MOST), Ok(()));
    let expired = serde_json::from_str::<Listener>(&text).unwrap_err().to_string();
    assert!(expired.contains("no such object"), "{expired}");
}

#[test]
fn what_is_no_function_of_this_machine_is_refused() {
    let (_host, _, bell) = bell();
    let text = serde_json::to_string(&echo().0).unwrap();
    let (start, machine) = text.split_once("\"machine\":\"").unwrap();
    let elsewhere = format!("{start}\"machine\":\"x{machine}");
    let refused = serde_json::from_str::<Listener>(&elsewhere).unwrap_err().to_string();
    assert!(refused.contains("on another machine"), "{refused}");
    let host = bell.as_proxy().client().address();
    let bell = serde_json::to_value(&bell).unwrap();
    let posing = format!("{{\"callback\":{},\"host\":\"{host}\",\"machine\":\"{machine}", bell["object"]);
    let refused = serde_json::from_str::<Listener>(&posing).unwrap_err().to_string();
    assert!(refused.contains("\"Bell\""), "{refused}");
}

#[test]
fn an_object_in_another_process_calls_functions_of_this_one() {
    let place = std::env::temp_dir().join(format!("sharevar-test-{}-callbacks", std::process::id()));
    let address = Address::Unix(place.clone());
    let mut child = child("is_a_host", &address).spawn().unwrap();
    let mut client = None;
    until("the host", || {
        client = Client::connect(&address).ok();
        client.is_some()
    });
    let bell: BellProxy = client.unwrap().proxy("bell").unwrap();
    let (listener, dropped) = echo();
    bell.tell(listener).unwrap();
    assert_eq!(bell.ring("ding"), Ok(vec![Ok("ding 0".to_owned())]));
    assert_eq!(bell.apply(Callback::new(|number: i64| number * 10), 4), Ok(40));
    assert_eq!(bell.ring_many(50), Ok(50));
    assert!(dropped.try_recv().is_err());
    // With the host its references end.
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(dropped.recv_timeout(AT_MOST), Ok(()));
    let died = bell.ring("ding");
    assert!(matches!(died, Err(Error::HostDied { started: false, .. })), "{died:?}");
    let _ = std::fs::remove_file(place);
}

#[test]
fn a_function_whose_process_has_died_is_an_error_for_the_object() {
    let (host, _, bell) = bell();
    let mut tells = child("tells_and_waits", host.address()).stdin(Stdio::piped()).spawn().unwrap();
    until("the function", || bell.length() == Ok(2));
    // The first kills its process, and so the second.
    let told: Vec<_> = bell.ring("ding").unwrap().into_iter().map(Result::unwrap_err).collect();
    assert!(!tells.wait().unwrap().success());
    assert!(told[0].contains("may have been carried out"), "{told:?}");
    for told in [told[1].clone(), bell.ring("dong").unwrap()[1].clone().unwrap_err()] {
        assert!(told.contains("was not begun"), "{told}");
    }
    // Who makes a function afterwards is heard.
    assert_eq!(bell.tell(echo().0), Ok(3));
    assert_eq!(bell.ring("ding").unwrap()[2], Ok("ding 2".to_owned()));
}

const PLACE: &str = "SHAREVAR_TEST_PLACE";

/// This very test binary, which plays a part.
fn child(part: &str, address: &Address) -> Command {
    let mut command = Command::new("/proc/self/exe");
    let name = format!("callbacks::{part}");
    command.args(["--exact", &name, "--nocapture"]).env(PLACE, address.to_string()).stdout(Stdio::null());
    command
}

/// As a test by itself it does nothing.
#[test]
fn is_a_host() {
    let Ok(place) = std::env::var(PLACE) else { return };
    Host::new().add("bell", Bell::default()).address(place.parse().unwrap()).run().unwrap();
}

/// As a test by itself it does nothing.
#[test]
fn tells_and_waits() {
    let Ok(place) = std::env::var(PLACE) else { return };
    let bell: BellProxy = Client::connect(&place.parse().unwrap()).unwrap().proxy("bell").unwrap();
    bell.tell(Callback::new(|_| std::process::abort())).unwrap();
    bell.tell(echo().0).unwrap();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}
