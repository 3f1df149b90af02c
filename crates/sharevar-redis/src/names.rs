//! The variables of a home that have names.

use crate::home::Home;
use crate::namespace::Keys;
use crate::reply;
use crate::script::scripts;
use redis::Value;
use sharevar::engine::{Handle, Names};
use sharevar::{Error, Result};

scripts! { "lua/names.lua":
    FIND = "find";
    ENTER = "enter";
    REMOVE = "remove";
    ALL = "all";
}

impl Names for Home {
    fn find(&self, name: &str) -> Result<Option<Handle>> {
        let keys = self.namespace().name_keys();
        let keys = Keys { more: &keys, ..Keys::default() };
        let found = self.client.ask(&FIND, keys, |_, command| {
            command.arg(name);
        })?;
        match found.value {
            Value::Nil => Ok(None),
            number => Ok(Some(Handle::Other(self.held(&found.session, reply::number(number)?)))),
        }
    }

    fn enter(&self, name: &str, made: &Handle) -> Result<Handle> {
        if made.home_id() != self.namespace().id {
            return Err(Error::OtherManager { arena: made.home_id() });
        }
        let keys = self.namespace().name_keys();
        let keys = Keys { more: &keys, ..Keys::default() };
        let found = self.client.ask(&ENTER, keys, |_, command| {
            command.arg(name).arg(made.id().number);
        })?;
        Ok(Handle::Other(self.held(&found.session, reply::number(found.value)?)))
    }

    fn remove(&self, name: &str) -> Result<bool> {
        let keys = self.namespace().name_keys();
        let keys = Keys { more: &keys, ..Keys::default() };
        reply::yes(
            self.client
                .ask(&REMOVE, keys, |_, command| {
                    command.arg(name);
                })?
                .value,
        )
    }

    fn all(&self) -> Result<Vec<String>> {
        let keys = self.namespace().name_keys();
        let keys = Keys { more: &keys, ..Keys::default() };
        let names = reply::list(self.client.ask(&ALL, keys, |_, _| ())?.value)?.into_iter().map(reply::text);
        Ok(names.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }
}
