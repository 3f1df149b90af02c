//! The pieces of a frame, read and written.

/// A frame that is no message of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no {what} at byte {at} of the frame: the other side speaks another version; upgrade the older one")]
pub struct Malformed {
    /// The part that is missing.
    pub what: &'static str,
    /// Its offset in bytes.
    pub at: usize,
}

/// A text or a batch that is too long for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {what} of {length} is beyond {limit}; make it shorter")]
pub struct TooLong {
    /// The kind of text or batch.
    pub what: &'static str,
    /// Its length.
    pub length: usize,
    /// The longest.
    pub limit: usize,
}

/// The rest of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    frame: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(frame: &'a [u8]) -> Self {
        Self { frame, at: 0 }
    }

    #[cold]
    pub(super) fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, at: self.at }
    }

    #[inline]
    fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        // No overflow: `at` is never beyond the end.
        match self.frame[self.at..].get(..length) {
            Some(taken) => {
                self.at += length;
                Ok(taken)
            }
            None => Err(self.malformed(what)),
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Malformed> {
        match self.frame[self.at..].first_chunk::<N>() {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.malformed(what)),
        }
    }

    #[inline]
    pub(super) fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        self.array(what).map(u8::from_le_bytes)
    }

    #[inline]
    pub(super) fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        self.array(what).map(u16::from_le_bytes)
    }

    #[inline]
    pub(super) fn u32(&mut self, what: &'static str) -> Result<u32, Malformed> {
        self.array(what).map(u32::from_le_bytes)
    }

    #[inline]
    pub(super) fn u64(&mut self, what: &'static str) -> Result<u64, Malformed> {
        self.array(what).map(u64::from_le_bytes)
    }

    #[inline]
    fn text(&mut self, length: usize, what: &'static str) -> Result<&'a str, Malformed> {
        let at = self.at;
        std::str::from_utf8(self.take(length, what)?).map_err(|_| Malformed { what, at })
    }

    #[inline]
    pub(super) fn text16(&mut self, what: &'static str) -> Result<&'a str, Malformed> {
        let length = self.u16(what)?;
        self.text(length.into(), what)
    }

    pub(super) fn text32(&mut self, what: &'static str) -> Result<&'a str, Malformed> {
        let length = self.u32(what)?;
        self.text(length as usize, what)
    }

    /// Reads the parts of the rest of the frame, each with its length before it: the requests of a
    /// batch, or their replies. The number of parts is not believed: memory grows as they are read.
    pub(super) fn parts<T>(
        mut self,
        read: impl Fn(&'a [u8]) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let count = self.u32("number of parts")?;
        let mut parts = Vec::new();
        for _ in 0..count {
            let length = self.u32("part")?;
            parts.push(read(self.take(length as usize, "part")?)?);
        }
        self.end()?;
        Ok(parts)
    }

    /// The bytes that are left.
    #[inline]
    pub(super) fn rest(self) -> &'a [u8] {
        &self.frame[self.at..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.frame.len()
    }

    /// Checks that nothing is left.
    pub(super) fn end(self) -> Result<(), Malformed> {
        if self.is_at_end() { Ok(()) } else { Err(self.malformed("end")) }
    }
}

/// Appends the number of parts, each of which follows by [`part`].
pub(super) fn write_count(frame: &mut Vec<u8>, kind: u8, count: usize) -> Result<(), TooLong> {
    frame.push(kind);
    frame.extend_from_slice(&length32(count, "batch")?.to_le_bytes());
    Ok(())
}

#[inline]
pub(super) fn write_text16(frame: &mut Vec<u8>, text: &str, what: &'static str) -> Result<(), TooLong> {
    let length = u16::try_from(text.len()).map_err(|_| TooLong {
        what,
        length: text.len(),
        limit: u16::MAX.into(),
    })?;
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(text.as_bytes());
    Ok(())
}

pub(super) fn write_text32(frame: &mut Vec<u8>, text: &str, what: &'static str) -> Result<(), TooLong> {
    frame.extend_from_slice(&length32(text.len(), what)?.to_le_bytes());
    frame.extend_from_slice(text.as_bytes());
    Ok(())
}

fn length32(length: usize, what: &'static str) -> Result<u32, TooLong> {
    u32::try_from(length).map_err(|_| TooLong { what, length, limit: u32::MAX as usize })
}

/// Appends what `write` appends, with its length before it: one request of a
/// [`batch`](super::write_request::batch), one reply of [`many`](super::write_reply::many).
pub fn part<R>(frame: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> R) -> Result<R, TooLong> {
    let start = frame.len();
    frame.extend_from_slice(&[0; 4]);
    let result = write(frame);
    let length = length32(frame.len().saturating_sub(start + 4), "part of a batch")?;
    if let Some(field) = frame.get_mut(start..start + 4) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    Ok(result)
}
