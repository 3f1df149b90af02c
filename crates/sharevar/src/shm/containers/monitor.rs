//! A monitor: attributes by name, and the lock under which they change.
//!
//! Underneath it is a dict. Besides the attributes it holds its lock, under a key that is no name.
//! A caller that changes attributes holds that lock, and changes all of them in one operation of the
//! dict. So there is nothing here that a death could leave half done.

use super::dict::RawDict;
use crate::engine::Acquired;
use crate::engine::content::Item;
use crate::engine::stored_keys::StoredKey;
use crate::engine::wait::Wait;
use crate::error::Result;
use crate::kind::Kind;
use crate::shm::handle::Handle;
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::Content;
use crate::shm::locks::recursive_lock;
use sharevar_arena::{Error, Participant, RecursiveLock};
use sharevar_value::{Encoded, Key, Word};
use std::sync::Arc;

/// The key of the lock, and its encoding.
const LOCK: i64 = 0;
const LOCK_KEY: &[u8] = &[0];

/// A monitor in an arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMonitor {
    dict: RawDict,
    lock: Handle,
}

impl RawMonitor {
    /// Makes a monitor without attributes.
    pub fn create(participant: &Arc<Participant>) -> Result<Self> {
        let lock = Handle::create(participant, Kind::RLock)?;
        let dict = RawDict::create_as(participant, Kind::Monitor)?;
        let word = Word::handle(lock.variable().header());
        dict.insert(&Key::from_int(LOCK, dict.seed()), &Encoded::Word(word))?;
        Ok(Self { dict, lock })
    }

    /// The monitor that a handle leads to.
    pub fn from_handle(handle: Handle) -> Result<Self> {
        let dict = RawDict::from_handle_as(handle, Kind::Monitor)?;
        if let Some(Content::Handle(lock)) = dict.get(&Key::from_int(LOCK, dict.seed()))? {
            return Ok(Self { lock: lock.into_shm()?.expect(Kind::RLock)?, dict });
        }
        let offset = dict.handle().variable().header();
        Err(Error::Corrupt { what: "a monitor has no lock", offset }.into())
    }

    /// The handle.
    #[inline(always)]
    pub fn handle(&self) -> &Handle {
        self.dict.handle()
    }

    /// The dict of the attributes. A caller that changes them holds the lock.
    #[inline(always)]
    pub fn attributes(&self) -> &RawDict {
        &self.dict
    }

    /// The lock.
    #[inline(always)]
    pub fn lock(&self) -> RecursiveLock<'_> {
        RecursiveLock::of(self.lock.participant(), self.lock.variable())
    }

    /// The variable that is the lock.
    pub fn lock_handle(&self) -> &Handle {
        &self.lock
    }

    /// A wait of this thread until it has taken the lock.
    pub fn acquire_wait(&self) -> impl Wait<Acquired> + '_ {
        recursive_lock::acquire_wait(self.lock())
    }

    /// The attributes with their keys, in the order in which they were first set.
    pub(crate) fn entries(&self) -> Result<Vec<(StoredKey, Content)>> {
        let lock = Key::from_int(LOCK, self.dict.seed());
        let mut entries = self.dict.stored_entries()?;
        entries.retain(|(key, _)| key.to_key(self.dict.seed()).is_ok_and(|key| key != lock));
        Ok(entries)
    }

    /// The attributes, in the order in which they were first set. As [`RawDict::items`].
    pub fn items(&self, with_values: bool) -> Result<Vec<Item>> {
        let mut items = self.dict.items(with_values)?;
        items.retain(|item| item.key != LOCK_KEY);
        Ok(items)
    }

    /// Takes the attributes `removed` away and sets `added`, as one operation. The caller holds
    /// the lock.
    pub fn change(&self, removed: &[Key], added: &[(Key, Encoded)]) -> Result<()> {
        match (removed, added) {
            ([], []) => return Ok(()),
            ([], [(key, value)]) => return self.dict.insert(key, value),
            _ => {}
        }
        let mut attempts = Attempts::of(self.handle());
        // No other caller changes anything while the lock is held, so the first turn is the last.
        while !self.dict.change_if_unchanged(removed, added, self.dict.stamp())? {
            attempts.fail()?;
        }
        Ok(())
    }
}
