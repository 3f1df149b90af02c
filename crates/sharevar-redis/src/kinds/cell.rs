//! Single values.

use crate::reply;
use crate::script::scripts;
use crate::stored;
use crate::variable::Variable;
use sharevar::engine::{Cell, Content, Handle, Stamp};
use sharevar::{Error, Result};
use sharevar_value::Encoded;

scripts! { "../lua/cell.lua":
    GET = "get";
    SET = "set";
    INCREMENT = "increment";
}

impl Cell for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn get(&self) -> Result<Option<Content>> {
        Ok(self.get_stamped()?.0)
    }

    fn get_stamped(&self) -> Result<(Option<Content>, Stamp)> {
        let found = self.ask(&GET, "m", |_, _| ())?;
        let [value, version] = reply::parts(found.value)?;
        Ok((self.content(&found.session, value)?, reply::stamp(found.history, version)?))
    }

    fn set(&self, value: &Encoded) -> Result<()> {
        let stored = stored::write(value)?;
        self.tell(&SET, "m", |_, command| {
            command.arg(&stored).arg("");
        })
        .map(drop)
    }

    fn set_if_unchanged(&self, value: &Encoded, stamp: Stamp) -> Result<bool> {
        let stored = stored::write(value)?;
        self.tell(&SET, "m", |_, command| {
            let count = command.count_of(stamp);
            command.arg(&stored).arg(count);
        })
    }

    fn increment(&self, by: i64) -> Result<i64> {
        if by == i64::MIN {
            return Err(Error::NotANumber { operation: "an increment" });
        }
        reply::number(
            self.ask(&INCREMENT, "m", |_, command| {
                command.arg(by);
            })?
            .value,
        )
    }
}
