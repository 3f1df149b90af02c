//! Lists.

use super::variable::Variable;
use crate::engine::content::Content;
use crate::engine::handle::Handle;
use crate::engine::list::List;
use crate::engine::span::Span;
use crate::engine::stamp::Stamp;
use crate::error::{Error, Result};
use sharevar_value::Encoded;
use std::collections::{HashSet, VecDeque};
use std::ops::Range;

/// The place that `index` means in a list of `length`.
fn place(index: i64, length: usize) -> Result<usize> {
    let place = if index < 0 { index.checked_add_unsigned(length as u64) } else { Some(index) };
    let place = place.and_then(|place| usize::try_from(place).ok()).filter(|place| *place < length);
    place.ok_or(Error::IndexOutOfRange { index, length: length as u64 })
}

/// Replaces a part of a list. Returns that part.
fn splice(list: &mut VecDeque<Encoded>, part: Range<usize>, values: &[Encoded]) -> Vec<Encoded> {
    let mut all = Vec::from(std::mem::take(list));
    let old = all.splice(part, values.iter().cloned()).collect();
    *list = all.into();
    old
}

/// Takes items out whose places, which are there, ascend.
fn take_out(list: &mut VecDeque<Encoded>, places: &[u64]) -> Vec<Encoded> {
    let mut old = Vec::with_capacity(places.len());
    let mut places = places.iter().peekable();
    let mut kept = VecDeque::with_capacity(list.len());
    for (place, value) in std::mem::take(list).into_iter().enumerate() {
        let is_taken = places.next_if(|next| **next == place as u64).is_some();
        if is_taken { old.push(value) } else { kept.push_back(value) }
    }
    *list = kept;
    old
}

impl List for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn stamp(&self) -> Result<Stamp> {
        self.ask(|state| state.stamp(self.number))
    }

    fn len(&self) -> Result<u64> {
        self.ask(|state| Ok(state.list(self.number)?.len() as u64))
    }

    fn get(&self, index: i64) -> Result<Content> {
        self.ask(|state| {
            let list = state.list(self.number)?;
            let value = list[place(index, list.len())?].clone();
            self.content(state, value)
        })
    }

    fn set(&self, index: i64, value: &Encoded) -> Result<()> {
        self.ask(|state| {
            let place = place(index, state.list(self.number)?.len())?;
            state.retain_all([value])?;
            let old = std::mem::replace(&mut state.change_list(self.number)?[place], value.clone());
            state.release_all([old]);
            Ok(())
        })
    }

    fn push(&self, value: &Encoded) -> Result<()> {
        self.extend(std::slice::from_ref(value))
    }

    fn extend(&self, values: &[Encoded]) -> Result<()> {
        self.ask(|state| {
            state.retain_all(values)?;
            state.change_list(self.number)?.extend(values.iter().cloned());
            Ok(())
        })
    }

    fn insert(&self, index: i64, value: &Encoded) -> Result<()> {
        self.ask(|state| {
            state.retain_all([value])?;
            let list = state.change_list(self.number)?;
            let length = list.len() as u64;
            let place = if index < 0 {
                length.saturating_sub(index.unsigned_abs())
            } else {
                length.min(index as u64)
            };
            list.insert(place as usize, value.clone());
            Ok(())
        })
    }

    fn remove(&self, index: i64) -> Result<Content> {
        self.ask(|state| {
            let length = state.list(self.number)?.len();
            let place = place(index, length)?;
            let value = state.change_list(self.number)?.remove(place);
            let value = value.ok_or(Error::IndexOutOfRange { index, length: length as u64 })?;
            self.taken(state, value)
        })
    }

    fn clear(&self) -> Result<()> {
        self.ask(|state| {
            let old = std::mem::take(state.change_list(self.number)?);
            state.release_all(old);
            Ok(())
        })
    }

    fn reverse(&self) -> Result<()> {
        self.ask(|state| {
            state.change_list(self.number)?.make_contiguous().reverse();
            Ok(())
        })
    }

    fn get_slice(&self, span: Span) -> Result<Vec<Content>> {
        self.ask(|state| {
            let list = state.list(self.number)?;
            let values = span.places(list.len() as u64).in_order().map(|place| list[place as usize].clone());
            let values = values.collect();
            self.contents(state, values)
        })
    }

    fn set_slice(&self, span: Span, values: &[Encoded]) -> Result<()> {
        self.ask(|state| {
            let places = span.places(state.list(self.number)?.len() as u64);
            if !span.is_plain() && places.count() != values.len() as u64 {
                return Err(Error::WrongLength { found: places.count(), asked: values.len() as u64 });
            }
            state.retain_all(values)?;
            let list = state.change_list(self.number)?;
            let old: Vec<Encoded> = if span.is_plain() {
                let start = places.start() as usize;
                splice(list, start..start + places.count() as usize, values)
            } else {
                let set = |(place, value): (u64, &Encoded)| {
                    std::mem::replace(&mut list[place as usize], value.clone())
                };
                places.in_order().zip(values).map(set).collect()
            };
            state.release_all(old);
            Ok(())
        })
    }

    fn delete_slice(&self, span: Span) -> Result<()> {
        self.ask(|state| {
            let places = span.places(state.list(self.number)?.len() as u64).ascending();
            let old = take_out(state.change_list(self.number)?, &places);
            state.release_all(old);
            Ok(())
        })
    }

    fn snapshot(&self) -> Result<(Vec<Content>, Stamp)> {
        self.ask(|state| {
            let stamp = state.stamp(self.number)?;
            let values = state.list(self.number)?.iter().cloned().collect();
            Ok((self.contents(state, values)?, stamp))
        })
    }

    fn reorder(&self, order: &[u64], stamp: Stamp) -> Result<bool> {
        self.ask(|state| {
            let length = state.list(self.number)?.len();
            let named: HashSet<u64> = order.iter().copied().filter(|place| *place < length as u64).collect();
            if state.stamp(self.number)? != stamp || order.len() != length || named.len() != length {
                return Ok(false);
            }
            let list = state.change_list(self.number)?;
            *list = order.iter().map(|place| list[*place as usize].clone()).collect();
            Ok(true)
        })
    }

    fn replace(&self, indices: &[u64], at: u64, values: &[Encoded], stamp: Stamp) -> Result<bool> {
        self.ask(|state| {
            if state.stamp(self.number)? != stamp {
                return Ok(false);
            }
            state.retain_all(values)?;
            let list = state.change_list(self.number)?;
            // As many places before `at` go.
            let at = at.min(list.len() as u64);
            let at = at as usize - indices.iter().filter(|index| **index < at).count();
            let old = take_out(list, indices);
            splice(list, at..at, values);
            state.release_all(old);
            Ok(true)
        })
    }
}
