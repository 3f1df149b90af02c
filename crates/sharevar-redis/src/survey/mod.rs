//! Looks at a server from time to time, for tools that show what changes.
//!
//! A look takes no part: it makes no client and no lease, and its scripts may not write. It costs three messages, a
//! fourth if there are conditions, and as many as the scan of the keys takes.

mod clients;
mod exchange;
mod inside;
mod node;
mod population;
mod scan;
mod seen;
mod variables;

pub use seen::{
    ClientSeen, HolderSeen, InsideSeen, LockSeen, NamespaceSeen, Population, ServerSeen, VariableSeen,
};

use crate::address::{Address, Shape};
use crate::nodes;
use node::{Looked, Roots};
use sharevar::Result;
use std::time::{Duration, Instant};

/// The longest that a look waits for an answer: people look at its result.
const PATIENCE: Duration = Duration::from_secs(2);
/// For how long the primaries of a service or a cluster are taken for the same.
const KNOWN_FOR: Duration = Duration::from_secs(5);

/// A server that is looked at again and again.
#[derive(Debug)]
pub struct Survey {
    address: Address,
    /// The one namespace that is looked at, if it is one.
    only: Option<String>,
    nodes: Vec<Looked>,
    /// Why there is no connection to some nodes.
    unreached: Vec<String>,
    connected: Option<Instant>,
}

impl Survey {
    /// Prepares looks at the server of an address, whose namespace does not matter: at all namespaces there, or at
    /// the one named `only`.
    ///
    /// # Errors
    /// [`Failure::Refused`](sharevar::engine::Failure::Refused) if it is no address.
    pub fn of(address: &str, only: Option<&str>) -> Result<Self> {
        let mut address = Address::parse(address)?;
        address.timeout = address.timeout.min(PATIENCE);
        let only = only.map(str::to_owned);
        Ok(Self { address, only, nodes: Vec::new(), unreached: Vec::new(), connected: None })
    }

    /// Returns the address of the server for people, without its options, user and password.
    pub fn address(&self) -> &str {
        &self.address.shown
    }

    /// Looks. `is_wanted` says whether a namespace is looked into; it is asked once about each that
    /// can be, in the order of their names. After an error the next look connects again.
    ///
    /// # Errors
    /// [`Failure`](sharevar::engine::Failure) if no server answers.
    pub fn look(&mut self, mut is_wanted: impl FnMut(&str) -> bool) -> Result<ServerSeen> {
        self.connect()?;
        let (mut problems, mut failed) = (self.unreached.clone(), None);
        let mut roots = Vec::new();
        for node in &mut self.nodes {
            match node.look(self.only.as_deref(), &self.address) {
                Ok(found) => roots.push((node, found)),
                Err(cause) => {
                    problems.push(format!("{}: {cause}", node.shown));
                    failed = Some(cause);
                }
            }
        }
        choose(&mut roots, &mut is_wanted);
        let mut seen = ServerSeen {
            used: 0,
            limit: Some(0),
            namespaces: Vec::new(),
            problem: None,
            cost: Duration::ZERO,
        };
        let mut answered = 0;
        for (node, roots) in roots {
            match node.look_into(roots, &self.address, &mut seen) {
                Ok(()) => answered += 1,
                Err(cause) => {
                    problems.push(format!("{}: {cause}", node.shown));
                    failed = Some(cause);
                }
            }
        }
        if let Some(cause) = failed {
            self.connected = None;
            if answered == 0 {
                return Err(cause);
            }
        }
        seen.namespaces.sort_by(|one, other| one.name.cmp(&other.name));
        seen.limit = seen.limit.filter(|limit| *limit > 0);
        seen.problem = (!problems.is_empty()).then(|| problems.join("; "));
        Ok(seen)
    }

    /// Connects again after a failure, and to the primaries that a service or a cluster has by now.
    fn connect(&mut self) -> Result<()> {
        let is_for_ever = self.address.shape == Shape::Single && self.unreached.is_empty();
        if self.connected.is_some_and(|since| is_for_ever || since.elapsed() < KNOWN_FOR) {
            return Ok(());
        }
        self.connected = None;
        let (mut nodes, mut unreached, mut failed) = (Vec::new(), Vec::new(), None);
        for node in nodes::connect(&self.address)? {
            let shown = node.shown.clone();
            match Looked::of(node) {
                Ok(node) => nodes.push(node),
                Err(cause) => {
                    unreached.push(format!("{shown}: {cause}"));
                    failed = Some(cause);
                }
            }
        }
        if let (true, Some(cause)) = (nodes.is_empty(), failed) {
            return Err(cause);
        }
        (self.nodes, self.unreached, self.connected) = (nodes, unreached, Some(Instant::now()));
        Ok(())
    }
}

/// Asks which namespaces are wanted, in the order of their names on all nodes.
fn choose(roots: &mut [(&mut Looked, Roots)], is_wanted: &mut impl FnMut(&str) -> bool) {
    let all = roots.iter_mut().flat_map(|(_, roots)| &mut roots.namespaces);
    let mut all: Vec<_> = all.filter(|root| root.is_known()).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    for root in all {
        if is_wanted(&root.name) {
            root.want();
        }
    }
}
