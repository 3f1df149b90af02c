//! Opening the arena of a name: finding it, joining it, or making it.

use crate::creation::{Creation, create};
use crate::error::{Error, Result};
use crate::gate::{Attempt, Gate, Presence, refuse_what_is_elsewhere};
use crate::look::{Seen, look};
use crate::membership::Membership;
use crate::pauses::Pauses;
use crate::place::Place;
use crate::record::Record;
use sharevar_arena::{
    Lifetime, Name, NamedHeader, NamedState, Participant, SegmentArena, VariableOps, crash,
};
use sharevar_os::{Access, MemorySegment, memory_segment};
use std::sync::Arc;
use std::time::Duration;

/// How long other processes are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// A named arena that this process takes part in.
#[derive(Debug)]
pub struct Opened {
    /// This process as its participant.
    pub participant: Arc<Participant>,
    /// Whether this call has made it.
    pub is_new: bool,
    /// How long it lives by now: one that an administrator has marked (`ipcrm`) is kept no longer.
    pub lifetime: Lifetime,
}

/// Why an attempt is made again.
type Again = &'static str;

/// Opens the arena called `name`, or makes it by `creation` if there is none. `fill` makes, in a new
/// arena, what every process is to find there.
///
/// # Errors
/// [`Error::NoSuchManager`] if there is none and `creation` is none. [`Error::NameBusy`] if other
/// processes are in the way for ten seconds.
pub fn open<E: From<Error>>(
    place: &Place,
    name: &Name,
    creation: Option<&Creation>,
    ops: VariableOps,
    fill: impl Fn(&Arc<Participant>) -> std::result::Result<(), E>,
) -> std::result::Result<Opened, E> {
    let mut pauses = Pauses::within(PATIENCE);
    let is_entry_to_be_made = creation.is_some();
    let mut opening = Opening { place, name, creation, ops, access: Access::ReadWrite, is_entry_to_be_made };
    loop {
        let reason = match opening.attempt(&fill)? {
            Ok(opened) => {
                // A new participant looks after the dead, at leisure.
                opened.participant.sweep().map_err(Error::from)?;
                return Ok(opened);
            }
            Err(again) => again,
        };
        if !pauses.pause() {
            return Err(opening.busy(reason).into());
        }
    }
}

/// Opens the arena called `name` for reading only. The memory is mapped without the right to change
/// it: this process takes no slot in it, and others learn of it by their names alone.
///
/// # Errors
/// As [`open`] without a creation.
pub fn open_for_reading(place: &Place, name: &Name, ops: VariableOps) -> Result<Arc<Participant>> {
    let mut pauses = Pauses::within(PATIENCE);
    let mut opening =
        Opening { place, name, creation: None, ops, access: Access::Read, is_entry_to_be_made: false };
    loop {
        let reason = match opening.attempt(|_| Ok::<_, Error>(()))? {
            Ok(opened) => return Ok(opened.participant),
            Err(again) => again,
        };
        if !pauses.pause() {
            return Err(opening.busy(reason));
        }
    }
}

struct Opening<'a> {
    place: &'a Place,
    name: &'a Name,
    creation: Option<&'a Creation>,
    ops: VariableOps,
    access: Access,
    is_entry_to_be_made: bool,
}

impl Opening<'_> {
    fn attempt<E: From<Error>>(
        &mut self,
        fill: impl Fn(&Arc<Participant>) -> std::result::Result<(), E>,
    ) -> std::result::Result<std::result::Result<Opened, Again>, E> {
        let gate = match Gate::try_enter(self.place, self.name, self.is_entry_to_be_made)? {
            Attempt::Entered(gate) => gate,
            Attempt::Busy => {
                // A reader takes no part: it waits for no process that is stopped in the gate.
                if let Access::Read = self.access
                    && let Seen::Living(segment, _) = look(self.name, None)?
                {
                    return Ok(self.join(&segment)?);
                }
                return Ok(Err("another process is opening or removing it"));
            }
            Attempt::Missing => {
                // Deleted under living processes, perhaps.
                if self.creation.is_none() && matches!(look(self.name, None)?, Seen::Nothing) {
                    return Err(self.no_such_manager().into());
                }
                self.is_entry_to_be_made = true;
                return Ok(Err("its entry is deleted again and again"));
            }
        };
        let Some(entry) = gate.entry(self.place, self.name)? else {
            return Ok(Err("its entry is deleted again and again"));
        };
        if let Some(record) = entry.record() {
            if let Some(segment) = self.find(&record)? {
                return Ok(self.join(&segment)?);
            }
            refuse_what_is_elsewhere(&entry, &record)?;
        }
        crash::point();
        match look(self.name, None)? {
            Seen::Newborn => Ok(Err("another process is making it")),
            Seen::Living(segment, header) => {
                let joined = self.join(&segment)?;
                if joined.is_ok() {
                    entry.write(Record::of(header.id, header.number, header.lifetime));
                }
                Ok(joined)
            }
            Seen::Nothing => {
                let Some(creation) = self.creation else {
                    entry.unlink()?;
                    return Err(self.no_such_manager().into());
                };
                let Some((arena, participant)) = create(&entry, self.name, creation, self.ops, fill)? else {
                    return Ok(Err("another process is making it"));
                };
                let lifetime = creation.lifetime;
                Ok(Ok(self.enter(arena, Opened { participant, is_new: true, lifetime })?))
            }
        }
    }

    fn busy(&self, reason: Again) -> Error {
        Error::NameBusy { name: self.name.as_str().to_owned(), path: self.place.path_of(self.name), reason }
    }

    fn no_such_manager(&self) -> Error {
        Error::NoSuchManager { name: self.name.as_str().to_owned(), path: self.place.path_of(self.name) }
    }

    /// The segment that a record leads to, if it is that of a living arena.
    fn find(&self, record: &Record) -> Result<Option<MemorySegment>> {
        let Some(segment) = memory_segment::find(record.number)? else { return Ok(None) };
        if !NamedHeader::may_be(&segment, Some(self.name)) {
            return Ok(None);
        }
        let is_it = NamedHeader::read(&segment)?.is_some_and(|header| {
            header.id == record.id && header.name == *self.name && header.state == NamedState::Living
        });
        Ok(is_it.then_some(segment))
    }

    fn join(&self, segment: &MemorySegment) -> Result<std::result::Result<Opened, Again>> {
        crash::point();
        let attached = match self.access {
            Access::Read => SegmentArena::attach_for_reading(segment),
            Access::ReadWrite => SegmentArena::attach(segment),
        };
        let arena = match attached {
            Err(sharevar_arena::Error::LayoutMismatch { found, expected }) => {
                return Err(Error::LayoutMismatch { name: self.name.as_str().to_owned(), found, expected });
            }
            // Its last process has just gone.
            Err(_) if memory_segment::find(segment.number)?.is_none() => {
                return Ok(Err("it goes again and again"));
            }
            arena => arena?,
        };
        crash::point();
        let participant = match self.access {
            Access::Read => arena.read(self.ops)?,
            Access::ReadWrite => arena.occupy(self.ops)?,
        };
        if arena.is_closed() {
            return Ok(Err("it is removed again and again"));
        }
        // A removed one is marked, too: it was closed before.
        let lifetime = if segment.is_marked { Lifetime::WhileUsed } else { Lifetime::Keep };
        Ok(Ok(self.enter(arena, Opened { participant, is_new: false, lifetime })?))
    }

    fn enter(&self, arena: SegmentArena, opened: Opened) -> Result<Opened> {
        let (id, number) = (arena.id(), arena.number());
        arena.enter(&opened.participant)?;
        crash::point();
        let presence = Some(Presence::show(self.place, self.name)?);
        let membership = Membership { place: self.place.clone(), name: *self.name, id, number, presence };
        opened.participant.accompany(Box::new(membership));
        Ok(opened)
    }
}
