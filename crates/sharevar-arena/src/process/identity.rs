//! The holder of a slot or a lane: a state and a participant's identity in one word.
//!
//! ```text
//!  63..61      60..48   47..0
//!  (zero)      slot     incarnation      an identity; 0 is none
//!  state(3)=63..61, slot 60..48, incarnation 47..0     a claim
//! ```
//!
//! The incarnation is given out once per participant of an arena, so an identity
//! never comes again: a compare-and-exchange from a claim that names a dead
//! participant succeeds only while that very claim stands.

/// A participant: its slot and its incarnation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Identity(u64);

const SLOT_SHIFT: u32 = 48;
const STATE_SHIFT: u32 = 61;
const IDENTITY_MASK: u64 = (1 << STATE_SHIFT) - 1;

impl Identity {
    /// The identity of incarnation `incarnation` in `slot`.
    pub(crate) fn new(slot: u32, incarnation: u64) -> Self {
        debug_assert!(incarnation > 0 && incarnation >> SLOT_SHIFT == 0);
        Self(u64::from(slot) << SLOT_SHIFT | incarnation)
    }

    /// The identity in a word of the arena; whatever the word, it is only compared or looked up.
    #[inline(always)]
    pub fn from_word(word: u64) -> Self {
        Self(word & IDENTITY_MASK)
    }

    /// The word to store.
    #[inline(always)]
    pub fn word(self) -> u64 {
        self.0
    }

    /// The slot, which may be beyond the table if the word was damaged.
    pub(crate) fn slot(self) -> u32 {
        (self.0 >> SLOT_SHIFT) as u32
    }

    /// Whether this names no participant.
    #[inline(always)]
    pub fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// The state of a slot or lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u64)]
pub(crate) enum State {
    /// It belongs to no participant.
    Free = 0,
    /// A slot in use, or a lane that belongs to a participant and is in no operation.
    Idle = 1,
    /// A lane inside an operation.
    Running = 2,
    /// The named participant repairs it, its former owner being dead.
    Recovering = 3,
    /// A lane whose locks are released and whose blocks wait to be freed by the next sweep.
    Orphan = 4,
    /// An idle lane that its owner marks as running without asking: no other takes it from a
    /// living one.
    Apart = 5,
}

/// State and identity in one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Claim(pub(crate) u64);

impl Claim {
    pub(crate) const FREE: Self = Self(0);
    pub(crate) const ORPHAN: Self = Self((State::Orphan as u64) << STATE_SHIFT);

    #[inline(always)]
    pub(crate) const fn new(state: State, by: Identity) -> Self {
        Self((state as u64) << STATE_SHIFT | by.0)
    }

    pub(crate) fn state(self) -> Option<State> {
        Some(match self.0 >> STATE_SHIFT {
            0 => State::Free,
            1 => State::Idle,
            2 => State::Running,
            3 => State::Recovering,
            4 => State::Orphan,
            5 => State::Apart,
            _ => return None,
        })
    }

    pub(crate) fn by(self) -> Identity {
        Identity::from_word(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_keeps_state_slot_and_incarnation() {
        let who = Identity::new(4095, (1 << 48) - 1);
        for state in [State::Idle, State::Running, State::Recovering, State::Apart] {
            let claim = Claim::new(state, who);
            assert_eq!(claim.state(), Some(state));
            assert_eq!(claim.by(), who);
            assert_eq!(claim.by().slot(), 4095);
        }
        assert_eq!(Claim::FREE.state(), Some(State::Free));
        assert!(Claim::ORPHAN.by().is_none());
    }
}
