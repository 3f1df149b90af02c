//! The ends of monitors' methods that the server may not know, or may forget.

use crate::namespace::Keys;
use crate::script::scripts;
use crate::session::{Session, Unfinished};
use sharevar::engine::Failure;
use sharevar::{Error, Result};
use std::time::Duration;

scripts! { "lua/map.lua", "lua/monitor.lua":
    LEAVE = "leave";
}

pub(crate) const PARTS: &str = "mdokw";

/// How one leaves that may be outside already.
pub(crate) const MAYBE: &str = "maybe";
/// The same, whose request to enter may still be on its way: that admits it no more.
const NEVER: &str = "never";

/// The name by which the server knows one that has entered.
pub(crate) fn full_name(session: &Session, entrance: u64) -> String {
    format!("{}/{entrance}", session.client)
}

/// Lets others enter those monitors that threads of this client have not left as they should have. What is not
/// confirmed is done once more with the next turn, since it would be lost with its primary.
pub(crate) fn finish(session: &Session) -> Result<()> {
    let mut unfinished = session.take_unfinished();
    // The lease is renewed meanwhile. One wait tells of all.
    let mut patience = session.namespace.address.lease / 20;
    let mut unconfirmed = Vec::new();
    let mut result = Ok(());
    while let Some(left) = unfinished.pop() {
        match end(session, left, patience) {
            Ok(true) | Err(Error::HandleExpired | Error::Engine(Failure::LeaseLost)) => {}
            Ok(false) => {
                unconfirmed.push(left);
                patience = Duration::ZERO;
            }
            Err(error) => {
                unfinished.push(left);
                result = Err(error);
                break;
            }
        }
    }
    for left in unfinished.into_iter().chain(unconfirmed) {
        session.let_others_in(left);
    }
    result
}

/// Whether that is confirmed, for which it waits for at most so long.
pub(crate) fn end(session: &Session, left: Unfinished, patience: Duration) -> Result<bool> {
    let keys = Keys { number: left.monitor, parts: PARTS, patience: Some(patience), ..Keys::default() };
    let how = if left.is_answered { MAYBE } else { NEVER };
    let done = session.ask_with_shortfall(&LEAVE, keys, |command| {
        command.arg(full_name(session, left.entrance)).arg(how).arg(0);
    });
    let done = done.map_err(|failed| session.error(failed))?;
    Ok(done.shortfall.is_none() && !patience.is_zero())
}
