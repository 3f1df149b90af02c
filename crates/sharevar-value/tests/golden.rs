//! Bytes and hashes of layout version 1.
//!
//! A failure here means that processes of two versions would not understand
//! each other: see the end of `docs/value-encoding.md`.

use std::fmt::Write;

use sharevar_value::{Encoder, HashSeed, Key, StandardClass, Value, Word};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn bytes() {
    let golden: Vec<(Value, &str)> = vec![
        (Value::None, "c0"),
        (true.into(), "c3"),
        (127.into(), "7f"),
        ((-32).into(), "e0"),
        ((-33).into(), "d0df"),
        (256.into(), "cd0100"),
        ((-32769).into(), "d2ffff7fff"),
        (i64::MIN.into(), "d38000000000000000"),
        (u64::MAX.into(), "cfffffffffffffffff"),
        ((1_i128 << 64).into(), "c70901000000000000000001"),
        ((i128::from(i64::MIN) - 1).into(), "c70901ffffffffffffff7fff"),
        (1.5.into(), "cb3ff8000000000000"),
        ("é".into(), "a2c3a9"),
        ((&b"ab"[..]).into(), "c4026162"),
        (Value::List(vec![1.into(), Value::List(vec![])]), "920190"),
        (Value::Map(vec![("a".into(), 1.into())]), "81a16101"),
        (Value::Tuple(vec![1.into(), 2.into()]), "c90000000302920102"),
        (Value::Set(vec![1.into()]), "c900000002039101"),
        (Value::Handle(0x1230), "d7043012000000000000"),
        (Value::Pickle(b"\x80\x05N.".to_vec()), "d60580054e2e"),
    ];
    for (value, bytes) in golden {
        assert_eq!(hex(&value.encode().unwrap()), bytes, "{value}");
    }
    assert_eq!(hex(&Value::from("x".repeat(32)).encode().unwrap()), "d920".to_owned() + &"78".repeat(32));
}

#[test]
fn words() {
    let golden = [
        (Value::None, 0x04),
        (false.into(), 0x14),
        (true.into(), 0x24),
        (0.0.into(), 0x34),
        ((-0.0).into(), 0x44),
        (1.into(), 0x3),
        ((-1).into(), u64::MAX),
        (1.0.into(), 0xff80_0000_0000_0002_u64),
        ("abc".into(), 0x6362_613c),
        (Value::Bytes(b"abc".to_vec()), 0x6362_61bc),
        (Value::Handle(0x1230), 0x1238),
    ];
    for (value, word) in golden {
        assert_eq!(value.to_word(), Some(Word(word)), "{value}");
    }
}

#[test]
fn hashes() {
    let golden: [(u64, [u64; 8]); 3] = [
        (
            0,
            [
                0x6ec0_a97d_ffbe_6ec2,
                0xd8e2_855f_3dbd_ae37,
                0xbe40_4a61_cf82_6c9d,
                0x4d09_ab29_6e6c_e89f,
                0xf4e9_a235_1e12_3541,
                0x33fb_b98d_90b1_3d79,
                0xc706_f213_b2d3_241b,
                0x5759_fa10_77e2_c274,
            ],
        ),
        (
            1,
            [
                0x8ddc_851f_ee97_93eb,
                0x91be_68a8_1951_3644,
                0x0948_c1f4_7bb3_0ce2,
                0xb794_f5b0_7ed7_c36a,
                0x11f9_d705_1e54_d486,
                0x7306_2db9_e8ab_5fd1,
                0x5e06_5f10_805e_ea68,
                0x9e4b_c277_bc51_5c04,
            ],
        ),
        (
            u64::MAX,
            [
                0x0981_bf89_5c98_3b00,
                0xdbf8_c45b_6602_5dd9,
                0x608f_2267_83d2_b4a8,
                0xbf61_2be9_7a9d_5acf,
                0xff9e_0cf4_0286_8a0e,
                0xaaaf_be9c_323b_7ccc,
                0xcb60_f898_abf1_6250,
                0x61d7_c09a_12dd_970f,
            ],
        ),
    ];
    for (number, hashes) in golden {
        let seed = HashSeed::new(number);
        let keys = [
            Key::from_none(&seed),
            Key::from_int(1, &seed),
            Key::from_int(1 << 40, &seed),
            Key::from_str("a", &seed).unwrap(),
            Key::from_str("sixteen letters!", &seed).unwrap(),
            Key::from_str(&"x".repeat(38), &seed).unwrap(),
            Key::from_str(&"x".repeat(39), &seed).unwrap(),
            Key::from_bytes(&[7; 1000], &seed).unwrap(),
        ];
        assert_eq!(keys.map(|key| key.hash()), hashes, "seed {number}");
    }
}

/// Bytes that stand in keys only.
#[test]
fn keys() {
    let seed = HashSeed::new(1);
    let opaque = Key::opaque(b"\x80\x05N.", [2, 3], &seed).unwrap();
    let bytes = ["c71407", "0200000000000000", "0300000000000000", "80054e2e"].concat();
    assert_eq!(hex(&opaque.to_canonical()), bytes);
    let classes = [
        StandardClass::SurrogateStr,
        StandardClass::Complex,
        StandardClass::Rational,
        StandardClass::FrozenSet,
        StandardClass::Range,
        StandardClass::Date,
        StandardClass::NaiveDateTime,
        StandardClass::AwareDateTime,
        StandardClass::NaiveTime,
        StandardClass::AwareTime,
        StandardClass::TimeDelta,
        StandardClass::TimeZone,
        StandardClass::Uuid,
        StandardClass::PosixPath,
        StandardClass::WindowsPath,
        StandardClass::Ipv4Address,
        StandardClass::Ipv6Address,
        StandardClass::Ipv4Network,
        StandardClass::Ipv6Network,
        StandardClass::EnumMember,
    ];
    for (number, class) in (1_u8..).zip(classes) {
        let mut encoder = Encoder::new();
        encoder.standard(class, b"state").unwrap();
        assert_eq!(encoder.as_slice(), [&[0xc7, 6, 6, number][..], b"state"].concat());
    }
}
