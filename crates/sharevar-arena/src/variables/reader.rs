//! Reading: under the lock, or without it by comparing versions; and facts about the arena.

use crate::error::{Error, Result};
use crate::heap::{self, BlockUsage};
use crate::mapping::layout::{header, variable as layout};
use crate::process::liveness;
use crate::process::participant::Participant;
use crate::sync::{Ordering, fence};
use crate::variables::variable::Variable;
use std::os::fd::OwnedFd;

/// A reader of one variable without its lock. The words that it reads count only if the version has
/// not changed meanwhile, which [`Participant::read_unlocked`] checks.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'p> {
    participant: &'p Participant,
    variable: Variable,
    version: u64,
}

impl Reader<'_> {
    /// A word of the pages.
    #[inline(always)]
    pub fn load(&self, offset: u64) -> Result<u64> {
        Ok(self.participant.arena().word(offset)?.load(Ordering::Acquire))
    }

    /// Word `index` of the variable's body.
    #[inline(always)]
    pub fn body(&self, index: usize) -> u64 {
        self.participant.arena().table_word(self.variable.body(index)).load(Ordering::Acquire)
    }

    /// Whether all words that were read so far are of one state. To be checked before memory is
    /// allocated for a length that was read, and now and then on a walk (hazard 11).
    #[inline(always)]
    pub fn is_still_valid(&self) -> bool {
        fence(Ordering::Acquire);
        version_of(self.participant, self.variable).load(Ordering::Relaxed) == self.version
    }

    /// The participant that reads.
    pub fn participant(&self) -> &Participant {
        self.participant
    }
}

#[inline(always)]
fn version_of(participant: &Participant, variable: Variable) -> &crate::sync::AtomicU64 {
    participant.arena().table_word(variable.header() + layout::VERSION)
}

impl Participant {
    /// Reads `variable` without its lock. `None` if it changed meanwhile; then try again, and
    /// after a few times take the lock.
    #[inline(always)]
    pub fn read_unlocked<R>(
        &self,
        variable: Variable,
        body: impl FnOnce(&Reader<'_>) -> Result<Option<R>>,
    ) -> Result<Option<R>> {
        if self.arena().is_closed() {
            return Err(Error::Closed);
        }
        // Acquire: what the writer stored before it made the version even is seen.
        let version = version_of(self, variable).load(Ordering::Acquire);
        if version & 1 == 1 {
            return Ok(None);
        }
        let reader = Reader { participant: self, variable, version };
        let read = body(&reader);
        // An error may come of a torn read: it counts only if nothing has changed.
        if reader.is_still_valid() { read } else { Ok(None) }
    }

    /// A word of the pages, which this process holds in some way.
    pub fn load_word(&self, offset: u64) -> Result<u64> {
        Ok(self.arena().word(offset)?.load(Ordering::Acquire))
    }

    /// The version of the variable: odd while it changes. Every change steps it but one of a single
    /// word that leads to no block.
    pub fn version(&self, variable: Variable) -> u64 {
        version_of(self, variable).load(Ordering::Acquire)
    }

    /// The variable that has the header now, for a handle word found in a container.
    pub fn variable_at(&self, offset: u64) -> Result<Variable> {
        self.arena().variable_at(offset)
    }

    /// The variable that a handle from elsewhere names.
    pub fn variable(&self, offset: u64, generation: u64) -> Result<Variable> {
        let found = self.variable_at(offset)?;
        if found.generation() == generation { Ok(found) } else { Err(Error::HandleExpired) }
    }

    /// The kind that the variable was made with.
    #[inline(always)]
    pub fn kind_of(&self, variable: Variable) -> u64 {
        self.arena().table_word(variable.header() + layout::KIND).load(Ordering::Acquire)
    }

    /// How often the variable was changed, modulo 2^64; compare only.
    #[inline(always)]
    pub fn changes(&self, variable: Variable) -> u64 {
        self.arena().table_word(variable.header() + layout::CHANGES).load(Ordering::Acquire)
    }

    /// References to the variable, from participants and containers.
    pub fn references_to(&self, variable: Variable) -> u64 {
        self.arena().table_word(variable.header() + layout::REFERENCES).load(Ordering::Acquire)
    }

    /// The arena's 128-bit identity.
    pub fn arena_id(&self) -> [u64; 2] {
        self.arena().id()
    }

    /// The seed of the key hash, the same in every process.
    pub fn seed(&self) -> u64 {
        self.arena().seed()
    }

    /// Bytes that the arena's pages may take.
    pub fn capacity(&self) -> u64 {
        self.arena().capacity()
    }

    /// Bytes of pages in use or once used.
    pub fn used(&self) -> u64 {
        heap::pages_top(self.arena()) * crate::mapping::layout::PAGE
    }

    /// Returns the usage of the arena's pages: small blocks by size, then large ones, which are whole
    /// pages, in one entry of size 0. It takes no lock: exact only while no participant allocates.
    pub fn heap_usage(&self) -> Vec<BlockUsage> {
        heap::usage(self.arena())
    }

    /// Bytes of address space that the arena takes in every process.
    pub fn reservation(&self) -> u64 {
        self.arena().reservation()
    }

    /// A word for the layer above that every process finds: the root variable's header.
    pub fn root(&self) -> u64 {
        self.arena().table_word(header::ROOT).load(Ordering::Acquire)
    }

    /// Ends the arena for all participants: from now on operations fail with [`Error::Closed`]. A
    /// process that may only read it ends nothing.
    pub fn close(&self) {
        if self.is_read_only() {
            return;
        }
        crate::proof::crash::put(self.arena().table_word(header::CLOSED), 1);
    }

    /// Whether the arena was closed.
    pub fn is_closed(&self) -> bool {
        self.arena().is_closed()
    }

    /// A copy of the arena's descriptor, to hand to another process.
    pub fn descriptor(&self) -> Result<OwnedFd> {
        self.fetch_descriptor()?;
        self.arena()
            .source
            .file()?
            .with(|file| rustix::io::fcntl_dupfd_cloexec(file, 3))?
            .map_err(Error::os("fcntl(F_DUPFD_CLOEXEC)"))
    }

    /// Gets another descriptor of the arena if the program has closed this process's, and enters
    /// its number for others that look for one. Gives back the number.
    pub fn fetch_descriptor(&self) -> Result<i32> {
        let descriptor = self.arena().source.file()?;
        let before = descriptor.number();
        descriptor.fetch_again(liveness::lenders(self.arena()))?;
        if descriptor.number() != before {
            self.attachment().enter_descriptor();
        }
        Ok(descriptor.number())
    }

    /// The number of the arena's descriptor in this process, for `/proc/<pid>/fd`; -1 if it has none.
    pub fn descriptor_number(&self) -> i32 {
        self.arena().source.descriptor_number()
    }

    /// Lanes recovered in this arena so far, and how many of them had an open journal.
    pub fn recoveries(&self) -> (u64, u64) {
        let count = |at| self.arena().table_word(at).load(Ordering::Relaxed);
        (count(header::RECOVERIES), count(header::OPEN_JOURNALS))
    }
}
