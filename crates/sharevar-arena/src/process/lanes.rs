//! The lanes of a participant's threads.

use crate::error::{Error, Result};
use crate::mapping::layout::lane as lane_layout;
use crate::process::attachment::{Attachment, FIRST_LANE, LANES, MAX_OWN_LANES, ONE_AT_A_TIME};
use crate::process::identity::{Claim, Identity, State};
use crate::process::liveness;
use crate::proof::crash::{compare_exchange, put};
use crate::sync::{AtomicU64, Ordering};
use crate::transactions::lane::Lane;
use crate::transactions::undo;

impl Attachment {
    /// Takes a lane for this thread.
    #[inline(always)]
    pub(crate) fn enter(&self) -> Result<Lane<'_>> {
        let me = self.identity();
        let (idle, running) = (Claim::new(State::Idle, me), Claim::new(State::Running, me));
        let first = self.page.word(ONE_AT_A_TIME).load(Ordering::Relaxed);
        for number in first..self.page.word(LANES).load(Ordering::Relaxed).min(MAX_OWN_LANES) {
            let index = self.page.word(FIRST_LANE + number as usize).load(Ordering::Relaxed);
            if index == 0 {
                continue;
            }
            let lane = Lane::new(self.arena(), index as u32 - 1);
            if compare_exchange(lane.state(), idle.0, running.0).is_ok() {
                return Ok(lane);
            }
        }
        self.enter_new(me)
    }

    /// The first of this participant's lanes, if it is idle: what a single thread always finds.
    /// With it what stands in locks that it owns, and the state to leave it in.
    #[inline(always)]
    pub(crate) fn enter_first(&self) -> Option<(&[AtomicU64; 16], u32, u64)> {
        let index = self.page.word(FIRST_LANE).load(Ordering::Relaxed);
        if index == 0 {
            return None;
        }
        let words = self.arena().table_line::<16>(lane_layout::START + (index - 1) * lane_layout::SIZE);
        let me = self.identity();
        let (idle, running) = (Claim::new(State::Idle, me).0, Claim::new(State::Running, me).0);
        let state = &words[lane_layout::STATE as usize / 8];
        if self.page.word(ONE_AT_A_TIME).load(Ordering::Relaxed) == 0 {
            return compare_exchange(state, idle, running).ok().map(|_| (words, index as u32, idle));
        }
        // No other thread can be here, so there is nothing to exchange: a third of the price.
        let apart = Claim::new(State::Apart, me).0;
        if state.load(Ordering::Relaxed) != apart {
            // It was used otherwise before, or by others.
            return compare_exchange(state, idle, running).ok().map(|_| (words, index as u32, apart));
        }
        put(state, running);
        Some((words, index as u32, apart))
    }

    #[cold]
    fn enter_new(&self, me: Identity) -> Result<Lane<'_>> {
        if me.is_none() {
            return Err(self.why_not_attached());
        }
        let (idle, running) = (Claim::new(State::Idle, me).0, Claim::new(State::Running, me).0);
        // `enter` never finds the first lane again where that is for the fast paths, so that each
        // operation would come here.
        let apart = match self.page.word(ONE_AT_A_TIME).load(Ordering::Relaxed) {
            0 => 0,
            _ => self.page.word(FIRST_LANE).load(Ordering::Relaxed),
        };
        loop {
            let lanes = self.arena().lanes();
            for index in 0..lanes {
                if u64::from(index) + 1 == apart {
                    continue;
                }
                let lane = Lane::new(self.arena(), index);
                let seen = lane.state().load(Ordering::Relaxed);
                // One of this participant's own may be in no list, when it has many.
                if (seen == Claim::FREE.0 || seen == idle)
                    && compare_exchange(lane.state(), seen, running).is_ok()
                {
                    return Ok(self.list_lane(lane));
                }
            }
            if lanes == self.arena().regions.lanes {
                return self.take_lane_over(me);
            }
            self.arena().populate_lanes((lanes + 2).min(self.arena().regions.lanes))?;
        }
    }

    /// A lane of another, when there is no room for more: of one that lives and does not use it
    /// just now, or of a dead one.
    fn take_lane_over(&self, me: Identity) -> Result<Lane<'_>> {
        let running = Claim::new(State::Running, me).0;
        let take = |lane: Lane<'_>, from: Claim| compare_exchange(lane.state(), from.0, running).is_ok();
        let lanes = || (0..self.arena().lanes()).map(|index| Lane::new(self.arena(), index));
        let seen = |lane: Lane<'_>| Claim(lane.state().load(Ordering::Acquire));
        for lane in lanes() {
            let seen = seen(lane);
            if matches!(seen.state(), Some(State::Free | State::Idle)) && take(lane, seen) {
                return Ok(self.list_lane(lane));
            }
        }
        for lane in lanes() {
            let seen = seen(lane);
            if seen.by() == me || liveness::is_alive(self.arena(), seen.by()) {
                continue;
            }
            let from = match seen.state() {
                Some(State::Running | State::Recovering) => {
                    undo::release_locks_of(lane, me, seen);
                    Claim::FREE
                }
                Some(State::Apart) => seen,
                _ => continue,
            };
            if take(lane, from) {
                return Ok(self.list_lane(lane));
            }
        }
        Err(Error::TooManyLanes { limit: self.arena().regions.lanes })
    }

    /// Puts a lane that is running for this participant into its list, if there is room, and
    /// takes those out that others have taken over.
    fn list_lane<'a>(&self, lane: Lane<'a>) -> Lane<'a> {
        put(lane.thread(), rustix::thread::gettid().as_raw_nonzero().get() as u64);
        let mut listed = false;
        for number in 0..self.page.word(LANES).load(Ordering::Relaxed).min(MAX_OWN_LANES) {
            let place = self.page.word(FIRST_LANE + number as usize);
            let mut there = place.load(Ordering::Relaxed);
            if there != 0 && there != u64::from(lane.index) + 1 {
                let other = Lane::new(self.arena(), there as u32 - 1);
                let by = Claim(other.state().load(Ordering::Relaxed)).by();
                if by == self.identity()
                    || place.compare_exchange(there, 0, Ordering::AcqRel, Ordering::Relaxed).is_err()
                {
                    continue;
                }
                there = 0;
            }
            listed |= there != 0;
            if !listed {
                let taken =
                    place.compare_exchange(0, u64::from(lane.index) + 1, Ordering::AcqRel, Ordering::Relaxed);
                listed = taken.is_ok();
            }
        }
        if listed {
            return lane;
        }
        let number = self.page.word(LANES).load(Ordering::Relaxed);
        if number < MAX_OWN_LANES {
            let number = self.page.word(LANES).fetch_add(1, Ordering::Relaxed);
            if number < MAX_OWN_LANES {
                let place = self.page.word(FIRST_LANE + number as usize);
                place.store(u64::from(lane.index) + 1, Ordering::Release);
            }
        }
        lane
    }

    /// Gives back the lane of [`Self::enter`].
    #[inline(always)]
    pub(crate) fn leave(&self, lane: Lane<'_>) {
        put(lane.state(), Claim::new(State::Idle, self.identity()).0);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::process::participant::{Participant, VariableOps};
    use crate::sync::Ordering;

    const NONE: VariableOps = VariableOps {
        reap: |_, _, _| Ok(true),
        settle_at_exit: |_, _, _| Ok(()),
        trace: |_, _, _, _| Ok(()),
    };

    #[test]
    fn an_operation_beside_the_fast_paths_finds_its_lane_again() {
        let participant = Participant::create_arena(Some(1 << 20), NONE).unwrap();
        participant.assume_one_at_a_time();
        let mut used = Vec::new();
        for _ in 0..4 {
            let lane = participant.enter().unwrap();
            // Set by the long way alone, which lists a lane.
            used.push((lane.index, lane.thread().swap(0, Ordering::Relaxed) != 0));
            participant.leave(lane);
        }
        assert_eq!(used[2..], [(used[1].0, false); 2], "{used:?}");
    }
}
