//! A server that is looked at again and again.

use super::exchange::Questions;
use super::inside::{Inside, Problem};
use super::population::{self, State};
use super::scan::Scan;
use super::seen::{NamespaceSeen, ServerSeen};
use crate::address::{Address, Shape};
use crate::nodes::Node;
use crate::reply;
use crate::server::Settings;
use redis::Connection;
use sharevar::Result;
use sharevar::engine::Failure;
use std::time::Duration;

/// A connection to a primary, and what is known of the namespaces on it.
pub(super) struct Looked {
    pub(super) shown: String,
    connection: Connection,
    scan: Scan,
}

impl std::fmt::Debug for Looked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Looked").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// What the first message of a look has told: the namespaces of a node, some of which are looked into.
pub(super) struct Roots {
    pub(super) namespaces: Vec<Root>,
    used: u64,
    limit: Option<u64>,
    now: Duration,
    busy: Duration,
}

pub(super) struct Root {
    pub(super) name: String,
    state: State,
    pub(super) inside: Option<std::result::Result<Inside, String>>,
}

impl Root {
    /// Whether the namespace can be looked into.
    pub(super) fn is_known(&self) -> bool {
        self.state.is_ok()
    }

    /// Has the namespace looked into, if it can be.
    pub(super) fn want(&mut self) {
        self.inside = self.state.as_ref().ok().map(|population| Ok(Inside::of(&self.name, population)));
    }
}

impl Looked {
    pub(super) fn of(node: Node) -> Result<Self> {
        Ok(Self { shown: node.shown, connection: node.connection?, scan: Scan::default() })
    }

    /// Looks which namespaces there are: that one, or all.
    pub(super) fn look(&mut self, only: Option<&str>, address: &Address) -> Result<Roots> {
        let names: Vec<_> = if let Some(name) = only {
            vec![name.to_owned()]
        } else {
            self.scan.go_on(&mut self.connection, address)?;
            self.scan.names().into_iter().collect()
        };
        let mut questions = Questions::default();
        questions.ask_words(&["INFO", "memory"]);
        questions.ask_words(&["INFO", "replication"]);
        for name in &names {
            population::ask(&mut questions, name);
        }
        let mut answers = questions.send(&mut self.connection, address)?;
        let [memory, role] = [(); 2].map(|()| answers.next().map(Settings::read).unwrap_or_default());
        if address.shape != Shape::Single && role.get("role") == "slave" {
            let cause = format!("{} is a replica by now", self.shown);
            return Err(Failure::Unavailable { address: address.shown.clone(), cause }.into());
        }
        let number = |name| memory.get(name).parse::<u64>().unwrap_or(0);
        let mut namespaces = Vec::new();
        for name in names {
            let state = population::read(&mut answers);
            namespaces.extend(state.map(|state| Root { name, state, inside: None }));
        }
        let (used, limit) = (number("used_memory"), Some(number("maxmemory")).filter(|limit| *limit > 0));
        Ok(Roots { namespaces, used, limit, now: answers.now, busy: answers.busy })
    }

    /// Looks into the namespaces, and adds what it has seen.
    pub(super) fn look_into(&mut self, roots: Roots, address: &Address, seen: &mut ServerSeen) -> Result<()> {
        let Roots { mut namespaces, used, limit, now, mut busy } = roots;
        let mut questions = Questions::default();
        for root in &namespaces {
            if let Ok(population) = &root.state {
                population::ask_for_clients(&mut questions, &root.name, population, now);
            }
        }
        for inside in wanted(&mut namespaces) {
            inside.ask_for_names(&mut questions);
        }
        let mut answers = questions.send(&mut self.connection, address)?;
        busy += answers.busy;
        for root in &mut namespaces {
            let Ok(population) = &mut root.state else { continue };
            match answers.next() {
                Ok(count) => population.clients = reply::int(count)? as u64,
                Err(cause) => root.state = Err(cause.to_string()),
            }
        }
        for root in &mut namespaces {
            root.go_on(|inside| inside.read_names(&mut answers));
        }
        let mut questions = Questions::default();
        for inside in wanted(&mut namespaces) {
            inside.ask_for_variables(&mut questions);
        }
        let mut answers = questions.send(&mut self.connection, address)?;
        busy += answers.busy;
        for root in &mut namespaces {
            root.go_on(|inside| inside.read_variables(&mut answers));
        }
        let mut questions = Questions::default();
        let locks: usize = wanted(&mut namespaces).map(|inside| inside.ask_for_locks(&mut questions)).sum();
        if locks > 0 {
            let mut answers = questions.send(&mut self.connection, address)?;
            busy += answers.busy;
            for root in &mut namespaces {
                root.go_on(|inside| inside.read_locks(&mut answers));
            }
        }
        seen.used += used;
        // The limits of nodes are told together where each of them has one.
        seen.limit = seen.limit.zip(limit).map(|(sum, limit)| sum + limit);
        seen.cost = seen.cost.max(busy);
        seen.namespaces.extend(namespaces.into_iter().map(|root| NamespaceSeen {
            name: root.name,
            state: root.state,
            inside: root.inside.map(|inside| inside.map(Inside::end)),
        }));
        Ok(())
    }
}

impl Root {
    /// Takes a step, unless one before has failed.
    fn go_on(&mut self, step: impl FnOnce(&mut Inside) -> std::result::Result<(), Problem>) {
        if let Some(Ok(inside)) = &mut self.inside
            && let Err(problem) = step(inside)
        {
            self.inside = Some(Err(problem.to_string()));
        }
    }
}

/// The namespaces that are looked into, but for those of which nothing is known.
fn wanted(namespaces: &mut [Root]) -> impl Iterator<Item = &mut Inside> {
    namespaces.iter_mut().filter_map(|root| root.inside.as_mut()?.as_mut().ok())
}
