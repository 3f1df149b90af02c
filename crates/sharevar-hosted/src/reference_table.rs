//! The references of this process on the objects of a host, and which of them the host knows.

use sharevar_os::process_epoch;
use sharevar_transport::PooledConnection;
use std::collections::HashMap;

/// The number of proxies of each object, and the incarnations of the host that have counted them.
///
/// A host counts references; it needs one of each object for all proxies in this process. A host
/// that is started in the place of a dead one, its next incarnation, knows only the references that
/// are announced to it. So each reference is noted with the incarnation that has counted it, as soon
/// as a reply says that it was; the second of one object in one incarnation is released. So the
/// table is right whatever other threads retain and drop meanwhile, and however late a reply is read.
#[derive(Debug)]
pub struct ReferenceTable {
    /// The process that has the references. A forked child has a copy only.
    process: u64,
    objects: HashMap<u64, Proxies>,
    /// References that the next message releases.
    released: Vec<(u64, Incarnations)>,
    /// The incarnation that knows all objects; `None` if it may lack some.
    complete_in: Option<u128>,
    /// Whether there has been a host. The first one waits for no announcement.
    has_connected: bool,
    announcing: Announcing,
}

/// Two incarnations that have counted a reference, or 0 in the place of one. The reply of one may be
/// read when the object was announced to the next one already.
type Incarnations = [u128; 2];

impl Default for ReferenceTable {
    fn default() -> Self {
        Self {
            process: process_epoch(),
            objects: HashMap::new(),
            released: Vec::new(),
            complete_in: None,
            has_connected: false,
            announcing: Announcing::default(),
        }
    }
}

/// The proxies of one object.
#[derive(Debug, Default)]
struct Proxies {
    count: u32,
    incarnations: Incarnations,
}

/// The announcement to a new incarnation. Other threads do not wait for it: until it has come, the
/// host keeps all objects of the one before.
#[derive(Debug, Default)]
enum Announcing {
    #[default]
    No,
    /// A thread makes the announcement to this incarnation.
    To(u128),
    /// The thread that made it had no time left.
    Deferred(Box<Announcement>),
}

/// The announcement that is the first request to an incarnation.
#[derive(Debug)]
pub(super) struct Announcement {
    pub connection: PooledConnection,
    pub numbers: Vec<u64>,
}

/// The first step on a connection, before a request.
#[derive(Debug)]
pub(super) enum BeforeRequest {
    Nothing,
    /// Announce these objects, even if there are none: the host waits for the announcement.
    Announce(Vec<u64>),
    /// Wait for the reply to an announcement, which tells the references that the host has counted.
    Finish(Announcement),
}

impl Proxies {
    fn are_counted_by(&self, incarnation: u128) -> bool {
        self.incarnations.contains(&incarnation)
    }

    fn note(&mut self, incarnation: u128) {
        self.incarnations = [incarnation, self.incarnations[0]];
    }
}

impl ReferenceTable {
    /// Drops the copy that a forked child has: the references are its parent's.
    #[inline]
    pub(super) fn begin_anew_in_child(&mut self) {
        if self.process != process_epoch() {
            *self = Self::default();
        }
    }

    /// The numbers of the objects that have proxies.
    pub fn numbers(&self) -> Vec<u64> {
        self.objects.keys().copied().collect()
    }

    /// Adds a proxy of an object that has some, and returns whether it has.
    pub fn add(&mut self, object: u64) -> bool {
        self.objects.get_mut(&object).map(|proxies| proxies.count += 1).is_some()
    }

    /// Adds a proxy of each object.
    pub fn add_to_all(&mut self) -> Vec<u64> {
        self.objects.values_mut().for_each(|proxies| proxies.count += 1);
        self.numbers()
    }

    /// Adds a proxy of an object with a reference that `incarnation` has counted.
    pub(super) fn receive(&mut self, object: u64, incarnation: u128) {
        let proxies = self.objects.entry(object).or_default();
        proxies.count += 1;
        if proxies.are_counted_by(incarnation) {
            self.released.push((object, [incarnation, 0]));
            return;
        }
        proxies.note(incarnation);
        self.complete_in = self.complete_in.filter(|incarnation| proxies.are_counted_by(*incarnation));
    }

    /// Removes a proxy. With the last one the reference is released.
    pub(super) fn remove(&mut self, object: u64) {
        let Some(proxies) = self.objects.get_mut(&object) else { return };
        proxies.count -= 1;
        if proxies.count == 0 {
            self.released.push((object, proxies.incarnations));
            self.objects.remove(&object);
        }
    }

    /// Returns whether there are references to release.
    pub(super) fn has_released(&self) -> bool {
        !self.released.is_empty()
    }

    /// Takes the references to release at `incarnation`. Those that an earlier one has counted have
    /// gone with it.
    pub(super) fn take_released(&mut self, incarnation: u128) -> Vec<u64> {
        let released = std::mem::take(&mut self.released).into_iter();
        released.filter(|(_, counted)| counted.contains(&incarnation)).map(|(object, _)| object).collect()
    }

    /// Puts back references that could not be released.
    pub(super) fn put_back(&mut self, released: Vec<u64>, incarnation: u128) {
        self.released.extend(released.into_iter().map(|object| (object, [incarnation, 0])));
    }

    /// Returns whether a request to `incarnation` must wait for an announcement.
    pub(super) fn must_announce_to(&self, incarnation: u128) -> bool {
        self.has_connected
            && self.complete_in != Some(incarnation)
            && !matches!(self.announcing, Announcing::To(to) if to == incarnation)
    }

    /// Returns the first step on a connection to `incarnation`. The caller takes it.
    pub(super) fn before_request(&mut self, incarnation: u128) -> BeforeRequest {
        if !self.must_announce_to(incarnation) {
            if !self.has_connected {
                self.has_connected = true;
                self.complete_in = Some(incarnation);
            }
            return BeforeRequest::Nothing;
        }
        match std::mem::replace(&mut self.announcing, Announcing::To(incarnation)) {
            Announcing::Deferred(deferred) if deferred.connection.incarnation() == incarnation => {
                BeforeRequest::Finish(*deferred)
            }
            _ => BeforeRequest::Announce(
                self.objects
                    .iter()
                    .filter(|(_, proxies)| !proxies.are_counted_by(incarnation))
                    .map(|(number, _)| *number)
                    .collect(),
            ),
        }
    }

    /// Notes the objects that were announced, and whether the host has counted a reference on each;
    /// the others have not come back. A reference is released that is one too many: another was
    /// counted meanwhile, or the last proxy is gone.
    pub(super) fn note_announced(&mut self, incarnation: u128, announced: &[(u64, bool)]) {
        self.abandon_announcement(incarnation);
        for (number, is_counted) in announced {
            match self.objects.get_mut(number) {
                // A call of an object that has not come back finds that out.
                Some(proxies) if !proxies.are_counted_by(incarnation) => proxies.note(incarnation),
                _ if *is_counted => self.released.push((*number, [incarnation, 0])),
                _ => {}
            }
        }
        if self.objects.values().all(|proxies| proxies.are_counted_by(incarnation)) {
            self.complete_in = Some(incarnation);
        }
    }

    /// Notes that no thread makes the announcement to `incarnation` any more.
    pub(super) fn abandon_announcement(&mut self, incarnation: u128) {
        if matches!(self.announcing, Announcing::To(to) if to == incarnation) {
            self.announcing = Announcing::No;
        }
    }

    /// Leaves the wait for an announcement's reply to the next request.
    pub(super) fn defer(&mut self, announcement: Announcement) {
        // Another thread may have met another incarnation meanwhile, and announces to that one.
        if matches!(self.announcing, Announcing::To(to) if to == announcement.connection.incarnation()) {
            self.announcing = Announcing::Deferred(Box::new(announcement));
        }
    }
}
