//! Equality of the tuples, lists and paths that pickle writes, by the bytes of their order.

use super::Equality;
use crate::order::{Class, write_node};
use crate::pickled::{self, Node, Pickled};

/// A tuple, list or path that was pickled, as others are compared with it.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    class: Class,
    key: Vec<u8>,
    has_decimal: bool,
    has_number: bool,
}

impl Tree {
    /// That of a pickle; `None` if only Python can compare it.
    pub(super) fn read(pickle: &[u8]) -> Option<Self> {
        let node = pickled::read_tree(pickle)?;
        let (mut class, mut key) = (Class::default(), Vec::new());
        write_node(&node, &mut class, &mut key)?;
        Some(Self { class, key, has_decimal: node.any(is_decimal), has_number: node.any(is_number) })
    }

    /// Whether it equals what was pickled so.
    pub(super) fn equals(&self, other: &[u8]) -> Equality {
        let (mut class, mut key) = (Class::default(), Vec::with_capacity(self.key.len()));
        let Some(node) = pickled::read_tree(other) else { return Equality::Unknown };
        if write_node(&node, &mut class, &mut key).is_none() {
            return Equality::Unknown;
        }
        if self.class == class {
            return (self.key == key).into();
        }
        // A decimal and a number of another class may be equal.
        if (self.has_decimal && node.any(is_number)) || (self.has_number && node.any(is_decimal)) {
            return Equality::Unknown;
        }
        Equality::Different
    }

    /// Whether it is a tuple or a list, and not a path.
    pub(super) fn is_container(&self) -> bool {
        matches!(self.class, Class::Tuple(_) | Class::List(_))
    }
}

fn is_decimal(node: &Node<'_>) -> bool {
    matches!(node, Node::Object(Pickled::Decimal(_), _))
}

fn is_number(node: &Node<'_>) -> bool {
    use crate::decode::Event::{BigInt, Bool, Float, Int};
    matches!(node, Node::Scalar(Bool(_) | Int(_) | BigInt(_) | Float(_), _))
}
