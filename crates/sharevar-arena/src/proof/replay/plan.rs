//! The crash points at which deaths are played, and counts of them.

/// Some of the crash points of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// None of them.
    Never,
    /// The first, and every so-many-th after it.
    Every(u64),
    /// About so many: evenly spread, and all close to the ends, where locks are taken and the
    /// commit is.
    About(u64),
}

impl Due {
    /// Whether `point` is one of them, of `total` that the run passes.
    pub(super) fn includes(self, point: u64, total: u64) -> bool {
        match self {
            Self::Never | Self::About(0) => false,
            Self::Every(step) => (point - 1).is_multiple_of(step),
            Self::About(most) => {
                // A run of so many points has a large content, which is slow to look at.
                let most = if total > 10_000 { most.div_ceil(10).max(6) } else { most };
                let ends = most / 3;
                total <= most
                    || point <= ends
                    || point + ends > total
                    || point.is_multiple_of(total / (most - 2 * ends) + 1)
            }
        }
    }
}

/// Which deaths are played, and at which points.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Points of the operation at which a copy is recovered.
    pub first: Due,
    /// Points of the operation at which another acts before anything is recovered.
    pub before_recovery: Due,
    /// Points of the operation at which another stands inside a transaction during the recovery.
    pub beside_transaction: Due,
    /// Points of the operation at which the recovery itself is observed.
    pub second: Due,
    /// Points of each such recovery at which it dies, too.
    pub second_first: Due,
    /// Points of each such recovery at which it dies and another acts.
    pub second_before_recovery: Due,
    /// Points of each such recovery at which it dies and another stands inside a transaction.
    pub second_beside_transaction: Due,
    /// Points of the operation after which two sweep at once.
    pub two: Due,
    /// Every so-many-th point of the one's sweep, at which the other sweeps.
    pub two_step: u64,
}

impl Plan {
    /// No death at all.
    pub const NOTHING: Self = Self {
        first: Due::Never,
        before_recovery: Due::Never,
        beside_transaction: Due::Never,
        second: Due::Never,
        second_first: Due::Never,
        second_before_recovery: Due::Never,
        second_beside_transaction: Due::Never,
        two: Due::Never,
        two_step: 1,
    };
}

/// How many deaths were played.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Points {
    /// Crash points that the operation passes.
    pub passed: u64,
    /// Points of the operation at which a copy was recovered.
    pub first: u64,
    /// The same, where another acted first.
    pub before_recovery: u64,
    /// Of these, the points where no lock was held by the dead.
    pub before_recovery_free: u64,
    /// The same as `first`, where another stood inside a transaction.
    pub beside_transaction: u64,
    /// Points of recoveries.
    pub second: u64,
    /// Points of recoveries at which another acted.
    pub second_before_recovery: u64,
    /// Points of recoveries during the next of which another stood inside a transaction.
    pub second_beside_transaction: u64,
    /// Points of sweeps at which another swept without having to wait.
    pub two: u64,
}
