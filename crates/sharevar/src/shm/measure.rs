//! The length of a variable, and the memory that its content takes.

use super::containers::{array::RawArray, dict::RawDict, list::RawList, monitor::RawMonitor};
use super::containers::{priority_queue::RawPriorityQueue, queue::RawQueue, queue_frame::QueueKind};
use super::handle::Handle;
use super::items::content;
use super::kinds;
use super::long_value;
use crate::error::Result;
use crate::kind::Kind;
use sharevar_value::Word;

/// Returns the number of a variable's items, if it is of a kind that has some.
pub(crate) fn length(handle: &Handle) -> Result<Option<u64>> {
    let Some(kind) = handle.kind() else { return Ok(None) };
    let handle = handle.clone();
    Ok(Some(match kind {
        Kind::Dict | Kind::Set | Kind::Namespace => RawDict::from_handle_as(handle, kind)?.len()?,
        // One key of its dict is the lock.
        Kind::Monitor => RawMonitor::from_handle(handle)?.attributes().len()?.saturating_sub(1),
        Kind::List => RawList::from_handle(handle)?.len()?,
        Kind::Array => RawArray::from_handle(handle)?.len(),
        Kind::Queue => RawQueue::from_handle(handle)?.len()?,
        Kind::PriorityQueue => RawPriorityQueue::from_handle(handle)?.len()?,
        Kind::Value
        | Kind::Lock
        | Kind::Semaphore
        | Kind::RwLock
        | Kind::RLock
        | Kind::Condition
        | Kind::Event
        | Kind::Barrier => return Ok(None),
    }))
}

/// Returns the bytes of the blocks that a variable's content is in.
pub(crate) fn content_bytes(handle: &Handle) -> Result<u64> {
    let participant = handle.participant();
    let bytes = content::read_at_once(handle, |source| {
        let (mut bytes, mut damage) = (0, None);
        // As one that is not held: the rules of its content are for `Manager::check`.
        kinds::trace_content(source, participant.kind_of(handle.variable()), false, &mut |word| {
            let size = match Word(word).handle_offset() {
                Some(offset) => long_value::size(participant, offset),
                None => participant.block_size(word),
            };
            match size {
                Ok(size) => bytes += size,
                Err(error) => damage = Some(error),
            }
        })?;
        damage.map_or(Ok(bytes), Err)
    })?;
    Ok(bytes)
}
