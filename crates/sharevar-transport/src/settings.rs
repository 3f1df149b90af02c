//! What both sides of a connection must agree on.

#[cfg(feature = "tls")]
use crate::tls::Tls;
use std::fmt;
use std::sync::Arc;

/// The most bytes that one message may have, if nothing else is said: 1 GiB.
pub const MAX_FRAME: usize = 1 << 30;

/// What both sides must know to talk to each other. It is never sent.
///
/// An empty one is no key: whoever the Unix socket lets in is let in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Key(Arc<[u8]>);

impl Key {
    /// A key of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Keys are never printed.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "Key(none)" } else { "Key(..)" })
    }
}

/// How connections are secured, and how large messages may be.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The key that both sides must know.
    pub key: Key,
    /// Certificates for TCP: of the host on its side, of the authority on the other.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    /// Whether TCP may leave the machine without TLS.
    pub plaintext: bool,
    /// The most bytes that one message may have.
    pub max_frame: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            key: Key::default(),
            #[cfg(feature = "tls")]
            tls: None,
            plaintext: false,
            max_frame: MAX_FRAME,
        }
    }
}

impl Settings {
    /// The usual settings, with a key.
    pub fn with_key(key: &[u8]) -> Self {
        Self { key: Key::new(key), ..Self::default() }
    }
}
