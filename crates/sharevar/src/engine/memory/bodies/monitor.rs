//! Attributes, and the thread that is in a method.

use super::map::MapBody;

/// A monitor.
#[derive(Debug, Default)]
pub(crate) struct MonitorBody {
    pub(crate) attributes: MapBody,
    inside: Option<Entrance>,
}

/// A thread that enters, once, by the number that its client has for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entrance {
    pub(crate) client: u64,
    pub(crate) number: u64,
}

impl MonitorBody {
    /// Lets a thread in. Returns whether it is inside, since now or before.
    pub(crate) fn enter(&mut self, entrance: Entrance) -> bool {
        *self.inside.get_or_insert(entrance) == entrance
    }

    pub(crate) fn is_inside(&self, entrance: Entrance) -> bool {
        self.inside == Some(entrance)
    }

    /// Lets others in. Returns whether the thread was inside.
    pub(crate) fn leave(&mut self, entrance: Entrance) -> bool {
        self.inside.take_if(|inside| *inside == entrance).is_some()
    }

    /// The lease of a client has ended.
    pub(crate) fn end(&mut self, client: u64) {
        self.inside.take_if(|inside| inside.client == client);
    }
}
