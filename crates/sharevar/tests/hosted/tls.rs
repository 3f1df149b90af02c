//! Hosts that show certificates.
#![cfg(feature = "tls")]

use sharevar::hosted::{Address, Client, Error, Host, Proxied, RunningHost, Settings, Stream, Tls};
use std::path::PathBuf;

/// A certificate for `localhost`, signed by itself, and its key, as files.
struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn make(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = |kind: &str| {
            std::env::temp_dir().join(format!("sharevar-test-{}-{name}.{kind}", std::process::id()))
        };
        let (certificate, key) = (file("crt"), file("key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Self { certificate, key }
    }

    fn host(&self) -> Tls {
        Tls::host(&self.certificate, &self.key).unwrap()
    }

    fn client(&self) -> Settings {
        let tls = Tls::client(&self.certificate, Some("localhost")).unwrap();
        Settings { tls: Some(tls), ..Settings::with_key(b"key") }
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.certificate);
        let _ = std::fs::remove_file(&self.key);
    }
}

struct Words(Vec<String>);

#[sharevar::hosted]
impl Words {
    pub fn push(&mut self, word: &str) -> usize {
        self.0.push(word.to_owned());
        self.0.len()
    }

    pub fn all(&self) -> Stream<String> {
        Stream::new(self.0.clone())
    }
}

/// Where every machine can reach it.
fn everywhere(host: Host) -> sharevar::hosted::Result<RunningHost> {
    let everywhere = "tcp:0.0.0.0:0".parse().unwrap();
    host.address(everywhere).add("words", Words(Vec::new())).start()
}

fn here(host: &RunningHost) -> Address {
    let Address::Tcp { port, .. } = *host.address() else { panic!("no port") };
    Address::Tcp { host: "127.0.0.1".to_owned(), port }
}

#[test]
fn objects_are_called_under_tls() {
    let certificate = Certificate::make("called");
    // Without a certificate it would say nothing beyond this machine.
    assert!(matches!(everywhere(Host::new().key(b"key")), Err(Error::Transport(_))));
    let host = everywhere(Host::new().key(b"key").tls(certificate.host())).unwrap();
    let client = Client::connect_with(&here(&host), certificate.client()).unwrap();
    let words: WordsProxy = client.proxy("words").unwrap();
    let long = "x".repeat(1 << 20);
    assert_eq!((words.push("a"), words.push(&long)), (Ok(1), Ok(2)));
    let mut batch = client.batch();
    let (third, all) = (batch.on(&words).push("c"), batch.on(&words).all());
    batch.send().unwrap();
    assert_eq!(third.result(), Ok(3));
    assert_eq!(all.result().unwrap().collect::<Result<Vec<_>, _>>().unwrap(), ["a", &long, "c"]);
    // A proxy that is sent here finds the way with the client.
    let text = serde_json::to_string(&words).unwrap();
    let found: WordsProxy = serde_json::from_str(&text).unwrap();
    assert_eq!((&found, found.push("d")), (&words, Ok(4)));
    assert_eq!(found.with_timeout(std::time::Duration::from_secs(30)).push("e"), Ok(5));
}

#[test]
fn who_is_not_believed_is_not_called() {
    let (certificate, another) = (Certificate::make("believed"), Certificate::make("another"));
    let host = everywhere(Host::new().key(b"key").tls(certificate.host())).unwrap();
    let refused = |settings| Client::connect_with(&here(&host), settings).map(drop);
    assert_eq!(refused(certificate.client()), Ok(()));
    let errors = [
        refused(another.client()),
        refused(Settings { key: sharevar::hosted::Key::new(b"another"), ..certificate.client() }),
        refused(Settings {
            tls: Some(Tls::client(&certificate.certificate, Some("elsewhere")).unwrap()),
            ..certificate.client()
        }),
    ];
    for refused in errors {
        assert!(matches!(refused, Err(Error::Transport(_))), "{refused:?}");
    }
    // What the host shows does not say whom a client in its process believes.
    let error = host.client().unwrap_err().to_string();
    assert!(error.contains("`Tls::client`"), "{error}");
}
