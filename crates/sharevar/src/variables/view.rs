//! Views of values that are bytes.

use crate::engine::Content;
use crate::error::Result;
use crate::shm::LongValue;
use serde::de::Error as _;
use sharevar_value::{DecodeError, Decoder, Event, LongPart, WordKind};

/// The bytes of a value, read where they are and not copied first.
///
/// A view keeps the bytes as they were when it was made: they stay, though the value is replaced or its
/// variable is gone, until the last view of them in any process is dropped or its process has ended. Of a
/// value of less than 64 KiB a view is a copy.
///
/// ```
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Bytes(#[serde(with = "bytes")] Vec<u8>);
/// # mod bytes {
/// #     pub fn serialize<S: serde::Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
/// #         to.serialize_bytes(bytes)
/// #     }
/// #     pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
/// #         <serde::de::IgnoredAny as serde::Deserialize>::deserialize(from).map(|_| Vec::new())
/// #     }
/// # }
/// let manager = sharevar::Manager::new()?;
/// let frames = manager.dict::<String, Bytes>()?;      // `Bytes` is serialized as bytes
/// frames.insert("first", &Bytes(vec![7; 1 << 20]))?;
/// let view = frames.view("first")?.expect("it is there");
/// frames.remove("first")?;
/// let mut part = [0; 100];
/// view.copy_to(1000, &mut part)?;
/// assert_eq!((view.len(), part), (1 << 20, [7; 100]));
/// # Ok::<(), sharevar::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct View {
    place: Place,
    length: usize,
}

#[derive(Debug, Clone)]
enum Place {
    /// In shared memory, from this byte of the encoding on.
    Long(LongValue, usize),
    Copied(Vec<u8>),
}

impl View {
    /// The view of a value that is bytes; `None` if it is another.
    ///
    /// # Errors
    /// A damaged arena.
    pub fn of(content: Content) -> Result<Option<Self>> {
        let copied = match content {
            Content::Long(value) => {
                let Some(reader) = value.reader()? else { return Ok(None) };
                let (Some((LongPart::Bytes, start)), length) = (reader.part()?, reader.length()) else {
                    return Ok(None);
                };
                let length = length as usize - start;
                return Ok(Some(Self { place: Place::Long(value, start), length }));
            }
            Content::Bytes(bytes, _) => match Decoder::new(&bytes).next()? {
                Event::Bytes(bytes) => bytes.to_vec(),
                _ => return Ok(None),
            },
            Content::Word(word) => match word.kind() {
                WordKind::Bytes(text) => text.as_bytes().to_vec(),
                _ => return Ok(None),
            },
            Content::Handle(_) => return Ok(None),
        };
        Ok(Some(Self { length: copied.len(), place: Place::Copied(copied) }))
    }

    /// The same; an error if the value is not bytes.
    pub(crate) fn expect(content: Content) -> Result<Self> {
        let none = || DecodeError::custom("the value is not bytes, and there are views of bytes alone");
        Ok(Self::of(content)?.ok_or_else(none)?)
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Copies the bytes from `at` on to `out`, as many as it has.
    ///
    /// # Errors
    /// A damaged arena.
    ///
    /// # Panics
    /// If there are not so many bytes.
    pub fn copy_to(&self, at: usize, out: &mut [u8]) -> Result<()> {
        let end = at.checked_add(out.len()).filter(|end| *end <= self.length);
        let end = end.expect("a part of a view lies within it");
        match &self.place {
            Place::Copied(bytes) => out.copy_from_slice(&bytes[at..end]),
            Place::Long(value, start) => {
                if let Some(reader) = value.reader()? {
                    reader.read((start + at) as u64, out)?;
                }
            }
        }
        Ok(())
    }

    /// Returns a copy of all the bytes.
    ///
    /// # Errors
    /// As [`Self::copy_to`].
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; self.length];
        self.copy_to(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Returns the address of the bytes in shared memory, for code of other languages, while the view
    /// lives; `None` if it is a copy. Another process that has a writable view of the value may
    /// change them at any moment.
    ///
    /// # Errors
    /// A damaged arena.
    pub fn address(&self) -> Result<Option<*mut u8>> {
        match &self.place {
            Place::Copied(_) => Ok(None),
            Place::Long(value, start) => value.address(*start as u64, self.length as u64).map(Some),
        }
    }
}
