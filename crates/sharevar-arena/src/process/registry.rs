//! The participants of this process.

use crate::process::participant::Participant;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

static PARTICIPANTS: Mutex<Vec<Weak<Participant>>> = Mutex::new(Vec::new());

pub(crate) type Locked = MutexGuard<'static, Vec<Weak<Participant>>>;

pub(crate) fn lock() -> Locked {
    PARTICIPANTS.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn add(participant: &Arc<Participant>) {
    let mut all = lock();
    all.retain(|known| known.strong_count() > 0);
    all.push(Arc::downgrade(participant));
}

/// Those of `all` that are not dropped.
pub(crate) fn living(all: &Locked) -> Vec<Arc<Participant>> {
    all.iter().filter_map(Weak::upgrade).collect()
}

pub(crate) fn participants() -> Vec<Arc<Participant>> {
    living(&lock())
}
