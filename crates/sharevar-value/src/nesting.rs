//! How deep the container being written or read is, and how many elements it still lacks.

/// The most containers inside one another that a value may have.
///
/// The same bound when writing and when reading, so that whatever was written
/// can be read, and no reader's stack is at the mercy of a writer.
pub const MAX_DEPTH: usize = 128;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) remaining: u64,
    /// Where in the bytes this container starts (writing) or must end (reading).
    pub(crate) mark: usize,
    /// Whether it is closed by a call of its own rather than by its last element.
    pub(crate) explicit: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Nesting {
    frames: Vec<Frame>,
}

impl Nesting {
    pub(crate) fn depth(&self) -> usize {
        self.frames.len()
    }

    pub(crate) fn top(&mut self) -> Option<&mut Frame> {
        self.frames.last_mut()
    }

    /// Enters a container; `false` if that would be too deep.
    pub(crate) fn push(&mut self, frame: Frame) -> bool {
        if self.frames.len() >= MAX_DEPTH {
            return false;
        }
        self.frames.push(frame);
        true
    }

    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.frames.pop()
    }
}
