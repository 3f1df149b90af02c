//! Looks at the managers of this user on this machine, one after the other.

use super::attachment::Attachment;
use super::picture::{Inside, ManagerRow, ManagerState, Picture};
use super::rows::Part;
use super::source::{INSIDES, Source, Wanted};
use crate::exit::Result;
use crate::named::Looking;
use rustix::time::{ClockId, clock_gettime};
use sharevar::{Error, FoundManager, Lifetime, Manager, ManagerInfo, RendezvousError};
use std::collections::HashMap;
use std::time::Duration;

/// Looking may take this share of a processor.
const SHARE: u32 = 150;

/// A look at all managers, and the next, and the next.
#[derive(Debug)]
pub(crate) struct Machine {
    attached: HashMap<String, Attachment>,
    /// Processor time of the last look.
    cost: Duration,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self { attached: HashMap::new(), cost: Duration::ZERO }
    }
}

impl Source for Machine {
    fn check(&mut self, manager: &str) -> Result<()> {
        Looking::at(manager).map(drop)
    }

    fn pause(&self, interval: Duration) -> Duration {
        interval.max(self.cost * SHARE)
    }

    fn look(&mut self, wanted: Wanted<'_>) -> Result<Picture> {
        let start = processor_time();
        let mut picture = Picture::default();
        let mut earlier = std::mem::take(&mut self.attached);
        for (found, info) in Manager::find_all_with_info()? {
            let mut info = info.map_err(|error| error.to_string());
            let is_wanted = match wanted {
                Wanted::All => picture.insides.len() < INSIDES,
                Wanted::One(name) => name == found.name,
                Wanted::First => picture.insides.is_empty(),
            };
            if let Ok(known) = &info {
                // An attachment would keep it when the others have gone.
                if known.participants.is_empty() && found.lifetime == Lifetime::WhileUsed {
                    continue;
                }
                if is_wanted {
                    match inside(&found, known, earlier.remove(&found.name)) {
                        Ok((attachment, inside)) => {
                            self.attached.insert(found.name.clone(), attachment);
                            picture.insides.push(inside);
                        }
                        Err(error) if has_gone(&error) => continue,
                        Err(error) => info = Err(error.to_string()),
                    }
                }
            }
            let state = ManagerState::Here { id: found.id, lifetime: found.lifetime, info };
            picture.managers.push(ManagerRow { name: found.name, state });
        }
        self.cost = processor_time().saturating_sub(start);
        Ok(picture)
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Variables, Part::Locks, Part::Processes, Part::Memory]
    }
}

fn inside(
    found: &FoundManager,
    info: &ManagerInfo,
    earlier: Option<Attachment>,
) -> std::result::Result<(Attachment, Inside), Error> {
    let same = earlier.filter(|attachment| attachment.id() == found.id);
    let mut attachment = same.map_or_else(|| Attachment::new(&found.name), Ok)?;
    let inside = match attachment.look(info) {
        Err(error) if error.is_of_unlocked_read() => {
            attachment.repair()?;
            attachment.look(info)?
        }
        looked => looked?,
    };
    Ok((attachment, inside))
}

/// Whether a manager went while it was looked at.
fn has_gone(error: &Error) -> bool {
    matches!(error, Error::Closed | Error::Rendezvous(RendezvousError::NoSuchManager { .. }))
}

/// The processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
