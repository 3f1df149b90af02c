//! The contents of variables, whatever their kind.

use crate::element;
use crate::exit::{Failure, Result};
use crate::json;
use serde_json::{Value as Json, json};
use sharevar::engine::{
    Backed, Barrier, Cell, Condition, Elements, Event, Exclusive, List, Map, Monitor, Queue, RwLock, Span,
    Units,
};
use sharevar::shm::{
    Item, RawArray, RawBarrier, RawCondition, RawDict, RawEvent, RawList, RawLock, RawMonitor,
    RawPriorityQueue, RawQueue, RawRLock, RawRwLock, RawSemaphore, RawValue,
};
use sharevar::{Content, Handle, Kind};
use sharevar_value::Value;

/// A value, and the variables that it refers to.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) value: Value,
    pub(crate) handles: Vec<Handle>,
}

impl Read {
    pub(crate) fn of(content: Content) -> Result<Self> {
        let decode = |value: std::result::Result<Value, _>| value.map_err(sharevar::Error::from);
        Ok(match content {
            long @ Content::Long(_) => return Self::of(long.loaded()?),
            Content::Word(word) => {
                let value = decode(Value::from_word(word).map(|value| value.unwrap_or(Value::None)))?;
                Self { value, handles: Vec::new() }
            }
            Content::Bytes(bytes, handles) => Self { value: decode(Value::decode(&bytes))?, handles },
            Content::Handle(handle) => {
                Self { value: Value::Handle(handle.id().number), handles: vec![handle] }
            }
        })
    }

    fn of_key(key: &[u8]) -> Result<Self> {
        Ok(Self { value: Value::decode(key).map_err(sharevar::Error::from)?, handles: Vec::new() })
    }

    fn plain(value: impl Into<Value>) -> Self {
        Self { value: value.into(), handles: Vec::new() }
    }

    /// The value as Python shows it; a variable as its kind.
    pub(crate) fn text(&self) -> String {
        match (&self.value, self.handles.first()) {
            (Value::Handle(_), Some(handle)) => {
                format!("<{}>", handle.kind().map_or("variable", Kind::name))
            }
            (value, _) => value.to_string(),
        }
    }
}

/// The content of a variable.
#[derive(Debug)]
pub(crate) enum Contents {
    /// Of a dict, a namespace or a monitor.
    Pairs(Vec<(Read, Read)>),
    /// Of a set.
    Elements(Vec<Read>),
    /// Of a list, an array or a queue.
    Items(Vec<Read>),
    /// Of a value.
    One(Read),
    /// Of what waits or is waited for: facts by name.
    State(Vec<(&'static str, Json)>),
}

impl Contents {
    /// Reads up to `most` items of a variable.
    pub(crate) fn read(handle: &Handle, most: usize) -> Result<Self> {
        let Some(kind) = handle.kind() else {
            return Err(Failure::new(crate::Exit::Failure, "the variable is of a kind of a newer version"));
        };
        let handle = handle.clone();
        Ok(match kind {
            Kind::Dict | Kind::Namespace => pairs(first_items(handle, kind, most)?)?,
            Kind::Monitor => {
                let mut items = Backed::<RawMonitor, dyn Monitor>::open(handle, kind)?.any().items()?;
                items.truncate(most);
                pairs(items)?
            }
            Kind::Set => {
                let items = first_items(handle, kind, most)?;
                Self::Elements(items.iter().map(|item| Read::of_key(&item.key)).collect::<Result<_>>()?)
            }
            Kind::List => {
                let most = i64::try_from(most).ok();
                let span = Span::new(None, most, 1).unwrap_or(Span::ALL);
                items(Backed::<RawList, dyn List>::open(handle, kind)?.any().get_slice(span)?)?
            }
            Kind::Queue => match Backed::<RawQueue, dyn Queue>::open(handle, kind)? {
                Backed::Shm(queue) => items(queue.peek(most)?)?,
                Backed::Other(queue) => items(queue.first()?.into_iter().take(most).collect())?,
            },
            Kind::PriorityQueue => {
                let first = Backed::<RawPriorityQueue, dyn Queue>::open(handle, kind)?.any().first()?;
                items(first.into_iter().take(most).collect())?
            }
            Kind::Array => {
                let array = Backed::<RawArray, dyn Elements>::open(handle, kind)?;
                let array = array.any();
                let bits = array.load_slice(0, array.len().min(most as u64))?;
                let element = |bits| Read::plain(element::read(array.format(), array.element_size(), bits));
                Self::Items(bits.into_iter().map(element).collect())
            }
            Kind::Value => {
                let content = Backed::<RawValue, dyn Cell>::open(handle, kind)?.any().get()?;
                Self::One(content.map_or_else(|| Ok(Read::plain(())), Read::of)?)
            }
            Kind::Lock => {
                let lock = Backed::<RawLock, dyn Exclusive>::open(handle, kind)?;
                Self::State(vec![("locked", json!(lock.any().is_locked()?))])
            }
            Kind::RLock => {
                let lock = Backed::<RawRLock, dyn Exclusive>::open(handle, kind)?;
                Self::State(vec![("locked", json!(lock.any().is_locked()?))])
            }
            Kind::RwLock => {
                let lock = Backed::<RawRwLock, dyn RwLock>::open(handle, kind)?;
                Self::State(vec![("owner_died", json!(lock.any().owner_died()?))])
            }
            Kind::Semaphore => {
                let semaphore = Backed::<RawSemaphore, dyn Units>::open(handle, kind)?;
                let (available, bound) = (semaphore.any().available()?, semaphore.any().bound()?);
                Self::State(vec![("available", json!(available)), ("bound", json!(bound))])
            }
            Kind::Event => {
                let event = Backed::<RawEvent, dyn Event>::open(handle, kind)?;
                Self::State(vec![("set", json!(event.any().is_set()?))])
            }
            Kind::Barrier => {
                let barrier = Backed::<RawBarrier, dyn Barrier>::open(handle, kind)?;
                let barrier = barrier.any();
                Self::State(vec![
                    ("parties", json!(barrier.parties()?)),
                    ("waiting", json!(barrier.waiting()?)),
                    ("broken", json!(barrier.is_broken()?)),
                ])
            }
            Kind::Condition => {
                let (waiting, _) = match Backed::<RawCondition, dyn Condition>::open(handle, kind)? {
                    // It takes the dead away.
                    Backed::Shm(condition) => condition.living().map_err(Failure::of_locked_look)?,
                    Backed::Other(condition) => condition.counts()?,
                };
                Self::State(vec![("waiting", json!(waiting))])
            }
        })
    }

    /// The number of items that were read, if it is of a kind that has some.
    pub(crate) fn len(&self) -> Option<usize> {
        match self {
            Self::Pairs(pairs) => Some(pairs.len()),
            Self::Elements(items) | Self::Items(items) => Some(items.len()),
            Self::One(_) | Self::State(_) => None,
        }
    }

    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Pairs(pairs) => {
                json::dict(pairs.iter().map(|(key, value)| (json::of(key), json::of(value))))
            }
            Self::Elements(items) => json!({"$set": items.iter().map(json::of).collect::<Vec<_>>()}),
            Self::Items(items) => Json::Array(items.iter().map(json::of).collect()),
            Self::One(value) => json::of(value),
            Self::State(facts) => {
                Json::Object(facts.iter().map(|(name, fact)| ((*name).to_owned(), fact.clone())).collect())
            }
        }
    }

    /// A line for each item.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            Self::Pairs(pairs) => {
                pairs.iter().map(|(key, value)| format!("{}: {}", key.text(), value.text())).collect()
            }
            Self::Elements(items) | Self::Items(items) => items.iter().map(Read::text).collect(),
            Self::One(value) => vec![value.text()],
            Self::State(facts) => facts.iter().map(|(name, fact)| format!("{name}: {fact}")).collect(),
        }
    }
}

/// The first items of a dict, a namespace or a set.
fn first_items(handle: Handle, kind: Kind, most: usize) -> Result<Vec<Item>> {
    Ok(match Backed::<RawDict, dyn Map>::open(handle, kind)? {
        Backed::Shm(map) => map.first_items(most)?,
        Backed::Other(map) => {
            let mut items = map.items(true)?;
            items.truncate(most);
            items
        }
    })
}

fn pairs(items: Vec<Item>) -> Result<Contents> {
    let pair = |item: Item| Ok((Read::of_key(&item.key)?, Read::of(item.value)?));
    Ok(Contents::Pairs(items.into_iter().map(pair).collect::<Result<_>>()?))
}

fn items(contents: Vec<Content>) -> Result<Contents> {
    Ok(Contents::Items(contents.into_iter().map(Read::of).collect::<Result<_>>()?))
}
