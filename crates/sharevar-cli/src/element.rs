//! Elements of arrays: bits of a format of Python's `struct`, as values.

use sharevar::Element;
use sharevar_value::Value;

/// Returns the number that the bits of an element stand for; those of a format that is no number, as
/// bytes.
pub(crate) fn read(format: char, size: u64, bits: u64) -> Value {
    match format {
        'b' => Value::Int(i8::from_bits(bits).into()),
        'B' => Value::Int(u8::from_bits(bits).into()),
        'h' => Value::Int(i16::from_bits(bits).into()),
        'H' => Value::Int(u16::from_bits(bits).into()),
        'i' => Value::Int(i32::from_bits(bits).into()),
        'I' => Value::Int(u32::from_bits(bits).into()),
        'q' | 'l' => Value::Int(i64::from_bits(bits)),
        'Q' | 'L' => Value::from(bits),
        'f' => Value::Float(f32::from_bits(bits as u32).into()),
        'd' => Value::Float(f64::from_bits(bits)),
        '?' => Value::Bool(bits != 0),
        _ => Value::Bytes(bits.to_le_bytes()[..size.min(8) as usize].to_vec()),
    }
}

/// Returns the bits of a number in that format; `None` if it does not fit or is of another type.
pub(crate) fn write(format: char, value: &Value) -> Option<u64> {
    let int = match value {
        Value::Int(value) => Some(i128::from(*value)),
        Value::BigInt(value) => value.to_i128(),
        _ => None,
    };
    match format {
        'b' => i8::try_from(int?).ok().map(Element::to_bits),
        'B' => u8::try_from(int?).ok().map(Element::to_bits),
        'h' => i16::try_from(int?).ok().map(Element::to_bits),
        'H' => u16::try_from(int?).ok().map(Element::to_bits),
        'i' => i32::try_from(int?).ok().map(Element::to_bits),
        'I' => u32::try_from(int?).ok().map(Element::to_bits),
        'q' | 'l' => i64::try_from(int?).ok().map(Element::to_bits),
        'Q' | 'L' => u64::try_from(int?).ok(),
        'f' => float(value).map(|value| u64::from((value as f32).to_bits())),
        'd' => float(value).map(f64::to_bits),
        '?' => {
            if let Value::Bool(value) = value {
                Some(u64::from(*value))
            } else {
                None
            }
        }
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        Value::Int(value) => Some(*value as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_was_written() {
        for format in ['b', 'B', 'h', 'H', 'i', 'I', 'q', 'l', 'Q', 'L'] {
            assert_eq!(read(format, 8, write(format, &Value::Int(100)).unwrap()), Value::Int(100));
            assert_eq!(write(format, &Value::Float(1.0)), None);
        }
        assert_eq!(read('b', 1, write('b', &Value::Int(-1)).unwrap()), Value::Int(-1));
        assert_eq!(write('B', &Value::Int(-1)), None);
        assert_eq!(write('h', &Value::Int(1 << 15)), None);
        assert_eq!(read('Q', 8, write('Q', &Value::from(u64::MAX)).unwrap()), Value::from(u64::MAX));
        assert_eq!(read('d', 8, write('d', &Value::Int(2)).unwrap()), Value::Float(2.0));
        assert_eq!(read('f', 4, write('f', &Value::Float(0.5)).unwrap()), Value::Float(0.5));
        assert_eq!(read('c', 1, 0x61), Value::Bytes(vec![0x61]));
        assert_eq!(write('c', &Value::Int(1)), None);
    }
}
