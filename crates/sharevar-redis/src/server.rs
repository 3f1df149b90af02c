//! Which servers are refused: those that could lose what they were given, or cannot do what is needed.

use crate::address::{Address, Shape};
use crate::durability::Durability;
use crate::error::refused;
use crate::reply;
use redis::{Connection, ErrorKind, RedisError, ServerErrorKind, Value};
use sharevar::Result;
use sharevar::engine::Failure;
use std::time::Duration;

/// The oldest version whose scripts and commands are enough.
const OLDEST: u32 = 7;

/// Connects to a server, and looks whether it can be used.
pub(crate) fn connect(client: &redis::Client, address: &Address) -> Result<(Connection, Settings)> {
    let mut connection = open(client, address, address.timeout)?;
    let settings = Settings::of(&mut connection, address)?;
    let not_yet = |cause: String| {
        let address = address.shown.clone();
        Err(Failure::Unavailable { address, cause }.into())
    };
    if settings.get("loading") == "1" {
        return not_yet("it is still reading its data".to_owned());
    }
    if matches!(address.shape, Shape::Sentinel(_)) && settings.get("role") != "master" {
        return not_yet("the one that the sentinels know for the primary is none yet".to_owned());
    }
    let of_shape: &[fn(&Settings) -> Verdict] =
        if address.shape == Shape::Cluster { &[in_cluster] } else { &[role, cluster] };
    for check in [version, eviction].iter().chain(of_shape) {
        check(&settings).map_err(|cause| refused(&address.shown, cause))?;
    }
    scripts(&mut connection, address)?;
    // A replica in a cluster is asked for nothing.
    if settings.get("role") != "master" {
        return Ok((connection, settings));
    }
    if address.may_wait() {
        let waits = redis::cmd("WAIT").arg(0).arg(1).exec(&mut connection);
        let what = "it does not tell what replicas have confirmed (WAIT; allow it, or say durability=fast): ";
        waits.map_err(|cause| failed(address, what, &cause))?;
    }
    if address.durability == Some(Durability::Disk) {
        disk(&mut connection, &settings).map_err(|cause| refused(&address.shown, cause))?;
    }
    Ok((connection, settings))
}

/// Connects to a server, however it is.
pub(crate) fn open(client: &redis::Client, address: &Address, timeout: Duration) -> Result<Connection> {
    let failed = |cause| failed(address, "", &cause);
    let connection = client.get_connection_with_timeout(timeout).map_err(failed)?;
    connection.set_read_timeout(Some(timeout)).map_err(failed)?;
    connection.set_write_timeout(Some(timeout)).map_err(failed)?;
    Ok(connection)
}

/// Whether the server can say that a change is on its disk, or has each one there before it answers.
fn disk(connection: &mut Connection, settings: &Settings) -> std::result::Result<(), String> {
    if settings.get("aof_enabled") != "1" {
        return Err("durability=disk needs an append-only file: set appendonly to yes".to_owned());
    }
    if has_waitaof(settings) {
        return Ok(());
    }
    let asked = redis::cmd("CONFIG").arg("GET").arg("appendfsync").query::<Vec<String>>(connection);
    match asked {
        Ok(setting) if setting.last().is_some_and(|value| value == "always") => Ok(()),
        Ok(_) => {
            Err("durability=disk needs a server that tells when a change is on its disk (WAITAOF: Redis \
                      7.2 or Valkey), or appendfsync always"
                .to_owned())
        }
        Err(cause) => Err(format!(
            "durability=disk needs a server that tells when a change is on its disk (WAITAOF: Redis 7.2 or \
             Valkey), or appendfsync always, which it does not tell either (CONFIG GET): {cause}"
        )),
    }
}

/// Whether a server tells when a change is on its disk.
pub(crate) fn has_waitaof(settings: &Settings) -> bool {
    let mut numbers = settings.get("redis_version").split('.').map_while(|number| number.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(7), Some(2))
}

/// A server that says no is refused; one that says nothing may answer later.
pub(crate) fn failed(address: &Address, what: &str, cause: &RedisError) -> Failure {
    let is_for_a_while = matches!(cause.code(), Some("BUSY"))
        || matches!(
            cause.kind(),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
            )
        );
    let is_refusal = !is_for_a_while
        && matches!(
            cause.kind(),
            ErrorKind::AuthenticationFailed | ErrorKind::Extension | ErrorKind::Server(_)
        );
    let (address, cause) = (address.shown.clone(), format!("{what}{cause}"));
    if is_refusal { Failure::Refused { address, cause } } else { Failure::Unavailable { address, cause } }
}

/// The text in which a server describes itself (`INFO`).
#[derive(Default)]
pub(crate) struct Settings(String);

impl Settings {
    pub(crate) fn of(connection: &mut Connection, address: &Address) -> Result<Self> {
        let told = redis::cmd("INFO").query(connection);
        let told = told.map_err(|cause| failed(address, "it does not tell its settings (INFO): ", &cause))?;
        Ok(Self(told))
    }

    /// Those of an answer; none if it is no text.
    pub(crate) fn read(answer: Value) -> Self {
        Self(reply::text(answer).ok().flatten().unwrap_or_default())
    }

    /// The value of a setting; empty if it is not told.
    pub(crate) fn get(&self, name: &str) -> &str {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim())
    }
}

/// The state of a server in one respect: good, or why it is not to be used.
pub(crate) type Verdict = std::result::Result<String, String>;

pub(crate) fn version(settings: &Settings) -> Verdict {
    let version = settings.get("redis_version");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
    if major < OLDEST {
        return Err(format!("it is of version {version}; Redis 7.0 or Valkey is needed"));
    }
    match settings.get("valkey_version") {
        "" => Ok(format!("Redis {version}")),
        valkey => Ok(format!("Valkey {valkey}")),
    }
}

pub(crate) fn eviction(settings: &Settings) -> Verdict {
    match settings.get("maxmemory_policy") {
        "noeviction" => Ok("it deletes no variables when its memory is full".to_owned()),
        policy => Err(format!(
            "it may delete variables when its memory is full (maxmemory-policy is {policy}); set that to \
             noeviction"
        )),
    }
}

pub(crate) fn role(settings: &Settings) -> Verdict {
    match settings.get("role") {
        "master" => Ok(match settings.get("connected_slaves") {
            "" | "0" => "a primary without replicas".to_owned(),
            count => format!(
                "a primary with {count} replicas; say replicas={count} in the address if they may be promoted, \
                 and locks wait for them"
            ),
        }),
        _ => Err("it is a replica; connect to the primary".to_owned()),
    }
}

pub(crate) fn cluster(settings: &Settings) -> Verdict {
    match settings.get("cluster_enabled") {
        "1" => Err("it is a node of a cluster; use redis+cluster://".to_owned()),
        _ => Ok("it is no node of one".to_owned()),
    }
}

/// A replica in a cluster sends requests on to the primary.
pub(crate) fn in_cluster(settings: &Settings) -> Verdict {
    match settings.get("cluster_enabled") {
        "1" => Ok("it is a node of one".to_owned()),
        _ => Err("it is no node of a cluster; use redis://".to_owned()),
    }
}

/// Whether the server runs scripts, as operations are, and tells them which history it has.
pub(crate) fn scripts(connection: &mut Connection, address: &Address) -> Result<()> {
    let probe = "local told = redis.pcall('INFO', 'replication') \
                 return type(told) == 'string' and cmsgpack.unpack(cmsgpack.pack(7)) or 0";
    let runs = redis::cmd("EVAL").arg(probe).arg(0).query::<i64>(connection);
    match runs {
        Ok(7) => Ok(()),
        Ok(0) => {
            let cause = "it does not tell scripts of its replication (INFO), by which they notice a failover; allow \
                         the user +info, or use a server that does not forbid it";
            Err(refused(&address.shown, cause))
        }
        Ok(_) => Err(refused(&address.shown, "it does not run scripts as Redis does")),
        Err(cause) => Err(failed(address, "it runs no scripts: ", &cause).into()),
    }
}
