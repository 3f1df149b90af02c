//! How an engine on another machine fails.

/// Why an engine did not do what it was asked for, or cannot tell whether it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The server cannot be reached, or answered that it has not done it.
    #[error("{address} cannot be reached: {cause}; nothing has changed, so try again when it can")]
    Unavailable {
        /// The server, without secrets.
        address: String,
        /// The server's or the socket's own words.
        cause: String,
    },
    /// The server is not one to be used, or does not allow it.
    #[error("{address} is refused: {cause}")]
    Refused {
        /// The server, without secrets.
        address: String,
        /// The cause, and the remedy.
        cause: String,
    },
    /// The request was sent, and no answer came however often it was asked for.
    #[error(
        "{address} has not answered: {cause}; the operation may have taken effect or not, so look at the \
         variable before you repeat it"
    )]
    OutcomeUnknown {
        /// The server, without secrets.
        address: String,
        /// The server's or the socket's own words.
        cause: String,
    },
    /// The server has carried it out, and not all of those have confirmed it that must. A failover may take it
    /// back.
    #[error("{address} has carried it out, but {cause}: {}", after_a_shortfall(*.is_undone))]
    NotReplicated {
        /// The server, without secrets.
        address: String,
        /// How far the change has come.
        cause: String,
        /// Whether it was undone since nobody could rely on it: a lock was given back, an item was put back.
        is_undone: bool,
    },
    /// This process was not heard of for longer than its lease, so that its locks are others' now.
    #[error(
        "the lease of this process has ended, because the server has not heard of it for too long; what a \
         lock protected may be in use by another holder"
    )]
    LeaseLost,
    /// The lock by which the operation was fenced has or had another holder meanwhile.
    #[error(
        "the lock that this operation is fenced by has been another holder's since it was taken; nothing \
         has changed"
    )]
    Fenced,
}

impl Failure {
    /// Returns whether the operation has taken effect all the same; `None` if that is not known.
    pub fn happened(&self) -> Option<bool> {
        match self {
            Self::OutcomeUnknown { .. } => None,
            Self::NotReplicated { is_undone, .. } => Some(!is_undone),
            _ => Some(false),
        }
    }
}

fn after_a_shortfall(is_undone: bool) -> &'static str {
    if is_undone {
        "it was undone; try again when all replicas are there"
    } else {
        "it may be lost if the server fails before all replicas are there again"
    }
}
