//! TLS 1.3 on TCP, by `rustls`.

use crate::address::Address;
use crate::error::{Error, Result};
use crate::stream::is_gone;
use crate::wait::Limits;
use rustix::event::PollFlags;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, Connection, InvalidMessage, RootCertStore, ServerConfig, ServerConnection,
};
use sharevar_os::CloseOnFork;
use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

/// The label under which both ends draw a secret of their channel (RFC 8446, section 7.5).
const EXPORTER: &[u8] = b"EXPORTER-sharevar-channel";

/// The name of the error that an authority's certificate is shown for a host's.
const AUTHORITYS: &str = "CaUsedAsEndEntity";

/// Certificates: what a host shows, or whom a client believes.
#[derive(Clone)]
pub struct Tls {
    side: Side,
}

#[derive(Clone)]
enum Side {
    Host(Arc<ServerConfig>),
    Client(Arc<ClientConfig>, Option<String>),
}

impl Tls {
    /// What a host shows: its chain of certificates and its private key, as PEM files.
    pub fn host(certificates: &Path, private_key: &Path) -> Result<Self> {
        let chain = read_certificates(certificates)?;
        let key =
            PrivateKeyDer::from_pem_file(private_key).map_err(|cause| unreadable(private_key, &cause))?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(failed)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(failed)?;
        Ok(Self { side: Side::Host(Arc::new(config)) })
    }

    /// Whom a client believes: hosts that these authorities, in a PEM file, vouch for, under the
    /// name in the address or under another.
    pub fn client(authorities: &Path, name: Option<&str>) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in read_certificates(authorities)? {
            roots.add(certificate).map_err(failed)?;
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(failed)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { side: Side::Client(Arc::new(config), name.map(str::to_owned)) })
    }

    pub(crate) fn accept(&self, socket: OwnedFd) -> Result<TlsStream> {
        let Side::Host(config) = &self.side else {
            return Err(Error::Tls { cause: "a host needs `Tls::host`, certificates of its own".to_owned() });
        };
        let session = ServerConnection::new(Arc::clone(config)).map_err(failed)?;
        Ok(TlsStream { session: session.into(), socket: Socket(CloseOnFork::new(socket)) })
    }

    pub(crate) fn connect(
        &self,
        address: &Address,
        socket: OwnedFd,
        limits: &mut Limits<'_>,
    ) -> Result<TlsStream> {
        let Side::Client(config, name) = &self.side else {
            return Err(Error::Tls { cause: "a client needs `Tls::client`, whom it believes".to_owned() });
        };
        let host = match (name, address) {
            (Some(name), _) => name.clone(),
            (None, Address::Tcp { host, .. }) => host.clone(),
            (None, Address::Unix(_)) => String::new(),
        };
        let name = ServerName::try_from(host.clone())
            .map_err(|_| Error::Tls { cause: format!("{host:?} is no name that a certificate can have") })?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(failed)?;
        let mut stream = TlsStream { session: session.into(), socket: Socket(CloseOnFork::new(socket)) };
        while stream.session.is_handshaking() {
            match stream.advance() {
                Ok(true) => {}
                Ok(false) => return Err(Error::Gone { started: false }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    limits.wait(stream.as_fd(), PollFlags::IN)?;
                }
                Err(error) if is_gone(&error) => return Err(Error::Gone { started: false }),
                Err(error) => return Err(Error::Tls { cause: refused(address, &error) }),
            }
        }
        Ok(stream)
    }
}

/// Keys are never printed.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.side {
            Side::Host(_) => "Tls(host)",
            Side::Client(..) => "Tls(client)",
        })
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|cause| unreadable(path, &cause))
}

fn unreadable(path: &Path, cause: &dyn fmt::Display) -> Error {
    Error::Tls { cause: format!("cannot read {}: {cause}", path.display()) }
}

/// Why a host is not believed, and what to do.
fn refused(address: &Address, error: &io::Error) -> String {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            format!("{address} answers in plain text; give the host certificates, or connect without TLS")
        }
        // The verifier's own error, of which only the name can be seen here.
        Some(rustls::Error::InvalidCertificate(cause)) if format!("{cause:?}").contains(AUTHORITYS) => {
            format!(
                "the certificate of {address} is an authority's (CA:TRUE), as `openssl req -x509` makes \
                 them; sign one for the host with it, or add \
                 `-addext basicConstraints=critical,CA:FALSE` to that command"
            )
        }
        _ => error.to_string(),
    }
}

#[allow(clippy::needless_pass_by_value)] // For `map_err`.
fn failed(error: rustls::Error) -> Error {
    Error::Tls { cause: error.to_string() }
}

/// A socket under TLS that never waits.
#[derive(Debug)]
pub(crate) struct TlsStream {
    session: Connection,
    socket: Socket,
}

impl TlsStream {
    /// Reads what is there: 0 is the end, `WouldBlock` nothing yet.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Cut off without a word is an end like any other: our messages have lengths.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }

    /// Writes what goes into the buffer. [`flush`](Self::flush) sends it.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.session.writer().write(bytes)? {
                0 if !bytes.is_empty() => {
                    if !self.flush()? {
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                }
                count => return Ok(count),
            }
        }
    }

    /// Sends what is written: whether all of it.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                written => written?,
            };
        }
        Ok(true)
    }

    /// Sends what waits to be sent, the greeting among it once the handshake allows, and takes in
    /// what has come: `false` is the end.
    fn advance(&mut self) -> io::Result<bool> {
        self.flush()?;
        if self.session.read_tls(&mut self.socket)? == 0 {
            return Ok(false);
        }
        let processed = self.session.process_new_packets().map_err(io::Error::other);
        // An alert says why, to who still listens.
        let flushed = self.flush();
        processed?;
        flushed.map(|_| true)
    }

    pub(crate) fn channel(&self) -> Vec<u8> {
        // It fails before the end of the handshake, when nobody asks for it.
        self.session.export_keying_material(vec![0; 32], EXPORTER, None).unwrap_or_default()
    }
}

impl AsFd for TlsStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.0.as_fd()
    }
}

#[derive(Debug)]
struct Socket(CloseOnFork);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(&self.0, buffer, RecvFlags::DONTWAIT)?.0)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(&self.0, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
