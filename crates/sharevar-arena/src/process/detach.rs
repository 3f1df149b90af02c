//! Detaching: the end of a participant, in order or played as a death.

use crate::mapping::layout::slot;
use crate::process::attachment::{IDENTITY, LANES};
use crate::process::identity::{Claim, State};
use crate::process::participant::Participant;
use crate::process::token::Token;
use crate::proof::crash::{compare_exchange, put};
use crate::sync::Ordering;
use crate::transactions::lane::Lane;

impl Participant {
    /// Plays the death of this participant: its witnesses go, everything else stays as it is. For
    /// tests; the object must not be used any more.
    pub fn abandon(&self) {
        self.attachment().die();
        self.attachment().page.word(IDENTITY).store(0, Ordering::Release);
        self.attachment().page.word(LANES).store(0, Ordering::Release);
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        let me = self.identity();
        if me.is_none() {
            // Abandoned, or in a process that this participant is no part of.
            self.attachment().forget_byte();
            return;
        }
        // Should anything fail here, the next one to come finds a dead participant and cleans up.
        if self.settle_at_exit().and_then(|()| self.drop_all()).and_then(|()| self.reap()).is_err() {
            self.attachment().die();
            return;
        }
        for index in 0..self.arena().lanes() {
            let lane = Lane::new(self.arena(), index);
            for state in [State::Idle, State::Apart] {
                let _ = compare_exchange(lane.state(), Claim::new(state, me).0, Claim::FREE.0);
            }
        }
        // The token after the state: until it is gone no other participant takes the slot.
        put(self.attachment().slot_word(slot::STATE), Claim::FREE.0);
        put(self.attachment().slot_word(slot::TOKEN), Token::FREE.0);
    }
}
