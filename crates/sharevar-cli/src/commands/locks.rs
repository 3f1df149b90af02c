//! `sharevar locks`: the locks of a manager that have names, and the processes that hold them.

use crate::exit::{Exit, Result};
use crate::lock::Lock;
use crate::table::{self, Side};
use crate::{described, named, output};
use sharevar::Manager;
use std::io::Write;

pub(crate) fn run(name: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let look = |manager: &Manager| {
        let locks = manager.variables()?.into_iter().map(|(name, handle)| {
            let info = handle.lock_info()?;
            Ok(info.map(|info| (name, Lock::of(handle.kind(), info))))
        });
        locks.filter_map(Result::transpose).collect::<Result<Vec<_>>>()
    };
    tell(&named::look_into(name, look)?, is_json, output)
}

/// Writes locks with their names.
pub(super) fn tell(locks: &[(String, Lock)], is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let mut rows = Vec::new();
    for (name, lock) in locks {
        if is_json {
            output::json(output, &lock.described(name))?;
        } else {
            rows.push([
                output::printable(name),
                described::kind(lock.kind).to_owned(),
                lock.holders(),
                lock.held_for(),
                lock.waiters(),
            ]);
        }
    }
    if !is_json {
        let headings =
            ["LOCK", "KIND", "HOLDERS", "HELD FOR", "WAITERS"].map(|heading| (heading, Side::Left));
        table::write(output, &headings, &rows)?;
    }
    Ok(Exit::Success)
}
