//! Calls that travel with one message.

use sharevar::hosted::protocol::{Reply, Request, part, write_reply};
use sharevar::hosted::{
    Address, CallError, Client, Error, Host, Outcome, Proxied, Result, RunningHost, Settings,
};
use sharevar_transport::{Caller, Served, Server, Service};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Numbers in the order in which they came.
#[derive(Debug, Default)]
struct Tape {
    numbers: Vec<i64>,
}

#[sharevar::hosted]
impl Tape {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn push(&mut self, number: i64) -> usize {
        self.numbers.push(number);
        self.numbers.len()
    }

    pub fn pop(&mut self) -> std::result::Result<i64, String> {
        self.numbers.pop().ok_or_else(|| "it is empty".to_owned())
    }

    pub fn numbers(&self) -> &[i64] {
        &self.numbers
    }

    pub fn tear(&mut self) {
        self.numbers.clear();
        panic!("torn")
    }
}

fn two_tapes() -> (RunningHost, Client, TapeProxy, TapeProxy) {
    let host = Host::new().add("tape", Tape::default()).add("other", Tape::default()).start().unwrap();
    let client = host.client().unwrap();
    let (tape, other) = (client.proxy("tape").unwrap(), client.proxy("other").unwrap());
    (host, client, tape, other)
}

#[test]
fn calls_are_made_in_order_and_each_has_its_outcome() {
    let (_host, client, tape, other) = two_tapes();
    let mut batch = client.batch();
    assert!(batch.is_empty());
    let first = batch.on(&tape).push(1);
    let popped = batch.on(&other).pop();
    let torn = batch.on(&other).tear();
    let second = batch.on(&tape).push(2);
    let unknown = batch.call::<i64>(tape.as_proxy(), "rewind", &());
    let wrong = batch.call::<String>(tape.as_proxy(), "push", &(3,));
    let numbers = batch.on(&tape).numbers();
    let last = batch.on(&tape).pop();
    assert_eq!((batch.len(), tape.numbers()), (8, Ok(vec![])));
    batch.send().unwrap();
    assert_eq!((first.result(), second.result()), (Ok(1), Ok(2)));
    assert_eq!(popped.result(), Err(CallError::Method("it is empty".to_owned())));
    assert_eq!(torn.result(), Err(Error::Panicked { message: "torn".to_owned() }));
    assert!(matches!(unknown.result(), Err(Error::NotExposed { .. })));
    assert!(matches!(wrong.result(), Err(Error::Decode(_))));
    assert_eq!((numbers.result(), last.result()), (Ok(vec![1, 2, 3]), Ok(3)));
}

#[test]
fn many_calls_may_be_in_one_batch() {
    let (_host, client, tape, _) = two_tapes();
    let mut batch = client.batch();
    let outcomes: Vec<_> = (0..5000).map(|number| batch.on(&tape).push(number)).collect();
    batch.send().unwrap();
    assert!(outcomes.into_iter().map(Outcome::result).eq((1..=5000).map(Ok)));
    assert!(tape.numbers().unwrap().into_iter().eq(0..5000));
}

/// Cannot be written.
struct Unwritable;

impl serde::Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> std::result::Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no words for it"))
    }
}

#[test]
fn what_cannot_be_sent_is_told_before_anything_is_called() {
    let (_host, client, tape, _) = two_tapes();
    let (_elsewhere, _, other, _) = two_tapes();
    let mut batch = client.batch();
    let pushed = batch.on(&tape).push(1);
    let unwritable = batch.call::<usize>(tape.as_proxy(), "push", &(Unwritable,));
    let error = batch.send().unwrap_err();
    assert!(matches!(&error, Error::Encode(_)) && error.to_string().contains("no words"), "{error}");
    assert_eq!((pushed.result(), unwritable.result()), (Err(error.clone()), Err(error)));
    let mut batch = client.batch();
    let pushed = batch.on(&tape).push(1);
    let elsewhere = batch.on(&other).pop();
    let error = batch.send().unwrap_err();
    let (found, expected) =
        (other.as_proxy().client().address().clone(), tape.as_proxy().client().address().clone());
    assert_eq!(error, Error::OtherHost { found, expected });
    assert_eq!((pushed.result(), elsewhere.result()), (Err(error.clone()), Err(CallError::Host(error))));
    assert_eq!((tape.numbers(), other.numbers()), (Ok(vec![]), Ok(vec![])));
}

#[test]
fn a_batch_that_is_not_sent_calls_nothing() {
    let (_host, client, tape, _) = two_tapes();
    client.batch().send().unwrap();
    let mut batch = client.batch();
    let (before, after) = (batch.on(&tape).push(1), batch.on(&tape).push(2));
    assert_eq!(before.result(), Err(Error::NotSent));
    drop(batch);
    assert_eq!((after.result(), tape.numbers()), (Err(Error::NotSent), Ok(vec![])));
}

/// Returns when it may.
struct Gate(Mutex<Receiver<()>>);

#[sharevar::hosted]
impl Gate {
    pub fn pass(&self) {
        self.0.lock().unwrap().recv().unwrap();
    }
}

#[test]
fn a_batch_has_one_time_limit() {
    let (go, may_go): (Sender<()>, _) = channel();
    let host =
        Host::new().add("gate", Gate(Mutex::new(may_go))).add("tape", Tape::default()).start().unwrap();
    let client = host.client().unwrap();
    let (gate, tape): (GateProxy, TapeProxy) = (client.proxy("gate").unwrap(), client.proxy("tape").unwrap());
    let mut limit = Duration::from_millis(30);
    loop {
        let mut batch = client.batch().with_timeout(limit);
        let (pushed, passed) = (batch.on(&tape).push(1), batch.on(&gate).pass());
        let timed_out = Error::TimedOut { after: limit };
        assert_eq!(batch.send(), Err(timed_out.clone()));
        assert_eq!((pushed.result(), passed.result()), (Err(timed_out.clone()), Err(timed_out)));
        // The host goes on with what has begun. On a busy machine it may not have come so far.
        let begin = Instant::now();
        while tape.numbers().unwrap().is_empty() && begin.elapsed() < limit {
            std::thread::yield_now();
        }
        if !tape.numbers().unwrap().is_empty() {
            break;
        }
        limit *= 2;
        assert!(limit < Duration::from_secs(30));
    }
    go.send(()).unwrap();
}

#[test]
fn objects_are_found_again_by_name_and_the_others_have_expired() {
    let name = format!("test-{}-batch", std::process::id());
    let start = || Host::new().register::<Tape>().name(&name).add("tape", Tape::default()).start().unwrap();
    let host = start();
    let client = Client::named(&name).unwrap();
    let (by_name, by_number): (TapeProxy, _) =
        (client.proxy("tape").unwrap(), TapeProxy::new(&client).unwrap());
    by_name.push(1).unwrap();
    let both = || {
        let mut batch = client.batch();
        let outcomes = (batch.on(&by_number).push(2), batch.on(&by_name).push(3));
        batch.send().map(|()| (outcomes.0.result(), outcomes.1.result()))
    };
    assert_eq!(both(), Ok((Ok(1), Ok(2))));
    client.shutdown().unwrap();
    host.wait();
    drop(host);
    assert!(matches!(both(), Err(Error::HostDied { started: false, .. })));
    let _host = start();
    let is_so = |given: Result<(Result<usize>, Result<usize>)>, length| matches!(&given, Ok((Err(Error::HandleExpired { .. }), Ok(now))) if *now == length);
    assert!(is_so(both(), 1) && is_so(both(), 2));
    assert_eq!(by_name.numbers(), Ok(vec![3, 3]));
}

/// A host that writes down what it is asked, and answers each call of a batch with its place.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<String>>>);

impl Service for Witness {
    fn serve(&self, _: &Caller<'_>, request: &[u8], reply: &mut Vec<u8>) -> Served {
        let asked = match Request::read(request).unwrap() {
            Request::Batch(batch) => {
                write_reply::many(reply, batch.len()).unwrap();
                for place in 0..batch.len() {
                    part(reply, |reply| {
                        write_reply::returned(reply);
                        reply.push(place as u8);
                    })
                    .unwrap();
                }
                format!("batch of {}", batch.len())
            }
            Request::Find { .. } => {
                write_reply::object(reply, 7, "Tape", ["push"].into_iter()).unwrap();
                "find".to_owned()
            }
            Request::Call { .. } => {
                write_reply::many(reply, 0).unwrap();
                "call".to_owned()
            }
            other => format!("{other:?}"),
        };
        assert!(Reply::read(reply).is_ok());
        self.0.lock().unwrap().push(asked);
        Served::Reply
    }
}

#[test]
fn a_batch_is_one_request() {
    let path = std::env::temp_dir().join(format!("sharevar-test-{}-witness", std::process::id()));
    let (address, witness) = (Address::Unix(path), Witness::default());
    let server = Server::bind(&address, &Settings::default(), witness.clone()).unwrap();
    server.start().unwrap();
    let client = Client::connect(&address).unwrap();
    let tape: TapeProxy = client.proxy("tape").unwrap();
    let mut batch = client.batch();
    let outcomes = [5, 6, 7].map(|number| batch.on(&tape).push(number));
    batch.send().unwrap();
    assert_eq!(outcomes.map(Outcome::result), [Ok(0), Ok(1), Ok(2)]);
    // Many replies to one call are no answer.
    assert!(matches!(tape.push(8), Err(Error::UnexpectedReply { .. })));
    assert_eq!(*witness.0.lock().unwrap(), ["find", "batch of 3", "call"]);
    server.stop();
}
