//! Variables that are used under a lock which a paused holder may lose.

use super::backed::Backed;
use super::contract::held;
use super::exclusive::Exclusive;
use super::handle::Handle;
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::shm::{RawLock, RawRLock};

/// Returns a handle on the same variable, whose operations fail once `lock`, which the caller holds, has
/// another holder. See [`Shared::fenced`](crate::Shared::fenced).
///
/// # Errors
/// [`NotOwner`](Error::NotOwner) if the caller does not hold the lock, [`OtherManager`](Error::OtherManager)
/// if the lock is in another home.
pub fn fence(variable: Handle, lock: &Handle) -> Result<Handle> {
    if variable.home_id() != lock.home_id() {
        return Err(Error::OtherManager { arena: lock.home_id() });
    }
    if let (Handle::Other(variable), Handle::Other(lock)) = (&variable, lock) {
        let fenced = held(variable.clone())?.fenced(held(lock.clone())?)?;
        return Ok(Handle::Other(fenced));
    }
    let is_mine = if lock.kind() == Some(Kind::RLock) {
        Backed::<RawRLock, dyn Exclusive>::open(lock.clone(), Kind::RLock)?.any().is_mine()?
    } else {
        Backed::<RawLock, dyn Exclusive>::open(lock.clone(), Kind::Lock)?.any().is_mine()?
    };
    if is_mine { Ok(variable) } else { Err(Error::NotOwner) }
}
