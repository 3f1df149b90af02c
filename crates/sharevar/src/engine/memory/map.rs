//! Dicts, sets and namespaces.

use super::bodies::Entry;
use super::state::{State, sum};
use super::variable::Variable;
use crate::engine::content::{Content, Item};
use crate::engine::handle::Handle;
use crate::engine::map::Map;
use crate::engine::page::Page;
use crate::engine::stamp::Stamp;
use crate::engine::stored_keys::{NewKeys, Selection, StoredKey};
use crate::error::Result;
use sharevar_value::{Encoded, HashSeed, Key, Word};

/// Keys of a page: as many as of an engine on a server, whose pages tests see here.
const PAGE: usize = 1000;

impl Variable {
    /// Sets keys whose values are counted already.
    fn set_counted(&self, state: &mut State, items: &[(Key, Encoded)]) -> Result<()> {
        for (key, value) in items {
            let old = state.map(self.number)?.set(key, value.clone());
            state.release_all(old);
        }
        Ok(())
    }

    pub(super) fn read_items(&self, state: &mut State, with_values: bool) -> Result<Vec<Item>> {
        let items: Vec<_> = state
            .map(self.number)?
            .items
            .values()
            .map(|entry| (entry.key.clone(), entry.value.clone()))
            .collect();
        let mut read = |(key, value): (Key, Encoded)| {
            let value = if with_values { self.content(state, value)? } else { Content::Word(Word::ABSENT) };
            Ok(Item { key: key.to_original()?, value })
        };
        items.into_iter().map(&mut read).collect()
    }

    /// Removes keys and sets others, whatever they held.
    pub(super) fn remove_and_set(
        &self,
        state: &mut State,
        removed: &[Key],
        added: &[(Key, Encoded)],
    ) -> Result<()> {
        // Counted first: it may be what the removed ones refer to.
        state.retain_all(added.iter().map(|(_, value)| value))?;
        for key in removed {
            let old = state.map(self.number)?.remove(key);
            state.release_all(old);
        }
        state.change_map(self.number)?;
        self.set_counted(state, added)
    }

    fn set_all(&self, state: &mut State, items: &[(Key, Encoded)]) -> Result<()> {
        state.retain_all(items.iter().map(|(_, value)| value))?;
        state.change_map(self.number)?;
        self.set_counted(state, items)
    }

    fn get_or_set(&self, state: &mut State, key: &Key, value: &Encoded) -> Result<(Content, bool)> {
        let found = state.map(self.number)?.get(key).cloned();
        if let Some(found) = found {
            return Ok((self.content(state, found)?, false));
        }
        self.set_all(state, &[(key.clone(), value.clone())])?;
        Ok((self.content(state, value.clone())?, true))
    }

    fn add(&self, state: &mut State, key: &Key, by: i64) -> Result<i64> {
        let zero = Encoded::Word(Word::from_int(0).unwrap_or(Word::NONE));
        let old = state.map(self.number)?.get(key).unwrap_or(&zero);
        let (sum, value) = sum(Some(old), by)?;
        state.change_map(self.number)?.set(key, value);
        Ok(sum)
    }
}

impl Map for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn seed(&self) -> &HashSeed {
        &self.memory().server.seed
    }

    fn stamp(&self) -> Result<Stamp> {
        self.ask(|state| state.stamp(self.number))
    }

    fn len(&self) -> Result<u64> {
        self.ask(|state| Ok(state.map(self.number)?.items.len() as u64))
    }

    fn get(&self, key: &Key) -> Result<Option<Content>> {
        Ok(self.get_stamped(key)?.0)
    }

    fn get_stamped(&self, key: &Key) -> Result<(Option<Content>, Stamp)> {
        self.ask(|state| {
            let stamp = state.stamp(self.number)?;
            let found = state.map(self.number)?.get(key).cloned();
            Ok((found.map(|value| self.content(state, value)).transpose()?, stamp))
        })
    }

    fn contains(&self, key: &Key) -> Result<bool> {
        self.ask(|state| Ok(state.map(self.number)?.get(key).is_some()))
    }

    fn insert(&self, key: &Key, value: &Encoded) -> Result<()> {
        self.ask(|state| self.set_all(state, &[(key.clone(), value.clone())]))
    }

    fn insert_if_unchanged(&self, key: &Key, value: &Encoded, stamp: Stamp) -> Result<bool> {
        self.change_if_unchanged(&[], &[(key.clone(), value.clone())], stamp)
    }

    fn get_or_insert(&self, key: &Key, value: &Encoded) -> Result<(Content, bool)> {
        self.ask(|state| self.get_or_set(state, key, value))
    }

    fn remove(&self, key: &Key) -> Result<Option<Content>> {
        self.ask(|state| {
            if state.map(self.number)?.get(key).is_none() {
                return Ok(None);
            }
            let value = state.change_map(self.number)?.remove(key);
            value.map(|value| self.taken(state, value)).transpose()
        })
    }

    fn pop_last(&self) -> Result<Option<Item>> {
        self.ask(|state| {
            if state.map(self.number)?.items.is_empty() {
                return Ok(None);
            }
            let Some(Entry { key, value }) = state.change_map(self.number)?.pop_last() else {
                return Ok(None);
            };
            Ok(Some(Item { key: key.to_original()?, value: self.taken(state, value)? }))
        })
    }

    fn increment(&self, key: &Key, by: i64) -> Result<i64> {
        self.ask(|state| self.add(state, key, by))
    }

    fn update(&self, items: &[(Key, Encoded)]) -> Result<()> {
        self.ask(|state| self.set_all(state, items))
    }

    fn change_if_unchanged(&self, removed: &[Key], added: &[(Key, Encoded)], stamp: Stamp) -> Result<bool> {
        self.ask(|state| {
            if state.stamp(self.number)? != stamp {
                return Ok(false);
            }
            self.remove_and_set(state, removed, added)?;
            Ok(true)
        })
    }

    fn replace_if_unchanged(&self, items: &[(Key, Encoded)], stamp: Stamp) -> Result<bool> {
        self.ask(|state| {
            if state.stamp(self.number)? != stamp {
                return Ok(false);
            }
            state.retain_all(items.iter().map(|(_, value)| value))?;
            let old = state.change_map(self.number)?.take_all();
            state.release_all(old);
            self.set_counted(state, items)?;
            Ok(true)
        })
    }

    fn clear(&self) -> Result<()> {
        self.ask(|state| {
            let old = state.change_map(self.number)?.take_all();
            state.release_all(old);
            Ok(())
        })
    }

    fn items(&self, with_values: bool) -> Result<Vec<Item>> {
        self.ask(|state| self.read_items(state, with_values))
    }

    fn page(&self, after: Option<u64>) -> Result<Page> {
        self.ask(|state| {
            let map = state.map(self.number)?;
            let (mut keys, mut last) = (Vec::new(), None);
            for (place, entry) in map.items.range(after.map_or(0, |after| after + 1)..).take(PAGE) {
                keys.push(entry.key.to_original()?);
                last = Some(*place);
            }
            let last = last.filter(|_| keys.len() == PAGE);
            Ok(Page { keys, last, length: map.items.len() as u64 })
        })
    }

    fn has_opaque_keys(&self) -> Result<bool> {
        self.ask(|state| Ok(state.map(self.number)?.has_opaque_keys()))
    }

    fn insert_compared(&self, key: &Key, value: &Encoded, compared: Option<u64>) -> Result<bool> {
        self.update_compared(&[(key.clone(), value.clone())], compared)
    }

    fn get_or_insert_compared(
        &self,
        key: &Key,
        value: &Encoded,
        compared: Option<u64>,
    ) -> Result<Option<(Content, bool)>> {
        self.ask(|state| {
            if !state.map(self.number)?.may_set([key], compared) {
                return Ok(None);
            }
            self.get_or_set(state, key, value).map(Some)
        })
    }

    fn increment_compared(&self, key: &Key, by: i64) -> Result<Option<i64>> {
        self.ask(|state| {
            if !state.map(self.number)?.may_set([key], None) {
                return Ok(None);
            }
            self.add(state, key, by).map(Some)
        })
    }

    fn update_compared(&self, items: &[(Key, Encoded)], compared: Option<u64>) -> Result<bool> {
        self.ask(|state| {
            if !state.map(self.number)?.may_set(items.iter().map(|(key, _)| key), compared) {
                return Ok(false);
            }
            self.set_all(state, items)?;
            Ok(true)
        })
    }

    fn keys_stamp(&self) -> Result<u64> {
        self.ask(|state| Ok(state.map(self.number)?.structure))
    }

    fn keys_since(&self, since: Option<u64>, selection: Selection) -> Result<NewKeys> {
        self.ask(|state| {
            let map = state.map(self.number)?;
            let new = map.items.range(since.map_or(0, |since| since + 1)..);
            let selected = new.filter(|(_, entry)| selection == Selection::All || entry.key.is_opaque());
            Ok(NewKeys {
                keys: selected.map(|(place, entry)| (*place, StoredKey::from(&entry.key))).collect(),
                all: since.is_none(),
                stamp: map.structure,
                is_current: true,
                length: map.items.len() as u64,
            })
        })
    }

    fn keys_at(&self, places: &[u64]) -> Result<(Vec<Option<StoredKey>>, u64)> {
        self.ask(|state| {
            let map = state.map(self.number)?;
            let keys =
                places.iter().map(|place| map.items.get(place).map(|entry| StoredKey::from(&entry.key)));
            Ok((keys.collect(), map.structure))
        })
    }
}
