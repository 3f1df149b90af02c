//! The rows of the table, what each operation must give, and what it works on.

use crate::operation::ITEMS;
use std::sync::LazyLock;

/// An operation, the result of a turn with each item, and what must be stored after all rounds.
pub struct Row {
    pub operation: &'static str,
    pub gives: fn(usize) -> u64,
    pub stored: Option<u64>,
}

pub const LONG_LENGTH: usize = 1 << 20;
/// The number to which a variable is set that keeps one.
pub const NUMBER: u64 = 7;

static KEYS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..ITEMS).map(|number| format!("key {number}")).collect());
static LONG: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..LONG_LENGTH).map(|at| (at * 7 + at / 251) as u8).collect());

pub fn keys() -> &'static [String] {
    &KEYS
}

/// The number that belongs to an item.
pub const fn number(item: usize) -> u64 {
    item as u64 * 3 + 1
}

/// The sum of all items' numbers.
pub const SUM: u64 = {
    let (mut sum, mut item) = (0, 0);
    while item < ITEMS {
        sum += number(item);
        item += 1;
    }
    sum
};

/// A mebibyte in which each position can be told from its neighbours.
pub fn long() -> &'static [u8] {
    &LONG
}

/// The position at which a turn looks into a long value.
pub fn position(item: usize) -> usize {
    item * 10_007
}

/// The number that a turn makes of a long value.
pub fn glance(bytes: &[u8], item: usize) -> u64 {
    bytes.len() as u64 + u64::from(bytes[position(item)])
}

/// Whether all of a long value is there.
pub fn is_long(bytes: &[u8]) -> u64 {
    u64::from(bytes == long())
}

fn glance_of_long(item: usize) -> u64 {
    glance(long(), item)
}

const fn reads(operation: &'static str, gives: fn(usize) -> u64) -> Row {
    Row { operation, gives, stored: None }
}

const fn stores(operation: &'static str, stored: u64) -> Row {
    Row { operation, gives: |_| 0, stored: Some(stored) }
}

const fn moves(operation: &'static str, left: u64) -> Row {
    Row { operation, gives: number, stored: Some(left) }
}

pub const ROWS: &[Row] = &[
    reads("call of nothing", |item| item as u64),
    reads("dict get", number),
    stores("dict set", SUM),
    moves("dict insert and remove", 0),
    reads("value get", |_| NUMBER),
    stores("value set", NUMBER),
    reads("list index", number),
    moves("list append and pop", ITEMS as u64),
    reads("acquire and release", |_| 0),
    moves("put and get", 0),
    reads("get 1 MiB", glance_of_long),
    stores("set 1 MiB", 1),
    reads("view 1 MiB", glance_of_long),
];
