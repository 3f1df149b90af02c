//! Slices of a list, each operation one step for all processes.

use super::RawList;
use crate::engine::span::Span;
use crate::error::{Error, Result};
use crate::shm::items::attempts::Attempts;
use crate::shm::items::content::Content;
use crate::shm::items::values::Values;
use sharevar_value::Encoded;

/// How often the length and a part of a changing list are read until both are of one moment.
const ATTEMPTS: u32 = 3;

impl RawList {
    /// The items that a span names, in its order.
    pub fn get_slice(&self, span: Span) -> Result<Vec<Content>> {
        for _ in 0..ATTEMPTS {
            let stamp = self.stamp();
            let places = span.places(self.len()?);
            if places.count() == 0 {
                return Ok(Vec::new());
            }
            let (first, end) = places.bounds();
            let (values, seen) = self.values(first, end)?;
            // The meaning of the ends depends on the length, so both are of one moment.
            if seen == Some(stamp) && values.len() as u64 == end - first {
                return Ok(places.pick(values));
            }
        }
        // Others change it all the time: read the whole, as far as that is of one moment.
        let (contents, _) = self.slice(0, u64::MAX)?;
        let places = span.places(contents.len() as u64);
        if places.count() == 0 {
            return Ok(Vec::new());
        }
        let (first, end) = places.bounds();
        Ok(places.pick(contents.into_iter().skip(first as usize).take((end - first) as usize)))
    }

    /// The items that a span names, if it has no step and they are found at one moment. If not, go by
    /// [`Self::get_slice`].
    pub fn plain_slice(&self, span: Span) -> Result<Option<Values>> {
        if !span.is_plain() {
            return Ok(None);
        }
        let stamp = self.stamp();
        let places = span.places(self.len()?);
        if places.count() == 0 {
            return Ok(Some(Values::default()));
        }
        let (first, end) = places.bounds();
        let (values, seen) = self.values(first, end)?;
        Ok((seen == Some(stamp) && values.len() as u64 == end - first).then_some(values))
    }

    /// Replaces the items that a span names: by any number of values, or one for one if the span has
    /// a step.
    ///
    /// # Errors
    /// [`Error::WrongLength`] if there are more or fewer values than places with a step.
    pub fn set_slice(&self, span: Span, values: &[Encoded]) -> Result<()> {
        let mut attempts = Attempts::of(self.handle());
        loop {
            // Taken before the length is read: a change in between makes the attempt fail.
            let stamp = self.stamp();
            let places = span.places(self.len()?);
            let done = if span.is_plain() {
                self.replace(&places.ascending(), places.start(), values, stamp)?
            } else if places.count() == values.len() as u64 {
                self.set_many(&places.in_order().collect::<Vec<_>>(), values, stamp)?
            } else {
                return Err(Error::WrongLength { found: places.count(), asked: values.len() as u64 });
            };
            if done {
                return Ok(());
            }
            attempts.fail()?;
        }
    }

    /// Removes the items that a span names.
    pub fn delete_slice(&self, span: Span) -> Result<()> {
        let mut attempts = Attempts::of(self.handle());
        loop {
            // Taken before the length is read: a change in between makes the attempt fail.
            let stamp = self.stamp();
            let indices = span.places(self.len()?).ascending();
            if indices.is_empty() || self.replace(&indices, 0, &[], stamp)? {
                return Ok(());
            }
            attempts.fail()?;
        }
    }
}
