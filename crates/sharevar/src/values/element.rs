//! The numbers that arrays can have as elements.

/// A machine number with a format letter of Python's `struct`.
pub trait Element: Copy + Send + Sync + 'static + sealed::Sealed {
    /// The format of new arrays.
    const FORMAT: char;
    /// Bytes of an element.
    const SIZE: u64;

    /// Whether an array of that format has such elements: `l` is another name of `q` here.
    fn is_format(format: char) -> bool;

    /// The number's bits, in the low end.
    fn to_bits(self) -> u64;

    /// The number of these bits.
    fn from_bits(bits: u64) -> Self;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! integers {
    ($($type:ty as $unsigned:ty => $format:literal $(or $other:literal)?;)*) => {$(
        impl sealed::Sealed for $type {}

        impl Element for $type {
            const FORMAT: char = $format;
            const SIZE: u64 = size_of::<$type>() as u64;

            fn is_format(format: char) -> bool {
                matches!(format, $format $(| $other)?)
            }

            #[allow(clippy::cast_lossless, clippy::allow_attributes)] // `u64` as `u64`, for one of them.
            fn to_bits(self) -> u64 {
                self as $unsigned as u64
            }

            fn from_bits(bits: u64) -> Self {
                bits as $type
            }
        }
    )*};
}

integers! {
    i8 as u8 => 'b';
    u8 as u8 => 'B';
    i16 as u16 => 'h';
    u16 as u16 => 'H';
    i32 as u32 => 'i';
    u32 as u32 => 'I';
    i64 as u64 => 'q' or 'l';
    u64 as u64 => 'Q' or 'L';
}

macro_rules! floats {
    ($($type:ty as $bits:ty => $format:literal;)*) => {$(
        impl sealed::Sealed for $type {}

        impl Element for $type {
            const FORMAT: char = $format;
            const SIZE: u64 = size_of::<$type>() as u64;

            fn is_format(format: char) -> bool {
                format == $format
            }

            fn to_bits(self) -> u64 {
                <$type>::to_bits(self).into()
            }

            fn from_bits(bits: u64) -> Self {
                <$type>::from_bits(bits as $bits)
            }
        }
    )*};
}

floats! {
    f32 as u32 => 'f';
    f64 as u64 => 'd';
}
