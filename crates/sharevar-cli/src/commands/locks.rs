//! `sharevar locks`: the locks of a manager that have names, and the processes that hold them.

use crate::exit::{Exit, Result};
use crate::table::{self, Side};
use crate::{lock, named, output};
use sharevar::Kind;
use std::io::Write;

pub(crate) fn run(name: &str, is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let manager = named::attach(name)?;
    let mut rows = Vec::new();
    for (name, handle) in named::variables(&manager)? {
        let Some(info) = handle.lock_info()? else { continue };
        if is_json {
            output::json(output, &lock::described(&name, handle.kind(), &info))?;
        } else {
            let kind = handle.kind().map_or("unknown", Kind::name);
            rows.push([
                output::printable(&name),
                kind.to_owned(),
                lock::holders(&info),
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
