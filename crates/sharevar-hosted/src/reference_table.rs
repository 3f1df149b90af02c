//! The references of this process on the objects of a host, and what the host knows of them.

use sharevar_os::process_epoch;
use sharevar_transport::PooledConnection;
use std::collections::HashMap;

/// How many proxies there are of each object, and the lives of the host that know of them.
///
/// A host counts references; it needs one of each object for all proxies here. A host that is
/// started in a dead one's place, another life of it, knows only of those that it is told of. So
/// each reference is noted with the life that has counted it, as soon as a reply says that it was;
/// the second of one object in one life is given back. By that it does not matter who asks at the
/// same time for the same, what is dropped meanwhile, and how late a reply is read.
#[derive(Debug)]
pub struct ReferenceTable {
    /// The process that has them. A forked child has a copy only.
    process: u64,
    objects: HashMap<u64, Proxies>,
    /// The life that knows of all objects; none if one may lack some.
    known_in: Option<u128>,
    /// Whether there has been a life before. If not, the host waits for no news from here.
    has_met: bool,
    telling: Telling,
}

impl Default for ReferenceTable {
    fn default() -> Self {
        Self {
            process: process_epoch(),
            objects: HashMap::new(),
            known_in: None,
            has_met: false,
            telling: Telling::default(),
        }
    }
}

/// The proxies of one object.
#[derive(Debug)]
struct Proxies {
    count: u32,
    /// The lives that have counted a reference; none is 0. Two, since the reply of a life may be
    /// read when the next has been told of the object already.
    lives: [u128; 2],
}

/// Whether a host that has come is being told. Nobody waits for who does it: until it has heard
/// what this process holds, it keeps all that the one before it had.
#[derive(Debug, Default)]
enum Telling {
    #[default]
    Nobody,
    /// A thread tells that life.
    Somebody(u128),
    /// Who did had no more time.
    SetAside(Announcement),
}

/// What a host is told first of all, on its way.
#[derive(Debug)]
pub(super) struct Announcement {
    pub connection: PooledConnection,
    pub numbers: Vec<u64>,
}

/// What is to be done first with a connection.
#[derive(Debug)]
pub(super) enum BeforeRequest {
    Nothing,
    /// Tell the host of these objects, even if there are none: it waits to hear it.
    Tell(Vec<u64>),
    /// Wait until it has heard it. Without an answer it would not be known what it has counted.
    Finish(Announcement),
}

impl Proxies {
    fn are_known_in(&self, life: u128) -> bool {
        self.lives.contains(&life)
    }

    fn note(&mut self, life: u128) {
        self.lives = [life, self.lives[0]];
    }
}

impl ReferenceTable {
    /// Lets go of all in a forked child: the references are its parent's.
    #[inline]
    pub(super) fn begin_anew_in_child(&mut self) {
        if self.process != process_epoch() {
            *self = Self::default();
        }
    }

    /// The objects that there are proxies of.
    pub fn numbers(&self) -> Vec<u64> {
        self.objects.keys().copied().collect()
    }

    /// One proxy more of what is held: whether it is.
    pub fn add(&mut self, object: u64) -> bool {
        self.objects.get_mut(&object).map(|proxies| proxies.count += 1).is_some()
    }

    /// One proxy more of all that is held.
    pub fn add_to_all(&mut self) -> Vec<u64> {
        self.objects.values_mut().for_each(|proxies| proxies.count += 1);
        self.numbers()
    }

    /// One proxy more, with a reference that `life` has counted: whether it is one too many.
    pub fn receive(&mut self, object: u64, life: u128) -> bool {
        let proxies = self.objects.entry(object).or_insert(Proxies { count: 0, lives: [0; 2] });
        proxies.count += 1;
        if proxies.are_known_in(life) {
            return true;
        }
        proxies.note(life);
        self.known_in = self.known_in.filter(|life| proxies.are_known_in(*life));
        false
    }

    /// One proxy less. If it was the last, the lives that have counted a reference.
    pub fn remove(&mut self, object: u64) -> Option<[u128; 2]> {
        let proxies = self.objects.get_mut(&object)?;
        proxies.count -= 1;
        let lives = proxies.lives;
        if proxies.count > 0 {
            return None;
        }
        self.objects.remove(&object);
        Some(lives)
    }

    /// Whether there is something to be done first with a connection to `life`.
    pub fn is_news_to(&self, life: u128) -> bool {
        self.has_met
            && self.known_in != Some(life)
            && !matches!(self.telling, Telling::Somebody(told) if told == life)
    }

    /// The same: what it is, and is done by the caller from now on.
    pub(super) fn first(&mut self, life: u128) -> BeforeRequest {
        if !self.is_news_to(life) {
            if !self.has_met {
                self.has_met = true;
                self.known_in = Some(life);
            }
            return BeforeRequest::Nothing;
        }
        match std::mem::replace(&mut self.telling, Telling::Somebody(life)) {
            Telling::SetAside(news) if news.connection.incarnation() == life => BeforeRequest::Finish(news),
            _ => BeforeRequest::Tell(
                self.objects
                    .iter()
                    .filter(|(_, proxies)| !proxies.are_known_in(life))
                    .map(|(number, _)| *number)
                    .collect(),
            ),
        }
    }

    /// A host was told of objects, of some of which it has counted a reference; the others have
    /// not come back. The references that are too many: another was counted meanwhile, or the last
    /// proxy has gone.
    pub(super) fn note_told(&mut self, life: u128, told: &[(u64, bool)]) -> Vec<u64> {
        self.note_untold(life);
        let mut too_many = Vec::new();
        for (number, is_counted) in told {
            match self.objects.get_mut(number) {
                // Those that have not come back are found so when they are called.
                Some(proxies) if !proxies.are_known_in(life) => proxies.note(life),
                _ if *is_counted => too_many.push(*number),
                _ => {}
            }
        }
        if self.objects.values().all(|proxies| proxies.are_known_in(life)) {
            self.known_in = Some(life);
        }
        too_many
    }

    /// Nobody tells that life any more.
    pub(super) fn note_untold(&mut self, life: u128) {
        if matches!(self.telling, Telling::Somebody(told) if told == life) {
            self.telling = Telling::Nobody;
        }
    }

    /// Leaves it to whoever comes next to wait until a host has heard the news.
    pub(super) fn set_aside(&mut self, news: Announcement) {
        // If somebody has met another life meanwhile, that one is told.
        if matches!(self.telling, Telling::Somebody(told) if told == news.connection.incarnation()) {
            self.telling = Telling::SetAside(news);
        }
    }
}
