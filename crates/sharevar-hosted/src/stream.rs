//! An iterator that stays at the host, and what a client takes its items from.

use super::ahead::{Ahead, Item, Source, produce, written};
use super::kept::keeping;
use super::object::{Call, Callable, Refused, write_error, write_value};
use super::protocol::{Refusal, part, write_reply};
use serde::Serialize;
use std::fmt::{self, Display};
use std::sync::{Arc, Mutex, PoisonError};

/// The most items that a client can ask for ahead.
const MOST: u32 = 1024;

/// What a method returns whose items are sent as they come: an iterator, which stays at the host.
/// The caller gets [`Items`](super::Items).
///
/// It runs in a thread of its own, ahead of the caller within bounds, once he has asked for the
/// first item. When he drops his end, or is gone himself, the iterator is dropped.
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
#[must_use = "it is what the method returns"]
pub struct Stream<T>(Box<dyn Iterator<Item = T> + Send>);

/// A [`Stream`] that an error may end. It comes to the caller as an error of the method does.
#[must_use = "it is what the method returns"]
pub struct TryStream<T, E>(Box<dyn Iterator<Item = Result<T, E>> + Send>);

impl<T> Stream<T> {
    /// The items of an iterator.
    pub fn new(items: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Self {
        Self(Box::new(items.into_iter()))
    }
}

impl<T, E> TryStream<T, E> {
    /// The items of an iterator, up to its first error.
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

impl<T: Serialize + 'static> Stream<T> {
    pub(super) fn give(mut self, call: Call<'_>) -> Result<(), Refused> {
        give(Box::new(move || self.0.next().map(|item| value(&item))), call)
    }
}

impl<T: Serialize + 'static, E: Serialize + Display + 'static> TryStream<T, E> {
    pub(super) fn give(mut self, call: Call<'_>) -> Result<(), Refused> {
        let next = move || {
            Some(match self.0.next()? {
                Ok(item) => value(&item),
                Err(error) => Item::Last(written(|bytes| write_error(bytes, &error))),
            })
        };
        give(Box::new(next), call)
    }
}

fn give(source: Source, call: Call<'_>) -> Result<(), Refused> {
    let streaming = Streaming { source: Mutex::new(Some(source)), ahead: Arc::default() };
    call.streamed(&(Arc::new(streaming) as Arc<dyn Callable>))
}

fn value<T: Serialize>(item: &T) -> Item {
    let mut bytes = Vec::new();
    let (encoded, kept) = keeping(|| write_value(&mut bytes, item));
    match encoded {
        Ok(()) => Item::Value(bytes, kept),
        Err(error) => {
            let message = format!("an item of the stream: {error}");
            Item::Last(written(|bytes| write_reply::refused(bytes, Refusal::Result, &message)))
        }
    }
}

/// What a client takes items from. When it is dropped, the iterator is.
struct Streaming {
    /// Until the first item is asked for.
    source: Mutex<Option<Source>>,
    ahead: Arc<Ahead>,
}

impl Callable for Streaming {
    /// `take(demand)` gives all items that are there, at least one; the last of all is an error,
    /// the iterator's own or [`END`]. Up to `demand` more are produced ahead.
    fn call(&self, call: Call<'_>) -> Result<(), Refused> {
        if call.method() != "take" {
            return Err(Refused {
                refusal: Refusal::NotExposed,
                message: format!("a stream has no method {:?}; it has take", call.method()),
            });
        }
        let mut place = None;
        let (demand,): (u32,) = call.arguments(&["demand"], &mut place)?;
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(source) = source {
            self.start(source)?;
        }
        let taken = self.ahead.take(demand.clamp(1, MOST), call.caller, call.host.max_frame());
        write_reply::many(call.reply, taken.len())?;
        for (item, kept) in taken {
            part(call.reply, |reply| reply.extend(item))?;
            if !kept.is_empty() {
                call.host.reply_references().keep(call.caller, kept);
            }
        }
        Ok(())
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
        let ahead = self.ahead.clone();
        let started = std::thread::Builder::new()
            .name("sharevar stream".to_owned())
            .spawn(move || produce(&ahead, source));
        started.map(drop).map_err(|error| Refused {
            refusal: Refusal::Result,
            message: format!("there is no thread for a stream: {error}"),
        })
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.ahead.close();
    }
}
