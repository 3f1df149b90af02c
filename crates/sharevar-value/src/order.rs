//! The order of values by Python's rule, as far as their encodings tell, as an order of bytes.

use crate::decode::{Decoder, Event};
use crate::number;
use crate::pickled::{self, Node, Pickled};
use crate::word::{Word, WordKind};

/// Turns values that are all comparable to one another into bytes of the same order.
///
/// Numbers of all classes, strs, bytes, and tuples and lists of these can be; and of the objects
/// that only Python reads, dates, times, UUIDs, decimals and paths, as pickle writes them.
///
/// ```
/// use sharevar_value::{OrderKeys, Value};
///
/// let (mut keys, mut one, mut other) = (OrderKeys::new(), Vec::new(), Vec::new());
/// let pair = |number: f64| Value::Tuple(vec!["a".into(), number.into()]).encode().unwrap();
/// assert!(keys.add(&pair(10.0), &mut one) && keys.add(&pair(9.5), &mut other));
/// assert!(other < one);
/// assert!(!keys.add(&Value::from(1).encode()?, &mut one));
/// # Ok::<(), sharevar_value::EncodeError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct OrderKeys {
    class: Class,
}

/// The values that one is comparable to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Class {
    /// There was none so far.
    #[default]
    Any,
    /// None, inside a tuple or list: it equals itself, and has no order.
    None,
    Number,
    Str,
    Bytes,
    /// As this object.
    Pickled(std::mem::Discriminant<Pickled<'static>>),
    /// Paths with a root, and without one: between them, versions of Python differ.
    AbsolutePath,
    RelativePath,
    /// The classes of the elements at each place, as far as there was one.
    Tuple(Vec<Class>),
    List(Vec<Class>),
}

const NEXT: u8 = 1;
const END: u8 = 0;

impl OrderKeys {
    /// For values of which none has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the bytes of a value to `out`. `false` if it is not comparable to all the others,
    /// or only Python can tell; what was appended then is void.
    #[inline]
    pub fn add(&mut self, encoding: &[u8], out: &mut Vec<u8>) -> bool {
        let mut decoder = Decoder::new(encoding);
        match decoder.next() {
            Ok(Event::None) | Err(_) => false,
            Ok(event) => {
                write(&event, &mut decoder, &mut self.class, out, false).is_some() && decoder.finish().is_ok()
            }
        }
    }

    /// If an encoding that begins with `head` is a str or bytes: where its text begins, which is what
    /// [`add`](Self::add) appends.
    #[inline(always)]
    pub fn text_start(&mut self, head: [u8; 8]) -> Option<usize> {
        let (is_str, start) = match head[0] {
            0xa0..=0xbf => (true, 1),
            0xd9 => (true, 2),
            0xda => (true, 3),
            0xdb => (true, 5),
            0xc4 => (false, 2),
            0xc5 => (false, 3),
            0xc6 => (false, 5),
            _ => return None,
        };
        match &self.class {
            Class::Str if is_str => Some(start),
            Class::Bytes if !is_str => Some(start),
            Class::Any => {
                self.class = if is_str { Class::Str } else { Class::Bytes };
                Some(start)
            }
            _ => None,
        }
    }

    /// [`add`](Self::add), of a value in a word.
    #[inline]
    pub fn add_word(&mut self, word: Word, out: &mut Vec<u8>) -> bool {
        let kind = word.kind();
        let Some(event) = event_of(&kind).filter(|event| !matches!(event, Event::None)) else { return false };
        write(&event, &mut Decoder::new(&[]), &mut self.class, out, false).is_some()
    }
}

/// The event that says the same as a word, if that has a value.
pub(crate) fn event_of(kind: &WordKind) -> Option<Event<'_>> {
    Some(match kind {
        WordKind::None => Event::None,
        WordKind::Bool(value) => Event::Bool(*value),
        WordKind::Int(value) => Event::Int(*value),
        WordKind::Float(value) => Event::Float(*value),
        WordKind::Str(text) => Event::Str(text.as_str().ok()?),
        WordKind::Bytes(bytes) => Event::Bytes(bytes.as_bytes()),
        WordKind::Handle(_) | WordKind::Absent | WordKind::Block(_) | WordKind::Invalid => return None,
    })
}

/// Whether a value is comparable to those of `class`, which becomes its class if there was none.
fn is_of(class: &mut Class, own: Class) -> Option<()> {
    let same = match (&*class, &own) {
        (Class::Any, _) => {
            *class = own;
            return Some(());
        }
        (Class::Pickled(class), Class::Pickled(own)) => class == own,
        (class, own) => std::mem::discriminant(class) == std::mem::discriminant(own),
    };
    same.then_some(())
}

/// Writes the value that begins with `event`. Recursion ends: the decoder bounds the depth.
fn write(
    event: &Event<'_>,
    decoder: &mut Decoder<'_>,
    class: &mut Class,
    out: &mut Vec<u8>,
    is_inside: bool,
) -> Option<()> {
    match event {
        Event::None => is_of(class, Class::None),
        Event::Bool(_) | Event::Int(_) | Event::UInt(_) | Event::BigInt(_) | Event::Float(_) => {
            is_of(class, Class::Number)?;
            number::write_order(event, out)
        }
        Event::Str(text) => {
            is_of(class, Class::Str)?;
            // The order of characters is that of their bytes.
            write_text(text.as_bytes(), out, is_inside);
            Some(())
        }
        Event::Bytes(text) => {
            is_of(class, Class::Bytes)?;
            write_text(text, out, is_inside);
            Some(())
        }
        Event::Pickle(pickle) => match Pickled::read(pickle) {
            Some(object) => write_object(&object, class, out),
            None => write_node(&pickled::read_tree(pickle)?, class, out),
        },
        Event::Tuple(count) | Event::List(count) => {
            let mut elements = match event {
                Event::Tuple(_) => Elements::of_tuple(class, out)?,
                _ => Elements::of_list(class, out)?,
            };
            (0..*count).try_for_each(|_| {
                let event = decoder.next().ok()?;
                elements.add(|class, out| write(&event, decoder, class, out, true))
            })?;
            elements.end();
            Some(())
        }
        // Sets are ordered by what they contain, dicts not at all.
        Event::Map(_) | Event::Set(_) | Event::Handle(_) | Event::BufferedPickle(_) => None,
    }
}

fn write_object(object: &Pickled<'_>, class: &mut Class, out: &mut Vec<u8>) -> Option<()> {
    is_of(class, Class::Pickled(object.class()))?;
    object.write_order(out);
    Some(())
}

/// Writes a value that was read from a pickle, as the same value that was not pickled. Recursion ends:
/// the depth of what is read is bounded.
pub(crate) fn write_node(node: &Node<'_>, class: &mut Class, out: &mut Vec<u8>) -> Option<()> {
    match node {
        Node::Scalar(event, _) => write(event, &mut Decoder::new(&[]), class, out, true),
        Node::Object(object, _) => write_object(object, class, out),
        Node::Path(path) => {
            is_of(class, if path.is_absolute { Class::AbsolutePath } else { Class::RelativePath })?;
            for part in &path.parts {
                out.push(NEXT);
                write_text(part.as_bytes(), out, true);
            }
            out.push(END);
            Some(())
        }
        Node::Tuple(nodes) => {
            let mut elements = Elements::of_tuple(class, out)?;
            nodes.iter().try_for_each(|node| elements.add(|class, out| write_node(node, class, out)))?;
            elements.end();
            Some(())
        }
        Node::List(nodes) => {
            let mut elements = Elements::of_list(class, out)?;
            nodes.iter().try_for_each(|node| elements.add(|class, out| write_node(node, class, out)))?;
            elements.end();
            Some(())
        }
        _ => None,
    }
}

/// The elements of a tuple or list on their way to its bytes.
struct Elements<'a> {
    classes: &'a mut Vec<Class>,
    count: usize,
    out: &'a mut Vec<u8>,
}

impl<'a> Elements<'a> {
    fn of_tuple(class: &'a mut Class, out: &'a mut Vec<u8>) -> Option<Self> {
        is_of(class, Class::Tuple(Vec::new()))?;
        let Class::Tuple(classes) = class else { return None };
        Some(Self { classes, count: 0, out })
    }

    fn of_list(class: &'a mut Class, out: &'a mut Vec<u8>) -> Option<Self> {
        is_of(class, Class::List(Vec::new()))?;
        let Class::List(classes) = class else { return None };
        Some(Self { classes, count: 0, out })
    }

    #[inline]
    fn add(&mut self, write: impl FnOnce(&mut Class, &mut Vec<u8>) -> Option<()>) -> Option<()> {
        if self.count == self.classes.len() {
            self.classes.push(Class::Any);
        }
        self.out.push(NEXT);
        write(&mut self.classes[self.count], self.out)?;
        self.count += 1;
        Some(())
    }

    fn end(self) {
        self.out.push(END);
    }
}

/// Inside of something, what follows must not count: the text ends with the lowest byte, which
/// stands for itself as two.
pub(crate) fn write_text(text: &[u8], out: &mut Vec<u8>, is_inside: bool) {
    if !is_inside {
        return out.extend_from_slice(text);
    }
    if text.iter().all(|byte| *byte > 1) {
        out.extend_from_slice(text);
    } else {
        for byte in text {
            match byte {
                0 | 1 => out.extend([1, byte + 1]),
                _ => out.push(*byte),
            }
        }
    }
    out.push(0);
}
