//! Variables: headers of one fixed shape in memory that is never used for anything else.
//!
//! Since a header is a header for good, it is safe to try the lock of any of them,
//! even after the variable was freed. The generation then tells whether the header
//! is still that of the same variable (hazard 8).

use crate::error::{Error, Result};
use crate::heap::HeapTransaction;
use crate::mapping::arena::Arena;
use crate::mapping::layout::{header, variable as layout};
use crate::sync::Ordering;

/// A variable as a handle names it: the offset and the generation of its header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Variable {
    header: u64,
    generation: u64,
}

impl Variable {
    pub(crate) fn new(header: u64, generation: u64) -> Self {
        Self { header, generation }
    }

    /// Offset of the header.
    #[inline(always)]
    pub fn header(self) -> u64 {
        self.header
    }

    /// The generation of the header.
    #[inline(always)]
    pub fn generation(self) -> u64 {
        self.generation
    }

    /// Offset of word `index` (0 to 7) of the body.
    #[inline(always)]
    pub(crate) fn body(self, index: usize) -> u64 {
        debug_assert!(index < 8);
        let index = index as u64;
        self.header + if index < 4 { layout::BODY + index * 8 } else { layout::BODY_SECOND + (index - 4) * 8 }
    }
}

impl Arena {
    /// Checks an offset that claims to be a variable's header.
    pub(crate) fn check_header(&self, offset: u64) -> Result<u64> {
        let within = offset.wrapping_sub(self.regions.variables);
        if within.is_multiple_of(layout::SIZE) && within / layout::SIZE < self.variables() {
            return Ok(offset);
        }
        Err(Error::corrupt("a handle names no variable header", offset))
    }

    /// The variable that has the header now.
    pub(crate) fn variable_at(&self, offset: u64) -> Result<Variable> {
        let header = self.check_header(offset)?;
        Ok(Variable::new(header, self.table_word(header + layout::GENERATION).load(Ordering::Acquire)))
    }
}

/// Takes a header for a new variable with one reference. Takes the variable table's lock.
pub(crate) fn take_header(inner: &mut HeapTransaction<'_>, kind: u64) -> Result<Variable> {
    let arena = inner.lane().arena;
    let free = inner.load(header::VARIABLE_FREE)?;
    let offset = if free == 0 {
        let top = inner.load(header::VARIABLE_TOP)?;
        debug_assert!(top < arena.variables());
        inner.set(header::VARIABLE_TOP, top + 1)?;
        arena.regions.variables + top * layout::SIZE
    } else {
        let next = inner.load(free + layout::NEXT)?;
        inner.set(header::VARIABLE_FREE, next)?;
        free
    };
    let generation = inner.load(offset + layout::GENERATION)?.max(1);
    let variable = Variable::new(offset, generation);
    // The header is not reachable before this commits; version and change count go on.
    for index in 0..8 {
        inner.put(variable.body(index), 0)?;
    }
    inner.put(offset + layout::LONG, 0)?;
    inner.put(offset + layout::GENERATION, generation)?;
    inner.put(offset + layout::KIND, kind)?;
    inner.set(offset + layout::REFERENCES, 1)?;
    Ok(variable)
}

/// Counts one reference less; at zero the variable is dying. Takes the header's lock, and the
/// variable table's at zero. Dropping a reference that was not counted is an error.
pub(crate) fn release(inner: &mut HeapTransaction<'_>, offset: u64) -> Result<()> {
    inner.lock(offset + layout::LOCK)?;
    let count = inner.load(offset + layout::REFERENCES)?;
    if count == 0 {
        return Err(Error::corrupt("a variable is released more often than it was referred to", offset));
    }
    inner.set(offset + layout::REFERENCES, count - 1)?;
    if count == 1 {
        inner.lock(header::VARIABLE_LOCK)?;
        let next = inner.load(header::VARIABLE_DYING)?;
        inner.set(offset + layout::NEXT, next)?;
        inner.set(header::VARIABLE_DYING, offset)?;
    }
    Ok(())
}

/// Whether the variable is at the head of the dying list, for good.
///
/// Checked under both locks before its content is taken away. Without them the header may have
/// been reused by a living variable since the list was read, or the list may show the release of a
/// dead participant, which will be undone.
pub(crate) fn is_dying(mut inner: HeapTransaction<'_>, variable: Variable) -> Result<bool> {
    inner.lock(variable.header() + layout::LOCK)?;
    inner.lock(header::VARIABLE_LOCK)?;
    Ok(inner.load(header::VARIABLE_DYING)? == variable.header()
        && inner.load(variable.header() + layout::GENERATION)? == variable.generation())
}

/// Moves an emptied variable from the head of the dying list to the free list.
/// Not done if another participant was faster.
pub(crate) fn retire(inner: &mut HeapTransaction<'_>, variable: Variable) -> Result<()> {
    let offset = variable.header();
    inner.lock(offset + layout::LOCK)?;
    inner.lock(header::VARIABLE_LOCK)?;
    if inner.load(header::VARIABLE_DYING)? != offset
        || inner.load(offset + layout::GENERATION)? != variable.generation()
    {
        return Ok(());
    }
    let next = inner.load(offset + layout::NEXT)?;
    inner.set(header::VARIABLE_DYING, next)?;
    inner.set(offset + layout::GENERATION, variable.generation() + 1)?;
    inner.set(offset + layout::KIND, 0)?;
    let free = inner.load(header::VARIABLE_FREE)?;
    inner.set(offset + layout::NEXT, free)?;
    inner.set(header::VARIABLE_FREE, offset)
}
