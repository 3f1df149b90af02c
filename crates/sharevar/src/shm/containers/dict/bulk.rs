//! Changes of many keys at once.

use super::RawDict;
use super::change;
use super::entry;
use super::layout::{EXCHANGE, LENGTH, STRUCTURE};
use crate::engine::stamp::Stamp;
use crate::error::Result;
use crate::shm::items::content;
use crate::shm::items::source::{Locked, Source};
use sharevar_arena::Transaction;
use sharevar_value::{Encoded, Key, Word};

impl RawDict {
    /// Removes all keys, in one step for all processes; the memory comes back bit by bit.
    pub fn clear(&self) -> Result<()> {
        self.exchange(&Self::create(self.handle().participant())?, |_| true)?;
        Ok(())
    }

    /// Exchanges all that this dict holds with all of `private`, which no other process knows, if
    /// `may_exchange` says so. Returns whether it did.
    fn exchange(&self, private: &Self, may_exchange: impl FnOnce(&Locked<'_, '_>) -> bool) -> Result<bool> {
        let (ours, theirs) = (self.handle().variable(), private.handle().variable());
        let mut transaction = self.handle().participant().begin()?;
        transaction.lock(ours)?;
        if !may_exchange(&Locked(&transaction, ours)) {
            return Ok(false);
        }
        transaction.lock(theirs)?;
        for index in 0..STRUCTURE {
            let (here, there) = (transaction.body(ours, index), transaction.body(theirs, index));
            transaction.set_body(ours, index, there)?;
            transaction.set_body(theirs, index, here)?;
        }
        let structure = transaction.body(ours, STRUCTURE);
        transaction.set_body(ours, STRUCTURE, structure.wrapping_add(EXCHANGE))?;
        transaction.count_change(ours);
        transaction.commit()?;
        Ok(true)
    }

    /// Sets all of `items` as one operation: others see none of them or all.
    ///
    /// Up to [`Self::MAX_ATOMIC_UPDATE`] items go in under the lock; more, into an empty dict,
    /// are built aside and published by one exchange; more, into one that has keys, go in as
    /// so many operations of that size, each whole.
    pub fn update(&self, items: &[(Key, Encoded)]) -> Result<()> {
        if items.len() > Self::MAX_ATOMIC_UPDATE && self.fill(items)? {
            return Ok(());
        }
        items.chunks(Self::MAX_ATOMIC_UPDATE).try_for_each(|items| self.update_locked(items))
    }

    /// Makes `items`, any number of them, the content of an empty dict, in one step. Returns whether
    /// it was empty.
    pub fn fill(&self, items: &[(Key, Encoded)]) -> Result<bool> {
        if !self.is_empty()? {
            return Ok(false);
        }
        self.exchange(&self.build(items)?, |source| source.body(LENGTH) == 0)
    }

    /// Makes a dict of `items`, any number of them, in the same arena.
    fn build(&self, items: &[(Key, Encoded)]) -> Result<Self> {
        let built = Self::create(self.handle().participant())?;
        for items in items.chunks(Self::MAX_ATOMIC_UPDATE) {
            built.update_locked(items)?;
        }
        Ok(built)
    }

    /// The most items that one operation sets under the lock.
    pub const MAX_ATOMIC_UPDATE: usize = 4096;

    fn update_locked(&self, items: &[(Key, Encoded)]) -> Result<()> {
        self.update_where(items, |_| true).map(|_| ())
    }

    /// Sets all of `items`, few enough for one operation, if `may_add` says so. Whether it did.
    pub(super) fn update_where(
        &self,
        items: &[(Key, Encoded)],
        may_add: impl FnOnce(&Locked<'_, '_>) -> bool,
    ) -> Result<bool> {
        let participant = self.handle().participant();
        participant.make_room(items.len() as u64 * 128);
        let mut transaction = participant.begin()?;
        let words = items
            .iter()
            .map(|(_, value)| content::store(&mut transaction, value))
            .collect::<Result<Vec<_>>>()?;
        transaction.lock(self.handle().variable())?;
        if !may_add(&Locked(&transaction, self.handle().variable())) {
            return Ok(false);
        }
        self.set_all_locked(&mut transaction, items, words)?;
        transaction.count_change(self.handle().variable());
        transaction.commit()?;
        Ok(true)
    }

    fn set_all_locked(
        &self,
        transaction: &mut Transaction<'_>,
        items: &[(Key, Encoded)],
        words: Vec<Word>,
    ) -> Result<()> {
        let variable = self.handle().variable();
        for ((key, _), word) in items.iter().zip(words) {
            let probe = entry::probe(&Locked(transaction, variable), key)?;
            match probe.found {
                Some(entry) => change::replace_noted(transaction, entry, word)?,
                None => change::insert_new(transaction, variable, key, word, probe)?,
            }
        }
        Ok(())
    }

    /// Removes the keys `removed` and sets `added`, as one operation, if the dict was not
    /// changed since `stamp`. Whether it did. Together they are at most [`Self::MAX_ATOMIC_UPDATE`].
    pub fn change_if_unchanged(
        &self,
        removed: &[Key],
        added: &[(Key, Encoded)],
        stamp: Stamp,
    ) -> Result<bool> {
        let (participant, variable) = (self.handle().participant(), self.handle().variable());
        if removed.len() + added.len() > Self::MAX_ATOMIC_UPDATE {
            return Err(
                sharevar_arena::Error::TransactionTooLarge { limit: Self::MAX_ATOMIC_UPDATE as u64 }.into()
            );
        }
        participant.make_room(added.len() as u64 * 128);
        let mut transaction = participant.begin()?;
        let words = added
            .iter()
            .map(|(_, value)| content::store(&mut transaction, value))
            .collect::<Result<Vec<_>>>()?;
        transaction.lock(variable)?;
        if self.stamp() != stamp {
            return Ok(false);
        }
        for key in removed {
            if let Some(entry) = entry::probe(&Locked(&transaction, variable), key)?.found {
                change::remove(&mut transaction, variable, entry)?;
            }
        }
        self.set_all_locked(&mut transaction, added, words)?;
        transaction.count_change(variable);
        transaction.commit()?;
        Ok(true)
    }

    /// Makes `items` the whole content, as one operation, if the dict was not changed since
    /// `stamp`. Returns whether it did. For any number of items: they are built aside.
    pub fn replace_if_unchanged(&self, items: &[(Key, Encoded)], stamp: Stamp) -> Result<bool> {
        self.exchange(&self.build(items)?, |_| self.stamp() == stamp)
    }
}
