//! Taking references: making variables, and holding those that exist.

use crate::error::{Error, Result};
use crate::heap::HeapTransaction;
use crate::mapping::layout::{header, slot, variable as layout};
use crate::process::identity::Identity;
use crate::process::participant::Participant;
use crate::transactions::transaction::Transaction;
use crate::variables::reference::{self, CHUNK, ENTRIES};
use crate::variables::reference_table::ReferenceTable;
use crate::variables::variable::{self, Variable};
use std::sync::PoisonError;

impl Participant {
    /// Makes a variable of `kind` with an empty body, held by one handle of this participant.
    pub fn create(&self, kind: u64) -> Result<Variable> {
        if self.arena().is_closed() {
            return Err(Error::Closed);
        }
        if self.identity().is_none() {
            return Err(self.why_not_attached());
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
        self.flush_releases()?;
        let mut held = self.held();
        let entry = self.free_entry(&mut held)?;
        let lane = self.enter()?;
        let made = (|| {
            loop {
                let mut inner = HeapTransaction::begin(lane, self.identity());
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
        if self.is_read_only() {
            return self.expect_there(variable);
        }
        if self.identity().is_none() {
            // The copied table shows references that are the parent's.
            return Err(self.why_not_attached());
        }
        if self.take_back_release(variable) {
            return Ok(());
        }
        self.flush_releases()?;
        let mut held = self.held();
        if let Some((_, handles)) = held.entries.get_mut(&variable) {
            *handles += 1;
            return Ok(());
        }
        let entry = self.free_entry(&mut held)?;
        let lane = self.enter()?;
        let taken = reference::enter(lane, self.identity(), entry, variable);
        self.leave(lane);
        match taken {
            Ok(()) => held.insert(variable, entry, 1),
            Err(_) => held.free.push(entry),
        }
        taken
    }

    /// Makes `variable` the root. The creator of the arena calls this once, before any other process
    /// knows the arena. The arena itself refers to the root from then on, so it outlives its creator.
    pub fn set_root(&self, variable: Variable) -> Result<()> {
        let lane = self.enter()?;
        let set = reference::enter(lane, self.identity(), header::ROOT, variable);
        self.leave(lane);
        set
    }

    fn free_entry(&self, held: &mut ReferenceTable) -> Result<u64> {
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
    pub(crate) fn copy_held_for(&self, child: Identity) -> Result<ReferenceTable> {
        let mine = self.references_lock().lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut copy = ReferenceTable::default();
        for (variable, handles) in mine.variables() {
            if copy.free.is_empty() {
                let mut transaction = Transaction::begin(self, self.enter()?);
                let entries = add_chunk(&mut transaction, child.slot())?;
                transaction.commit()?;
                copy.free.extend(entries);
            }
            let Some(entry) = copy.free.pop() else { continue };
            let lane = self.enter()?;
            let taken = reference::enter(lane, self.identity(), entry, variable);
            self.leave(lane);
            taken?;
            copy.insert(variable, entry, handles);
        }
        copy.dropped.clone_from(&mine.dropped);
        Ok(copy)
    }
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
