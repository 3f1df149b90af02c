//! Making a dump, while other processes use the variables.
//!
//! A variable is read as any reader reads it, piece by piece where it is large, so that no writer waits
//! for longer than a piece takes, but for a list that keeps changing, and for looks at all places of a
//! priority queue. One that fits a piece is of one moment, and so is a larger one that does not change
//! meanwhile. Different variables are of different moments.

use super::file;
use super::stored::{Values, foreign_reference, has_pickled_reference};
use crate::engine::Handle as EngineHandle;
use crate::engine::names::ENTRIES;
use crate::engine::stored_keys::StoredKey;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::containers::queue_frame::QueueKind;
use crate::shm::handle::Handle;
use crate::shm::items::content::Content;
use crate::shm::root::text_of;
use crate::shm::{
    RawArray, RawBarrier, RawCondition, RawDict, RawEvent, RawList, RawLock, RawMonitor, RawPriorityQueue,
    RawQueue, RawSemaphore, RawValue,
};
use sharevar_arena::OwnerDeath;
use sharevar_value::{HashSeed, Key, KeyForm};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

/// Names in the root that lead to a process which is gone when a dump is loaded.
const OF_A_HOST: [&str; 2] = ["sharevar:host", "sharevar:checkpoint"];

/// Writes a dump of what `root` leads to.
///
/// # Errors
/// [`Error::File`]; [`Error::NotDumpable`] for a pickle that refers to a variable or a manager, for a variable
/// that a newer version has made, and for a name that is no text.
pub fn save(root: &RawDict, path: &Path) -> Result<()> {
    let mut saving = Saving {
        numbers: HashMap::new(),
        handles: Vec::new(),
        contents: Values::default(),
        name: Rc::from(""),
        entries: None,
    };
    let mut names = Values::default();
    let mut count = 0;
    for item in root.items(true)? {
        let name = text_of(&item.key)?;
        let name = name.ok_or_else(|| Error::NotDumpable {
            what: "a variable whose name is no Unicode text",
            variable: String::from_utf8_lossy(&item.key).into_owned(),
        })?;
        let Content::Handle(handle) = item.value else { continue };
        if OF_A_HOST.contains(&name.as_str()) {
            continue;
        }
        names.text(&name)?;
        saving.name = Rc::from(&*name);
        let number = saving.number_of(&handle)?;
        if name == ENTRIES {
            saving.entries = Some(number);
        }
        names.number(number)?;
        count += 1;
    }
    let mut body = Values::default();
    // Each may lead to others, which come behind it.
    let mut next = 0;
    while let Some((handle, name)) = saving.handles.get(next).cloned() {
        saving.name = name;
        saving.save(next as u64, handle, &mut body)?;
        next += 1;
    }
    body.number(0)?;
    body.append(saving.contents);
    body.number(count)?;
    body.append(names);
    file::write(path, &body.into_bytes())
}

struct Saving {
    /// By the place in the arena. The handles keep the variables there.
    numbers: HashMap<u64, u64>,
    /// Each with the name that leads to it.
    handles: Vec<(Handle, Rc<str>)>,
    contents: Values,
    /// The name that has led to what is saved now.
    name: Rc<str>,
    /// The number of the dict of entries, in which an object of Python stands for a variable that has its name
    /// by itself.
    entries: Option<u64>,
}

impl Saving {
    fn number_of(&mut self, handle: &EngineHandle) -> Result<u64> {
        let handle = handle.clone().into_shm()?;
        let place = handle.variable().header();
        if let Some(number) = self.numbers.get(&place) {
            return Ok(*number);
        }
        let number = self.handles.len() as u64;
        self.numbers.insert(place, number);
        self.handles.push((handle, self.name.clone()));
        Ok(number)
    }

    fn refused(&self, what: &'static str) -> Error {
        Error::NotDumpable { what, variable: self.name.to_string() }
    }

    fn save(&mut self, number: u64, handle: Handle, heads: &mut Values) -> Result<()> {
        let Some(kind) = handle.kind() else {
            return Err(self.refused("a variable of a kind that this version does not know"));
        };
        heads.number(kind as u64)?;
        match kind {
            Kind::Dict | Kind::Set | Kind::Namespace => {
                let mut entries = RawDict::from_handle_as(handle, kind)?.stored_entries()?;
                if self.entries == Some(number) {
                    let mut kept = Vec::with_capacity(entries.len());
                    for (key, value) in entries {
                        let value = value.loaded()?;
                        if !refers(&value)? {
                            kept.push((key, value));
                        }
                    }
                    entries = kept;
                }
                self.keys(entries)
            }
            Kind::Monitor => self.keys(RawMonitor::from_handle(handle)?.entries()?),
            Kind::List => self.items(&RawList::from_handle(handle)?.slice(0, u64::MAX)?.0),
            Kind::Queue => {
                let queue = RawQueue::from_handle(handle)?;
                heads.number(queue.form()? as u64)?;
                heads.number(queue.limit()?)?;
                self.items(&queue.items()?)
            }
            Kind::PriorityQueue => {
                let queue = RawPriorityQueue::from_handle(handle)?;
                heads.number(queue.limit()?)?;
                self.items(&queue.items()?)
            }
            Kind::Value => self.items(RawValue::from_handle(handle)?.get()?.as_slice()),
            Kind::Array => {
                let array = RawArray::from_handle(handle)?;
                heads.number(u64::from(u32::from(array.format())))?;
                heads.number(array.element_size())?;
                heads.number(array.len())?;
                self.contents.bytes(&array.all_octets()?)
            }
            Kind::Lock => {
                let lock = RawLock::from_handle(handle)?;
                heads.number(fate(lock.robust().owner_death()))
            }
            Kind::RLock | Kind::RwLock => Ok(()),
            Kind::Semaphore => {
                let semaphore = RawSemaphore::from_handle(handle)?;
                heads.number(semaphore.units()?)?;
                heads.number(u64::from(semaphore.bound().unwrap_or(crate::shm::MAX_UNITS)))?;
                heads.number(fate(semaphore.owner_death()))
            }
            Kind::Event => heads.number(u64::from(RawEvent::from_handle(handle)?.is_set()?)),
            Kind::Condition => {
                let lock = RawCondition::from_handle(handle)?.lock().clone();
                heads.number(self.number_of(&lock.into())?)
            }
            Kind::Barrier => {
                let barrier = RawBarrier::from_handle(handle)?;
                heads.number(barrier.parties())?;
                heads.number(barrier.limit().unwrap_or(f64::NAN).to_bits())?;
                let action = barrier.action()?;
                let has_action = !matches!(action, Content::Word(word) if word.is_absent());
                self.items(if has_action { std::slice::from_ref(&action) } else { &[] })
            }
        }
    }

    fn value(&mut self, content: &Content) -> Result<()> {
        let content = match content {
            Content::Long(_) => Cow::Owned(content.clone().loaded()?),
            short => Cow::Borrowed(short),
        };
        let mut contents = std::mem::take(&mut self.contents);
        let done = contents.content(&content, &mut |handle| self.number_of(handle));
        self.contents = contents;
        done.map_err(|error| self.named(error))
    }

    /// The same error, with the name that has led to what is saved now.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::NotDumpable { what, .. } => self.refused(what),
            other => other,
        }
    }

    fn items(&mut self, items: &[Content]) -> Result<()> {
        self.contents.number(items.len() as u64)?;
        items.iter().try_for_each(|item| self.value(item))
    }

    fn keys(&mut self, entries: Vec<(StoredKey, Content)>) -> Result<()> {
        self.contents.number(entries.len() as u64)?;
        // The arena that a key is loaded into decides how it is hashed.
        let seed = HashSeed::new(0);
        for (key, value) in entries {
            self.key(&key.to_key(&seed)?)?;
            self.value(&value)?;
        }
        Ok(())
    }

    /// Expects that an encoded key refers to no manager and no variable: keys count no references.
    fn expect_dumpable(&self, encoding: &[u8]) -> Result<()> {
        if has_pickled_reference(encoding)? { Err(self.named(foreign_reference())) } else { Ok(()) }
    }

    fn key(&mut self, key: &Key) -> Result<()> {
        let form = key.form();
        self.contents.number(u64::from(form.tag()))?;
        match form {
            // Its identity is one of this arena.
            KeyForm::Opaque => {
                let original = key.to_original()?;
                self.expect_dumpable(&original)?;
                self.contents.bytes(&original)
            }
            KeyForm::Original(original) => {
                self.expect_dumpable(original)?;
                self.contents.bytes(&key.to_canonical())?;
                self.contents.bytes(original)
            }
            _ => self.contents.bytes(&key.to_canonical()),
        }
    }
}

/// Whether a value refers to a variable or a manager, natively or in a pickle.
fn refers(value: &Content) -> Result<bool> {
    match value {
        Content::Bytes(bytes, handles) => Ok(!handles.is_empty() || has_pickled_reference(bytes)?),
        _ => Ok(false),
    }
}

fn fate(settled: Option<OwnerDeath>) -> u64 {
    match settled {
        None => 0,
        Some(OwnerDeath::Release) => 1,
        Some(OwnerDeath::Keep) => 2,
    }
}
