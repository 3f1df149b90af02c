//! Looks at the namespaces on a server, one after the other.

use super::picture::{Inside, LockRow, ManagerRow, ManagerState, Picture, ServerRow, Users, VariableRow};
use super::rows::Part;
use super::source::{INSIDES, Source, Wanted};
use crate::client::Client;
use crate::exit::{Exit, Failure, Result};
use crate::lock::Lock;
use sharevar::VariableInfo;
use sharevar_redis::{InsideSeen, Population, ServerSeen, Survey, VariableSeen};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Looking may take this share of the server's time.
const SHARE: u32 = 150;

/// A server, with the numbers of the look before.
#[derive(Debug)]
pub(crate) struct Server {
    survey: Survey,
    /// The counts of variables, by the name of their namespace and their number.
    before: HashMap<(String, u64), Seen>,
    /// The time that the last look has taken the server.
    cost: Duration,
    /// Whether a look was answered ever.
    has_answered: bool,
}

/// A variable at an earlier look.
#[derive(Debug)]
struct Seen {
    id: u128,
    history: String,
    changes: Option<u64>,
    at: Instant,
}

impl Server {
    /// A server, or one namespace on it.
    pub(crate) fn new(address: &str, only: Option<&str>) -> Result<Self> {
        let survey = Survey::of(address, only).map_err(Failure::usage)?;
        Ok(Self { survey, before: HashMap::new(), cost: Duration::ZERO, has_answered: false })
    }

    /// Expects that the server answers. One that goes away later may come back.
    pub(crate) fn reach(&mut self) -> Result<()> {
        self.look(Wanted::First).map(drop)
    }

    /// Looks into a namespace once.
    pub(crate) fn inside_of(&mut self, namespace: &str) -> Result<Inside> {
        let mut picture = self.look(Wanted::One(namespace))?;
        if let Some(inside) = picture.insides.pop() {
            return Ok(inside);
        }
        let row = picture.managers.iter().find(|row| row.name == namespace);
        let problem = row.and_then(ManagerRow::problem).map(str::to_owned);
        Err(match problem.or(picture.server.and_then(|server| server.problem)) {
            Some(problem) => Failure::new(Exit::Failure, format_args!("{namespace}: {problem}")),
            None => Failure::not_found(format_args!("the server has no namespace {namespace:?}")),
        })
    }

    fn picture(&mut self, seen: ServerSeen) -> Picture {
        let at = Instant::now();
        let mut picture = Picture::default();
        let mut now = HashMap::new();
        for namespace in seen.namespaces {
            let mut state = namespace.state;
            match (&state, namespace.inside) {
                (Ok(population), Some(Ok(inside))) => {
                    let inside = self.inside(&namespace.name, population, inside, at, &mut now);
                    picture.insides.push(inside);
                }
                (_, Some(Err(problem))) => state = Err(problem),
                _ => {}
            }
            picture.managers.push(ManagerRow { name: namespace.name, state: ManagerState::OnServer(state) });
        }
        self.before = now;
        let address = self.survey.address().to_owned();
        let (used, capacity, problem) = (Some(seen.used), seen.limit, seen.problem);
        picture.server = Some(ServerRow { address, used, capacity, problem });
        picture
    }

    fn inside(
        &self,
        name: &str,
        population: &Population,
        inside: InsideSeen,
        at: Instant,
        now: &mut HashMap<(String, u64), Seen>,
    ) -> Inside {
        let clients: Vec<_> = inside.clients.into_iter().map(Client::from).collect();
        let (mut variables, mut locks) = (Vec::new(), Vec::new());
        for variable in inside.variables {
            let VariableSeen { name: variable, number, kind, len, changes, bytes, lock, .. } = variable;
            let key = (name.to_owned(), number);
            let same = |seen: &&Seen| seen.id == population.id && seen.history == population.history;
            let rate = self.before.get(&key).filter(same).and_then(|seen| {
                let seconds = (at - seen.at).as_secs_f64().max(1e-9);
                Some(changes?.wrapping_sub(seen.changes?) as f64 / seconds)
            });
            let (id, history) = (population.id, population.history.clone());
            now.insert(key, Seen { id, history, changes, at });
            if let Some(lock) = lock {
                locks.push(LockRow { name: variable.clone(), lock: Lock::on_server(kind, lock, &clients) });
            }
            let mut info = VariableInfo::default();
            (info.kind, info.len, info.changes, info.bytes) = (kind, len, changes, bytes);
            variables.push(VariableRow { name: variable, info, rate });
        }
        Inside { name: name.to_owned(), variables, locks, users: Users::OnServer(clients) }
    }
}

impl Source for Server {
    fn check(&mut self, manager: &str) -> Result<()> {
        self.inside_of(manager).map(drop)
    }

    fn look(&mut self, wanted: Wanted<'_>) -> Result<Picture> {
        let mut insides = 0;
        let is_wanted = |name: &str| {
            let is_wanted = match wanted {
                Wanted::All => insides < INSIDES,
                Wanted::One(wanted) => wanted == name,
                Wanted::First => insides == 0,
            };
            insides += usize::from(is_wanted);
            is_wanted
        };
        match self.survey.look(is_wanted) {
            Ok(seen) => {
                self.cost = seen.cost;
                self.has_answered = true;
                Ok(self.picture(seen))
            }
            // A server that was there may come back.
            Err(error) if self.has_answered => {
                let (address, problem) = (self.survey.address().to_owned(), Some(error.to_string()));
                let server = Some(ServerRow { address, used: None, capacity: None, problem });
                Ok(Picture { server, ..Picture::default() })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn pause(&self, interval: Duration) -> Duration {
        interval.max(self.cost * SHARE)
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Variables, Part::Locks, Part::Clients]
    }
}
