//! The entries of inboxes: messages between the two ends of connections.

/// An entry, which is about one connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// The number of the connection's end at the receiver.
    pub(crate) connection: u64,
    /// The client of the engine that has sent the entry.
    pub(crate) sender: &'a str,
    pub(crate) content: Content<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    /// A new connection to the host of that name.
    Open { host: &'a str },
    /// Bytes, with the number of the entries of bytes before it on this connection.
    Data { count: u32, bytes: &'a [u8] },
    /// How much of the window the receiver has freed since the beginning.
    Freed { total: u64 },
    /// The end of the connection.
    Close,
}

/// The number of the other end of a connection. Numbers of hosts' ends are odd, so that both ends may be in one
/// process.
pub(crate) fn other_end(number: u64) -> u64 {
    number ^ 1
}

/// Whether the number is that of a host's end.
pub(crate) fn is_host_end(number: u64) -> bool {
    number & 1 == 1
}

/// The length of the name of a client.
const NAME: usize = 16;

impl<'a> Entry<'a> {
    pub(crate) fn write(&self) -> Vec<u8> {
        let (kind, parts): (u8, [&[u8]; 2]) = match &self.content {
            Content::Open { host } => (b'o', [host.as_bytes(), &[]]),
            Content::Data { count, bytes } => (b'd', [&count.to_le_bytes(), bytes]),
            Content::Freed { total } => (b'f', [&total.to_le_bytes(), &[]]),
            Content::Close => (b'c', [&[], &[]]),
        };
        let head = [&[kind][..], &self.connection.to_le_bytes(), self.sender.as_bytes()];
        [&head.concat()[..], parts[0], parts[1]].concat()
    }

    /// Reads an entry; `None` if it is none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let (connection, rest) = rest.split_first_chunk()?;
        let (sender, rest) = rest.split_at_checked(NAME)?;
        let content = match kind {
            b'o' => Content::Open { host: std::str::from_utf8(rest).ok()? },
            b'd' => {
                let (count, bytes) = rest.split_first_chunk()?;
                Content::Data { count: u32::from_le_bytes(*count), bytes }
            }
            b'f' => Content::Freed { total: u64::from_le_bytes(rest.try_into().ok()?) },
            b'c' => Content::Close,
            _ => return None,
        };
        let sender = std::str::from_utf8(sender).ok()?;
        Some(Self { connection: u64::from_le_bytes(*connection), sender, content })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        for content in [
            Content::Open { host: "till" },
            Content::Data { count: 7, bytes: b"bytes" },
            Content::Data { count: 0, bytes: b"" },
            Content::Freed { total: 1 << 40 },
            Content::Close,
        ] {
            let entry = Entry { connection: 5, sender: "0123456789abcdef", content };
            let written = entry.write();
            assert_eq!(Entry::read(&written), Some(entry));
            for length in 0..25 {
                assert_eq!(Entry::read(&written[..length]), None);
            }
        }
    }
}
