//! A server in a process of its own.

use super::{Proxy, RULES, START, await_that, free_port};
use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A running server.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    role: Role,
    folder: PathBuf,
    port: u16,
    pub(super) settings: Vec<String>,
    front: Option<Proxy>,
    /// A shell that ends the server when this process's end of its standard input is closed.
    keeper: Child,
}

/// The task of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Keeper,
    Sentinel,
}

static COUNT: AtomicU64 = AtomicU64::new(0);

impl Server {
    /// Starts a server with these settings beside the usual ones.
    pub fn start(program: &Path, settings: &[&str]) -> Self {
        Self::start_as(program, Role::Keeper, settings)
    }

    /// The same, but replicas, sentinels and their clients know it by a proxy, which can cut it off from them.
    pub fn start_behind_proxy(program: &Path, settings: &[&str]) -> Self {
        let port = free_port();
        let front = Proxy::to(port);
        let known = front.port().to_string();
        let settings = [&["--replica-announce-port", &known], settings].concat();
        Self::start_at(program, Role::Keeper, port, &settings, Some(front))
    }

    pub(super) fn start_as(program: &Path, role: Role, settings: &[&str]) -> Self {
        Self::start_at(program, role, free_port(), settings, None)
    }

    fn start_at(program: &Path, role: Role, port: u16, settings: &[&str], front: Option<Proxy>) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("sharevar-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let keeper = Self::keep(program, role, &folder, port, &settings);
        let server = Self { program: program.to_owned(), role, folder, port, settings, front, keeper };
        server.await_answer();
        server
    }

    fn keep(program: &Path, role: Role, folder: &Path, port: u16, settings: &[String]) -> Child {
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

    /// The proxy that stands in front of it.
    ///
    /// # Panics
    /// If it was started without one.
    pub fn front(&self) -> &Proxy {
        self.front.as_ref().expect("it has a proxy in front of it")
    }

    /// The port by which replicas, sentinels and their clients know it.
    pub fn known_port(&self) -> u16 {
        self.front.as_ref().map_or(self.port, Proxy::port)
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
        self.follow_by(primary, primary.known_port());
    }

    /// The same, past the proxy in front of the primary, as one that stays on its side when that is cut off.
    ///
    /// # Panics
    /// If that does not happen.
    pub fn follow_directly(&self, primary: &Self) {
        self.follow_by(primary, primary.port);
    }

    fn follow_by(&self, primary: &Self, port: u16) {
        // Sentinels that tell a node the same end its connections.
        await_that("a node takes another one for its primary", || {
            let told =
                |mut connection| redis::cmd("REPLICAOF").arg("127.0.0.1").arg(port).exec(&mut connection);
            self.try_connect().is_some_and(|connection| told(connection).is_ok())
        });
        let online = format!("port={},state=online", self.known_port());
        let tells =
            |node: &Self, what: &str| node.try_info("replication").is_some_and(|told| told.contains(what));
        await_that("a replica has its primary's data, and confirms", || {
            tells(self, "master_link_status:up") && tells(primary, &online)
        });
        await_that("each replica confirms within a moment", || {
            let confirms = |mut connection: redis::Connection| {
                let attached = primary.try_info("replication")?.matches("state=online").count();
                redis::cmd("PUBLISH").arg("probe").arg("").exec(&mut connection).ok()?;
                let confirmed = redis::cmd("WAIT").arg(attached).arg(100).query::<usize>(&mut connection);
                (confirmed.ok()? == attached).then_some(())
            };
            primary.try_connect().and_then(confirms).is_some()
        });
    }

    /// Makes it a primary, whose history is another one from now on. A primary that it had goes on with its own.
    ///
    /// # Panics
    /// If it does not take that.
    pub fn promote(&self) {
        redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut self.connect()).unwrap();
    }

    /// How much of its history it has, in bytes.
    pub fn offset(&self) -> u64 {
        let told = self.info("replication");
        let offset = told.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
        offset.unwrap().parse().unwrap()
    }

    /// A section of what it tells of itself.
    pub fn info(&self, section: &str) -> String {
        redis::cmd("INFO").arg(section).query(&mut self.connect()).unwrap()
    }

    /// How many scripts it has run, by their hashes, since it began.
    pub fn scripts(&self) -> u64 {
        self.calls("evalsha")
    }

    /// How often a command was called until now, also by scripts.
    pub fn calls(&self, command: &str) -> u64 {
        let told = self.info("commandstats");
        let start = format!("cmdstat_{command}:calls=");
        let calls = told.lines().find_map(|line| line.strip_prefix(&start));
        calls.and_then(|calls| calls.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
    }

    /// A section of what it tells of itself, if it can.
    fn try_info(&self, section: &str) -> Option<String> {
        redis::cmd("INFO").arg(section).query(&mut self.try_connect()?).ok()
    }

    /// How many clients a namespace has whose leases go on, or were not seen to have ended.
    pub fn clients(&self, namespace: &str) -> usize {
        self.client_names(namespace).len()
    }

    /// The same clients, as the server names them, in the order in which their leases end.
    pub fn client_names(&self, namespace: &str) -> Vec<String> {
        let mut connection = self.connect();
        redis::cmd("ZRANGE").arg(self.leases(namespace)).arg(0).arg(-1).query(&mut connection).unwrap()
    }

    /// The name of the client whose lease goes on for longest, of all but `others`.
    ///
    /// # Panics
    /// If there is none.
    pub fn newest_client(&self, namespace: &str, others: &[String]) -> String {
        let mut names = self.client_names(namespace).into_iter();
        names.rfind(|name| !others.contains(name)).expect("a new client")
    }

    /// Ends a client's lease, as if the server had not heard of it for that long.
    pub fn end_lease(&self, namespace: &str, client: &str) {
        let leases = self.leases(namespace);
        redis::cmd("ZADD").arg(leases).arg("XX").arg(1).arg(client).exec(&mut self.connect()).unwrap();
    }

    /// When a client's lease ends, as the server writes it.
    pub fn lease_end(&self, namespace: &str, client: &str) -> String {
        let leases = self.leases(namespace);
        redis::cmd("ZSCORE").arg(leases).arg(client).query(&mut self.connect()).unwrap()
    }

    /// The key of the leases in a namespace.
    fn leases(&self, namespace: &str) -> String {
        let root = format!("sv:{{{namespace}}}");
        let id: String = redis::cmd("HGET").arg(&root).arg("id").query(&mut self.connect()).unwrap();
        format!("{root}:{id}:clients")
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

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
