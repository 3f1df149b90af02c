//! A key's bytes as the 64-bit words that the arena stores, lowest byte first, zero padded.

/// Keys of up to this many words are kept without a block.
pub(crate) const INLINE_WORDS: usize = 5;
pub(crate) const INLINE_BYTES: usize = 8 * INLINE_WORDS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Words {
    Inline([u64; INLINE_WORDS]),
    Heap(Vec<u64>),
}

impl Words {
    #[inline]
    pub(crate) fn as_slice(&self, used: usize) -> &[u64] {
        match self {
            Self::Inline(words) => &words[..used.min(INLINE_WORDS)],
            Self::Heap(words) => words,
        }
    }
}

/// The words of up to 40 bytes.
///
/// On the path of every dict access. One arm for each length keeps the words in
/// registers: written to memory one by one and read back two at once by the
/// hash, they cost more than the hash itself.
#[inline]
pub(crate) fn gather(bytes: &[u8]) -> [u64; INLINE_WORDS] {
    debug_assert!(bytes.len() <= INLINE_BYTES);
    let (chunks, rest) = bytes.as_chunks::<8>();
    let tail = match bytes.last_chunk::<8>() {
        _ if rest.is_empty() => 0,
        Some(last) => u64::from_le_bytes(*last) >> (8 * (8 - rest.len())),
        None => gather_few(rest),
    };
    let word = |chunk: &[u8; 8]| u64::from_le_bytes(*chunk);
    match chunks {
        [] => [tail, 0, 0, 0, 0],
        [c0] => [word(c0), tail, 0, 0, 0],
        [c0, c1] => [word(c0), word(c1), tail, 0, 0],
        [c0, c1, c2] => [word(c0), word(c1), word(c2), tail, 0],
        [c0, c1, c2, c3] => [word(c0), word(c1), word(c2), word(c3), tail],
        [c0, c1, c2, c3, c4, ..] => [word(c0), word(c1), word(c2), word(c3), word(c4)],
    }
}

/// Up to seven bytes as one word, from two overlapping halves.
#[inline(always)]
pub(crate) fn gather_few(bytes: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let shift = 8 * (bytes.len() - 4);
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << shift;
    }
    match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c, ..] => u64::from(u32::from_le_bytes([a, b, c, 0])),
    }
}

/// Puts a header of one or two bytes before the bytes in `words`, whose last bytes must be free.
///
/// The size is no branch: with one path the words stay in registers.
#[inline]
pub(crate) fn prepend(words: [u64; INLINE_WORDS], header: u64, size: usize) -> [u64; INLINE_WORDS] {
    debug_assert!(size == 1 || size == 2);
    let (up, down) = (8 * size, 64 - 8 * size);
    let [w0, w1, w2, w3, w4] = words;
    [
        w0 << up | header,
        w1 << up | w0 >> down,
        w2 << up | w1 >> down,
        w3 << up | w2 >> down,
        w4 << up | w3 >> down,
    ]
}

/// Words of any number of bytes.
pub(crate) fn pack(bytes: &[u8]) -> Words {
    if bytes.len() <= INLINE_BYTES {
        return Words::Inline(gather(bytes));
    }
    Words::Heap(
        bytes
            .chunks(8)
            .map(|chunk| match chunk.first_chunk::<8>() {
                Some(whole) => u64::from_le_bytes(*whole),
                None => gather_few(chunk),
            })
            .collect(),
    )
}

/// Appends the first `length` bytes of `words` to `bytes`.
pub(crate) fn unpack(words: &[u64], length: usize, bytes: &mut Vec<u8>) {
    let end = bytes.len() + length.min(8 * words.len());
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()).take(length));
    debug_assert_eq!(bytes.len(), end);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_the_bytes_in_order() {
        for length in 0..=100_usize {
            let bytes: Vec<u8> = (1..=length as u8).collect();
            let words = pack(&bytes);
            let mut back = Vec::new();
            let words = words.as_slice(length.div_ceil(8));
            unpack(words, length, &mut back);
            assert_eq!(back, bytes);
            assert_eq!(words.len(), length.div_ceil(8));
            if length < INLINE_BYTES {
                let headed = prepend(gather(&bytes), 0xaa, 1);
                back.clear();
                unpack(&headed, length + 1, &mut back);
                assert_eq!((back[0], &back[1..]), (0xaa, &bytes[..]));
            }
        }
    }
}
