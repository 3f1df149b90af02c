//! Tuples, lists and paths that pickle writes, with all that is in them, read without Python.
//!
//! A machine of the opcodes that protocol 5 of the pickle module in C uses for them. It makes no
//! object: a pickle that names a class which is not known here is left to Python, and so is one in
//! which a container stands twice.

use super::{Decimal, FOLD, HEADER, LONG1, Pickled, microseconds, read_natural, vary_state};
use crate::decode::Event;
use crate::layout::{FieldOrder, Parts};
use std::ops::Range;

/// A value in a pickle.
#[derive(Debug, Clone)]
pub(crate) enum Node<'a> {
    /// None, a number, a str or bytes.
    Scalar(Event<'a>, At),
    /// An object that is compared by its state.
    Object(Pickled<'a>, At),
    /// A `PosixPath` or `PurePosixPath`, which may equal each other.
    Path(Path<'a>),
    Tuple(Vec<Node<'a>>),
    List(Vec<Node<'a>>),
    /// A class.
    Class(Class),
    /// A `timezone`: microseconds.
    Zone(i64),
    /// A UUID without its state.
    BareUuid,
    /// The state of a UUID, once it was read.
    UuidState(Option<(u128, At)>),
}

/// Where the bytes are by which a value differs from others of its form, if it may.
type At = Option<Range<usize>>;

/// A path without empty parts and dots.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path<'a> {
    pub(crate) is_absolute: bool,
    pub(crate) parts: Vec<&'a str>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Class {
    Date,
    DateTime,
    Time,
    TimeDelta,
    TimeZone,
    Decimal,
    Uuid,
    PosixPath,
}

/// Longer and deeper pickles are left to Python.
pub(crate) const LONGEST: usize = 1024;
const DEEPEST: u32 = 16;

/// Returns the tuple, list or path of a pickle, if all that is in it is known.
pub(crate) fn read(pickle: &[u8]) -> Option<Node<'_>> {
    let length = pickle.get(..HEADER)?.strip_prefix(b"\x80\x05\x95")?;
    if pickle.len() > LONGEST || length != ((pickle.len() - HEADER) as u64).to_le_bytes() {
        return None;
    }
    let mut machine = Machine { pickle, at: HEADER, stack: Vec::new(), marks: Vec::new(), memo: Vec::new() };
    let root = machine.run()?;
    let is_whole = machine.at == pickle.len() && machine.stack.is_empty() && machine.marks.is_empty();
    let is_root = matches!(root, Node::Tuple(_) | Node::List(_) | Node::Path(_));
    (is_whole && is_root && root.is_value(DEEPEST)).then_some(root)
}

impl Node<'_> {
    /// Whether all in it are values, no deeper than `depth`.
    fn is_value(&self, depth: u32) -> bool {
        match self {
            Self::Scalar(..) | Self::Object(..) | Self::Path(_) => true,
            Self::Tuple(nodes) | Self::List(nodes) => {
                depth > 0 && nodes.iter().all(|node| node.is_value(depth - 1))
            }
            Self::Class(_) | Self::Zone(_) | Self::BareUuid | Self::UuidState(_) => false,
        }
    }

    /// Whether it is such a value, or one in it is.
    pub(crate) fn any(&self, is: fn(&Node<'_>) -> bool) -> bool {
        is(self)
            || match self {
                Self::Tuple(nodes) | Self::List(nodes) => nodes.iter().any(|node| node.any(is)),
                _ => false,
            }
    }

    /// Notes where in an encoding, in which the pickle begins at `start`, another of the same form may
    /// differ. `None` if this does not tell whether two are equal.
    pub(super) fn vary(&self, pickle: &[u8], start: usize, parts: &mut Parts) -> Option<()> {
        match self {
            Self::Scalar(event, Some(at)) => {
                let at = start + at.start..start + at.end;
                match event {
                    Event::Float(value) => parts.vary_float(at, *value)?,
                    Event::Str(_) | Event::Bytes(_) => parts.vary(at, FieldOrder::Bytes, 0),
                    // Shorter ones have no sign.
                    Event::Int(_) if at.len() < 4 => parts.vary(at, FieldOrder::FromTheLast, 0),
                    _ => parts.vary(at, FieldOrder::FromTheLast, 0x80),
                }
            }
            Self::Object(object, Some(at)) => {
                vary_state(object, &pickle[at.clone()], start + at.start, parts)?;
            }
            Self::Scalar(Event::Float(value), None) if value.is_nan() => return None,
            Self::Scalar(_, None) | Self::Object(_, None) => {}
            Self::Tuple(nodes) | Self::List(nodes) => {
                nodes.iter().try_for_each(|node| node.vary(pickle, start, parts))?;
            }
            // A part of a path in which there is a separator would be two.
            Self::Path(_) | Self::Class(_) | Self::Zone(_) | Self::BareUuid | Self::UuidState(_) => {
                return None;
            }
        }
        Some(())
    }

    /// The same value where it is written again, as a reference to the first time. `None` for
    /// containers: lists that are one object are no two equal ones.
    fn again(&self) -> Option<Self> {
        match self {
            Self::Scalar(event, _) => Some(Self::Scalar(*event, None)),
            Self::Object(object, _) => Some(Self::Object(*object, None)),
            Self::Class(class) => Some(Self::Class(*class)),
            Self::Zone(offset) => Some(Self::Zone(*offset)),
            _ => None,
        }
    }
}

struct Machine<'a> {
    pickle: &'a [u8],
    at: usize,
    stack: Vec<Node<'a>>,
    /// Lengths of the stack.
    marks: Vec<usize>,
    memo: Vec<Option<Node<'a>>>,
}

impl<'a> Machine<'a> {
    /// Runs all opcodes, and returns the value that is left.
    fn run(&mut self) -> Option<Node<'a>> {
        loop {
            let node = match self.take(1)?[0] {
                b'.' => return self.stack.pop(),
                b'N' => Node::Scalar(Event::None, None),
                0x88 => Node::Scalar(Event::Bool(true), None),
                0x89 => Node::Scalar(Event::Bool(false), None),
                b'K' => self.int(1)?,
                b'M' => self.int(2)?,
                b'J' => self.int(4)?,
                LONG1 => {
                    let digits = self.short()?;
                    self.scalar(Event::BigInt(digits), digits.len())
                }
                b'G' => {
                    let double = f64::from_be_bytes(self.take(8)?.try_into().ok()?);
                    self.scalar(Event::Float(double), 8)
                }
                0x8c => {
                    let text = self.short()?;
                    self.scalar(Event::Str(std::str::from_utf8(text).ok()?), text.len())
                }
                b'X' => {
                    let text = self.long()?;
                    self.scalar(Event::Str(std::str::from_utf8(text).ok()?), text.len())
                }
                b'C' => {
                    let text = self.short()?;
                    self.scalar(Event::Bytes(text), text.len())
                }
                b'B' => {
                    let text = self.long()?;
                    self.scalar(Event::Bytes(text), text.len())
                }
                b')' => Node::Tuple(Vec::new()),
                0x85 => Node::Tuple(self.pop_from(self.stack.len().checked_sub(1)?)?),
                0x86 => Node::Tuple(self.pop_from(self.stack.len().checked_sub(2)?)?),
                0x87 => Node::Tuple(self.pop_from(self.stack.len().checked_sub(3)?)?),
                b't' => {
                    let mark = self.marks.pop()?;
                    Node::Tuple(self.pop_from(mark)?)
                }
                b']' => Node::List(Vec::new()),
                b'}' => Node::UuidState(None),
                0x93 => self.class()?,
                b'R' => self.call()?,
                0x81 => self.new_object()?,
                opcode => {
                    self.change(opcode)?;
                    continue;
                }
            };
            self.stack.push(node);
        }
    }

    /// The opcodes that push nothing.
    fn change(&mut self, opcode: u8) -> Option<()> {
        match opcode {
            b'(' => self.marks.push(self.stack.len()),
            0x94 => self.memo.push(self.stack.last()?.again()),
            b'h' => {
                let place = usize::from(self.take(1)?[0]);
                let node = self.memo.get(place)?.as_ref()?.again()?;
                self.stack.push(node);
            }
            b'a' | b'e' => {
                let start =
                    if opcode == b'e' { self.marks.pop()? } else { self.stack.len().checked_sub(1)? };
                let items = self.pop_from(start)?;
                let Node::List(list) = self.stack.last_mut()? else { return None };
                list.extend(items);
            }
            b's' => {
                let (value, key) = (self.stack.pop()?, self.stack.pop()?);
                let Node::Scalar(Event::Str("int"), _) = key else { return None };
                let Node::UuidState(state @ None) = self.stack.last_mut()? else { return None };
                *state = Some(uuid(self.pickle, &value)?);
            }
            b'b' => {
                let (Node::UuidState(Some((int, at))), Node::BareUuid) =
                    (self.stack.pop()?, self.stack.pop()?)
                else {
                    return None;
                };
                self.stack.push(Node::Object(Pickled::Uuid(int), at));
            }
            _ => return None,
        }
        Some(())
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.pickle.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    /// Takes bytes behind their length of one byte.
    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.take(1)?[0];
        self.take(usize::from(length))
    }

    /// Takes bytes behind their length of four bytes.
    fn long(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(length as usize)
    }

    fn int(&mut self, length: usize) -> Option<Node<'a>> {
        let int = match *self.take(length)? {
            [low] => i64::from(low),
            [low, high] => i64::from(u16::from_le_bytes([low, high])),
            [a, b, c, d] => i64::from(i32::from_le_bytes([a, b, c, d])),
            _ => return None,
        };
        Some(self.scalar(Event::Int(int), length))
    }

    /// A scalar whose last `length` bytes were taken just now.
    fn scalar(&self, event: Event<'a>, length: usize) -> Node<'a> {
        Node::Scalar(event, Some(self.at - length..self.at))
    }

    /// Takes what is on the stack from `start` on, all of it above the last mark.
    fn pop_from(&mut self, start: usize) -> Option<Vec<Node<'a>>> {
        let is_above = start <= self.stack.len() && self.marks.last().is_none_or(|mark| *mark <= start);
        is_above.then(|| self.stack.split_off(start))
    }

    /// The class of two names on the stack.
    fn class(&mut self) -> Option<Node<'a>> {
        let (name, module) = (self.stack.pop()?, self.stack.pop()?);
        let (Node::Scalar(Event::Str(module), _), Node::Scalar(Event::Str(name), _)) = (module, name) else {
            return None;
        };
        Some(Node::Class(match (module, name) {
            ("datetime", "date") => Class::Date,
            ("datetime", "datetime") => Class::DateTime,
            ("datetime", "time") => Class::Time,
            ("datetime", "timedelta") => Class::TimeDelta,
            ("datetime", "timezone") => Class::TimeZone,
            ("decimal", "Decimal") => Class::Decimal,
            ("uuid", "UUID") => Class::Uuid,
            ("pathlib" | "pathlib._local", "PosixPath" | "PurePosixPath") => Class::PosixPath,
            _ => return None,
        }))
    }

    /// Makes an object of a class and a tuple.
    fn call(&mut self) -> Option<Node<'a>> {
        let (Node::Tuple(arguments), Node::Class(class)) = (self.stack.pop()?, self.stack.pop()?) else {
            return None;
        };
        let object = |object, at: &At| Some(Node::Object(object, at.clone()));
        match (class, &arguments[..]) {
            (Class::Date, [Node::Scalar(Event::Bytes(state), at)]) => {
                object(Pickled::Date((*state).try_into().ok()?), at)
            }
            (Class::DateTime, [Node::Scalar(Event::Bytes(state), at), zone @ ..]) => {
                let mut state: [u8; 10] = (*state).try_into().ok()?;
                state[2] &= !FOLD;
                match zone {
                    [] => object(Pickled::NaiveDateTime(state), at),
                    [Node::Zone(offset)] => object(Pickled::AwareDateTime(microseconds(state)? - offset), at),
                    _ => None,
                }
            }
            (Class::Time, [Node::Scalar(Event::Bytes(state), at)]) => {
                let mut state: [u8; 6] = (*state).try_into().ok()?;
                state[0] &= !FOLD;
                object(Pickled::NaiveTime(state), at)
            }
            (
                Class::TimeDelta,
                [
                    Node::Scalar(Event::Int(days), _),
                    Node::Scalar(Event::Int(seconds), _),
                    Node::Scalar(Event::Int(micros), _),
                ],
            ) => {
                let seconds = i128::from(*days) * 86_400 + i128::from(*seconds);
                object(Pickled::TimeDelta(seconds * 1_000_000 + i128::from(*micros)), &None)
            }
            (
                Class::TimeZone,
                [Node::Object(Pickled::TimeDelta(offset), _)]
                | [Node::Object(Pickled::TimeDelta(offset), _), Node::Scalar(Event::Str(_), _)],
            ) => Some(Node::Zone(i64::try_from(*offset).ok()?)),
            (Class::Decimal, [Node::Scalar(Event::Str(text), at)]) => {
                object(Pickled::Decimal(Decimal::parse(text.as_bytes())?), at)
            }
            (Class::PosixPath, arguments) => path(arguments).map(Node::Path),
            _ => None,
        }
    }

    /// Makes an object without state of a class and a tuple.
    fn new_object(&mut self) -> Option<Node<'a>> {
        let (Node::Tuple(arguments), Node::Class(Class::Uuid)) = (self.stack.pop()?, self.stack.pop()?)
        else {
            return None;
        };
        arguments.is_empty().then_some(Node::BareUuid)
    }
}

/// The number of a UUID.
fn uuid(pickle: &[u8], value: &Node<'_>) -> Option<(u128, At)> {
    match value {
        Node::Scalar(Event::Int(int), Some(_)) => Some((u128::try_from(*int).ok()?, None)),
        Node::Scalar(Event::BigInt(digits), Some(at)) => {
            let with_opcode = pickle.get(at.start - 2..at.end)?;
            (!digits.is_empty()).then(|| read_natural(with_opcode))?.map(|int| (int, Some(at.clone())))
        }
        _ => None,
    }
}

/// The path of the parts that its class was called with, as far as all versions of Python agree on it.
fn path<'a>(arguments: &[Node<'a>]) -> Option<Path<'a>> {
    let mut path = Path { is_absolute: false, parts: Vec::new() };
    for (place, argument) in arguments.iter().enumerate() {
        let Node::Scalar(Event::Str(text), _) = *argument else { return None };
        if text.starts_with('/') {
            let slashes = text.bytes().take_while(|byte| *byte == b'/').count();
            // Two of them are another root, and a second root replaces the first.
            if place > 0 || slashes == 2 {
                return None;
            }
            path.is_absolute = true;
        }
        path.parts.extend(text.split('/').filter(|part| !matches!(*part, "" | ".")));
    }
    // The order of an empty path differs.
    (path.is_absolute || !path.parts.is_empty()).then_some(path)
}
