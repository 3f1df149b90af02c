//! Settings on which both sides of a connection must agree.

#[cfg(feature = "tls")]
use crate::tls::Tls;
use std::fmt;
use std::sync::Arc;

/// The default of [`Settings::max_frame`]: 1 GiB.
pub const MAX_FRAME: usize = 1 << 30;

/// A secret that both sides must know. It is never sent.
///
/// An empty key is none: every process that may connect to the Unix socket is accepted.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Key(Arc<[u8]>);

impl Key {
    /// Makes a key of these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Returns whether this is no key.
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
    /// The secret that both sides must know.
    pub key: Key,
    /// Certificates for TCP: the host's own at the host, those of its authorities at the client.
    #[cfg(feature = "tls")]
    pub tls: Option<Tls>,
    /// Whether messages may leave the machine by TCP without TLS.
    pub plaintext: bool,
    /// The longest message in bytes.
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
    /// The default settings with a key.
    pub fn with_key(key: &[u8]) -> Self {
        Self { key: Key::new(key), ..Self::default() }
    }
}
