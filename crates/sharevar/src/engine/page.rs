//! Some of a map's keys.

/// Some of a map's keys, in their order, and the number of all at that moment.
#[derive(Debug)]
pub struct Page {
    /// The encodings of the keys that were put in.
    pub keys: Vec<Vec<u8>>,
    /// The place of the last one, if there may be more.
    pub last: Option<u64>,
    /// How many keys there are.
    pub length: u64,
}
