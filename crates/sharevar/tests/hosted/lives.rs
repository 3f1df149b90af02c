//! A host that has taken the place of another and has kept its objects: it is told first of all which
//! of them a client holds.

use sharevar::hosted::protocol::{Refusal, Request, part, write_reply};
use sharevar::hosted::retry::{Retry, RetryPolicy};
use sharevar::hosted::{Address, CallOptions, Client, Error, Repetition, Settings};
use sharevar_transport::{Caller, Error as TransportError, Served, Server, Service};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const OBJECT: u64 = 7;

/// A host that keeps its one object, whose calls give 1, and writes down what it was asked.
#[derive(Clone)]
struct Keeper {
    asked: Arc<Mutex<Vec<String>>>,
    knows_object: bool,
    /// The calls that it reads and does not answer, as a host that dies of them.
    deadly_calls: Arc<AtomicUsize>,
}

impl Keeper {
    fn answer(&self, request: Request<'_>, reply: &mut Vec<u8>) -> String {
        match request {
            Request::Batch(batch) => {
                write_reply::many(reply, batch.len()).unwrap();
                let each = batch
                    .into_iter()
                    .map(|request| part(reply, |reply| self.answer(request, reply)).unwrap());
                return format!("batch {}", each.collect::<Vec<_>>().join(", "));
            }
            Request::Find { .. } | Request::Retain { object: OBJECT } if self.knows_object => {
                write_reply::object(reply, OBJECT, "Kept", ["look"].into_iter()).unwrap();
            }
            Request::Call { object: OBJECT, .. } if self.knows_object => {
                write_reply::returned(reply);
                reply.push(1);
            }
            _ => write_reply::refused(reply, Refusal::UnknownObject, "not here").unwrap(),
        }
        match request {
            Request::Find { .. } => "find".to_owned(),
            Request::Retain { object } => format!("retain {object}"),
            Request::Call { .. } => "call".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

impl Service for Keeper {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        let (asked, served) = match Request::read(request).unwrap() {
            Request::Release(releases) => (format!("release {releases:?}"), Served::NoReply),
            request => (self.answer(request, reply), Served::Reply),
        };
        let is_deadly = asked == "call"
            && self
                .deadly_calls
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        self.asked.lock().unwrap().push(asked);
        if is_deadly { Served::Close } else { served }
    }
}

/// Stops a host, and gives back when it reads nothing more.
fn stop(server: &Server<Keeper>) {
    server.stop();
    assert!(server.finish(Instant::now() + Duration::from_secs(30)));
}

fn start(address: &Address, keeper: &Keeper) -> Arc<Server<Keeper>> {
    let server = Server::bind(address, &Settings::default(), keeper.clone()).unwrap();
    server.start().unwrap();
    server
}

#[test]
fn a_client_declares_its_references_to_each_host_in_a_row() {
    let path = std::env::temp_dir().join(format!("sharevar-test-{}-lives", std::process::id()));
    let address = Address::Unix(path);
    let mut keeper = Keeper { asked: Arc::default(), knows_object: true, deadly_calls: Arc::default() };
    let first = start(&address, &keeper);
    let client = Client::connect(&address).unwrap();
    let asked = || std::mem::take(&mut *keeper.asked.lock().unwrap());
    let (kept, dropped) = (client.object("kept").unwrap(), client.object("kept").unwrap());
    assert_eq!(kept.call::<i64>("look", &()), Ok(1));
    // One reference is enough for all proxies of an object.
    let release = format!("release [({OBJECT}, 1)]");
    assert_eq!(asked(), ["find", "find", &release, "call"]);
    stop(&first);
    let second = start(&address, &keeper);
    for _ in 0..2 {
        assert_eq!(kept.call::<i64>("look", &()), Ok(1));
    }
    assert_eq!(asked(), [&format!("batch retain {OBJECT}"), "call", "call"]);
    drop(dropped);
    assert_eq!(kept.call::<i64>("look", &()), Ok(1));
    assert_eq!(asked(), ["call"]);
    drop(kept);
    assert!(client.info().is_err());
    assert_eq!(asked()[0], release);
    // A host is told, too, that nothing is held: it waits to hear it.
    stop(&second);
    let third = start(&address, &keeper);
    let lost = client.object("kept").unwrap();
    assert_eq!(asked(), ["batch ", "find"]);
    // An object that a host has lost has expired.
    stop(&third);
    keeper.knows_object = false;
    let fourth = start(&address, &keeper);
    for _ in 0..2 {
        let expired = lost.call::<i64>("look", &());
        assert_eq!(expired, Err(Error::HandleExpired { message: "not here".to_owned() }));
    }
    stop(&fourth);
}

#[test]
fn an_idempotent_call_is_made_once_more_and_no_other() {
    let path = std::env::temp_dir().join(format!("sharevar-test-{}-idempotent", std::process::id()));
    let address = Address::Unix(path);
    let keeper = Keeper { asked: Arc::default(), knows_object: true, deadly_calls: Arc::default() };
    let server = start(&address, &keeper);
    let client = Client::connect(&address).unwrap();
    let kept = client.object("kept").unwrap();
    let idempotent = kept.with_timeout(Duration::from_mins(1)).idempotent();
    let died = Err(Error::HostDied { address: address.clone(), started: true });
    for (proxy, deadly, calls, result) in [
        (&kept, 0, 1, Ok(1)),
        (&kept, 1, 1, died.clone()),
        (&idempotent, 0, 1, Ok(1)),
        (&idempotent, 1, 2, Ok(1)),
        (&idempotent, 2, 2, died.clone()),
    ] {
        keeper.deadly_calls.store(deadly, Ordering::SeqCst);
        keeper.asked.lock().unwrap().clear();
        assert_eq!(proxy.call::<i64>("look", &()), result);
        assert_eq!(*keeper.asked.lock().unwrap(), vec!["call"; calls]);
    }
    stop(&server);
}

#[test]
fn a_call_that_may_have_begun_is_told_of_when_no_host_is_left() {
    let idempotent = CallOptions { repetition: Repetition::Once, ..CallOptions::default() };
    let mut policy = RetryPolicy::new(false, idempotent);
    let cause = "nothing listens there".to_owned();
    let unreachable =
        TransportError::Unreachable { address: Address::Unix("/none".into()), cause, code: None };
    assert_eq!(policy.last_error(unreachable.clone()), unreachable);
    assert_eq!(policy.after(&TransportError::Gone { started: true }, None), Retry::Now);
    assert_eq!(policy.after(&unreachable, None), Retry::GiveUp);
    assert_eq!(policy.last_error(unreachable), TransportError::Gone { started: true });
}
