//! Lists.

use crate::error::corrupt;
use crate::reply;
use crate::script::scripts;
use crate::stored;
use crate::variable::Variable;
use redis::{Cmd, Value};
use sharevar::engine::{Content, Handle, List, Span, Stamp};
use sharevar::shm::RawList;
use sharevar::{Error, Result};
use sharevar_value::Encoded;
use std::collections::HashSet;

scripts! { "../lua/list.lua":
    LEN = "len";
    STAMP = "stamp";
    GET = "get";
    SET = "set";
    EXTEND = "extend";
    INSERT = "insert";
    REMOVE = "remove";
    CLEAR = "clear";
    REVERSE = "reverse";
    SLICE = "slice";
    SET_SLICE = "set_slice";
    DELETE_SLICE = "delete_slice";
    REORDER = "reorder";
    REPLACE = "replace";
}

const PARTS: &str = "md";
/// Beyond all lengths, and exact in the numbers of scripts.
const FARTHEST: i64 = 1 << 52;

fn written(values: &[Encoded]) -> Result<Vec<Vec<u8>>> {
    values.iter().map(stored::write).collect()
}

fn write_span(command: &mut Cmd, span: Span) {
    let (start, stop, step) = span.ends();
    for end in [start, stop] {
        match end {
            Some(end) => command.arg(end.clamp(-FARTHEST, FARTHEST)),
            None => command.arg(""),
        };
    }
    command.arg(step.clamp(-FARTHEST, FARTHEST));
}

impl Variable {
    /// The error of a place or a length that the script has found to be wrong.
    fn ask_at(
        &self,
        script: &crate::script::Script,
        index: i64,
        args: impl Fn(&mut Cmd),
    ) -> Result<crate::client::Reply> {
        let found = self.ask(script, PARTS, |_, command| args(command));
        found.map_err(|error| match error {
            Error::IndexOutOfRange { length, .. } => Error::IndexOutOfRange { index, length },
            other => other,
        })
    }

    fn slice(&self, span: Span) -> Result<(Vec<Content>, Stamp)> {
        let found = self.ask(&SLICE, PARTS, |_, command| write_span(command, span))?;
        let mut values = reply::list(found.value)?.into_iter();
        let stamp = reply::stamp(found.history, values.next().unwrap_or(Value::Nil))?;
        Ok((self.contents(&found.session, values.collect())?, stamp))
    }
}

impl List for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn stamp(&self) -> Result<Stamp> {
        let found = self.ask(&STAMP, "m", |_, _| ())?;
        reply::stamp(found.history, found.value)
    }

    fn len(&self) -> Result<u64> {
        Ok(reply::int(self.ask(&LEN, PARTS, |_, _| ())?.value)? as u64)
    }

    fn get(&self, index: i64) -> Result<Content> {
        let found = self.ask_at(&GET, index, |command| {
            command.arg(index);
        })?;
        self.content(&found.session, found.value)?.ok_or(corrupt("an item has a value"))
    }

    fn set(&self, index: i64, value: &Encoded) -> Result<()> {
        let stored = stored::write(value)?;
        self.ask_at(&SET, index, |command| {
            command.arg(index).arg(&stored);
        })
        .map(drop)
    }

    fn push(&self, value: &Encoded) -> Result<()> {
        self.extend(std::slice::from_ref(value))
    }

    fn extend(&self, values: &[Encoded]) -> Result<()> {
        values.chunks(RawList::MAX_ATOMIC_EXTEND).try_for_each(|values| {
            let written = written(values)?;
            self.tell(&EXTEND, PARTS, |_, command| {
                command.arg(&written);
            })
            .map(drop)
        })
    }

    fn insert(&self, index: i64, value: &Encoded) -> Result<()> {
        let stored = stored::write(value)?;
        let index = index.clamp(-FARTHEST, FARTHEST);
        self.tell(&INSERT, PARTS, |_, command| {
            command.arg(index).arg(&stored);
        })
        .map(drop)
    }

    fn remove(&self, index: i64) -> Result<Content> {
        let within = index.clamp(-FARTHEST, FARTHEST);
        let found = self.ask_at(&REMOVE, index, |command| {
            command.arg(within);
        })?;
        self.content(&found.session, found.value)?.ok_or(corrupt("an item has a value"))
    }

    fn clear(&self) -> Result<()> {
        self.tell(&CLEAR, PARTS, |_, _| ()).map(drop)
    }

    fn reverse(&self) -> Result<()> {
        self.tell(&REVERSE, PARTS, |_, _| ()).map(drop)
    }

    fn get_slice(&self, span: Span) -> Result<Vec<Content>> {
        Ok(self.slice(span)?.0)
    }

    fn set_slice(&self, span: Span, values: &[Encoded]) -> Result<()> {
        let written = written(values)?;
        let set = self.tell(&SET_SLICE, PARTS, |_, command| {
            write_span(command, span);
            command.arg(&written);
        });
        set.map(drop).map_err(|error| match error {
            Error::WrongLength { found, .. } => Error::WrongLength { found, asked: values.len() as u64 },
            other => other,
        })
    }

    fn delete_slice(&self, span: Span) -> Result<()> {
        self.tell(&DELETE_SLICE, PARTS, |_, command| write_span(command, span)).map(drop)
    }

    fn snapshot(&self) -> Result<(Vec<Content>, Stamp)> {
        self.slice(Span::ALL)
    }

    fn reorder(&self, order: &[u64], stamp: Stamp) -> Result<bool> {
        let named: HashSet<u64> = order.iter().copied().filter(|place| *place < order.len() as u64).collect();
        if named.len() != order.len() {
            return Ok(false);
        }
        self.tell(&REORDER, PARTS, |_, command| {
            let count = command.count_of(stamp);
            command.arg(count).arg(order);
        })
    }

    fn replace(&self, indices: &[u64], at: u64, values: &[Encoded], stamp: Stamp) -> Result<bool> {
        let written = written(values)?;
        let at = at.min(FARTHEST as u64);
        self.tell(&REPLACE, PARTS, |_, command| {
            let count = command.count_of(stamp);
            command.arg(count).arg(at).arg(indices.len()).arg(indices).arg(&written);
        })
    }
}
