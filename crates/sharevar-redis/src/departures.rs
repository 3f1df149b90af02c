//! The ends of monitors' methods and of holds that the server may not know, or may forget.

use crate::history::RequestPlace;
use crate::lane::Failed;
use crate::named_holds;
use crate::namespace::Keys;
use crate::number::is_recursive;
use crate::script::scripts;
use crate::session::{Session, Unfinished};
use sharevar::engine::Failure;
use sharevar::{Error, Result};
use std::time::{Duration, Instant};

scripts! { "lua/map.lua", "lua/monitor.lua", "lua/exclusive.lua":
    LEAVE = "leave";
    RELEASE = "release";
    WITHDRAW = "withdraw";
}

pub(crate) const PARTS: &str = "mdokw";
const PARTS_OF_LOCK: &str = "mw";

/// How one leaves that may be outside already.
pub(crate) const MAYBE: &str = "maybe";

/// The name by which the server knows one that has entered.
pub(crate) fn full_name(session: &Session, entrance: u64) -> String {
    format!("{}/{entrance}", session.client)
}

/// Lets others have those monitors and locks that threads of this client have not left as they should have.
/// An end that is not confirmed is told once more with a later turn, since it would be lost with its primary.
/// However many there are, the lease is renewed in time.
pub(crate) fn finish(session: &Session) {
    let lease = session.namespace.address.lease;
    let until = Instant::now() + lease / 10;
    // One wait tells of all.
    let mut patience = lease / 20;
    let mut due = session.take_unfinished().into_iter();
    let mut again = Vec::new();
    while Instant::now() < until
        && let Some(left) = due.next()
    {
        match end(session, &left, patience) {
            Ok(true) | Err(Error::HandleExpired | Error::Engine(Failure::LeaseLost)) => {
                if let Unfinished::Repetition(confirmed) = left {
                    session.give_lane(confirmed.lane);
                }
            }
            // One that fails for long does not stop the others.
            Ok(false) | Err(_) => {
                patience = Duration::ZERO;
                again.push(left);
            }
        }
    }
    // Those whose turn has not come are the first ones of the next.
    session.finish_again(due.chain(again).collect());
}

/// Whether that is confirmed, for which it waits for at most so long.
pub(crate) fn end(session: &Session, left: &Unfinished, patience: Duration) -> Result<bool> {
    let keys = |number, parts| Keys { number, parts, patience: Some(patience), ..Keys::default() };
    let done = match left {
        Unfinished::Entrance { monitor, entrance, unanswered } => {
            let how = unanswered.map_or_else(|| MAYBE.to_owned(), RequestPlace::never);
            session.ask_with_shortfall(&LEAVE, keys(*monitor, PARTS), |command| {
                command.arg(full_name(session, *entrance)).arg(&how).arg(0);
            })
        }
        Unfinished::Request { lock, owner, name, place } => {
            session.ask_with_shortfall(&WITHDRAW, keys(*lock, PARTS_OF_LOCK), |command| {
                command.arg(owner).arg(name).arg(place.never());
            })
        }
        // Its token tells it from each later hold, also of the same owner.
        Unfinished::Hold { lock, owner, token } => {
            session.ask_with_shortfall(&RELEASE, keys(*lock, PARTS_OF_LOCK), |command| {
                command.arg(owner).arg(is_recursive(*lock)).arg(*token).arg(0).arg("undo");
            })
        }
        Unfinished::NamedHold { lock, side, name, end } => session.ask_with_shortfall(
            named_holds::release(*side),
            keys(*lock, named_holds::PARTS),
            |command| {
                command.arg(&session.client).arg(end.name()).arg(name);
            },
        ),
        Unfinished::Repetition(request) => match session.repeat(request, patience) {
            // A script that refuses it does so each time.
            Err(refused @ Failed::Script(..)) => {
                drop(session.error(refused));
                return Ok(true);
            }
            told => told,
        },
    };
    let done = done.map_err(|failed| session.error(failed))?;
    Ok(done.shortfall.is_none() && !patience.is_zero())
}

/// Whether a release that has failed so is told again.
pub(crate) fn is_for_later(failure: &Failure) -> bool {
    use Failure::{OutcomeUnknown, Refused, Unavailable};
    matches!(failure, OutcomeUnknown { .. } | Unavailable { .. } | Refused { .. })
}

/// The error of a request that did not come through, and is told again.
pub(crate) fn unknown(failure: Failure) -> Error {
    let cause = failure.to_string();
    match failure {
        Failure::Unavailable { address, .. } | Failure::Refused { address, .. } => {
            Failure::OutcomeUnknown { address, cause }.into()
        }
        other => other.into(),
    }
}
