//! References of participants to variables: one per participant and variable, kept in the
//! arena so that they die with their holder.
//!
//! A slot leads to a chain of chunks, each a block: a word that names the next, then
//! entries, zero or a variable's header. Entry and count change in one transaction.
//! Within a process a table says which entries are whose; Python objects and Rust handles
//! count there.

use crate::error::{Error, Result};
use crate::heap::{self, Inner};
use crate::identity::Identity;
use crate::journal::Journal;
use crate::lane::{Lane, List};
use crate::layout::{header, slot, variable as layout};
use crate::participant::Participant;
use crate::sync::Ordering;
use crate::transaction::Transaction;
use crate::variable::{self, Variable};
use std::collections::HashMap;
use std::sync::PoisonError;

/// Bytes of a chunk.
const CHUNK: u64 = 256;
/// Entries of a chunk.
const ENTRIES: u64 = CHUNK / 8 - 1;
/// The low four bits that mark a handle word, as in the value word.
const MARK: u64 = 8;

/// Whether an entry of a block list is a reference to a variable.
#[inline(always)]
pub(crate) fn is_reference(entry: u64) -> bool {
    entry & 15 == MARK
}

/// What this process knows of its own references.
#[derive(Debug, Default, Clone)]
pub(crate) struct Held {
    /// Variable to its entry's offset and the handles that share it.
    entries: HashMap<Variable, (u64, u64)>,
    /// Entries that are zero.
    free: Vec<u64>,
    /// Handles that were dropped and are not yet counted off.
    dropped: Vec<Variable>,
}

impl Held {
    /// The variables held, each with its number of handles.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (Variable, u64)> {
        self.entries.iter().map(|(variable, (_, handles))| (*variable, *handles))
    }

    pub(crate) fn insert(&mut self, variable: Variable, entry: u64, handles: u64) {
        self.entries.insert(variable, (entry, handles));
    }

    /// Whether no dropped handle waits to be counted off.
    pub(crate) fn is_settled(&self) -> bool {
        self.dropped.is_empty()
    }
}

impl Participant {
    /// Makes a variable of `kind` with an empty body, held by one handle of this participant.
    pub fn create(&self, kind: u64) -> Result<Variable> {
        if self.arena().is_closed() {
            return Err(Error::Closed);
        }
        match self.create_now(kind) {
            // The dead may hold what is missing.
            Err(Error::OutOfSharedMemory { .. }) => {
                self.sweep()?;
                self.create_now(kind)
            }
            made => made,
        }
    }

    fn create_now(&self, kind: u64) -> Result<Variable> {
        self.drain_dropped()?;
        let mut held = self.held();
        let entry = self.free_entry(&mut held)?;
        let lane = self.enter()?;
        let made = (|| {
            loop {
                let mut inner = Inner::begin(lane, self.identity());
                inner.lock(header::VARIABLE_LOCK)?;
                let arena = self.arena();
                let top = inner.load(header::VARIABLE_TOP)?;
                if inner.load(header::VARIABLE_FREE)? == 0 && top >= arena.variables() {
                    drop(inner);
                    if top >= arena.regions.max_variables {
                        return Err(Error::OutOfSharedMemory {
                            asked: layout::SIZE,
                            free: 0,
                            limit: arena.regions.max_variables * layout::SIZE,
                        });
                    }
                    arena.populate_variables(top + 1)?;
                    continue;
                }
                let variable = variable::take_header(&mut inner, kind)?;
                inner.set(entry, variable.header())?;
                inner.commit();
                return Ok(variable);
            }
        })();
        self.leave(lane);
        match made {
            Ok(variable) => held.insert(variable, entry, 1),
            Err(_) => held.free.push(entry),
        }
        made
    }

    /// Takes a handle on `variable`, which some handle or container held when it was seen.
    pub fn hold(&self, variable: Variable) -> Result<()> {
        if self.identity().is_nobody() {
            // The copied table shows references that are the parent's.
            return Err(self.why_nobody());
        }
        self.drain_dropped()?;
        let mut held = self.held();
        if let Some((_, handles)) = held.entries.get_mut(&variable) {
            *handles += 1;
            return Ok(());
        }
        let entry = self.free_entry(&mut held)?;
        let lane = self.enter()?;
        let taken = (|| {
            let mut inner = Inner::begin(lane, self.identity());
            add(&mut inner, variable)?;
            inner.set(entry, variable.header())?;
            inner.commit();
            Ok(())
        })();
        self.leave(lane);
        match taken {
            Ok(()) => held.insert(variable, entry, 1),
            Err(_) => held.free.push(entry),
        }
        taken
    }

    /// Makes `variable` the root, once, by who created the arena and before anybody else knows of
    /// it. The arena itself refers to it from then on: it outlives whoever made it.
    pub fn set_root(&self, variable: Variable) -> Result<()> {
        let lane = self.enter()?;
        let set = (|| {
            let mut inner = Inner::begin(lane, self.identity());
            add(&mut inner, variable)?;
            inner.set(header::ROOT, variable.header())?;
            inner.commit();
            Ok(())
        })();
        self.leave(lane);
        set
    }

    /// How many variables this participant holds.
    pub fn variables_held(&self) -> usize {
        self.held().entries.len()
    }

    /// Lets a handle go. Takes no lock of the arena and calls nothing (hazard 15): the next
    /// operation counts it off.
    pub fn let_go(&self, variable: Variable) {
        let _gate = crate::fork::gate();
        self.held_lock().lock().unwrap_or_else(PoisonError::into_inner).dropped.push(variable);
        self.note_dropped();
    }

    /// Counts off the handles that were let go, and frees what nobody holds any more.
    pub fn drain_dropped(&self) -> Result<()> {
        if !self.has_dropped() {
            return Ok(());
        }
        {
            let mut held = self.held();
            self.forget_dropped();
            while let Some(variable) = held.dropped.pop() {
                let Some((entry, handles)) = held.entries.get_mut(&variable) else { continue };
                *handles -= 1;
                if *handles > 0 {
                    continue;
                }
                let entry = *entry;
                let released = self.enter().and_then(|lane| {
                    let released = drop_entry(lane, self.identity(), entry);
                    self.leave(lane);
                    released
                });
                if released.is_err() {
                    // Still held: the next operation tries again.
                    if let Some((_, handles)) = held.entries.get_mut(&variable) {
                        *handles += 1;
                    }
                    held.dropped.push(variable);
                    self.note_dropped();
                    return released;
                }
                held.entries.remove(&variable);
                held.free.push(entry);
            }
        }
        self.reap()
    }

    /// Lets all handles go at once, in the order of a normal exit.
    pub(crate) fn drop_all(&self) -> Result<()> {
        let lane = self.enter()?;
        let done = drop_slot(lane, self.identity(), self.identity().slot());
        self.leave(lane);
        *self.held() = Held::default();
        done
    }

    fn held(&self) -> HeldGuard<'_> {
        // The gate first: fork waits until no thread is in here, so that no child finds the
        // table locked or half changed (hazard 5).
        let gate = crate::fork::gate();
        HeldGuard { held: self.held_lock().lock().unwrap_or_else(PoisonError::into_inner), _gate: gate }
    }

    fn free_entry(&self, held: &mut Held) -> Result<u64> {
        if let Some(entry) = held.free.pop() {
            return Ok(entry);
        }
        let slot = self.identity().slot();
        let mut transaction = Transaction::begin(self, self.enter()?);
        let entries = add_chunk(&mut transaction, slot)?;
        transaction.commit()?;
        held.free.extend(entries);
        held.free.pop().ok_or_else(|| Error::corrupt("a new chunk of references is full", 0))
    }

    /// Takes the references that a forked child will hold: entries of its own in its slot.
    pub(crate) fn copy_held_for(&self, child: Identity) -> Result<Held> {
        let mine = self.held_lock().lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut copy = Held::default();
        for (variable, handles) in mine.variables() {
            if copy.free.is_empty() {
                let mut transaction = Transaction::begin(self, self.enter()?);
                let entries = add_chunk(&mut transaction, child.slot())?;
                transaction.commit()?;
                copy.free.extend(entries);
            }
            let Some(entry) = copy.free.pop() else { continue };
            let lane = self.enter()?;
            let taken: Result<()> = (|| {
                let mut inner = Inner::begin(lane, self.identity());
                add(&mut inner, variable)?;
                inner.set(entry, variable.header())?;
                inner.commit();
                Ok(())
            })();
            self.leave(lane);
            taken?;
            copy.insert(variable, entry, handles);
        }
        copy.dropped.clone_from(&mine.dropped);
        Ok(copy)
    }
}

/// The table of references, locked together with the gate that fork waits for.
struct HeldGuard<'a> {
    held: std::sync::MutexGuard<'a, Held>,
    _gate: crate::fork::Gate,
}

impl std::ops::Deref for HeldGuard<'_> {
    type Target = Held;
    fn deref(&self) -> &Held {
        &self.held
    }
}

impl std::ops::DerefMut for HeldGuard<'_> {
    fn deref_mut(&mut self) -> &mut Held {
        &mut self.held
    }
}

/// Counts one reference more, if the variable is still the same and not dying.
fn add(inner: &mut Inner<'_>, variable: Variable) -> Result<()> {
    inner.lock(variable.header() + layout::LOCK)?;
    let count = inner.load(variable.header() + layout::REFERENCES)?;
    if count == 0 || inner.load(variable.header() + layout::GENERATION)? != variable.generation() {
        return Err(Error::HandleExpired);
    }
    inner.set(variable.header() + layout::REFERENCES, count + 1)
}

/// Takes a reference that the transaction of `lane` gives back unless it commits.
pub(crate) fn add_for_transaction(lane: Lane<'_>, by: Identity, variable: Variable) -> Result<()> {
    let journal = lane.journal();
    if let Some(word) = lane.entry_needs_block(List::Allocated, journal.allocated()) {
        heap::continue_list(lane, by, word)?;
    }
    let entry = lane.entry(List::Allocated, journal.allocated())?;
    let mut inner = Inner::begin(lane, by);
    add(&mut inner, variable)?;
    crate::crash::put(entry, variable.header() | MARK);
    inner.set(lane.journal_word(), journal.with_allocated().0)?;
    inner.commit();
    Ok(())
}

/// Gives back a leftover reference of an ended transaction, and its entry in the journal.
pub(crate) fn drop_in_name_of(lane: Lane<'_>, by: Identity, entry: u64, rest: Journal) -> Result<()> {
    let mut inner = Inner::begin(lane, by);
    variable::release(&mut inner, entry & !15)?;
    inner.set(lane.journal_word(), rest.0)?;
    inner.commit();
    Ok(())
}

fn drop_entry(lane: Lane<'_>, by: Identity, entry: u64) -> Result<()> {
    let mut inner = Inner::begin(lane, by);
    let header = inner.load(entry)?;
    if header != 0 {
        variable::release(&mut inner, header)?;
        inner.set(entry, 0)?;
    }
    inner.commit();
    Ok(())
}

fn add_chunk(transaction: &mut Transaction<'_>, slot: u32) -> Result<impl Iterator<Item = u64> + use<>> {
    let at = slot::START + u64::from(slot) * slot::SIZE + slot::REFERENCES;
    let chunk = transaction.allocate(CHUNK)?;
    transaction.put(chunk, transaction.load_table(at))?;
    for index in 1..=ENTRIES {
        transaction.put(chunk + index * 8, 0)?;
    }
    transaction.set_table(at, chunk)?;
    Ok((1..=ENTRIES).map(move |index| chunk + index * 8))
}

/// Drops every reference in the slot and frees its chunks, each step a transaction.
pub(crate) fn drop_slot(lane: Lane<'_>, by: Identity, slot: u32) -> Result<()> {
    let arena = lane.arena;
    let at = slot::START + u64::from(slot) * slot::SIZE + slot::REFERENCES;
    loop {
        let chunk = arena.table_word(at).load(Ordering::Acquire);
        if chunk == 0 {
            return Ok(());
        }
        for index in 1..=ENTRIES {
            drop_entry(lane, by, chunk + index * 8)?;
        }
        let next = arena.word(chunk)?.load(Ordering::Acquire);
        heap::free_linked(lane, by, chunk, at, next)?;
    }
}
