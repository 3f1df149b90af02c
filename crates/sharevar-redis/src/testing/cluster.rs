//! Nodes that share the namespaces.

use super::{Program, START, Server, free_port};
use std::thread;
use std::time::{Duration, Instant};

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
