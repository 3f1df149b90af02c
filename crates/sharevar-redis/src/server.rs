//! Which servers are refused: those that could lose what they were given, or cannot do what is needed.

use crate::address::Address;
use crate::error::refused;
use redis::{Connection, ErrorKind, RedisError, ServerErrorKind};
use sharevar::Result;
use sharevar::engine::Failure;

/// The oldest version whose scripts and commands are enough.
const OLDEST: u32 = 7;

/// Connects to a server, and looks whether it can be used.
pub(crate) fn connect(client: &redis::Client, address: &Address) -> Result<Connection> {
    let failed = |cause| failed(address, "", &cause);
    let mut connection = client.get_connection_with_timeout(address.timeout).map_err(failed)?;
    connection.set_read_timeout(Some(address.timeout)).map_err(failed)?;
    connection.set_write_timeout(Some(address.timeout)).map_err(failed)?;
    check(&mut connection, address)?;
    Ok(connection)
}

/// A server that says no is refused; one that says nothing may answer later.
fn failed(address: &Address, what: &str, cause: &RedisError) -> Failure {
    let is_refusal =
        matches!(cause.kind(), ErrorKind::AuthenticationFailed | ErrorKind::Extension | ErrorKind::Server(_))
            && cause.kind() != ErrorKind::Server(ServerErrorKind::BusyLoading);
    let (address, cause) = (address.shown.clone(), format!("{what}{cause}"));
    if is_refusal { Failure::Refused { address, cause } } else { Failure::Unavailable { address, cause } }
}

fn check(connection: &mut Connection, address: &Address) -> Result<()> {
    let refuse = |cause: String| refused(&address.shown, cause);
    let told = redis::cmd("INFO").query::<String>(connection);
    let told = told.map_err(|cause| failed(address, "it does not tell its settings (INFO): ", &cause))?;
    let of = |name: &str| {
        let lines = told.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim())
    };
    if of("loading") == "1" {
        let (address, cause) = (address.shown.clone(), "it is still reading its data".to_owned());
        return Err(Failure::Unavailable { address, cause }.into());
    }
    let version = of("redis_version");
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
    if major < OLDEST {
        return Err(refuse(format!("it is of version {version}; Redis 7.0 or Valkey is needed")));
    }
    if of("maxmemory_policy") != "noeviction" {
        return Err(refuse(format!(
            "it may delete variables when its memory is full (maxmemory-policy is {}); set that to noeviction",
            of("maxmemory_policy")
        )));
    }
    if of("role") != "master" {
        return Err(refuse("it is a replica; connect to the primary".to_owned()));
    }
    if of("cluster_enabled") == "1" {
        return Err(refuse("it is a node of a cluster, which this version does not use".to_owned()));
    }
    let runs =
        redis::cmd("EVAL").arg("return cmsgpack.unpack(cmsgpack.pack(7))").arg(0).query::<i64>(connection);
    match runs {
        Ok(7) => Ok(()),
        Ok(_) => Err(refuse("it does not run scripts as Redis does".to_owned())),
        Err(cause) => Err(failed(address, "it runs no scripts: ", &cause).into()),
    }
}
