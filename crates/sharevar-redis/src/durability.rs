//! How far a change must have come before it is acknowledged.

use crate::script::Effect;

/// What may fail without taking back what was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Durability {
    /// Nothing: the primary has it in memory.
    Fast,
    /// Any one node: each replica that may be promoted has it in memory, too.
    Replicated,
    /// The power of all: beside that the primary has it on its disk.
    Disk,
}

impl Durability {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "fast" => Ok(Self::Fast),
            "replicated" => Ok(Self::Replicated),
            "disk" => Ok(Self::Disk),
            other => Err(format!("durability is fast, replicated or disk, and not {other:?}")),
        }
    }

    /// What a script asks for. By default nothing waits but locks, where replicas take a primary's place: a
    /// lock that two have protects nothing, and data that is lost may be made again.
    pub(crate) fn of(asked: Option<Self>, effect: Effect, replicas: u32) -> Self {
        match (effect, asked) {
            (Effect::None, _) => Self::Fast,
            (_, Some(asked)) => asked,
            (Effect::Lock, None) if replicas > 0 => Self::Replicated,
            (_, None) => Self::Fast,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_alone_wait_by_default() {
        use Durability::{Disk, Fast, Replicated};
        assert_eq!(Durability::of(None, Effect::Lock, 2), Replicated);
        assert_eq!(Durability::of(None, Effect::Lock, 0), Fast, "nothing takes the server's place");
        assert_eq!(Durability::of(None, Effect::Data, 2), Fast);
        assert_eq!(Durability::of(Some(Fast), Effect::Lock, 2), Fast);
        assert_eq!(Durability::of(Some(Replicated), Effect::Lock, 0), Replicated, "it is never less");
        assert_eq!(Durability::of(Some(Disk), Effect::Data, 0), Disk);
        assert_eq!(Durability::of(Some(Disk), Effect::None, 2), Fast);
        assert!(Durability::parse("safe").unwrap_err().contains("replicated"));
    }
}
