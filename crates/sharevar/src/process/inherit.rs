//! Managers that a child program gets from its parent.

use crate::error::{Error, Result};
use crate::manager::Manager;
use command_fds::CommandFdExt;
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::process::Command;

/// Where the child finds its managers: `name=descriptor:identity`, or `name=@manager:identity` for
/// one that has a name, separated by commas.
const VARIABLE: &str = "SHAREVAR_INHERITED";

/// Hands managers to a child program.
///
/// ```no_run
/// use sharevar::{Manager, process::CommandExt};
/// use std::process::Command;
///
/// let manager = Manager::new()?;
/// let mut child = Command::new("worker").share(&manager)?.spawn().unwrap();
/// // In the worker: let manager = Manager::inherited()?;
/// child.wait().unwrap();
/// # Ok::<(), sharevar::Error>(())
/// ```
pub trait CommandExt: Sized {
    /// Lets the child have `manager` as [`Manager::inherited`].
    fn share(&mut self, manager: &Manager) -> Result<&mut Self> {
        self.share_as("", manager)
    }

    /// Lets the child have `manager` as [`Manager::inherited_as`] that name.
    fn share_as(&mut self, name: &str, manager: &Manager) -> Result<&mut Self>;
}

impl CommandExt for Command {
    fn share_as(&mut self, name: &str, manager: &Manager) -> Result<&mut Self> {
        if name.contains([',', '=', '\0']) {
            return Err(Error::Process {
                what: "cannot share a manager",
                cause: format!("bad name {name:?}"),
            });
        }
        let (source, descriptor) = if let Some(own) = manager.name() {
            (format!("@{own}"), None)
        } else {
            // The child has it under the same number, which nobody else can have: it is ours here.
            let descriptor = manager.descriptor()?;
            (descriptor.as_raw_fd().to_string(), Some(descriptor))
        };
        let entry = format!("{name}={source}:{:032x}", manager.id());
        let shared = self.get_envs().find_map(|(key, value)| (key == VARIABLE).then_some(value).flatten());
        let shared = match shared.and_then(OsStr::to_str) {
            Some(shared) => format!("{shared},{entry}"),
            None => entry,
        };
        Ok(self.preserved_fds(descriptor.into_iter().collect()).env(VARIABLE, shared))
    }
}

impl Manager {
    /// The manager that this process was started with by [`CommandExt::share`].
    ///
    /// The descriptor stays open and is inherited on, with the environment variable that names
    /// it: programs that this one starts find the manager too.
    pub fn inherited() -> Result<Self> {
        Self::inherited_as("")
    }

    /// The manager that this process was started with under that name.
    pub fn inherited_as(name: &str) -> Result<Self> {
        let nothing = |reason: String| Error::NothingInherited { reason };
        let all = std::env::var(VARIABLE).map_err(|error| nothing(format!("{VARIABLE}: {error}")))?;
        let entry =
            all.split(',').find_map(|entry| entry.split_once('=').filter(|(found, _)| *found == name));
        let (_, entry) = entry.ok_or_else(|| nothing(format!("{VARIABLE} has no manager named {name:?}")))?;
        let (source, id) =
            parse(entry).ok_or_else(|| nothing(format!("{VARIABLE} is damaged: {entry:?}")))?;
        let manager = match source {
            Source::Name(name) => Self::builder().name(name).attach()?,
            Source::Descriptor(number) => {
                let descriptor =
                    open(number).map_err(|error| nothing(format!("descriptor {number}: {error}")))?;
                match Self::attach(descriptor) {
                    Err(Error::Arena(error @ sharevar_arena::Error::NotAnArena { .. })) => {
                        return Err(nothing(format!("descriptor {number}: {error}")));
                    }
                    manager => manager?,
                }
            }
        };
        // Something between the parent and here may have closed it and opened another arena, or
        // removed it and made another.
        if manager.id() != id {
            return Err(nothing(format!("{entry:?} leads to the arena {:032x} by now", manager.id())));
        }
        Ok(manager)
    }
}

/// By which a child finds a manager.
enum Source<'a> {
    Name(&'a str),
    Descriptor(u32),
}

fn parse(entry: &str) -> Option<(Source<'_>, u128)> {
    let (source, id) = entry.split_once(':')?;
    let source = match source.strip_prefix('@') {
        Some(name) => Source::Name(name),
        None => Source::Descriptor(source.parse().ok()?),
    };
    Some((source, u128::from_str_radix(id, 16).ok()?))
}

/// A descriptor of its own for what descriptor `number` of this process leads to.
fn open(number: u32) -> std::io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{number}");
    // Looked at before it is opened: by now the number may lead to a terminal or a pipe.
    let kind = std::fs::metadata(&path)?.file_type();
    if !kind.is_file() {
        let what = if kind.is_fifo() || kind.is_socket() { "a pipe or socket" } else { "no file" };
        return Err(std::io::Error::other(format!("leads to {what}")));
    }
    Ok(std::fs::OpenOptions::new().read(true).write(true).open(path)?.into())
}
