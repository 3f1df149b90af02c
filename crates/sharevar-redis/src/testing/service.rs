//! A primary, its replicas, and sentinels that watch them.

use super::server::Role;
use super::{Program, Server, await_that};
use std::path::Path;

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
        let path = program.path_or_skip()?;
        Some(Self::of(&path, (0..3).map(|_| Server::start(&path, settings)).collect()))
    }

    /// The same, with a proxy in front of each node, by which alone sentinels, replicas and clients reach it.
    ///
    /// # Panics
    /// If they do not find each other.
    pub fn start_behind_proxies(program: Program) -> Option<Self> {
        let path = program.path_or_skip()?;
        Some(Self::of(&path, (0..3).map(|_| Server::start_behind_proxy(&path, &[])).collect()))
    }

    fn of(program: &Path, nodes: Vec<Server>) -> Self {
        for replica in &nodes[1..] {
            replica.follow(&nodes[0]);
        }
        let settings = [
            format!("sentinel monitor {SERVICE} 127.0.0.1 {} 2", nodes[0].known_port()),
            format!("sentinel down-after-milliseconds {SERVICE} 1000"),
            format!("sentinel failover-timeout {SERVICE} 5000"),
        ];
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        let sentinels = (0..3).map(|_| Server::start_as(program, Role::Sentinel, &settings)).collect();
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
        service
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
        self.await_failover_of(0)
    }

    /// Waits until all sentinels know the same primary, which is not that node, and returns its place.
    ///
    /// # Panics
    /// If there is none.
    pub fn await_failover_of(&self, old: usize) -> usize {
        self.await_primary(|place| place != old)
    }

    /// Waits until all sentinels know the same primary, and returns its place.
    ///
    /// # Panics
    /// If that does not come.
    pub fn await_agreement(&self) -> usize {
        self.await_primary(|_| true)
    }

    fn await_primary(&self, is_meant: impl Fn(usize) -> bool) -> usize {
        let found = std::cell::Cell::new(None);
        await_that("a primary that all sentinels know", || {
            let mut known = self.sentinels.iter().map(|sentinel| self.primary_by(sentinel));
            let first = known.next().flatten().filter(|place| is_meant(*place));
            found.set(first);
            first.is_some() && known.all(|other| other == first)
        });
        found.get().unwrap()
    }

    /// Waits until each sentinel would promote either replica. Otherwise a failover may begin in vain, and the next
    /// one waits for twice the time that one may take.
    ///
    /// # Panics
    /// If that does not come.
    pub fn await_candidates(&self) {
        type Described = Vec<std::collections::HashMap<String, String>>;
        let is_good = |sentinel: &Server| {
            let mut asked = redis::cmd("SENTINEL");
            asked.arg("REPLICAS").arg(SERVICE);
            let known = asked.query::<Described>(&mut sentinel.connect()).unwrap_or_default();
            known.len() == 2
                && known.iter().all(|replica| replica.get("flags").is_some_and(|flags| flags == "slave"))
        };
        await_that("two replicas that may be promoted", || self.sentinels.iter().all(is_good));
    }

    /// Has the sentinels promote a replica while nothing is wrong.
    ///
    /// # Panics
    /// If they do not take that.
    pub fn ask_for_failover(&self) {
        let ask = |sentinel: &Server| {
            redis::cmd("SENTINEL").arg("FAILOVER").arg(SERVICE).exec(&mut sentinel.connect())
        };
        // A replica that was away is known to be back after a moment.
        await_that("a failover that is asked for", || ask(&self.sentinels[0]).is_ok());
    }

    /// The place of the primary, as a sentinel knows it.
    fn primary_by(&self, sentinel: &Server) -> Option<usize> {
        let mut asked = redis::cmd("SENTINEL");
        asked.arg("GET-MASTER-ADDR-BY-NAME").arg(SERVICE);
        let (_, port) = asked.query::<(String, u16)>(&mut sentinel.connect()).ok()?;
        self.nodes.iter().position(|node| node.known_port() == port)
    }
}
