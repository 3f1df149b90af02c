//! A serializer that writes into an encoder.

use serde::ser::{self, Serialize};

use crate::encode::{Encoder, OpenBody};
use crate::error::EncodeError;
use crate::handle::HANDLE_NAME;

pub(super) struct TreeSerializer<'a> {
    encoder: &'a mut Encoder,
    is_handle: bool,
}

impl<'a> TreeSerializer<'a> {
    pub(super) fn new(encoder: &'a mut Encoder) -> Self {
        Self { encoder, is_handle: false }
    }

    /// The dict of one entry that a variant with content becomes; its value follows.
    fn variant(&mut self, name: &str) -> Result<(), EncodeError> {
        self.encoder.map_header(1)?;
        self.encoder.str(name)
    }
}

/// How a compound is ended.
enum Ending {
    ByItself,
    Tuple(OpenBody),
    List(OpenBody),
    Map(OpenBody),
}

pub(super) struct Compound<'a> {
    encoder: &'a mut Encoder,
    ending: Ending,
}

impl<'a> Compound<'a> {
    fn tuple(encoder: &'a mut Encoder, length: usize) -> Result<Self, EncodeError> {
        let ending = Ending::Tuple(encoder.begin_tuple(length)?);
        Ok(Self { encoder, ending })
    }

    fn map(encoder: &'a mut Encoder, length: usize) -> Result<Self, EncodeError> {
        encoder.map_header(length)?;
        Ok(Self { encoder, ending: Ending::ByItself })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        value.serialize(TreeSerializer::new(self.encoder))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), EncodeError> {
        self.encoder.str(name)?;
        self.element(value)
    }

    fn close(self) -> Result<(), EncodeError> {
        match self.ending {
            Ending::ByItself => Ok(()),
            Ending::Tuple(body) => self.encoder.end_tuple(body),
            Ending::List(body) => self.encoder.close_list(body),
            Ending::Map(body) => self.encoder.close_map(body),
        }
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) => $target:ident;)*) => {$(
        fn $method(self, value: $type) -> Result<(), EncodeError> {
            self.encoder.$target(value.into());
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for TreeSerializer<'a> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    scalars! {
        serialize_bool(bool) => bool;
        serialize_i8(i8) => int;
        serialize_i16(i16) => int;
        serialize_i32(i32) => int;
        serialize_i64(i64) => int;
        serialize_u8(u8) => int;
        serialize_u16(u16) => int;
        serialize_u32(u32) => int;
        serialize_f32(f32) => float;
        serialize_f64(f64) => float;
    }

    fn serialize_u64(self, value: u64) -> Result<(), EncodeError> {
        if self.is_handle {
            self.encoder.handle(value);
        } else {
            self.encoder.uint(value);
        }
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), EncodeError> {
        self.encoder.big_int(&value.to_le_bytes())
    }

    fn serialize_u128(self, value: u128) -> Result<(), EncodeError> {
        let mut bytes = [0; 17];
        bytes[..16].copy_from_slice(&value.to_le_bytes());
        self.encoder.big_int(&bytes)
    }

    fn serialize_char(self, value: char) -> Result<(), EncodeError> {
        self.encoder.str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), EncodeError> {
        self.encoder.str(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), EncodeError> {
        self.encoder.bytes(value)
    }

    fn serialize_none(self) -> Result<(), EncodeError> {
        self.encoder.none();
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), EncodeError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), EncodeError> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), EncodeError> {
        self.serialize_none()
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<(), EncodeError> {
        self.encoder.str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.is_handle = name == HANDLE_NAME;
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), EncodeError> {
        self.variant(variant)?;
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        let ending = match length {
            Some(length) => {
                self.encoder.list_header(length)?;
                Ending::ByItself
            }
            None => Ending::List(self.encoder.open_list()?),
        };
        Ok(Compound { encoder: self.encoder, ending })
    }

    fn serialize_tuple(self, length: usize) -> Result<Compound<'a>, EncodeError> {
        Compound::tuple(self.encoder, length)
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<Compound<'a>, EncodeError> {
        Compound::tuple(self.encoder, length)
    }

    fn serialize_tuple_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'a>, EncodeError> {
        self.variant(variant)?;
        Compound::tuple(self.encoder, length)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Compound<'a>, EncodeError> {
        if let Some(length) = length {
            return Compound::map(self.encoder, length);
        }
        let ending = Ending::Map(self.encoder.open_map()?);
        Ok(Compound { encoder: self.encoder, ending })
    }

    fn serialize_struct(self, _name: &'static str, length: usize) -> Result<Compound<'a>, EncodeError> {
        Compound::map(self.encoder, length)
    }

    fn serialize_struct_variant(
        mut self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Compound<'a>, EncodeError> {
        self.variant(variant)?;
        Compound::map(self.encoder, length)
    }
}

macro_rules! sequences {
    ($($trait:ident::$method:ident;)*) => {$(
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
                self.element(value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.close()
            }
        }
    )*};
}

sequences! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! structs {
    ($($trait:ident;)*) => {$(
        impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = EncodeError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), EncodeError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), EncodeError> {
                self.close()
            }
        }
    )*};
}

structs! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = EncodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), EncodeError> {
        self.element(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.element(value)
    }

    fn end(self) -> Result<(), EncodeError> {
        self.close()
    }
}
