//! The refusal of pickles in a manager with a name or on a server, unless `pickle=True` was said of it.

use crate::errors::{Class, raise};
use pyo3::prelude::*;
use sharevar::Participant;
use sharevar::engine::InHome;

/// The error of a value that only a pickle could hold.
#[cold]
pub(super) fn refuse_to_store(value: &Bound<'_, PyAny>, home: &dyn InHome) -> PyResult<PyErr> {
    let class = value.get_type().qualname()?;
    let reason = format!(
        "cannot store this {class} in {}: it, or a part of it, is of no native type, or stands in it \
         twice, and {}",
        manager(home),
        remedy(home),
    );
    Ok(raise(Class::PickleRefused, reason))
}

/// The error of a pickle that is met.
#[cold]
pub(super) fn refuse_to_read(home: &dyn InHome) -> PyErr {
    let (manager, remedy) = (manager(home), remedy(home));
    raise(Class::PickleRefused, format!("the value is a pickle in {manager}, and {remedy}"))
}

/// Has this process store and read pickles, if the manager may have them.
pub(crate) fn accept(participant: &Participant) -> PyResult<()> {
    participant.accept_pickles();
    expect(participant)
}

/// Expects that this process, which has said `pickle=True`, stores and reads pickles.
pub(crate) fn expect(home: &dyn InHome) -> PyResult<()> {
    if home.pickles().are_accepted {
        return Ok(());
    }
    let reason = format!("pickle=True was said of {}, but {}", manager(home), remedy(home));
    Err(raise(Class::PickleRefused, reason))
}

/// The name, if the manager is found by one.
fn name(home: &dyn InHome) -> Option<String> {
    home.as_participant()?.arena_name().map(|name| name.as_str().to_owned())
}

fn manager(home: &dyn InHome) -> String {
    name(home).map_or_else(|| "this namespace".to_owned(), |name| format!("the manager {name:?}"))
}

fn remedy(home: &dyn InHome) -> String {
    let name = name(home);
    if home.pickles().are_allowed {
        let way = name.map_or_else(
            || "Manager(address, pickle=True)".to_owned(),
            |name| format!("attach({name:?}, pickle=True)"),
        );
        format!(
            "this process has not asked for pickles, whose reading runs code that their writers choose: {way} does"
        )
    } else {
        let way = name.map_or_else(
            || "Manager(address, pickle=True)".to_owned(),
            |name| format!("Manager(name={name:?}, pickle=True)"),
        );
        format!(
            "its creator has not allowed pickles: {way} does, in the process that makes it, and all that use \
             pickles repeat the word"
        )
    }
}
