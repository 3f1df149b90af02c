//! A program at another address connects over TCP with the key, and is refused without it.

mod support;

use sharevar_transport::{Address, Connection, Error, Settings};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use support::echo_at;

/// Environment variables of a program in another namespace: the address at which it listens or to
/// which it sends a request, and the key.
const LISTEN: &str = "SHAREVAR_TEST_LISTEN";
const ASK: &str = "SHAREVAR_TEST_ASK";
const KEY: &str = "SHAREVAR_TEST_KEY";

fn plain(key: &[u8]) -> Settings {
    Settings { plaintext: true, ..Settings::with_key(key) }
}

fn ask(address: &Address, key: &[u8]) -> Result<Vec<u8>, Error> {
    let mut connection = Connection::open(address, &plain(key))?;
    connection.send(b"from elsewhere", None)?;
    connection.receive(None).map(<[u8]>::to_vec)
}

#[test]
fn another_address_of_this_machine() {
    let server = echo_at(&"tcp:127.0.0.2:0".parse().unwrap(), &Settings::with_key(b"key"));
    assert_eq!(ask(server.address(), b"key").unwrap(), b"from elsewhere");
    assert!(matches!(ask(server.address(), b"wrong").unwrap_err(), Error::Refused { .. }));
    server.stop();
}

/// The program in a namespace. Without its variables it does nothing.
#[test]
fn program_elsewhere() {
    let Ok(key) = std::env::var(KEY) else { return };
    if let Ok(address) = std::env::var(LISTEN) {
        let server = echo_at(&address.parse().unwrap(), &plain(key.as_bytes()));
        eprintln!("listens at {}", server.address());
        // Until its parent closes the pipe.
        let _ = std::io::stdin().read(&mut [0]);
        server.stop();
    } else if let Ok(address) = std::env::var(ASK) {
        match ask(&address.parse().unwrap(), key.as_bytes()) {
            Ok(answer) => assert_eq!(answer, b"from elsewhere"),
            Err(error) => panic!("refused: {error}"),
        }
    }
}

/// Two network namespaces with a cable between them. Only root can make them.
struct Network {
    host: String,
    client: String,
}

const HOST: &str = "192.0.2.1";
const CLIENT: &str = "192.0.2.2";

impl Network {
    fn make() -> Option<Self> {
        let number = std::process::id();
        let network = Self { host: format!("svhost{number}"), client: format!("svclient{number}") };
        let (host, client) = (network.host.as_str(), network.client.as_str());
        if !ip(&["netns", "add", host]).ok()?.status.success() {
            return None;
        }
        let (host_address, client_address) = (format!("{HOST}/30"), format!("{CLIENT}/30"));
        for step in [
            &["netns", "add", client][..],
            &["-n", host, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", client],
            &["-n", host, "addr", "add", &host_address, "dev", "cable"],
            &["-n", client, "addr", "add", &client_address, "dev", "cable"],
            &["-n", host, "link", "set", "cable", "up"],
            &["-n", client, "link", "set", "cable", "up"],
        ] {
            let done = ip(step).unwrap();
            if !done.status.success() {
                eprintln!("ip {step:?}: {}", String::from_utf8_lossy(&done.stderr));
                return None;
            }
        }
        Some(network)
    }

    fn program(namespace: &str, task: (&str, &str), key: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]);
        command.arg(std::env::current_exe().unwrap());
        command.args(["--exact", "program_elsewhere", "--nocapture"]);
        command.env(task.0, task.1).env(KEY, key);
        command
    }

    /// A host in its namespace, and its address.
    fn listen(&self) -> (Child, String) {
        let mut command = Self::program(&self.host, (LISTEN, &format!("tcp:{HOST}:0")), "key");
        let mut host = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(host.stderr.take().unwrap()).lines();
        let address =
            lines.map_while(Result::ok).find_map(|line| line.strip_prefix("listens at ").map(str::to_owned));
        (host, address.unwrap())
    }

    fn ask(&self, address: &str, key: &str) -> Output {
        Self::program(&self.client, (ASK, address), key).output().unwrap()
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.host, &self.client] {
            // The cable goes with them.
            let _ = ip(&["netns", "del", namespace]);
        }
    }
}

fn ip(arguments: &[&str]) -> std::io::Result<Output> {
    Command::new("ip").args(arguments).output()
}

#[test]
fn another_network_namespace() {
    let Some(network) = Network::make() else {
        eprintln!("no network namespace can be made here (it takes root and iproute2): not tested");
        return;
    };
    let (mut host, address) = network.listen();
    let accepted = network.ask(&address, "key");
    assert!(accepted.status.success(), "{}", String::from_utf8_lossy(&accepted.stderr));
    let refused = network.ask(&address, "wrong");
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr) + String::from_utf8_lossy(&refused.stdout);
    assert!(said.contains("refuses this process: it knows another key"), "{said}");
    drop(host.stdin.take());
    assert!(host.wait().unwrap().success());
}
