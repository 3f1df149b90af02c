//! Queues, in the order of arrival or by priority.

use crate::error::corrupt;
use crate::number::kind_of;
use crate::reply;
use crate::script::scripts;
use crate::stored;
use crate::variable::Variable;
use crate::waits::Place;
use redis::Value;
use sharevar::engine::wait::Wait;
use sharevar::engine::{Content, Form, Handle, Queue};
use sharevar::{Kind, Result};
use sharevar_value::{Encoded, priority};

scripts! { "../lua/queue.lua":
    PUT = "put";
    GET = "get";
    PUT_BACK = "put_back";
    FIRST = "first";
    STATE = "state";
    SET_LIMIT = "set_limit";
    TASK_DONE = "task_done";
    JOIN = "join";
    SHUT_DOWN = "shut_down";
}

const PARTS: &str = "mdowpj";
/// The most items of one request, so that no other client waits for long.
const MOST: usize = 4096;

/// The key by which an item is sorted. None is the beginning of another one.
fn sort_key(value: &Encoded) -> Result<Vec<u8>> {
    let mut key = Vec::new();
    priority::write_key(value, &mut key)?;
    let mut ended = Vec::with_capacity(key.len() + 2);
    for byte in key {
        ended.push(byte);
        if byte == 0 {
            ended.push(0xff);
        }
    }
    ended.extend([0, 0]);
    Ok(ended)
}

impl Variable {
    fn put(&self, values: &[Encoded], place: Place<'_>) -> Result<usize> {
        let has_priorities = kind_of(self.number) == Some(Kind::PriorityQueue);
        let mut written = Vec::with_capacity(values.len() * 2);
        for value in values {
            written.push(if has_priorities { sort_key(value)? } else { Vec::new() });
            written.push(stored::write(value)?);
        }
        let put = self.ask(&PUT, PARTS, |_, command| {
            command.arg(place.ticket).arg(place.score).arg(&written);
        })?;
        Ok(reply::int(put.value)? as usize)
    }

    fn take_items(&self, most: usize, place: Place<'_>) -> Result<Vec<Content>> {
        let found = self.ask_with_shortfall(&GET, PARTS, |_, command| {
            command.arg(place.ticket).arg(place.score).arg(most);
        })?;
        if found.value == Value::Nil {
            return Ok(Vec::new());
        }
        let mut values = reply::list(found.value)?;
        let members = values.split_off(values.len() / 2);
        let Some(shortfall) = found.shortfall else { return self.contents(&found.session, values) };
        // Otherwise nobody would have them. The handles that came with them are given up.
        let items = values.into_iter().zip(members).flat_map(|(value, member)| [value, member]);
        let items =
            items.map(|part| Ok(reply::bytes(part)?.unwrap_or_default())).collect::<Result<Vec<_>>>()?;
        let error = self.undo(shortfall, &PUT_BACK, PARTS, |_, command| {
            command.arg(&items);
        });
        for value in items.into_iter().step_by(2) {
            self.content(&found.session, Value::BulkString(value))?;
        }
        Err(error)
    }

    /// The limit, how many were put, how many are done, whether it is shut down, the form, and how many are
    /// there.
    fn queue_state(&self) -> Result<[Value; 6]> {
        reply::parts(self.ask(&STATE, PARTS, |_, _| ())?.value)
    }
}

impl Queue for Variable {
    fn handle(&self) -> Handle {
        self.this()
    }

    fn form(&self) -> Result<Form> {
        let [.., form, _] = self.queue_state()?;
        let number = reply::int(form)?;
        Form::ALL.into_iter().find(|form| *form as i64 == number).ok_or(corrupt("a queue has a form"))
    }

    fn len(&self) -> Result<u64> {
        let [.., length] = self.queue_state()?;
        reply::number(length)
    }

    fn limit(&self) -> Result<u64> {
        let [limit, ..] = self.queue_state()?;
        reply::number(limit)
    }

    fn set_limit(&self, limit: u64) -> Result<()> {
        self.tell(&SET_LIMIT, PARTS, |_, command| {
            command.arg(limit);
        })
        .map(drop)
    }

    fn try_put(&self, value: &Encoded) -> Result<bool> {
        Ok(self.put(std::slice::from_ref(value), Place::default())? == 1)
    }

    fn put_wait<'a>(&'a self, value: &'a Encoded) -> Box<dyn Wait<()> + 'a> {
        self.wait_for(
            'p',
            move |place| Ok((self.put(std::slice::from_ref(value), place)? == 1).then_some(())),
        )
    }

    fn try_put_many(&self, values: &[Encoded]) -> Result<usize> {
        self.put(&values[..values.len().min(MOST)], Place::default())
    }

    fn try_get(&self) -> Result<Option<Content>> {
        Ok(self.take_items(1, Place::default())?.pop())
    }

    fn first(&self) -> Result<Option<Content>> {
        let found = self.ask(&FIRST, PARTS, |_, _| ())?;
        self.content(&found.session, found.value)
    }

    fn get_wait(&self) -> Box<dyn Wait<Content> + '_> {
        self.wait_for('w', |place| Ok(self.take_items(1, place)?.pop()))
    }

    fn try_get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize> {
        if most == 0 {
            return Ok(0);
        }
        let taken = match self.take_items(most.min(MOST), Place::default()) {
            // That is for the next single one to tell.
            Err(sharevar::Error::QueueShutDown) => Vec::new(),
            taken => taken?,
        };
        let count = taken.len();
        items.extend(taken);
        Ok(count)
    }

    fn unfinished(&self) -> Result<u64> {
        let [_, put, done, ..] = self.queue_state()?;
        Ok(reply::number::<u64>(put)?.saturating_sub(reply::number(done)?))
    }

    fn task_done(&self) -> Result<()> {
        self.tell(&TASK_DONE, PARTS, |_, _| ()).map(drop)
    }

    fn join_wait(&self) -> Box<dyn Wait<()> + '_> {
        self.wait_for('j', |place| {
            let is_over = self.tell(&JOIN, PARTS, |_, command| {
                command.arg(place.ticket).arg(place.score);
            })?;
            Ok(is_over.then_some(()))
        })
    }

    fn shut_down(&self, immediate: bool) -> Result<()> {
        self.tell(&SHUT_DOWN, PARTS, |_, command| {
            command.arg(u8::from(immediate));
        })
        .map(drop)
    }

    fn is_shut_down(&self) -> Result<bool> {
        let [_, _, _, shut, ..] = self.queue_state()?;
        reply::yes(shut)
    }
}
