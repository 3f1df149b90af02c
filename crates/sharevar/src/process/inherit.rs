//! Managers that a child program gets from its parent.

use crate::error::{Error, Result};
use crate::manager::Manager;
use command_fds::CommandFdExt;
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::process::Command;

/// The environment variable with the places of a child's managers: `name=descriptor:identity`, or
/// `name=@manager:identity` for one that has a name, separated by commas.
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
            // The child has it under the same number, which is taken by the descriptor here.
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
        let (locator, id) =
            parse(entry).ok_or_else(|| nothing(format!("{VARIABLE} is damaged: {entry:?}")))?;
        let manager = match locator {
            Locator::Name(name) => Self::builder().name(name).attach()?,
            Locator::Descriptor(number) => {
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
        // A program between the parent and this one may have closed the descriptor and opened another
        // arena, or removed the manager and made another.
        if manager.id() != id {
            return Err(nothing(format!("{entry:?} leads to the arena {:032x} by now", manager.id())));
        }
        Ok(manager)
    }
}

/// The means by which a child finds a manager.
enum Locator<'a> {
    Name(&'a str),
    Descriptor(u32),
}

fn parse(entry: &str) -> Option<(Locator<'_>, u128)> {
    let (locator, id) = entry.split_once(':')?;
    let locator = match locator.strip_prefix('@') {
        Some(name) => Locator::Name(name),
        None => Locator::Descriptor(locator.parse().ok()?),
    };
    Some((locator, u128::from_str_radix(id, 16).ok()?))
}

/// Opens a further descriptor of the file behind descriptor `number` of this process.
fn open(number: u32) -> std::io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{number}");
    // Checked before it is opened, since the number may lead to a terminal or a pipe by now.
    let kind = std::fs::metadata(&path)?.file_type();
    if !kind.is_file() {
        let what = if kind.is_fifo() || kind.is_socket() { "a pipe or socket" } else { "no file" };
        return Err(std::io::Error::other(format!("leads to {what}")));
    }
    Ok(std::fs::OpenOptions::new().read(true).write(true).open(path)?.into())
}
