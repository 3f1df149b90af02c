//! The inside of a namespace: its variables that have names, and its clients.

use super::clients::Leases;
use super::exchange::{Answer, Answers, Questions};
use super::population::{leases, prefix};
use super::seen::{InsideSeen, Population};
use super::variables::{self, Told};
use crate::reply;
use redis::Value;
use sharevar::Result;
use std::collections::HashMap;

/// A namespace that is looked into, step by step: each step asks, and reads the answers.
pub(super) struct Inside {
    prefix: String,
    leases: String,
    names: Vec<(String, u64)>,
    clients: Vec<String>,
    known: Leases,
    told: Vec<Told>,
    seen: InsideSeen,
}

/// Why nothing is known of the inside of a namespace: the server's refusal, or an answer that is none.
pub(super) type Problem = Box<dyn std::error::Error>;

/// What is told of the variables on these pages.
fn all_of(pages: Vec<Answer>) -> std::result::Result<Vec<Value>, Problem> {
    let mut told = Vec::new();
    for page in pages {
        told.extend(reply::list(page?)?);
    }
    Ok(told)
}

impl Inside {
    pub(super) fn of(name: &str, population: &Population) -> Self {
        Self {
            prefix: prefix(name, population),
            leases: leases(name, population),
            names: Vec::new(),
            clients: Vec::new(),
            known: Leases::default(),
            told: Vec::new(),
            seen: InsideSeen::default(),
        }
    }

    /// Asks for the names of variables and of clients.
    pub(super) fn ask_for_names(&self, questions: &mut Questions) {
        let names = format!("{}names", self.prefix);
        questions.ask_words(&["ZRANGE", &format!("{names}:o"), "0", "-1"]);
        questions.ask_words(&["HGETALL", &names]);
        questions.ask_words(&["ZRANGE", &self.leases, "0", "-1"]);
    }

    pub(super) fn read_names(&mut self, answers: &mut Answers) -> std::result::Result<(), Problem> {
        let [order, numbers, clients] = [(); 3].map(|()| answers.next());
        let texts = |answer: Value| -> Result<Vec<String>> {
            let texts = reply::list(answer)?.into_iter().map(reply::bytes);
            let texts = texts.collect::<Result<Vec<_>>>()?.into_iter().flatten();
            Ok(texts.map(|text| String::from_utf8_lossy(&text).into_owned()).collect())
        };
        let numbers = texts(numbers?)?;
        let numbers: HashMap<_, u64> = numbers
            .chunks_exact(2)
            .filter_map(|pair| Some((pair[0].clone(), pair[1].parse().ok()?)))
            .collect();
        let order = texts(order?)?;
        // A name that was entered or removed between the two answers is left out.
        self.names = order
            .into_iter()
            .filter_map(|name| numbers.get(&name).copied().map(|number| (name, number)))
            .collect();
        self.clients = texts(clients?)?;
        self.clients.sort_unstable();
        Ok(())
    }

    /// Asks for the variables and the clients, whose leases come last: a client that holds a lock has registered before.
    pub(super) fn ask_for_variables(&self, questions: &mut Questions) {
        let numbers: Vec<_> = self.names.iter().map(|(_, number)| *number).collect();
        variables::ask(questions, &self.prefix, &numbers);
        for client in &self.clients {
            Leases::ask(questions, &self.prefix, client);
        }
        questions.ask_words(&["ZRANGE", &self.leases, "0", "-1", "WITHSCORES"]);
    }

    pub(super) fn read_variables(&mut self, answers: &mut Answers) -> std::result::Result<(), Problem> {
        let pages: Vec<_> = (0..variables::pages(self.names.len())).map(|_| answers.next()).collect();
        let described: Vec<_> = self.clients.iter().map(|_| answers.next()).collect();
        let ends = answers.next();
        self.known = Leases::of(ends?, answers.now);
        let told = all_of(pages)?;
        for ((name, number), told) in std::mem::take(&mut self.names).into_iter().zip(told) {
            self.told.extend(variables::read(name, number, told, &self.known)?);
        }
        let clients = std::mem::take(&mut self.clients).into_iter().zip(described);
        // A client that has left meanwhile has no lease.
        let clients = clients.filter(|(client, _)| self.known.has(client));
        self.seen.clients = clients.map(|(client, answer)| self.known.seen(client, answer)).collect();
        Ok(())
    }

    /// Asks for the locks of conditions, most of which have no name. Returns how many are asked for.
    pub(super) fn ask_for_locks(&self, questions: &mut Questions) -> usize {
        let locks = self.locks();
        variables::ask(questions, &self.prefix, &locks);
        locks.len()
    }

    /// The locks of the conditions, each once.
    fn locks(&self) -> Vec<u64> {
        let mut locks: Vec<_> = self.told.iter().filter_map(|told| told.lock).collect();
        locks.sort_unstable();
        locks.dedup();
        locks
    }

    pub(super) fn read_locks(&mut self, answers: &mut Answers) -> std::result::Result<(), Problem> {
        let numbers = self.locks();
        let mut locks = HashMap::new();
        let pages: Vec<_> = (0..variables::pages(numbers.len())).map(|_| answers.next()).collect();
        let told = all_of(pages)?;
        for (number, told) in numbers.into_iter().zip(told) {
            let lock = variables::read(String::new(), number, told, &self.known)?;
            locks.extend(lock.and_then(|lock| Some((number, lock.seen.lock?))));
        }
        for told in &mut self.told {
            if let Some(lock) = told.lock {
                told.seen.lock = locks.get(&lock).cloned();
            }
        }
        Ok(())
    }

    /// All that was seen.
    pub(super) fn end(mut self) -> InsideSeen {
        let variables = self.told.into_iter().map(|told| told.seen);
        self.seen.variables = variables.collect();
        self.seen
    }
}
