//! Comparing two encodings by decoding them.

use super::Equality;
use super::class::Class;
use crate::decode::{Decoder, Event};
use crate::error::DecodeError;
use crate::number;

/// Sets, and dicts of another order, with more elements than these are left to Python: each of one
/// is looked for among all of the other.
const MOST_UNORDERED: usize = 64;

/// Compares two values.
pub(super) fn compare(left: &[u8], right: &[u8]) -> Result<Equality, DecodeError> {
    next(&mut Decoder::new(left), &mut Decoder::new(right))
}

/// Compares the next value of each, and has read them unless they are different. Recursion ends:
/// the decoders bound the depth.
fn next(left: &mut Decoder<'_>, right: &mut Decoder<'_>) -> Result<Equality, DecodeError> {
    let (mine, other) = (left.next()?, right.next()?);
    let (my_class, other_class) = (Class::of(&mine), Class::of(&other));
    if my_class.is_foreign() || other_class.is_foreign() {
        skip(&mine, left)?;
        skip(&other, right)?;
        return Ok(Equality::Unknown);
    }
    if my_class != other_class {
        return Ok(Equality::Different);
    }
    match (mine, other) {
        (Event::List(mine), Event::List(other)) | (Event::Tuple(mine), Event::Tuple(other)) => {
            if mine != other {
                return Ok(Equality::Different);
            }
            let mut answer = Equality::Equal;
            for _ in 0..mine {
                answer = answer.and(next(left, right)?);
                if answer == Equality::Different {
                    break;
                }
            }
            Ok(answer)
        }
        (Event::Map(mine), Event::Map(other)) => {
            if mine != other {
                return Ok(Equality::Different);
            }
            entries(&read(left, mine, true)?, &read(right, other, true)?)
        }
        (Event::Set(mine), Event::Set(other)) => {
            if mine != other {
                return Ok(Equality::Different);
            }
            entries(&read(left, mine, false)?, &read(right, other, false)?)
        }
        (mine, other) if my_class == Class::Number => Ok(number::are_equal(&mine, &other).into()),
        (mine, other) => Ok((mine == other).into()),
    }
}

/// An element of a set, or a dict's key with its value.
struct Entry<'a> {
    key: &'a [u8],
    value: &'a [u8],
}

fn read<'a>(
    decoder: &mut Decoder<'a>,
    count: usize,
    has_values: bool,
) -> Result<Vec<Entry<'a>>, DecodeError> {
    // No more than there are bytes left: the decoder has checked it.
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        let key = decoder.take_value()?;
        let value = if has_values { decoder.take_value()? } else { &[] };
        entries.push(Entry { key, value });
    }
    Ok(entries)
}

/// Compares dicts or sets of the same length. The keys of one are all different.
fn entries(left: &[Entry<'_>], right: &[Entry<'_>]) -> Result<Equality, DecodeError> {
    let mut answer = Equality::Equal;
    for (place, mine) in left.iter().enumerate() {
        // Most have the same order.
        let mut found = (right[place].key == mine.key)
            .then(|| compare(mine.key, right[place].key))
            .transpose()?
            .filter(|equality| *equality == Equality::Equal)
            .map(|_| &right[place]);
        if found.is_none() {
            if left.len() > MOST_UNORDERED {
                return Ok(Equality::Unknown);
            }
            for other in right {
                match compare(mine.key, other.key)? {
                    Equality::Equal => {
                        found = Some(other);
                        break;
                    }
                    Equality::Different => {}
                    Equality::Unknown => return Ok(Equality::Unknown),
                }
            }
        }
        let Some(other) = found else { return Ok(Equality::Different) };
        if !mine.value.is_empty() {
            answer = answer.and(compare(mine.value, other.value)?);
            if answer == Equality::Different {
                break;
            }
        }
    }
    Ok(answer)
}

/// Reads what belongs to an event that was read.
fn skip(event: &Event<'_>, decoder: &mut Decoder<'_>) -> Result<(), DecodeError> {
    let count = match *event {
        Event::List(count) | Event::Tuple(count) | Event::Set(count) => count,
        Event::Map(count) => 2 * count,
        _ => 0,
    };
    (0..count).try_for_each(|_| decoder.skip())
}
