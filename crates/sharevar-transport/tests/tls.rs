//! TLS: real certificates, real handshakes.
#![cfg(feature = "tls")]

mod support;

use sharevar_transport::{Address, Connection, Error, Server, Settings, Tls};
use std::io::{Read, Write};
use std::path::PathBuf;
use support::{Echo, echo_at};

/// Files of a self-signed certificate for `localhost` and of its private key.
struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificates {
    fn make(name: &str) -> Self {
        Self::make_of(name, rcgen::IsCa::NoCa)
    }

    fn make_of(name: &str, is_ca: rcgen::IsCa) -> Self {
        let signing_key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        parameters.is_ca = is_ca;
        let certificate_of_it = parameters.self_signed(&signing_key).unwrap();
        let directory = std::env::temp_dir();
        let file = |kind: &str| directory.join(format!("sharevar-tls-{}-{name}.{kind}", std::process::id()));
        let (certificate, key) = (file("crt"), file("key"));
        std::fs::write(&certificate, certificate_of_it.pem()).unwrap();
        std::fs::write(&key, signing_key.serialize_pem()).unwrap();
        Self { certificate, key }
    }

    fn host(&self) -> Settings {
        let tls = Tls::host(&self.certificate, &self.key).unwrap();
        Settings { tls: Some(tls), ..Settings::with_key(b"key") }
    }

    fn client(&self, name: Option<&str>) -> Settings {
        let tls = Tls::client(&self.certificate, name).unwrap();
        Settings { tls: Some(tls), ..Settings::with_key(b"key") }
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.certificate);
        let _ = std::fs::remove_file(&self.key);
    }
}

fn everywhere() -> Address {
    "tcp::0".parse().unwrap()
}

fn here(server: &Server<Echo>, host: &str) -> Address {
    let Address::Tcp { port, .. } = *server.address() else { unreachable!() };
    Address::Tcp { host: host.to_owned(), port }
}

#[test]
fn with_certificates_tcp_may_leave_the_machine() {
    let certificates = Certificates::make("leave");
    let server = echo_at(&everywhere(), &certificates.host());
    let mut connection = Connection::open(&here(&server, "localhost"), &certificates.client(None)).unwrap();
    for size in [0, 1, 20_000, 3 << 20] {
        let request: Vec<_> = (0..size).map(|place| place as u8).collect();
        connection.send(&request, None).unwrap();
        assert!(connection.receive(None).unwrap() == request, "{size} bytes");
        connection.consume();
    }
    let under_another_name =
        Connection::open(&here(&server, "127.0.0.1"), &certificates.client(Some("localhost")));
    under_another_name.unwrap();
    server.stop();
}

#[test]
fn a_host_whose_certificate_no_authority_has_signed_is_refused() {
    let (ours, others) = (Certificates::make("ours"), Certificates::make("others"));
    let server = echo_at(&everywhere(), &others.host());
    let refused = |settings: &Settings, host: &str| {
        Connection::open(&here(&server, host), settings).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(&ours.client(None), "localhost"), Error::Tls { .. }));
    assert!(matches!(refused(&others.client(Some("elsewhere")), "localhost"), Error::Tls { .. }));
    let another_key = Settings { key: sharevar_transport::Key::new(b"another"), ..others.client(None) };
    assert!(matches!(refused(&another_key, "localhost"), Error::Refused { .. }));
    Connection::open(&here(&server, "localhost"), &others.client(None)).unwrap();
    server.stop();
}

#[test]
fn both_sides_must_use_tls() {
    let certificates = Certificates::make("want");
    let secret = echo_at(&"tcp:127.0.0.1:0".parse().unwrap(), &certificates.host());
    // The greeting is sent under TLS only: a plain client gets none, and is dropped for its rubbish.
    let Address::Tcp { port, .. } = *secret.address() else { unreachable!() };
    let mut plain = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain.write_all(b"in plain text, please").unwrap();
    let mut sent = Vec::new();
    let _ = plain.read_to_end(&mut sent);
    assert!(!sent.windows(11).any(|part| part == b"#CHALLENGE#"), "{sent:?}");
    let error = Connection::open(secret.address(), &Settings::with_key(b"key")).unwrap_err();
    assert!(error.to_string().contains("accepts TLS only"), "{error}");
    secret.stop();
    let open = echo_at(&"tcp:127.0.0.1:0".parse().unwrap(), &Settings::with_key(b"key"));
    let error = Connection::open(&here(&open, "localhost"), &certificates.client(None)).unwrap_err();
    assert!(error.to_string().contains("answers in plain text"), "{error}");
    open.stop();
    let error = Server::bind(&everywhere(), &Settings::with_key(b"key"), Echo).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Plaintext { .. }));
}

/// The certificate that `openssl req -x509` makes by default.
#[test]
fn an_authoritys_certificate_is_refused_as_a_hosts() {
    let authority = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificates = Certificates::make_of("authority", authority);
    let server = echo_at(&everywhere(), &certificates.host());
    let error = Connection::open(&here(&server, "localhost"), &certificates.client(None)).unwrap_err();
    assert!(error.to_string().contains("basicConstraints=critical,CA:FALSE"), "{error}");
    server.stop();
}

#[test]
fn an_error_names_the_file_that_is_no_certificate() {
    let missing = std::path::Path::new("/nonexistent/host.crt");
    let error = Tls::client(missing, None).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/host.crt"), "{error}");
    let certificates = Certificates::make("swapped");
    let error = Tls::host(&certificates.key, &certificates.certificate).unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error}");
}
