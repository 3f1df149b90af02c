//! The classes of Python's standard library whose objects are compared by their bytes.

/// A class, or several whose objects may equal one another, in canonical bytes of keys.
///
/// The bytes behind its number are the same for equal objects of the class, and for no others
/// (`docs/value-encoding.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum StandardClass {
    /// A str that has lone surrogates, and so no UTF-8.
    SurrogateStr = 1,
    /// A complex number with an imaginary part.
    Complex = 2,
    /// A rational number that equals no int and no float: of `Fraction` or `Decimal`.
    Rational = 3,
    /// A `frozenset`.
    FrozenSet = 4,
    /// A `range`.
    Range = 5,
    /// A `datetime.date`.
    Date = 6,
    /// A `datetime.datetime` without an offset.
    NaiveDateTime = 7,
    /// A `datetime.datetime` with an offset.
    AwareDateTime = 8,
    /// A `datetime.time` without an offset.
    NaiveTime = 9,
    /// A `datetime.time` with an offset.
    AwareTime = 10,
    /// A `datetime.timedelta`.
    TimeDelta = 11,
    /// A `datetime.timezone`.
    TimeZone = 12,
    /// A `uuid.UUID`.
    Uuid = 13,
    /// A path of POSIX.
    PosixPath = 14,
    /// A path of Windows.
    WindowsPath = 15,
    /// An `ipaddress.IPv4Address`.
    Ipv4Address = 16,
    /// An `ipaddress.IPv6Address`.
    Ipv6Address = 17,
    /// An `ipaddress.IPv4Network`.
    Ipv4Network = 18,
    /// An `ipaddress.IPv6Network`.
    Ipv6Network = 19,
    /// A member of an `enum.Enum`.
    EnumMember = 20,
}
