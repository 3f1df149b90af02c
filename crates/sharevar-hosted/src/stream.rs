//! An iterator that stays at the host, and the object from which a client takes its items.

use super::answer::Answer;
use super::by_reference::ByReference;
use super::dispatch::panic_message;
use super::embedded_references::{EmbeddedReferences, collect_references};
use super::error::{CallError, Error};
use super::items::Items;
use super::object::{Call, Callable, write_error, write_value};
use super::prefetch::{Prefetch, end};
use super::protocol::{Refusal, write_reply};
use super::proxy::Proxy;
use super::refused::Refused;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// The result of a method whose items are sent as they come: an iterator, which stays at the host.
/// The caller gets [`Items`](super::Items).
///
/// It runs in a thread of its own, ahead of the caller within bounds, once the caller has asked for
/// the first item. It is dropped when the caller drops its end, or has ended.
///
/// ```
/// use sharevar::hosted::{Host, Stream};
///
/// struct Words(Vec<String>);
///
/// #[sharevar::hosted]
/// impl Words {
///     pub fn longer_than(&self, length: usize) -> Stream<String> {
///         Stream::new(self.0.clone().into_iter().filter(move |word| word.len() > length))
///     }
/// }
///
/// let words = Words(["ear", "house", "tree"].map(str::to_owned).to_vec());
/// let host = Host::new().add("words", words).start()?;
/// let words: WordsProxy = host.client()?.proxy("words")?;
/// let long = words.longer_than(3)?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!(long, ["house", "tree"]);
/// # Ok::<(), sharevar::hosted::Error>(())
/// ```
#[must_use = "it is the result of the method"]
pub struct Stream<T>(Box<dyn Iterator<Item = T> + Send>);

/// A [`Stream`] that an error may end. It comes to the caller as an error of the method does.
#[must_use = "it is the result of the method"]
pub struct TryStream<T, E>(Box<dyn Iterator<Item = Result<T, E>> + Send>);

impl<T> Stream<T> {
    /// Makes a stream of the items of an iterator.
    pub fn new(items: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Self {
        Self(Box::new(items.into_iter()))
    }
}

impl<T, E> TryStream<T, E> {
    /// Makes a stream of the items of an iterator, up to its first error.
    pub fn new(items: impl IntoIterator<Item = Result<T, E>, IntoIter: Send + 'static>) -> Self {
        Self(Box::new(items.into_iter()))
    }
}

impl<T> fmt::Debug for Stream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream({})", std::any::type_name::<T>())
    }
}

impl<T, E> fmt::Debug for TryStream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TryStream({})", std::any::type_name::<T>())
    }
}

/// An item as it is sent.
enum Item {
    Value(Vec<u8>, EmbeddedReferences),
    /// An error, which is the last one.
    Last(Vec<u8>),
}

/// An iterator, whatever the type of its items is.
type Source = Box<dyn FnMut() -> Option<Item> + Send>;

impl<T: Serialize + DeserializeOwned + 'static> ByReference for Stream<T> {
    type Remote = Items<T>;
    type Error = Error;

    fn export(mut self, call: Call<'_>) -> Result<(), Refused> {
        export(Box::new(move || self.0.next().map(|item| value(&item))), call)
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<Items<T>, Error> {
        proxy.stream(answer).map(Items::new)
    }
}

impl<T, E> ByReference for TryStream<T, E>
where
    T: Serialize + DeserializeOwned + 'static,
    E: Serialize + DeserializeOwned + Display + 'static,
{
    type Remote = Items<T, CallError<E>>;
    type Error = Error;

    fn export(mut self, call: Call<'_>) -> Result<(), Refused> {
        let next = move || {
            Some(match self.0.next()? {
                Ok(item) => value(&item),
                Err(error) => Item::Last(written(|bytes| write_error(bytes, &error))),
            })
        };
        export(Box::new(next), call)
    }

    fn from_reply(proxy: &Proxy, answer: Answer<'_>) -> Result<Self::Remote, Error> {
        proxy.stream(answer).map(Items::new_fallible)
    }
}

fn export(source: Source, call: Call<'_>) -> Result<(), Refused> {
    let streaming = Streaming { source: Mutex::new(Some(source)), prefetch: Arc::default() };
    call.streamed(&(Arc::new(streaming) as Arc<dyn Callable>))
}

fn value<T: Serialize>(item: &T) -> Item {
    let mut bytes = Vec::new();
    let (encoded, references) = collect_references(|| write_value(&mut bytes, item));
    match encoded {
        Ok(()) => Item::Value(bytes, references),
        Err(error) => {
            let message = format!("an item of the stream: {error}");
            Item::Last(written(|bytes| write_reply::refused(bytes, Refusal::Result, &message)))
        }
    }
}

/// The object from which a client takes items. When it is dropped, the iterator is.
struct Streaming {
    /// Until the first item is asked for.
    source: Mutex<Option<Source>>,
    prefetch: Arc<Prefetch<Box<dyn Any + Send>>>,
}

impl Callable for Streaming {
    /// `take(demand)` gives all items that are there, at least one; the last of all is an error,
    /// the iterator's own or [`END`](super::protocol::END).
    fn call(&self, call: Call<'_>) -> Result<(), Refused> {
        if call.method() != "take" {
            let message = format!("a stream has no method {:?}; it has take", call.method());
            return Err(Refused::new(Refusal::NotExposed, message));
        }
        let mut ordered = None;
        let (demand,): (u32,) = call.arguments(&["demand"], &mut ordered)?;
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(source) = source {
            self.start(source)?;
        }
        let (max_frame, references) = (call.host.max_frame(), call.host.reply_references());
        Ok(self.prefetch.take(demand, call.caller, max_frame, references, call.reply)?)
    }

    fn typeid(&self) -> &'static str {
        ""
    }

    fn exposed(&self) -> &'static [&'static str] {
        &["take"]
    }
}

impl Streaming {
    fn start(&self, source: Source) -> Result<(), Refused> {
        let prefetch = self.prefetch.clone();
        let started = std::thread::Builder::new()
            .name("sharevar stream".to_owned())
            .spawn(move || produce(&prefetch, source));
        started.map(drop).map_err(|error| {
            Refused::new(Refusal::Result, format!("no thread can be started for a stream: {error}"))
        })
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.prefetch.close();
    }
}

/// Runs an iterator, on a thread of its own.
fn produce(prefetch: &Prefetch<Box<dyn Any + Send>>, mut source: Source) {
    let mut last = loop {
        if prefetch.is_closed() {
            break end();
        }
        match catch_unwind(AssertUnwindSafe(&mut source)) {
            Ok(Some(Item::Value(bytes, references))) => {
                if !prefetch.put(bytes, references) {
                    prefetch.wait_for_room();
                }
            }
            Ok(Some(Item::Last(bytes))) => break bytes,
            Ok(None) => break end(),
            Err(panic) => break panicked(&*panic),
        }
    };
    // The iterator is dropped before the caller learns of its end.
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(source))) {
        last = panicked(&*panic);
    }
    prefetch.end(last);
}

fn panicked(panic: &(dyn Any + Send)) -> Vec<u8> {
    written(|bytes| write_reply::panicked(bytes, panic_message(panic)))
}

/// Writes a reply whose texts are short of 4 GiB; one that is longer would be empty.
fn written<E>(write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = write(&mut bytes);
    bytes
}
