//! TLS 1.3 on TCP, by `rustls`.

use crate::address::Address;
use crate::deadline::Deadline;
use crate::error::{Error, Result};
use crate::stream::is_gone;
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
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::sync::Arc;

/// The label under which both ends derive a secret of their channel (RFC 8446, section 7.5).
const EXPORTER: &[u8] = b"EXPORTER-sharevar-channel";

/// The name of the verifier's error for an authority's certificate in the place of a host's.
const CA_USED_AS_HOST: &str = "CaUsedAsEndEntity";

/// Certificates for TLS: a host's own, or those of the authorities that a client trusts.
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
    /// Reads a host's chain of certificates and its private key from PEM files.
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

    /// Reads the certificates of authorities from a PEM file. A client trusts a host whose
    /// certificate one of them has signed, for `name` or else for the name in the address.
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

    pub(crate) fn accept(&self, socket: CloseOnFork) -> Result<TlsStream> {
        let Side::Host(config) = &self.side else {
            let cause = "a host needs certificates of its own; make them with `Tls::host`";
            return Err(Error::Tls { cause: cause.to_owned() });
        };
        let session = ServerConnection::new(Arc::clone(config)).map_err(failed)?;
        Ok(TlsStream { session: session.into(), socket: Socket(socket) })
    }

    pub(crate) fn connect(
        &self,
        address: &Address,
        socket: CloseOnFork,
        deadline: &mut Deadline<'_>,
    ) -> Result<TlsStream> {
        let Side::Client(config, name) = &self.side else {
            let cause = "a client needs the certificates of its authorities; read them with `Tls::client`";
            return Err(Error::Tls { cause: cause.to_owned() });
        };
        let host = match (name, address) {
            (Some(name), _) => name.clone(),
            (None, Address::Tcp { host, .. }) => host.clone(),
            (None, Address::Unix(_) | Address::Relayed(_)) => String::new(),
        };
        let name = ServerName::try_from(host.clone())
            .map_err(|_| Error::Tls { cause: format!("a certificate cannot have the name {host:?}") })?;
        let session = ClientConnection::new(Arc::clone(config), name).map_err(failed)?;
        let mut stream = TlsStream { session: session.into(), socket: Socket(socket) };
        while stream.session.is_handshaking() {
            match stream.advance() {
                Ok(true) => {}
                Ok(false) => return Err(Error::Gone { started: false }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    deadline.wait(stream.as_fd(), PollFlags::IN)?;
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

/// The reason why a host's certificate is not accepted, and the remedy.
fn refused(address: &Address, error: &io::Error) -> String {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
            format!("{address} answers in plain text; give the host certificates, or connect without TLS")
        }
        // An error of the verifier's own type: only its name is visible here.
        Some(rustls::Error::InvalidCertificate(cause)) if format!("{cause:?}").contains(CA_USED_AS_HOST) => {
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

/// A non-blocking socket under TLS.
#[derive(Debug)]
pub(crate) struct TlsStream {
    session: Connection,
    socket: Socket,
}

impl TlsStream {
    /// Reads the bytes that have arrived. 0 is the end of the stream; `WouldBlock` if there are none.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.session.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An end without TLS's closing alert is an end like any other: frames have lengths.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }

    /// Writes as many bytes as fit into the buffer. [`flush`](Self::flush) sends them.
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

    /// Sends the buffer, and returns whether all of it was sent.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                written => written?,
            };
        }
        Ok(true)
    }

    /// Sends the buffer and processes the bytes that have arrived. `false` is the end of the stream.
    /// The greeting is in the buffer until the TLS handshake allows to send it.
    fn advance(&mut self) -> io::Result<bool> {
        self.flush()?;
        if self.session.read_tls(&mut self.socket)? == 0 {
            return Ok(false);
        }
        let processed = self.session.process_new_packets().map_err(io::Error::other);
        // An alert tells the other side the reason.
        let flushed = self.flush();
        processed?;
        flushed.map(|_| true)
    }

    pub(crate) fn channel(&self) -> Vec<u8> {
        // This fails only before the end of the handshake, when the channel is not yet asked for.
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
