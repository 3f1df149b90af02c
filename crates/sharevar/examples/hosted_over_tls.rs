//! Objects on another machine: hosts in Rust and in Python that show certificates at TCP ports.
//! Here both are on this one.
//!
//! `cargo run --features tls --example hosted_over_tls`, with the Python package `sharevar` installed
//! for `python3`, or for the interpreter that the environment variable `PYTHON` names. The Python
//! half is `python/hosted_over_tls.py` beside this file.

#![allow(clippy::print_stdout)] // A demonstration.

use sharevar::hosted::{Address, Client, Error, Host, Settings, Tls};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

const KEY: &str = "known to both sides";

struct Guests(Vec<String>);

#[sharevar::hosted]
impl Guests {
    pub fn welcome(&mut self, name: &str) -> usize {
        self.0.push(name.to_owned());
        self.0.len()
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A certificate for `localhost`, which vouches for itself, and its key, as files.
struct Certificate {
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificate {
    fn make() -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let file =
            |kind| std::env::temp_dir().join(format!("sharevar-over-tls-{}.{kind}", std::process::id()));
        let files = Self { certificate: file("crt"), key: file("key") };
        std::fs::write(&files.certificate, made.cert.pem())?;
        std::fs::write(&files.key, made.signing_key.serialize_pem())?;
        Ok(files)
    }
}

impl Drop for Certificate {
    fn drop(&mut self) {
        for file in [&self.certificate, &self.key] {
            // It may not have been written.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// Starts Python, which calls the guests at `ours`: its process, and the port of its own host.
fn start(certificate: &Certificate, ours: &Address) -> Result<(Child, u16)> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/hosted_over_tls.py");
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut child = Command::new(&python)
        .arg(script)
        .args([&certificate.certificate, &certificate.key])
        .args([KEY, &ours.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines());
    let port = output.next().ok_or("the Python host did not start")??;
    Ok((child, port.parse()?))
}

/// A client that believes the certificate.
fn client(address: &Address, believed: &Path) -> Result<Client> {
    let tls = Some(Tls::client(believed, None)?);
    Ok(Client::connect_with(address, Settings { tls, ..Settings::with_key(KEY.as_bytes()) })?)
}

fn run() -> Result<bool> {
    let certificate = Certificate::make()?;
    let host = Host::new()
        .address("tcp:localhost:0".parse()?)
        .key(KEY.as_bytes())
        .tls(Tls::host(&certificate.certificate, &certificate.key)?)
        .add("guests", Guests(vec!["Ada".to_owned()]))
        .start()?;
    println!("the Rust host is at {}", host.address());
    let (mut python, port) = start(&certificate, host.address())?;
    let guests: GuestsProxy = client(host.address(), &certificate.certificate)?.proxy("guests")?;
    let cem = guests.welcome("Cem")?;
    let address: Address = format!("tcp:localhost:{port}").parse()?;
    println!("the Python host is at {address}");
    let names = client(&address, &certificate.certificate)?.create("list", "", &(["Ada"],))?;
    names.call::<()>("append", &("Bob",))?;
    let length: usize = names.call("__len__", &())?;
    // The key alone does not lead there.
    let unbelieved = Client::connect_with(
        &address,
        Settings {
            tls: Some(Tls::client(&certificate.certificate, Some("elsewhere"))?),
            ..Settings::with_key(KEY.as_bytes())
        },
    );
    println!("{unbelieved:?}");
    drop(python.stdin.take());
    Ok(python.wait()?.success() && (cem, length) == (3, 2) && matches!(unbelieved, Err(Error::Transport(_))))
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("hosted_over_tls: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("hosted_over_tls: {error}");
            ExitCode::FAILURE
        }
    }
}
