//! Answers of servers as errors of variables.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use sharevar::engine::Failure;
use sharevar::{Error, Kind};

/// The engine's name.
pub(crate) const NAME: &str = "redis";

/// The outcome of a request that was not carried out.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The script says why; the second is what follows the code.
    Script(String, String),
    /// The server does not know the script.
    UnknownScript,
    /// The home has another history than the one for which the request was made.
    OtherHistory,
    /// The history to which the request belongs has ended.
    HistoryIsOver,
    /// Another node of the cluster has the keys.
    Moved(RedisError),
    /// Another node is to be asked this once.
    Ask(RedisError),
    /// The server refuses it for a while.
    NotNow(RedisError),
    /// The server refuses it.
    Refused(RedisError),
    /// The connection failed, so that the request may have been carried out.
    Lost(RedisError),
}

impl Answer {
    pub(crate) fn of(error: RedisError) -> Self {
        if let Some(code) = error.code()
            && code.starts_with("SV")
        {
            if code == "SVHISTORY" {
                return Self::OtherHistory;
            }
            return Self::Script(code.to_owned(), error.detail().unwrap_or_default().to_owned());
        }
        match error.kind() {
            ErrorKind::Server(ServerErrorKind::NoScript) => Self::UnknownScript,
            ErrorKind::Server(ServerErrorKind::Moved) => Self::Moved(error),
            ErrorKind::Server(ServerErrorKind::Ask) => Self::Ask(error),
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly,
            ) => Self::NotNow(error),
            ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed => {
                let is_for_a_while = matches!(error.code(), Some("BUSY" | "NOREPLICAS"));
                if is_for_a_while { Self::NotNow(error) } else { Self::Refused(error) }
            }
            _ => Self::Lost(error),
        }
    }
}

/// The error that a script has named.
pub(crate) fn of_script(code: &str, detail: &str) -> Error {
    let number = detail.trim().parse::<u64>().unwrap_or(0);
    match code {
        "SVGONE" => Error::HandleExpired,
        "SVCLOSED" => Error::Closed,
        "SVNAN" => Error::NotANumber { operation: "an increment" },
        "SVSHUT" => Error::QueueShutDown,
        "SVNOTASK" => Error::NoTaskLeft,
        // The caller adds the index or length that it asked for.
        "SVINDEX" => Error::IndexOutOfRange { index: 0, length: number },
        "SVLENGTH" => Error::WrongLength { found: number, asked: 0 },
        "SVUNITS" => Error::TooManyUnits { limit: number as u32 },
        "SVLEASE" | "SVLOST" => Failure::LeaseLost.into(),
        "SVFENCED" => Failure::Fenced.into(),
        _ => Error::Corrupt { what: "a script's answer is of a known kind", offset: 0 },
    }
}

/// The error of a server that is not to be used.
pub(crate) fn refused(address: &str, cause: impl Into<String>) -> Error {
    Failure::Refused { address: address.to_owned(), cause: cause.into() }.into()
}

/// The error of a change that was not confirmed, and then undone if it could be.
pub(crate) fn undone(shortfall: Failure, is_undone: bool) -> Error {
    match shortfall {
        Failure::NotReplicated { address, cause, .. } => Failure::NotReplicated { address, cause, is_undone },
        other => other,
    }
    .into()
}

/// The error of a reply, or of what is stored, that is none.
pub(crate) fn corrupt(what: &'static str) -> Error {
    Error::Corrupt { what, offset: 0 }
}

/// The error of a variable that cannot be asked for `expected`.
pub(crate) fn wrong_kind(found: Option<Kind>, expected: Kind) -> Error {
    let found = found.map_or("unknown", Kind::name);
    Error::WrongKind { found, expected: expected.name() }
}
