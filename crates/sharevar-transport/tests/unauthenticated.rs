//! A client that does not know the key, or does not keep to the protocol, is dropped and harms no
//! other.

mod support;

use sharevar_transport::{CHALLENGE, Client, Connection, Server, Settings};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use support::{Echo, SocketPath, echo_at, socket_path};

/// The length of a hello, a client's first message.
const HELLO: usize = 96;

/// Held exclusively by the test that uses up the descriptors of the process, which `cargo test`
/// shares among tests.
static DESCRIPTORS: RwLock<()> = RwLock::new(());

struct Host {
    socket: SocketPath,
    server: Arc<Server<Echo>>,
    settings: Settings,
    _descriptors: Option<RwLockReadGuard<'static, ()>>,
}

fn host() -> Host {
    host_holding(Some(DESCRIPTORS.read().unwrap_or_else(PoisonError::into_inner)))
}

fn host_holding(descriptors: Option<RwLockReadGuard<'static, ()>>) -> Host {
    let socket = socket_path();
    let settings = Settings { max_frame: 1 << 20, ..Settings::with_key(b"key") };
    let server = echo_at(&socket.address, &settings);
    Host { socket, server, settings, _descriptors: descriptors }
}

impl Host {
    /// A connection that is greeted and not authenticated.
    fn unauthenticated(&self) -> UnixStream {
        let mut socket = UnixStream::connect(&self.socket.path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut length = [0; 4];
        socket.read_exact(&mut length).unwrap();
        let mut greeting = vec![0; u32::from_be_bytes(length) as usize];
        socket.read_exact(&mut greeting).unwrap();
        assert!(greeting.starts_with(CHALLENGE));
        socket
    }

    fn client(&self) -> Client {
        Client::new(self.socket.address.clone(), self.settings.clone())
    }

    /// Checks that a client with the key is served.
    fn serves(&self) {
        let client = self.client();
        let mut connection = client.connection().unwrap();
        connection.send(b"still there?", None).unwrap();
        assert_eq!(connection.receive(None).unwrap(), b"still there?");
        connection.consume();
        connection.release();
    }

    /// Waits until only so many connections are left.
    fn is_left_with(&self, connections: usize) {
        while self.server.connections() != connections {
            std::thread::yield_now();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.server.stop();
    }
}

/// Waits until the host closes the connection, and returns the bytes that it sent before: none, or
/// a refusal.
fn read_until_dropped(mut socket: UnixStream) -> Vec<u8> {
    let mut sent = Vec::new();
    match socket.read_to_end(&mut sent) {
        Ok(_) => sent,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => sent,
        Err(error) => panic!("not dropped: {error}"),
    }
}

#[test]
fn a_client_that_sends_rubbish_is_dropped() {
    let host = host();
    let mut hello_of_zeros = (HELLO as u32).to_le_bytes().to_vec();
    hello_of_zeros.extend_from_slice(&[0; HELLO]);
    for rubbish in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 5000], &[0], &hello_of_zeros] {
        let mut socket = host.unauthenticated();
        socket.write_all(rubbish).unwrap();
        assert_eq!(read_until_dropped(socket), b"", "{rubbish:?}");
        host.serves();
    }
    host.is_left_with(0);
}

#[test]
fn a_client_that_sends_half_a_hello_or_nothing_delays_no_other() {
    let host = host();
    let silent = host.unauthenticated();
    let mut half = host.unauthenticated();
    half.write_all(&(HELLO as u32).to_le_bytes()).unwrap();
    half.write_all(b"sharevar").unwrap();
    host.serves();
    host.is_left_with(2);
    // After the handshake timeout, both are dropped.
    assert_eq!((read_until_dropped(silent), read_until_dropped(half)), (Vec::new(), Vec::new()));
    host.is_left_with(0);
}

#[test]
fn of_too_many_unauthenticated_connections_the_oldest_are_dropped() {
    let host = host();
    let sockets: Vec<_> = (0..600).map(|_| host.unauthenticated()).collect();
    host.serves();
    let mut dropped = 0;
    for mut socket in sockets {
        socket.set_nonblocking(true).unwrap();
        match socket.read(&mut [0]) {
            Ok(0) => dropped += 1,
            other => assert_eq!(other.unwrap_err().kind(), ErrorKind::WouldBlock),
        }
    }
    assert!((300..=600).contains(&dropped), "{dropped} of 600 were dropped");
    host.is_left_with(0);
}

/// The environment variable that gives a program of another user the host's address.
const ADDRESS: &str = "SHAREVAR_TEST_ADDRESS";

/// The program of another user. Without its variable it does nothing.
#[test]
fn program_of_another_user() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let error = Connection::open(&address.parse().unwrap(), &Settings::with_key(b"key")).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("it belongs to user 65534, this process to user 0"), "{said}");
}

/// Another user is refused even though the file system admits it and it knows the key.
#[test]
fn another_user_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can start a program of another user: not tested");
        return;
    }
    let _descriptors = DESCRIPTORS.read().unwrap_or_else(PoisonError::into_inner);
    let open_to_all = std::env::temp_dir().join(format!("sharevar-open-{}", std::process::id()));
    let address = sharevar_transport::Address::Unix(open_to_all.clone());
    let server = echo_at(&address, &Settings::with_key(b"key"));
    std::fs::set_permissions(&open_to_all, std::fs::Permissions::from_mode(0o666)).unwrap();
    // The directory of the program may be closed to others.
    let program = std::env::temp_dir().join(format!("sharevar-program-{}", std::process::id()));
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = std::process::Command::new(&program)
        .args(["--exact", "program_of_another_user", "--nocapture"])
        .env(ADDRESS, address.to_string())
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .output();
    std::fs::remove_file(&program).unwrap();
    server.stop();
    let refused = refused.unwrap();
    assert!(refused.status.success(), "{}", String::from_utf8_lossy(&refused.stderr));
}

/// Records, by a relay, the greeting of a host and the hello of a client that knows the key.
fn record(host: &Host) -> (Vec<u8>, Vec<u8>) {
    let relay = socket_path();
    let listener = std::os::unix::net::UnixListener::bind(&relay.path).unwrap();
    let settings = host.settings.clone();
    let address = relay.address.clone();
    let client = std::thread::spawn(move || Connection::open(&address, &settings).map(|_| ()));
    let (mut to_client, _) = listener.accept().unwrap();
    let mut to_host = UnixStream::connect(&host.socket.path).unwrap();
    let mut length = [0; 4];
    to_host.read_exact(&mut length).unwrap();
    let mut greeting = vec![0; u32::from_be_bytes(length) as usize];
    to_host.read_exact(&mut greeting).unwrap();
    to_client.write_all(&length).unwrap();
    to_client.write_all(&greeting).unwrap();
    let mut hello = vec![0; 4 + HELLO];
    to_client.read_exact(&mut hello).unwrap();
    drop(to_client);
    assert!(client.join().unwrap().is_err());
    (greeting, hello)
}

#[test]
fn a_replayed_handshake_is_refused() {
    let host = host();
    let (_, hello) = record(&host);
    let mut replayed = host.unauthenticated();
    replayed.write_all(&hello).unwrap();
    let answer = read_until_dropped(replayed);
    assert!(String::from_utf8_lossy(&answer).ends_with("it knows another key"), "{answer:?}");
    host.serves();
}

#[test]
fn a_server_that_does_not_know_the_key_is_found_out() {
    let host = host();
    let impostor = socket_path();
    let knows_another = echo_at(&impostor.address, &Settings::with_key(b"another"));
    let error = Connection::open(&impostor.address, &host.settings).unwrap_err();
    assert!(error.to_string().contains("another key"), "{error}");
    knows_another.stop();
    // An impostor that welcomes every client.
    let listener = std::os::unix::net::UnixListener::bind(&impostor.path).unwrap();
    let welcomes = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let greeting = [CHALLENGE, &[7; 32]].concat();
        client.write_all(&(greeting.len() as u32).to_be_bytes()).unwrap();
        client.write_all(&greeting).unwrap();
        client.read_exact(&mut [0; 4 + HELLO]).unwrap();
        client.write_all(&49_u32.to_le_bytes()).unwrap();
        client.write_all(&[0; 49]).unwrap();
    });
    let error = Connection::open(&impostor.address, &host.settings).unwrap_err();
    assert!(matches!(error, sharevar_transport::Error::Impostor { .. }), "{error}");
    welcomes.join().unwrap();
}

/// An authenticated connection, and its socket for messages that no client sends.
fn authenticated(host: &Host) -> (UnixStream, Connection) {
    use std::os::fd::AsFd;
    let connection = Connection::open(&host.socket.address, &host.settings).unwrap();
    let socket = UnixStream::from(connection.as_fd().try_clone_to_owned().unwrap());
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    (socket, connection)
}

#[test]
fn a_frame_that_claims_4_gib_is_refused_before_memory_is_allocated() {
    let host = host();
    let before = address_space();
    let (mut socket, connection) = authenticated(&host);
    let mut claim = u32::MAX.to_le_bytes().to_vec();
    claim.resize(1000, 0);
    // In one piece, since the host closes the connection as soon as it has read the length.
    socket.write_all(&claim).unwrap();
    read_until_dropped(socket);
    assert!(address_space() - before < 1 << 30, "memory was allocated");
    drop(connection);
    host.serves();
    host.is_left_with(0);
}

/// The bytes that this process has mapped. The host is part of it.
fn address_space() -> u64 {
    let sizes = std::fs::read_to_string("/proc/self/statm").unwrap();
    sizes.split(' ').next().unwrap().parse::<u64>().unwrap() * rustix::param::page_size() as u64
}

#[test]
fn a_truncated_frame_delays_no_other() {
    let host = host();
    let (mut socket, connection) = authenticated(&host);
    socket.write_all(&1000_u32.to_le_bytes()).unwrap();
    socket.write_all(&[0; 999]).unwrap();
    // The rest of the frame is waited for without a thread, and other clients are served.
    host.serves();
    host.is_left_with(1);
    socket.write_all(&[0]).unwrap();
    let mut answer = [0; 1004];
    socket.read_exact(&mut answer).unwrap();
    socket.write_all(&1000_u32.to_le_bytes()).unwrap();
    drop((socket, connection));
    host.is_left_with(0);
    host.serves();
}

#[test]
fn thousands_of_idle_connections_do_no_harm() {
    const IDLE: u64 = 3000;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    // Both ends are in this process.
    if limit.maximum.is_some_and(|most| most < 2 * IDLE + 200) {
        eprintln!("the limit of descriptors is {:?}: not tested", limit.maximum);
        return;
    }
    let host = host();
    let raised = rustix::process::Rlimit { current: limit.maximum.or(Some(2 * IDLE + 200)), ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let idle: Vec<_> =
        (0..IDLE).map(|_| Connection::open(&host.socket.address, &host.settings).unwrap()).collect();
    assert_eq!(host.server.connections(), IDLE as usize);
    assert_eq!(host.server.sessions(), 1);
    assert!(threads() < 100, "{} threads", threads());
    host.serves();
    drop(idle);
    host.is_left_with(0);
}

#[test]
fn without_descriptors_connected_clients_are_served_and_others_wait() {
    let _descriptors = DESCRIPTORS.write().unwrap_or_else(PoisonError::into_inner);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let few = rustix::process::Rlimit { current: limit.current.min(Some(500)).or(Some(500)), ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
    let host = host_holding(None);
    let client = host.client();
    let mut connection = client.connection().unwrap();
    // All descriptors that are left, but those of the two clients that follow.
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    drop(taken.drain(..3));
    let one = UnixStream::connect(&host.socket.path).unwrap();
    let another = UnixStream::connect(&host.socket.path).unwrap();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    connection.send(b"connected", None).unwrap();
    assert_eq!(connection.receive(None).unwrap(), b"connected");
    connection.consume();
    let error = Connection::open(&host.socket.address, &host.settings).unwrap_err();
    assert!(error.to_string().contains("raise the limit"), "{error}");
    drop(taken);
    for mut socket in [one, another] {
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.read_exact(&mut [0; 4]).unwrap();
    }
    connection.release();
    host.serves();
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
}
