//! One module for each library. A library that other crates have to be built for is a feature.

mod local;
mod locked;
#[cfg(feature = "dashmap")]
mod of_dashmap;
#[cfg(feature = "heed")]
mod of_heed;
#[cfg(feature = "iceoryx2")]
mod of_iceoryx2;
mod of_sharevar;

use crate::failure::Result;
use crate::operation::Operation;
use std::path::Path;

/// Makes a library's objects, which live as long as the process; the folder is for files.
type Start = fn(&Path) -> Result<Vec<Operation>>;

/// Returns the libraries that were built, by name.
pub fn all() -> Vec<(&'static str, Start)> {
    vec![
        ("one process", local::start as Start),
        ("sharevar", of_sharevar::start),
        ("Mutex<HashMap>", locked::start),
        #[cfg(feature = "dashmap")]
        ("dashmap", of_dashmap::start),
        #[cfg(feature = "heed")]
        ("heed", of_heed::start),
        #[cfg(feature = "iceoryx2")]
        ("iceoryx2 blackboard", of_iceoryx2::blackboard::start),
        #[cfg(feature = "iceoryx2")]
        ("iceoryx2 publish-subscribe", of_iceoryx2::publish_subscribe::start),
    ]
}
