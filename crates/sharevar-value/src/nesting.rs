//! How deep the container being written or read is, and how many elements it still lacks.

/// The most containers inside one another that a value may have.
///
/// The bound is the same for writing and for reading. So every value that was
/// written can be read, and no writer can exhaust a reader's stack.
pub const MAX_DEPTH: usize = 128;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) remaining: u64,
    /// Where in the bytes this container starts (writing) or must end (reading).
    pub(crate) mark: usize,
    /// Whether it is closed by a call of its own rather than by its last element.
    pub(crate) explicit: bool,
}

/// The containers that are open. The innermost is at hand, so that one that holds no other costs
/// no allocation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Nesting {
    innermost: Option<Frame>,
    outer: Vec<Frame>,
}

impl Nesting {
    pub(crate) fn depth(&self) -> usize {
        self.outer.len() + usize::from(self.innermost.is_some())
    }

    #[inline]
    pub(crate) fn top(&mut self) -> Option<&mut Frame> {
        self.innermost.as_mut()
    }

    /// Enters a container; `false` if that would be too deep.
    #[inline]
    pub(crate) fn push(&mut self, frame: Frame) -> bool {
        if self.depth() >= MAX_DEPTH {
            return false;
        }
        self.outer.extend(self.innermost.replace(frame));
        true
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let innermost = self.innermost.take()?;
        self.innermost = self.outer.pop();
        Some(innermost)
    }
}
