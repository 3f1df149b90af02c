//! The refusal of pickles in a manager with a name, unless `pickle=True` was said of it.

use crate::errors::{Class, raise};
use pyo3::prelude::*;
use sharevar::Participant;

/// The error of a value that only a pickle could hold.
#[cold]
pub(super) fn refuse_to_store(value: &Bound<'_, PyAny>, participant: &Participant) -> PyResult<PyErr> {
    let class = value.get_type().qualname()?;
    let reason = format!(
        "cannot store this {class} in {}: it, or a part of it, is of no native type, or stands in it \
         twice, and {}",
        manager(participant),
        remedy(participant),
    );
    Ok(raise(Class::PickleRefused, reason))
}

/// The error of a pickle that is met.
#[cold]
pub(super) fn refuse_to_read(participant: &Participant) -> PyErr {
    let (manager, remedy) = (manager(participant), remedy(participant));
    raise(Class::PickleRefused, format!("the value is a pickle in {manager}, and {remedy}"))
}

/// Has this process store and read pickles, if the manager may have them.
pub(crate) fn accept(participant: &Participant) -> PyResult<()> {
    participant.accept_pickles();
    if participant.accepts_pickles() {
        return Ok(());
    }
    let reason = format!("pickle=True was said of {}, but {}", manager(participant), remedy(participant));
    Err(raise(Class::PickleRefused, reason))
}

fn name(participant: &Participant) -> String {
    participant.arena_name().map(|name| name.as_str().to_owned()).unwrap_or_default()
}

fn manager(participant: &Participant) -> String {
    format!("the manager {:?}", name(participant))
}

fn remedy(participant: &Participant) -> String {
    let name = name(participant);
    if participant.allows_pickles() {
        format!(
            "this process has not asked for pickles, whose reading runs code that their writers choose: \
             attach({name:?}, pickle=True) does"
        )
    } else {
        format!(
            "its creator has not allowed pickles: Manager(name={name:?}, pickle=True) does, in the process \
             that makes it, and all that use pickles repeat the word"
        )
    }
}
