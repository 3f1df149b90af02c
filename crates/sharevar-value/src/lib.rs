//! Values of shared variables as words and bytes.
//!
//! This crate touches no shared memory. It turns values into [`Word`]s and
//! encoded blocks and back, and dict keys into [`Key`]s, whose bytes and hash
//! are the same in every process and in every version that shares a layout.
//!
//! | module | concept |
//! |---|---|
//! | [`word`] | the 64-bit value word of a container's cell |
//! | [`encode`], [`decode`] | `MessagePack` with extension types, one primitive at a time |
//! | [`value`] | the dynamic value, as a tree |
//! | [`equality`] | which of many values equals one, by Python's rule |
//! | [`layout`] | the bytes in which encodings of one form differ |
//! | [`order`] | which of two values is less, by Python's rule |
//! | [`joined_pickles`] | many pickles as one, which Python reads faster |
//! | [`priority`] | keys by which values of all classes are ordered |
//! | [`key`] | canonical keys and the one stable hash |
//! | [`serialize`], [`deserialize`] | any serde type to and from either form |
//!
//! ```
//! use sharevar_value::{Encoded, Value, from_bytes, to_encoded};
//!
//! let Encoded::Bytes { bytes, .. } = to_encoded(&("a tuple", 2.5, [1, 2]))? else { unreachable!() };
//! assert_eq!(Value::decode(&bytes)?.to_string(), "('a tuple', 2.5, (1, 2))");
//! let (text, number, pair): (String, f64, [i32; 2]) = from_bytes(&bytes)?;
//! assert_eq!((text.as_str(), number, pair), ("a tuple", 2.5, [1, 2]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
#![doc = include_str!("../docs/value-encoding.md")]
#![forbid(unsafe_code)]

pub mod bigint;
pub mod decode;
pub mod deserialize;
pub mod display;
pub mod encode;
pub mod equality;
pub mod error;
pub mod handle;
pub mod hash;
pub mod joined_pickles;
pub mod key;
pub mod layout;
pub mod order;
pub mod priority;
pub mod serialize;
pub mod standard;
pub mod value;
pub mod word;

mod buffered_pickle;
mod canonical;
mod key_words;
mod long_part;
mod nesting;
mod number;
mod opaque;
mod pickled;
mod short_key;

pub use bigint::BigInt;
pub use buffered_pickle::{Buffer, BufferedPickle};
pub use decode::{Decoder, Event};
pub use deserialize::{from_bytes, from_part, from_prefix, from_word};
pub use encode::{Encoded, Encoder, OpenBody};
pub use equality::{Equality, Needle, NeedleError};
pub use error::{DecodeError, EncodeError, KeyError};
pub use handle::HandleRef;
pub use hash::HashSeed;
pub use joined_pickles::JoinedPickles;
pub use key::{Key, KeyForm};
pub use layout::Layout;
pub use long_part::LongPart;
pub use nesting::MAX_DEPTH;
pub use opaque::OpaqueIdentity;
pub use order::OrderKeys;
pub use serialize::{append_bytes, to_encoded, to_key};
pub use short_key::ShortKey;
pub use standard::StandardClass;
pub use value::Value;
pub use word::{ShortText, Word, WordKind};
