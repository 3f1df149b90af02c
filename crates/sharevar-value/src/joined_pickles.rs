//! Many pickles as one, of the list of their objects, which is read in a fraction of the time.
//!
//! Most of the time of a short pickle goes into starting to read it and into finding the class. In the
//! list the class is found once for all objects in a row that name the same one.

/// Pickles on their way to being one.
///
/// ```
/// use sharevar_value::JoinedPickles;
///
/// let mut joined = JoinedPickles::new();
/// // pickle.dumps(["a"], 5), twice
/// let one = b"\x80\x05\x95\x08\0\0\0\0\0\0\0]\x94\x8c\x01a\x94a.";
/// assert!(joined.add(one) && joined.add(one));
/// assert_eq!(joined.finish(), b"\x80\x05(]q\0\x8c\x01aq\x01a]q\0\x8c\x01aq\x01al.");
/// ```
#[derive(Debug, Clone)]
pub struct JoinedPickles {
    bytes: Vec<u8>,
    count: usize,
    /// How the last one begins, if that is with a class.
    class: Vec<u8>,
}

/// The protocol, and the length of the one frame.
const HEADER: &[u8] = b"\x80\x05\x95";
const BEGIN: &[u8] = b"\x80\x05(";

const STOP: u8 = b'.';
const MEMOIZE: u8 = 0x94;
const SHORT_TEXT: u8 = 0x8c;
const STACK_GLOBAL: u8 = 0x93;

impl Default for JoinedPickles {
    fn default() -> Self {
        Self { bytes: BEGIN.to_vec(), count: 0, class: Vec::new() }
    }
}

impl JoinedPickles {
    /// For pickles of which none has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a pickle. `false`, and nothing is changed, if it has an opcode that the pickle module in C
    /// does not write in protocol 5, or more than one frame.
    pub fn add(&mut self, pickle: &[u8]) -> bool {
        let before = self.bytes.len();
        let added = body(pickle).and_then(|body| self.add_body(body));
        if added.is_none() {
            self.bytes.truncate(before);
        }
        added.is_some()
    }

    fn add_body(&mut self, body: &[u8]) -> Option<()> {
        let class = class(body).unwrap_or(&[]);
        let is_same = !class.is_empty() && class == self.class;
        // A class leaves three memos, the last of which it is. They are still there.
        let (mut at, mut memos) = if is_same { (class.len(), 3) } else { (0, 0) };
        if is_same {
            self.bytes.extend_from_slice(b"h\x02");
        }
        loop {
            match *body.get(at)? {
                STOP if at + 1 == body.len() => break,
                MEMOIZE => {
                    // By its number, since those before it have other memos.
                    if let Ok(number) = u8::try_from(memos) {
                        self.bytes.extend([b'q', number]);
                    } else {
                        self.bytes.push(b'r');
                        self.bytes.extend(u32::to_le_bytes(memos));
                    }
                    memos += 1;
                    at += 1;
                }
                _ => {
                    let end = at + length(&body[at..])?;
                    self.bytes.extend_from_slice(body.get(at..end)?);
                    at = end;
                }
            }
        }
        if !is_same {
            self.class.clear();
            self.class.extend_from_slice(class);
        }
        self.count += 1;
        Some(())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The length of the one pickle so far.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The one pickle.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(b"l.");
        self.bytes
    }
}

/// What stands in the one frame of a pickle.
fn body(pickle: &[u8]) -> Option<&[u8]> {
    let (length, body) = pickle.strip_prefix(HEADER)?.split_first_chunk::<8>()?;
    (u64::from_le_bytes(*length) == body.len() as u64).then_some(body)
}

/// The beginning that finds a class by two names, each of which is kept as a memo.
fn class(body: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    for _ in 0..2 {
        let [SHORT_TEXT, length, ..] = *body.get(at..)? else { return None };
        at += 2 + usize::from(length);
        if *body.get(at)? != MEMOIZE {
            return None;
        }
        at += 1;
    }
    (body.get(at..at + 2)? == [STACK_GLOBAL, MEMOIZE]).then(|| &body[..at + 2])
}

/// The length of the opcode at the beginning with its argument; `None` of those that are not copied.
fn length(code: &[u8]) -> Option<usize> {
    let number = |width: usize| {
        let mut bytes = [0; 8];
        bytes[..width].copy_from_slice(code.get(1..=width)?);
        usize::try_from(u64::from_le_bytes(bytes)).ok()?.checked_add(1 + width)
    };
    match code[0] {
        // None, bools, tuples, lists, dicts, sets, and what is done with them; calls and states.
        b'N'
        | b'('
        | b')'
        | b']'
        | b'}'
        | b'a'
        | b'e'
        | b's'
        | b'u'
        | b't'
        | b'l'
        | b'd'
        | b'R'
        | b'b'
        | b'0'
        | b'1'
        | b'2'
        | 0x81
        | 0x85..=0x89
        | 0x8f..=STACK_GLOBAL => Some(1),
        b'K' | b'h' => Some(2),
        b'M' => Some(3),
        b'J' | b'j' => Some(5),
        b'G' => Some(9),
        SHORT_TEXT | b'C' | 0x8a => number(1),
        b'X' | b'B' => number(4),
        0x8d | 0x8e | 0x96 => number(8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::JoinedPickles;

    fn pickle(body: &[u8]) -> Vec<u8> {
        [b"\x80\x05\x95", &(body.len() as u64).to_le_bytes()[..], body].concat()
    }

    fn joined(bodies: &[&[u8]]) -> Option<Vec<u8>> {
        let mut joined = JoinedPickles::new();
        bodies.iter().all(|body| joined.add(&pickle(body))).then(|| joined.finish())
    }

    #[test]
    fn a_class_is_found_once_for_objects_in_a_row() {
        let of_a = b"\x8c\x01m\x94\x8c\x01A\x94\x93\x94)\x81\x94.";
        let of_b = b"\x8c\x01m\x94\x8c\x01B\x94\x93\x94)\x81\x94.";
        let (a, b) = (
            b"\x8c\x01mq\0\x8c\x01Aq\x01\x93q\x02)\x81q\x03",
            b"\x8c\x01mq\0\x8c\x01Bq\x01\x93q\x02)\x81q\x03",
        );
        let again = b"h\x02)\x81q\x03";
        let expected = [&b"\x80\x05("[..], a, again, b, again, a, b"l."].concat();
        assert_eq!(joined(&[of_a, of_a, of_b, of_b, of_a]), Some(expected));
    }

    #[test]
    fn what_is_not_copied_changes_nothing() {
        let mut all = JoinedPickles::new();
        assert!(all.add(&pickle(b"]\x94.")));
        // A persistent object, a buffer, an extension, a get of a name, code behind the end, none.
        for other in
            [&b"\x8c\x01aQ."[..], b"\x97.", b"\x82\x01.", b"g0\n.", b"N.N.", b"N", b"\x8c\x05a.", b""]
        {
            assert!(!all.add(&pickle(other)), "{other:x?}");
        }
        let mut framed_twice = pickle(b"N.");
        framed_twice[3] = 1;
        assert!(!all.add(&framed_twice) && !all.add(b"\x80\x05N."));
        assert_eq!((all.len(), all.finish()), (1, b"\x80\x05(]q\0l.".to_vec()));
    }

    #[test]
    fn memos_have_long_numbers_beyond_a_byte() {
        let body = [&b"("[..], &b"]\x94".repeat(257), b"l."].concat();
        let all = joined(&[&body]).unwrap();
        assert!(all.ends_with(b"]q\xff]r\0\x01\0\0ll."));
    }
}
