//! `sharevar locks`: the locks of a manager that have names, and the processes that hold them.

use crate::exit::{Exit, Result};
use crate::table::{self, Side};
use crate::{lock, named, output};
use sharevar::{Kind, Manager};
use std::io::Write;

pub(crate) fn run(name: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let look = |manager: &Manager| {
        let locks = manager.variables()?.into_iter().map(|(name, handle)| {
            let info = handle.lock_info()?;
            Ok(info.map(|info| (name, handle.kind(), info)))
        });
        locks.filter_map(Result::transpose).collect::<Result<Vec<_>>>()
    };
    let mut rows = Vec::new();
    for (name, kind, info) in named::look_into(name, look)? {
        if is_json {
            output::json(output, &lock::described(&name, kind, &info))?;
        } else {
            rows.push([
                output::printable(&name),
                kind.map_or("unknown", Kind::name).to_owned(),
                lock::holders(kind, &info),
                lock::held_for(&info),
                lock::waiters(&info),
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
