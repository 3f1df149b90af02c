//! What a worker's thread does.

use super::guest::{Entrance, Guest};
use super::{Caller, FIRST_GUEST, GUEST_EVENTS, LISTENER, STOP, STRANGERS, Served, Server, Service};
use crate::error::Result;
use crate::stream::Stream;
use crate::wait::Limits;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionbio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often somebody looks after strangers and absent clients.
const ROUND: Duration = Duration::from_millis(250);
/// How long a worker stays with a connection that he has served.
const LINGER: Duration = Duration::from_millis(10);
/// How many may do so at a time.
const LINGERING: usize = 64;
/// How many workers wait for events; more go home.
const WAITING: usize = 4;
/// How many are let in at a time.
const ACCEPTED: usize = 64;

/// What becomes of a guest that a worker has seen to.
enum Fate {
    Stays,
    Leaves,
    Foreign,
}

impl<S: Service> Server<S> {
    /// Serves until the server is stopped, or until there are more workers than are needed.
    pub fn work(self: &Arc<Self>) {
        let mut event = Vec::with_capacity(1);
        let timeout = Timespec::try_from(ROUND).ok();
        loop {
            if self.waiting.fetch_add(1, Ordering::SeqCst) >= WAITING {
                self.waiting.fetch_sub(1, Ordering::SeqCst);
                return;
            }
            event.clear();
            let waited = epoll::wait(&self.epoll, spare_capacity(&mut event), timeout.as_ref());
            let left = self.waiting.fetch_sub(1, Ordering::SeqCst) - 1;
            if self.is_stopped() {
                return;
            }
            if let Ok(1..) = waited {
                let number = event[0].data.u64();
                if left == 0 && self.service.another_worker(self).is_err() {
                    // Out of threads: this one serves alone until others come back.
                }
                match number {
                    LISTENER => self.let_in(),
                    STOP => return,
                    number => self.see_to(number),
                }
            }
            self.make_round();
        }
    }

    /// One of the workers, now and then.
    fn make_round(&self) {
        let now = self.born.elapsed().as_millis() as u64;
        let due = self.next_round.load(Ordering::Relaxed);
        let next = now + ROUND.as_millis() as u64;
        if now < due
            || self.next_round.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        self.clean_up();
        if self.paused.swap(false, Ordering::SeqCst) {
            self.listen_on();
        }
    }

    fn let_in(&self) {
        for _ in 0..ACCEPTED {
            match self.listener.accept() {
                Ok(socket) => {
                    // Who cannot be greeted is gone already.
                    let _ = self.receive(socket);
                }
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => {
                    // No descriptors left. Looked at again with the next round; until then those
                    // who are connected are served.
                    self.paused.store(true, Ordering::SeqCst);
                    return;
                }
                // Nobody waits, or who did has left.
                Err(_) => break,
            }
        }
        if self.guests().by_number.len() > STRANGERS {
            self.clean_up();
        }
        self.listen_on();
    }

    fn listen_on(&self) {
        let events = EventFlags::IN | EventFlags::ONESHOT;
        // It fails only for a descriptor that is not ours any more.
        let _ = epoll::modify(&self.epoll, &self.listener, EventData::new_u64(LISTENER), events);
    }

    /// Takes the guest that an event is about, and gives it back, closes it or hands it over.
    fn see_to(self: &Arc<Self>, number: u64) {
        debug_assert!(number >= FIRST_GUEST);
        let Some(mut guest) = self.guests().by_number.get_mut(&number).and_then(Option::take) else { return };
        match self.attend(&mut guest) {
            Ok(Fate::Stays) if !self.is_stopped() => self.give_back(number, guest),
            Ok(Fate::Foreign) => {
                self.depart(number);
                self.hand_over(*guest);
            }
            Ok(_) | Err(_) => {
                self.depart(number);
                let session = guest.session();
                // The other side learns it before what it held is released.
                drop(guest);
                if let Some(session) = session
                    && self.lock_sessions().leave(session, self.is_local())
                {
                    self.end(session);
                }
            }
        }
    }

    fn depart(&self, number: u64) {
        self.guests().by_number.remove(&number);
        if self.is_stopped() {
            self.departed.notify_all();
        }
    }

    fn give_back(&self, number: u64, mut guest: Box<Guest>) {
        guest.wire.reader.rest();
        let mut guests = self.guests();
        if self.is_stopped() {
            // Those in their places were dropped already.
            guests.by_number.remove(&number);
            self.departed.notify_all();
            return;
        }
        if let Some(place) = guests.by_number.get_mut(&number) {
            let guest = place.insert(guest);
            // Watched again once it is back in its place, where the next worker looks for it.
            let _ = epoll::modify(&self.epoll, &guest.wire.stream, EventData::new_u64(number), GUEST_EVENTS);
        }
    }

    fn hand_over(&self, guest: Guest) {
        let Some((Stream::Plain(socket), greeting)) = guest.into_foreign() else { return };
        let given_up = epoll::delete(&self.epoll, &socket).and_then(|()| ioctl_fionbio(&socket, false));
        if given_up.is_ok() {
            self.service.foreign(socket.into_inner(), &greeting);
        }
    }

    fn attend(&self, guest: &mut Guest) -> Result<Fate> {
        if guest.session().is_none() {
            match guest.admit(&self.settings.key, self.life, |session| self.enter(session)) {
                Entrance::NotYet => return Ok(Fate::Stays),
                Entrance::Foreign => return Ok(Fate::Foreign),
                Entrance::Turned => return Ok(Fate::Leaves),
                Entrance::Admitted => {}
            }
        }
        if !guest.read(self.settings.max_frame)? {
            return Ok(Fate::Stays);
        }
        let mut reply = Vec::new();
        loop {
            if !self.serve(guest, &mut reply)? {
                return Ok(Fate::Leaves);
            }
            // Once it is stopped it closes connections, and begins nothing that comes in on them.
            if !self.await_next(guest)? || self.is_stopped() {
                return Ok(Fate::Stays);
            }
        }
    }

    /// Serves the message that is there: whether the guest may stay.
    fn serve(&self, guest: &mut Guest, reply: &mut Vec<u8>) -> Result<bool> {
        let Some(session) = guest.session() else { return Ok(false) };
        reply.clear();
        let caller = Caller { session, stream: &guest.wire.stream };
        let served = self.service.serve(&caller, guest.wire.message(), reply);
        match served {
            Served::Reply => {
                guest.wire.release();
                guest.wire.send(reply, self.settings.max_frame, &mut Limits::default())?;
            }
            Served::Silent => guest.wire.consume(),
            Served::Close => return Ok(false),
        }
        if reply.capacity() > LARGE {
            *reply = Vec::new();
        }
        Ok(true)
    }

    /// Waits a little for the next message: whether it is there.
    fn await_next(&self, guest: &mut Guest) -> Result<bool> {
        if self.is_stopped() || guest.look(self.settings.max_frame)? {
            return Ok(true);
        }
        if self.lingering.fetch_add(1, Ordering::Relaxed) >= LINGERING {
            self.lingering.fetch_sub(1, Ordering::Relaxed);
            return Ok(false);
        }
        let begin = Instant::now();
        let mut fds = [
            PollFd::new(&guest.wire.stream, PollFlags::IN | PollFlags::RDHUP),
            PollFd::new(&self.stop, PollFlags::IN),
        ];
        let waited = poll(&mut fds, Timespec::try_from(LINGER).ok().as_ref());
        self.lingering.fetch_sub(1, Ordering::Relaxed);
        if !matches!(waited, Ok(1..)) || self.is_stopped() {
            return Ok(false);
        }
        guest.wire.learn(begin.elapsed());
        guest.read(self.settings.max_frame)
    }
}

/// A reply's buffer that has grown beyond this is given back.
const LARGE: usize = 1 << 20;
