//! Who does not know the key, or does not keep to the protocol, is dropped, and harms nobody.

mod rooms;

use rooms::{Echo, Room, echo_at, unix};
use sharevar_transport::{CHALLENGE, Client, Connection, Server, Settings};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

/// The length of a hello, which every client sends first.
const HELLO: usize = 96;

/// One of them takes all descriptors of the process, which they share under `cargo test`.
static TURN: RwLock<()> = RwLock::new(());

struct Host {
    room: Room,
    server: Arc<Server<Echo>>,
    settings: Settings,
    _turn: Option<RwLockReadGuard<'static, ()>>,
}

fn host() -> Host {
    host_in(Some(TURN.read().unwrap_or_else(PoisonError::into_inner)))
}

fn host_in(turn: Option<RwLockReadGuard<'static, ()>>) -> Host {
    let room = unix();
    let settings = Settings { max_frame: 1 << 20, ..Settings::with_key(b"key") };
    let server = echo_at(&room.address, &settings);
    Host { room, server, settings, _turn: turn }
}

impl Host {
    /// Somebody who has been greeted.
    fn stranger(&self) -> UnixStream {
        let mut stranger = UnixStream::connect(&self.room.path).unwrap();
        stranger.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut length = [0; 4];
        stranger.read_exact(&mut length).unwrap();
        let mut greeting = vec![0; u32::from_be_bytes(length) as usize];
        stranger.read_exact(&mut greeting).unwrap();
        assert!(greeting.starts_with(CHALLENGE));
        stranger
    }

    fn client(&self) -> Client {
        Client::new(self.room.address.clone(), self.settings.clone())
    }

    /// Whoever knows the key is served.
    fn serves(&self) {
        let client = self.client();
        let mut connection = client.connection().unwrap();
        connection.send(b"still there?", None).unwrap();
        assert_eq!(connection.receive(None).unwrap(), b"still there?");
        connection.consume();
        connection.keep();
    }

    /// Nobody is left but these.
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

/// The connection is closed, with at most a refusal.
fn is_dropped(mut stranger: UnixStream) -> Vec<u8> {
    let mut said = Vec::new();
    match stranger.read_to_end(&mut said) {
        Ok(_) => said,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => said,
        Err(error) => panic!("not dropped: {error}"),
    }
}

#[test]
fn rubbish_is_dropped() {
    let host = host();
    let mut hello_of_zeros = (HELLO as u32).to_le_bytes().to_vec();
    hello_of_zeros.extend_from_slice(&[0; HELLO]);
    for rubbish in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 5000], &[0], &hello_of_zeros] {
        let mut stranger = host.stranger();
        stranger.write_all(rubbish).unwrap();
        assert_eq!(is_dropped(stranger), b"", "{rubbish:?}");
        host.serves();
    }
    host.is_left_with(0);
}

#[test]
fn who_says_nothing_or_half_of_it_keeps_nobody() {
    let host = host();
    let silent = host.stranger();
    let mut half = host.stranger();
    half.write_all(&(HELLO as u32).to_le_bytes()).unwrap();
    half.write_all(b"sharevar").unwrap();
    host.serves();
    host.is_left_with(2);
    // After their time, both are dropped.
    assert_eq!((is_dropped(silent), is_dropped(half)), (Vec::new(), Vec::new()));
    host.is_left_with(0);
}

#[test]
fn of_too_many_strangers_the_oldest_go() {
    let host = host();
    let strangers: Vec<_> = (0..600).map(|_| host.stranger()).collect();
    host.serves();
    let mut dropped = 0;
    for mut stranger in strangers {
        stranger.set_nonblocking(true).unwrap();
        match stranger.read(&mut [0]) {
            Ok(0) => dropped += 1,
            other => assert_eq!(other.unwrap_err().kind(), ErrorKind::WouldBlock),
        }
    }
    assert!((300..=600).contains(&dropped), "{dropped} of 600 were dropped");
    host.is_left_with(0);
}

/// Tells a program of another user where the host is.
const ADDRESS: &str = "SHAREVAR_TEST_ADDRESS";

/// The program of another user; without its variable it does nothing.
#[test]
fn program_of_another_user() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let error = Connection::open(&address.parse().unwrap(), &Settings::with_key(b"key")).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("it belongs to user 65534, this process to user 0"), "{said}");
}

/// Even where the file system would let him in, and though he knows the key.
#[test]
fn another_user_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        eprintln!("only root can start a program of another user: not tested");
        return;
    }
    let _turn = TURN.read().unwrap_or_else(PoisonError::into_inner);
    let open_to_all = std::env::temp_dir().join(format!("sharevar-open-{}", std::process::id()));
    let address = sharevar_transport::Address::Unix(open_to_all.clone());
    let server = echo_at(&address, &Settings::with_key(b"key"));
    std::fs::set_permissions(&open_to_all, std::fs::Permissions::from_mode(0o666)).unwrap();
    // Where the program lies may be closed to others.
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

/// What a client that knows the key says, and the greeting it says it to, by a host in between.
fn record(host: &Host) -> (Vec<u8>, Vec<u8>) {
    let between = unix();
    let listener = std::os::unix::net::UnixListener::bind(&between.path).unwrap();
    let settings = host.settings.clone();
    let address = between.address.clone();
    let client = std::thread::spawn(move || Connection::open(&address, &settings).map(|_| ()));
    let (mut to_client, _) = listener.accept().unwrap();
    let mut to_host = UnixStream::connect(&host.room.path).unwrap();
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
    let mut replayed = host.stranger();
    replayed.write_all(&hello).unwrap();
    let said = is_dropped(replayed);
    assert!(String::from_utf8_lossy(&said).ends_with("it knows another key"), "{said:?}");
    host.serves();
}

#[test]
fn who_does_not_know_the_key_is_no_host() {
    let host = host();
    let impostor = unix();
    let knows_another = echo_at(&impostor.address, &Settings::with_key(b"another"));
    let error = Connection::open(&impostor.address, &host.settings).unwrap_err();
    assert!(error.to_string().contains("another key"), "{error}");
    knows_another.stop();
    // One who says welcome to everybody.
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

/// A connection of one who knows the key, for saying what no client says: the socket is the
/// client's own, by its descriptor.
fn member(host: &Host) -> (UnixStream, Connection) {
    use std::os::fd::AsFd;
    let connection = Connection::open(&host.room.address, &host.settings).unwrap();
    let socket = UnixStream::from(connection.as_fd().try_clone_to_owned().unwrap());
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    (socket, connection)
}

#[test]
fn a_frame_that_claims_4_gib_is_refused_before_memory_is_asked_for() {
    let host = host();
    let before = address_space();
    let (mut socket, connection) = member(&host);
    let mut claim = u32::MAX.to_le_bytes().to_vec();
    claim.resize(1000, 0);
    // In one piece: after the claim the host has closed the connection at once.
    socket.write_all(&claim).unwrap();
    is_dropped(socket);
    assert!(address_space() - before < 1 << 30, "memory was asked for");
    drop(connection);
    host.serves();
    host.is_left_with(0);
}

/// What this process has asked for, in bytes; the host is in it.
fn address_space() -> u64 {
    let sizes = std::fs::read_to_string("/proc/self/statm").unwrap();
    sizes.split(' ').next().unwrap().parse::<u64>().unwrap() * 4096
}

#[test]
fn a_truncated_frame_keeps_nobody() {
    let host = host();
    let (mut socket, connection) = member(&host);
    socket.write_all(&1000_u32.to_le_bytes()).unwrap();
    socket.write_all(&[0; 999]).unwrap();
    // It waits for the rest without a thread, and others are served.
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
        eprintln!("no more than {:?} descriptors can be had: not tested", limit.maximum);
        return;
    }
    let host = host();
    let raised = rustix::process::Rlimit { current: limit.maximum.or(Some(2 * IDLE + 200)), ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, raised).unwrap();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let idle: Vec<_> =
        (0..IDLE).map(|_| Connection::open(&host.room.address, &host.settings).unwrap()).collect();
    assert_eq!(host.server.connections(), IDLE as usize);
    assert_eq!(host.server.sessions(), 1);
    assert!(threads() < 100, "{} threads", threads());
    host.serves();
    drop(idle);
    host.is_left_with(0);
}

#[test]
fn without_descriptors_those_inside_are_served_and_others_wait() {
    let _alone = TURN.write().unwrap_or_else(PoisonError::into_inner);
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let few = rustix::process::Rlimit { current: limit.current.min(Some(500)).or(Some(500)), ..limit };
    rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
    let host = host_in(None);
    let client = host.client();
    let mut connection = client.connection().unwrap();
    // All descriptors that are left, but those of a few who knock.
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    drop(taken.drain(..3));
    let knocking = UnixStream::connect(&host.room.path).unwrap();
    let another = UnixStream::connect(&host.room.path).unwrap();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    connection.send(b"inside", None).unwrap();
    assert_eq!(connection.receive(None).unwrap(), b"inside");
    connection.consume();
    let error = Connection::open(&host.room.address, &host.settings).unwrap_err();
    assert!(error.to_string().contains("raise the limit"), "{error}");
    drop(taken);
    for mut stranger in [knocking, another] {
        stranger.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stranger.read_exact(&mut [0; 4]).unwrap();
    }
    connection.keep();
    host.serves();
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
}
