//! The operations of each kind, by the table of kinds, for the arena.

use super::items::source::{AtOnce, Locked};
use super::long_value;
use super::ops::Ops;
use crate::kind::{Kind, kinds};
use sharevar_arena::{Participant, Result, Variable, VariableOps};

/// For [`Participant::create_arena`] and [`Participant::attach`].
pub const KINDS: VariableOps = VariableOps { reap, settle_at_exit, trace };

macro_rules! dispatch {
    ($($(#[$documentation:meta])* $kind:ident = $number:literal, $name:literal, $room:ident :: $module:ident;)*) => {
        fn ops(kind: u64) -> &'static Ops {
            match Kind::from_number(kind) {
                $(Some(Kind::$kind) => &super::$room::$module::OPS,)*
                None if kind == long_value::KIND => &super::containers::cell::OPS,
                None => &Ops::NONE,
            }
        }
    };
}

kinds!(dispatch);

fn reap(participant: &Participant, variable: Variable, kind: u64) -> Result<bool> {
    (ops(kind).reap)(participant, variable)
}

fn settle_at_exit(participant: &Participant, variable: Variable, kind: u64) -> Result<()> {
    (ops(kind).settle_at_exit)(participant, variable)
}

/// Names every block and handle in a variable.
pub(crate) fn trace_content(
    source: &AtOnce<'_, '_>,
    kind: u64,
    living: bool,
    visit: &mut dyn FnMut(u64),
) -> Result<()> {
    (ops(kind).trace)(source, living, visit)
}

fn trace(participant: &Participant, variable: Variable, kind: u64, visit: &mut dyn FnMut(u64)) -> Result<()> {
    let mut transaction = participant.begin_last()?;
    transaction.lock_short(variable)?;
    let living = participant.references_to(variable) > 0;
    trace_content(&AtOnce::Locked(Locked(&transaction, variable)), kind, living, visit)?;
    transaction.commit()
}
