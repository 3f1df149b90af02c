//! Iterators that methods give, and that stay at the host.

use crate::support::waiting::{AT_MOST, until};
use serde::{Deserialize, Serialize};
use sharevar::hosted::{
    CallError, Client, Error, Host, Items, Proxied, RunningHost, Settings, Stream, TryStream,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unreadable {
    line: usize,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} is unreadable", self.line)
    }
}

/// Tells when it is dropped.
struct Told(Sender<()>);

impl Drop for Told {
    fn drop(&mut self) {
        // Nobody may be interested.
        let _ = self.0.send(());
    }
}

/// Gives iterators of all kinds, and tells what has become of them.
struct Source {
    produced: Arc<AtomicUsize>,
    open: Mutex<Option<Receiver<()>>>,
    closed: Sender<()>,
}

#[sharevar::hosted]
#[allow(clippy::unused_self)] // Its callers have an object.
impl Source {
    pub fn up_to(&self, end: u64) -> Stream<u64> {
        let produced = self.produced.clone();
        Stream::new((0..end).inspect(move |_| {
            produced.fetch_add(1, Ordering::SeqCst);
        }))
    }

    pub fn produced(&self) -> usize {
        self.produced.load(Ordering::SeqCst)
    }

    pub fn endless(&mut self, length: usize) -> Stream<String> {
        let (produced, told) = (self.produced.clone(), Told(self.closed.clone()));
        Stream::new(std::iter::repeat_with(move || {
            let _is_in_it = &told;
            produced.fetch_add(1, Ordering::SeqCst);
            "x".repeat(length)
        }))
    }

    /// Each item is there when the test says so.
    pub fn gated(&self) -> Stream<u64> {
        let (open, told) = (self.open.lock().unwrap().take().unwrap(), Told(self.closed.clone()));
        Stream::new((0..).take_while(move |_| {
            let _is_in_it = &told;
            open.recv().is_ok()
        }))
    }

    pub fn lines(&self, text: &str) -> TryStream<usize, Unreadable> {
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        TryStream::new(
            lines.into_iter().enumerate().map(|(line, text)| text.parse().map_err(|_| Unreadable { line })),
        )
    }

    pub fn words(&self, minimum: usize) -> Result<Stream<String>, String> {
        if minimum == 0 {
            return Err("there are no words of no letters".to_owned());
        }
        let words = ["ear", "house", "tree"].map(str::to_owned);
        Ok(Stream::new(words.into_iter().filter(move |word| word.len() >= minimum)))
    }

    pub fn falls(&self) -> Stream<u64> {
        Stream::new((0..3).map(|number| if number < 2 { number } else { panic!("at {number}") }))
    }

    pub fn falls_at_its_end(&self) -> Stream<u64> {
        struct Falls;
        impl Drop for Falls {
            fn drop(&mut self) {
                panic!("in the end")
            }
        }
        let falls = Falls;
        Stream::new((0..2).inspect(move |_| {
            let _is_in_it = &falls;
        }))
    }

    pub fn maps(&self) -> Stream<Unwritable> {
        Stream::new([Unwritable(1), Unwritable(0), Unwritable(2)])
    }
}

/// A number but 0, of which there are no words.
#[derive(Debug, PartialEq, Deserialize)]
struct Unwritable(u64);

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            0 => Err(serde::ser::Error::custom("no words for it")),
            number => number.serialize(serializer),
        }
    }
}

struct Room {
    host: RunningHost,
    client: Client,
    source: SourceProxy,
    open: Sender<()>,
    closed: Receiver<()>,
}

fn room_with(settings: &Settings) -> Room {
    let ((open, when_open), (close, closed)) = (channel(), channel());
    let source = Source { produced: Arc::default(), open: Mutex::new(Some(when_open)), closed: close };
    let host = Host::new().settings(settings.clone()).add("source", source).start().unwrap();
    let client = Client::connect_with(host.address(), settings.clone()).unwrap();
    let source = client.proxy("source").unwrap();
    Room { host, client, source, open, closed }
}

fn room() -> Room {
    room_with(&Settings::default())
}

fn all<T, E: From<Error>>(items: Items<T, E>) -> Result<Vec<T>, E> {
    items.collect()
}

#[test]
fn items_come_in_order_and_end() {
    let room = room();
    for count in [0, 1, 2, 3, 100, 100_000] {
        let mut items = room.source.up_to(count).unwrap();
        assert!(items.by_ref().map(Result::unwrap).eq(0..count), "{count}");
        assert!(items.next().is_none());
    }
    // An iterator at its end is not kept until its items are dropped.
    let ended = room.source.up_to(1).unwrap().by_ref().count();
    room.client.info().unwrap();
    assert_eq!((ended, room.host.info().objects), (1, 1));
}

#[test]
fn an_item_that_is_ready_does_not_wait_for_the_next() {
    let room = room();
    let mut items = room.source.gated().unwrap();
    for number in 0..100 {
        room.open.send(()).unwrap();
        assert_eq!(items.next(), Some(Ok(number)));
    }
    drop(room.open);
    assert_eq!(items.next(), None);
    assert_eq!(room.closed.recv_timeout(AT_MOST), Ok(()));
}

#[test]
fn the_methods_own_error_is_the_last_item() {
    let room = room();
    let mut items = room.source.lines("1\n2\nthree\n4").unwrap();
    assert_eq!((items.next(), items.next()), (Some(Ok(1)), Some(Ok(2))));
    assert_eq!(items.next(), Some(Err(CallError::Method(Unreadable { line: 2 }))));
    assert_eq!((items.next(), items.next()), (None, None));
    assert_eq!(all(room.source.lines("1\n2").unwrap()), Ok(vec![1, 2]));
    // To who does not know the type it is told by its text.
    let untyped = room.source.as_proxy().call_stream::<usize>("lines", &("x",)).unwrap();
    let Err(Error::Raised { message, .. }) = all(untyped) else { panic!() };
    assert_eq!(message, "line 0 is unreadable");
}

#[test]
fn a_method_may_give_an_error_instead_of_a_stream() {
    let room = room();
    let refused = room.source.words(0).map(drop);
    assert_eq!(refused, Err(CallError::Method("there are no words of no letters".to_owned())));
    assert_eq!(all(room.source.words(4).unwrap()).unwrap(), ["house", "tree"]);
}

#[test]
fn what_breaks_is_the_last_item() {
    let room = room();
    let mut items = room.source.falls().unwrap();
    assert_eq!((items.next(), items.next()), (Some(Ok(0)), Some(Ok(1))));
    assert_eq!(items.next(), Some(Err(Error::Panicked { message: "at 2".to_owned() })));
    assert_eq!(items.next(), None);
    let panicked = Error::Panicked { message: "in the end".to_owned() };
    assert_eq!(all(room.source.falls_at_its_end().unwrap()), Err(panicked));
    let mut items = room.source.maps().unwrap();
    assert_eq!(items.next(), Some(Ok(Unwritable(1))));
    let Some(Err(Error::NotSendable { message })) = items.next() else { panic!("{items:?}") };
    assert!(message.contains("no words"), "{message}");
    assert_eq!(items.next(), None);
    // What is no number is an error, once.
    let mut items = room.source.as_proxy().call_stream::<String>("up_to", &(5,)).unwrap();
    assert!(matches!(items.next(), Some(Err(Error::Decode(_)))));
    assert!(items.next().is_none());
    assert_eq!(all(room.source.up_to(2).unwrap()), Ok(vec![0, 1]));
}

#[test]
fn it_is_produced_ahead_within_bounds() {
    let room = room();
    let mut items = room.source.endless(1).unwrap();
    // Nothing before somebody asks.
    assert_eq!(room.source.produced(), Ok(0));
    items.next().unwrap().unwrap();
    // One was asked for: two are there, besides those that were on their way.
    until("the second item", || room.source.produced().unwrap() >= 2);
    assert!(room.source.produced().unwrap() <= 4);
    for _ in 0..10_000 {
        items.next().unwrap().unwrap();
    }
    let ahead = room.source.produced().unwrap() - 10_001;
    assert!(ahead <= 3 * 1024 + 2048, "{ahead}");
    // Large items are not as many: a megabyte of them, and one that is being produced.
    let before = room.source.produced().unwrap();
    let mut large = room.source.endless(300_000).unwrap();
    for _ in 0..100 {
        large.next().unwrap().unwrap();
    }
    drop(items);
    let most = 100 + 2048 + 2 * 5;
    assert!(room.source.produced().unwrap() - before <= most);
}

#[test]
fn items_that_are_dropped_drop_the_iterator() {
    let room = room();
    for taken in [1, 10, 1000] {
        let mut items = room.source.endless(1).unwrap();
        for _ in 0..taken {
            items.next().unwrap().unwrap();
        }
        assert_eq!(room.closed.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        drop(items);
        assert_eq!(room.closed.recv_timeout(AT_MOST), Ok(()));
    }
    // One that was never asked goes, too.
    drop(room.source.endless(1).unwrap());
    assert_eq!(room.closed.recv_timeout(AT_MOST), Ok(()));
    until("the end", || room.host.info().objects == 1);
}

#[test]
fn a_host_that_stops_drops_its_iterators() {
    let room = room();
    let mut items = room.source.endless(1).unwrap();
    items.next().unwrap().unwrap();
    room.host.stop();
    assert_eq!(room.closed.recv_timeout(AT_MOST), Ok(()));
    assert!(matches!(items.find(Result::is_err), Some(Err(Error::HostDied { .. }))));
    assert!(items.next().is_none());
}

#[test]
fn the_time_limit_of_a_proxy_is_that_of_each_request() {
    let mut limit = Duration::from_millis(50);
    let (room, mut items) = loop {
        let room = room();
        let gated = room.source.with_timeout(limit).gated();
        if let Ok(mut items) = gated {
            room.open.send(()).unwrap();
            if items.next() == Some(Ok(0)) {
                break (room, items);
            }
        }
        // A busy machine needs longer.
        limit *= 2;
        assert!(limit < AT_MOST);
    };
    assert_eq!(items.next(), Some(Err(Error::TimedOut { after: limit })));
    assert_eq!(items.next(), None);
    // Given up with the next message, it is dropped when it next gives something.
    room.client.info().unwrap();
    until("the end", || {
        // Refused once the iterator is gone.
        let _ = room.open.send(());
        room.closed.try_recv().is_ok()
    });
}

#[test]
fn items_fill_messages_and_do_not_overflow_them() {
    let room = room_with(&Settings { max_frame: 1000, ..Settings::default() });
    for (length, count) in [(1, 5000), (400, 500), (900, 50)] {
        let items = room.source.endless(length).unwrap().take(count);
        assert!(items.map(Result::unwrap).all(|item| item.len() == length), "{length}");
    }
    let mut items = room.source.endless(1001).unwrap();
    assert!(matches!(items.next(), Some(Err(Error::NotSendable { .. }))));
    assert!(items.next().is_none());
}

#[test]
fn streams_come_in_batches_of_calls_too() {
    let room = room();
    let mut batch = room.client.batch();
    let (numbers, words) = (batch.on(&room.source).up_to(3), batch.on(&room.source).words(5));
    let refused = batch.on(&room.source).words(0);
    let dropped = batch.on(&room.source).endless(1);
    batch.send().unwrap();
    drop(dropped);
    assert_eq!(room.closed.recv_timeout(AT_MOST), Ok(()));
    assert_eq!(all(numbers.result().unwrap()), Ok(vec![0, 1, 2]));
    assert_eq!(all(words.result().unwrap()).unwrap(), ["house"]);
    assert!(matches!(refused.result(), Err(CallError::Method(_))));
}

#[test]
fn a_stream_is_no_value_and_a_value_is_no_stream() {
    let room = room();
    let source = room.source.as_proxy();
    let value = source.call::<u64>("up_to", &(3,)).unwrap_err();
    assert!(value.to_string().contains("call_stream"), "{value}");
    let stream = source.call_stream::<u64>("produced", &()).unwrap_err();
    assert!(matches!(stream, Error::UnexpectedReply { found: "a value", .. }), "{stream}");
    // What nobody wanted is not kept.
    room.client.info().unwrap();
    assert_eq!(room.host.info().objects, 1);
}
