//! Methods that are told who has called them.

use crate::support::waiting::AT_MOST;
use sharevar::hosted::{Caller, Client, Error, Host, Proxied, Settings};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Tells what it learns of its callers.
struct Ear {
    begun: Mutex<Sender<()>>,
    ended: Mutex<Sender<bool>>,
    made_by: Option<u32>,
}

impl Ear {
    /// One, and what it tells.
    fn told() -> (Self, Receiver<()>, Receiver<bool>) {
        let ((begun, when_begun), (ended, when_ended)) = (channel(), channel());
        (Self { begun: Mutex::new(begun), ended: Mutex::new(ended), made_by: None }, when_begun, when_ended)
    }
}

#[sharevar::hosted]
#[allow(clippy::unused_self)] // Its callers have an object.
impl Ear {
    pub fn new(caller: Caller<'_>) -> Self {
        Self { made_by: caller.process(), ..Self::told().0 }
    }

    pub fn made_by(&self) -> Option<u32> {
        self.made_by
    }

    /// Until nobody listens any more.
    pub fn listen(&self, caller: Caller<'_>) {
        let was_there = !caller.is_disconnected();
        self.begun.lock().unwrap().send(()).unwrap();
        while !caller.is_disconnected() {
            std::thread::yield_now();
        }
        self.ended.lock().unwrap().send(was_there).unwrap();
    }

    pub fn who(&mut self, before: &str, caller: Caller<'_>, after: u8) -> (String, Option<u32>, bool, u8) {
        (before.to_owned(), caller.process(), caller.is_disconnected(), after)
    }
}

#[test]
fn a_method_ends_when_nobody_waits_for_it() {
    let ((near, near_begun, near_ended), (far, far_begun, far_ended)) = (Ear::told(), Ear::told());
    let near = Host::new().add("ear", near).start().unwrap();
    let tcp = "tcp:127.0.0.1:0".parse().unwrap();
    let far = Host::new().address(tcp).key(b"key").add("ear", far).start().unwrap();
    let far_client = Client::connect_with(far.address(), Settings::with_key(b"key")).unwrap();
    for (client, begun, ended) in
        [(&near.client().unwrap(), near_begun, near_ended), (&far_client, far_begun, far_ended)]
    {
        let ear: EarProxy = client.proxy("ear").unwrap();
        // By the socket at first, and then by a mailbox where there is one.
        let (mut limit, mut heard) = (Duration::from_millis(20), 0);
        while heard < 20 {
            let given_up = ear.with_timeout(limit).listen();
            assert_eq!(given_up, Err(Error::TimedOut { after: limit }));
            // On a busy machine it may not have begun in time.
            if begun.recv_timeout(limit).is_ok() {
                heard += i32::from(ended.recv_timeout(AT_MOST).unwrap());
            } else {
                limit *= 2;
            }
            let (_, process, is_disconnected, _) = ear.who("", 1).unwrap();
            assert!(process.is_none_or(|process| process == std::process::id()) && !is_disconnected);
        }
    }
}

#[test]
fn the_caller_is_no_argument_of_his() {
    let (host, process) = (Host::new().register::<Ear>().start().unwrap(), Some(std::process::id()));
    let client = host.client().unwrap();
    let ear = EarProxy::new(&client).unwrap();
    assert_eq!(ear.made_by(), Ok(process));
    let told = || Ok(("a".to_owned(), process, false, 7));
    assert_eq!(ear.who("a", 7), told());
    let mut batch = client.batch();
    let outcome = batch.on(&ear).who("a", 7);
    batch.send().unwrap();
    assert_eq!(outcome.result(), told());
    let Err(Error::WrongArguments { message }) = ear.as_proxy().call::<()>("who", &("a",)) else { panic!() };
    assert!(message.contains("who(before, after) lacks \"after\""), "{message}");
    // Who calls it here is nobody.
    let (_, process, is_disconnected, _) = Ear::new(Caller::local()).who("a", Caller::local(), 7);
    assert_eq!((process, is_disconnected), (None, false));
}
