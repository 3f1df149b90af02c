//! A connection to a primary, and how its changes are confirmed.

use crate::address::{Address, Shape};
use crate::durability::Durability;
use crate::error::Answer;
use crate::history::{History, Request};
use crate::reply;
use crate::script::Effect;
use crate::sentinel;
use crate::server::{self, Settings};
use redis::{Cmd, Connection, ConnectionInfo, ConnectionLike, Value};
use sharevar::Result;
use std::time::{Duration, Instant};

/// For how long the number of replicas is taken for the same. A replica that is added counts after this.
const KNOWN_FOR: Duration = Duration::from_secs(2);

/// After this an idle connection may have outlived a history whose server was a replica for a while: the home
/// is told of another history by the first client that comes to it.
const KNOWN_WHILE_IDLE: Duration = Duration::from_millis(500);

pub(crate) struct Primary {
    pub(crate) connection: Connection,
    /// That of the server, once it was learned.
    history: Option<History>,
    /// When its last answer came.
    used: Instant,
    /// How many replicas may be promoted, whether they are attached at this moment or not.
    replicas: u32,
    learned: Instant,
    /// Whether it tells when a change is on its disk. Without that it writes each one there at once.
    tells_of_disk: bool,
}

/// A request that was carried out.
pub(crate) struct Done {
    pub(crate) value: Value,
    /// Why its change may be lost all the same.
    pub(crate) shortfall: Option<String>,
    /// The number of the history in which its counts are.
    pub(crate) history: u16,
}

impl Primary {
    /// Connects to a node that is to be one. `replicas` is their number, if it is known already.
    pub(crate) fn connect(node: ConnectionInfo, address: &Address, replicas: Option<u32>) -> Result<Self> {
        let client = redis::Client::open(node);
        let client = client
            .map_err(|_| crate::error::refused(&address.shown, "the client does not take the address"))?;
        let (mut connection, settings) = server::connect(&client, address)?;
        let replicas = replicas_of(&mut connection, &settings, address, replicas)?;
        let tells_of_disk = server::has_waitaof(&settings);
        let (learned, used) = (Instant::now(), Instant::now());
        Ok(Self { connection, history: None, used, replicas, learned, tells_of_disk })
    }

    /// How many replicas may be promoted.
    pub(crate) fn replicas(&self) -> u32 {
        self.replicas
    }

    /// Has a request carried out that is made for the history of its server, which it learns before the first
    /// one, and again after a pause. If `only` is another one, nothing is asked.
    pub(crate) fn ask_in_history(
        &mut self,
        address: &Address,
        learn: impl FnOnce(&mut Connection) -> std::result::Result<History, Answer>,
        make: impl FnOnce(&History) -> Request,
        only: Option<u16>,
        effect: Effect,
        wait: Duration,
    ) -> std::result::Result<Done, Answer> {
        let known = self.history.take().filter(|_| self.used.elapsed() < KNOWN_WHILE_IDLE);
        let known = known.map_or_else(|| learn(&mut self.connection), Ok)?;
        let known = self.history.insert(known);
        if only.is_some_and(|only| only != known.number) {
            return Err(Answer::HistoryIsOver);
        }
        let command = make(known);
        let done = self.ask(address, &command, effect, wait);
        self.used = Instant::now();
        if matches!(&done, Err(Answer::OtherHistory)) {
            self.history = None;
        }
        done
    }

    /// Has a request carried out, and waits for at most that long until its change has come as far as it
    /// must.
    fn ask(
        &mut self,
        address: &Address,
        command: &Cmd,
        effect: Effect,
        wait: Duration,
    ) -> std::result::Result<Done, Answer> {
        let history = self.history.as_ref().map_or(0, |history| history.number);
        if effect != Effect::None && address.may_wait() && self.learned.elapsed() > KNOWN_FOR {
            self.learn(address).map_err(Answer::of)?;
        }
        let durability = Durability::of(address.durability, effect, self.replicas);
        if durability == Durability::Fast {
            let value = self.connection.req_command(command).and_then(Value::extract_error);
            return value.map(|value| Done { value, shortfall: None, history }).map_err(Answer::of);
        }
        // None at all is no reason to say that it is replicated.
        let needed = if durability == Durability::Replicated { self.replicas.max(1) } else { self.replicas };
        let waits_for_disk = durability == Durability::Disk && self.tells_of_disk;
        // Zero would be for ever.
        let millis = (wait.as_millis() as u64).max(1);
        let mut packed = command.get_packed_command();
        packed.extend(redis::cmd("WAIT").arg(needed).arg(millis).get_packed_command());
        if waits_for_disk {
            packed.extend(redis::cmd("WAITAOF").arg(1).arg(0).arg(millis).get_packed_command());
        }
        let count = 2 + usize::from(waits_for_disk);
        let mut answers = self.connection.req_packed_commands(&packed, 0, count).map_err(Answer::of)?;
        let on_disk = if waits_for_disk { answers.pop() } else { None };
        let confirmed = answers.pop().unwrap_or(Value::Nil);
        let value = answers.pop().unwrap_or(Value::Nil).extract_error().map_err(Answer::of)?;
        let mut shortfall = shortfall_of(confirmed, needed)?;
        if let (None, Some(on_disk)) = (&shortfall, on_disk) {
            shortfall = shortfall_on_disk(on_disk)?;
        }
        if shortfall.is_some() && matches!(value, Value::Nil | Value::Int(0)) {
            // By this a script says that it has changed nothing: there is nothing to confirm.
            shortfall = None;
        }
        if shortfall.is_some() {
            // A replica may have been taken away for good.
            self.learned = Instant::now().checked_sub(2 * KNOWN_FOR).unwrap_or(self.learned);
        }
        Ok(Done { value, shortfall, history })
    }

    fn learn(&mut self, address: &Address) -> redis::RedisResult<()> {
        self.learned = Instant::now();
        match &address.shape {
            _ if address.replicas.is_some() => {}
            Shape::Single => {}
            Shape::Cluster => self.replicas = in_cluster(&mut self.connection)?,
            Shape::Sentinel(service) => {
                // While no sentinel answers, the number is the last one known.
                self.replicas = sentinel::replicas(address, service).unwrap_or(self.replicas);
            }
        }
        Ok(())
    }
}

fn replicas_of(
    connection: &mut Connection,
    settings: &Settings,
    address: &Address,
    known: Option<u32>,
) -> Result<u32> {
    if !address.may_wait() {
        return Ok(0);
    }
    match (address.replicas, &address.shape) {
        (Some(said), _) => Ok(said),
        (None, Shape::Single) => Ok(0),
        (None, Shape::Cluster) => in_cluster(connection).map_err(|cause| {
            let what = "it does not tell its replicas (CLUSTER NODES; allow it, or say durability=fast): ";
            server::failed(address, what, &cause).into()
        }),
        (None, Shape::Sentinel(_)) => {
            let attached = settings.get("connected_slaves").parse().unwrap_or(0);
            Ok(known.unwrap_or(0).max(attached))
        }
    }
}

/// The replicas of a node of a cluster, with those that have failed: they may come back.
fn in_cluster(connection: &mut Connection) -> redis::RedisResult<u32> {
    let nodes: String = redis::cmd("CLUSTER").arg("NODES").query(connection)?;
    let lines = || nodes.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let is = |fields: &[&str], flag: &str| {
        fields.get(2).is_some_and(|flags| flags.split(',').any(|one| one == flag))
    };
    let me =
        lines().find(|fields| is(fields, "myself")).map_or_else(String::new, |fields| fields[0].to_owned());
    Ok(lines().filter(|fields| is(fields, "slave") && fields.get(3) == Some(&me.as_str())).count() as u32)
}

/// An error of a wait: one that the server's new role has ended is of a request whose fate is open.
fn of_wait(error: redis::RedisError) -> std::result::Result<Option<String>, Answer> {
    match error.code() {
        Some("UNBLOCKED") => Err(Answer::Lost(error)),
        _ => Ok(Some(format!("the server does not tell whether it is confirmed: {error}"))),
    }
}

fn shortfall_of(confirmed: Value, needed: u32) -> std::result::Result<Option<String>, Answer> {
    match confirmed.extract_error() {
        Ok(count) => {
            let count = reply::int(count).unwrap_or(0);
            let is_enough = count >= i64::from(needed);
            Ok((!is_enough).then(|| format!("{count} of {needed} replicas have confirmed it")))
        }
        Err(error) => of_wait(error),
    }
}

fn shortfall_on_disk(on_disk: Value) -> std::result::Result<Option<String>, Answer> {
    match on_disk.extract_error() {
        Ok(counts) => {
            let [here, _] = reply::parts(counts).unwrap_or([Value::Nil, Value::Nil]);
            let is_there = reply::yes(here).unwrap_or(false);
            Ok((!is_there).then(|| "it is not on the server's disk yet".to_owned()))
        }
        Err(error) => of_wait(error),
    }
}
