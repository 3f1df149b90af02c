//! The names of the namespaces on a node, which no table has: the server is asked for its keys, page by page.

use crate::address::Address;
use crate::error::corrupt;
use crate::reply;
use crate::server;
use redis::{Connection, ConnectionLike, Value};
use sharevar::Result;
use std::collections::BTreeSet;

/// The most keys that the server looks at before it serves another client.
const PAGE: u32 = 1000;
/// The most pages of one look, but for the first. A namespace that is made on a large server is seen by a later one.
const PAGES: usize = 10;

/// A scan of all keys, and the next, and the next.
#[derive(Default)]
pub(super) struct Scan {
    cursor: Option<String>,
    /// The names that this scan has found.
    coming: BTreeSet<String>,
    /// The names that the last whole scan has found.
    found: Option<BTreeSet<String>>,
}

impl Scan {
    /// Goes on with the scan: to its end if it is the first one.
    pub(super) fn go_on(&mut self, connection: &mut Connection, address: &Address) -> Result<()> {
        let mut pages = 0;
        while self.found.is_none() || pages < PAGES {
            pages += 1;
            let mut scan = redis::cmd("SCAN");
            scan.arg(self.cursor.as_deref().unwrap_or("0")).arg("MATCH").arg("sv:{*}").arg("COUNT").arg(PAGE);
            let answer = connection.req_command(&scan).and_then(Value::extract_error);
            let answer =
                answer.map_err(|cause| server::failed(address, "it does not tell its keys: ", &cause))?;
            let [next, keys] = reply::parts(answer)?;
            for key in reply::list(keys)? {
                // Another program's key may be no text.
                let Ok(Some(key)) = reply::text(key) else { continue };
                let namespace = key.strip_prefix("sv:{").and_then(|rest| rest.strip_suffix('}'));
                self.coming.extend(namespace.map(str::to_owned));
            }
            let next = reply::text(next)?.ok_or(corrupt("a scan has a cursor"))?;
            if next == "0" {
                self.found = Some(std::mem::take(&mut self.coming));
                self.cursor = None;
                break;
            }
            self.cursor = Some(next);
        }
        Ok(())
    }

    /// The names of the namespaces that were found, some of which may be gone.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.found.iter().flatten().chain(&self.coming).cloned().collect()
    }
}
