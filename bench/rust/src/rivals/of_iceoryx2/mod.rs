//! iceoryx2: values with a writer and readers, and messages, in shared memory.
//!
//! It leaves one small file in `/dev/shm`, whose name begins with `iox2_`, and uses it again.

pub mod blackboard;
pub mod publish_subscribe;

use crate::failure::{Result, describe};
use iceoryx2::prelude::*;
use std::path::Path as FolderPath;

/// Makes a node whose files are in the folder. Its ports keep it, and the last one removes the files.
fn node(folder: &FolderPath) -> Result<Node<ipc::Service>> {
    set_log_level(LogLevel::Error);
    let mut config = Config::default();
    let root = folder.join("iceoryx2").to_string_lossy().into_owned();
    config.global.set_root_path(&Path::new(root.as_bytes()).map_err(describe)?);
    NodeBuilder::new().config(&config).create::<ipc::Service>().map_err(describe)
}
