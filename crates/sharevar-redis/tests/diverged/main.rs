//! Two servers whose histories have parted: a primary that was cut off has changes that its successor lacks,
//! and the same counts stand for different contents. A count of one history decides nothing in the other.

mod ends;
mod events;
mod handles;
mod rwlocks;
mod stamps;
mod tokens;
mod undoing;
mod units;

use sharevar::engine::{Backed, Cell, Content, Handle};
use sharevar::shm::RawValue;
use sharevar::{Kind, Manager};
use sharevar_redis::testing::{Detained, Program, Proxy, Server, await_that};
use sharevar_value::{Encoded, Word};

/// A primary and its replica, and an address that leads to the one, and then to the other.
pub(crate) struct Pair {
    /// It ends before the servers, which it tells.
    pub(crate) client: Manager,
    pub(crate) proxy: Proxy,
    pub(crate) old: Server,
    pub(crate) new: Server,
}

/// Nothing is sent by itself while a test counts answers.
fn connect(proxy: &Proxy, options: &str) -> Manager {
    let usual = if options.is_empty() { "&durability=fast&timeout=20" } else { options };
    Manager::connect(&format!("{}&lease=1000{usual}", proxy.address("shop"))).unwrap()
}

pub(crate) fn pairs() -> impl Iterator<Item = Pair> {
    sharevar_redis::register();
    Program::tested().filter_map(|program| {
        let (old, new) = (program.start()?, program.start()?);
        new.follow(&old);
        let proxy = Proxy::to(old.port());
        let client = connect(&proxy, "");
        Some(Pair { client, proxy, old, new })
    })
}

impl Pair {
    /// Another client, of the server at the address.
    pub(crate) fn other(&self) -> Manager {
        self.other_with("")
    }

    /// The same, with options beside the usual ones.
    pub(crate) fn other_with(&self, options: &str) -> Manager {
        connect(&self.proxy, options)
    }

    /// The replica has all changes until now, and none of the later ones.
    pub(crate) fn part(&self) {
        await_that("all changes on the replica", || self.old.offset() == self.new.offset());
        self.new.promote();
    }

    /// From now on ends that are told later wait on their way, and so do undoings.
    pub(crate) fn detain_ends(&self) -> Detained {
        self.proxy.count_only("$4\r\nundo\r");
        self.proxy.detain_requests("nothing such")
    }

    /// The old server follows the new one, to which clients are led.
    pub(crate) fn turn_over(&self) {
        // None is to find the old server as a replica.
        self.proxy.cut(true);
        self.old.follow(&self.new);
        self.fail_over();
        self.proxy.cut(false);
    }

    /// From now on clients find the new server.
    pub(crate) fn fail_over(&self) {
        self.proxy.lead_to(self.new.port());
    }
}

pub(crate) fn int(number: i64) -> Encoded {
    Encoded::Word(Word::from_int(number).unwrap())
}

pub(crate) fn number(content: Option<Content>) -> i64 {
    match content {
        Some(Content::Word(word)) => word.as_int().unwrap(),
        other => panic!("{other:?} is no number"),
    }
}

pub(crate) fn cell(handle: Handle) -> Backed<RawValue, dyn Cell> {
    Backed::<RawValue, dyn Cell>::open(handle, Kind::Value).unwrap()
}
