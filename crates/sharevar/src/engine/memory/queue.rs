//! Queues, in the order of arrival or by priority.

use super::state::State;
use super::variable::Variable;
use crate::engine::content::Content;
use crate::engine::form::Form;
use crate::engine::handle::Handle;
use crate::engine::queue::Queue;
use crate::engine::wait::Wait;
use crate::error::{Error, Result};
use sharevar_value::{Encoded, priority};

impl Variable {
    /// The key by which an item is ordered.
    fn key(&self, state: &mut State, value: &Encoded) -> Result<Vec<u8>> {
        let mut key = Vec::new();
        if state.queue(self.number)?.has_priorities {
            priority::write_key(value, &mut key)?;
        }
        Ok(key)
    }

    /// Puts an item, if there is room.
    fn put(&self, state: &mut State, key: Vec<u8>, value: &Encoded) -> Result<bool> {
        let queue = state.queue(self.number)?;
        if queue.is_shut_down {
            return Err(Error::QueueShutDown);
        }
        if queue.is_full() {
            return Ok(false);
        }
        state.retain_all([value])?;
        let queue = state.queue(self.number)?;
        queue.items.insert((key, queue.put), value.clone());
        queue.put += 1;
        Ok(true)
    }

    /// Takes the first item, if there is one.
    fn get(&self, state: &mut State) -> Result<Option<Content>> {
        let queue = state.queue(self.number)?;
        match queue.items.pop_first() {
            Some((_, value)) => self.taken(state, value).map(Some),
            None if queue.is_shut_down => Err(Error::QueueShutDown),
            None => Ok(None),
        }
    }
}

impl Queue for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn form(&self) -> Result<Form> {
        self.ask(|state| Ok(state.queue(self.number)?.form))
    }

    fn len(&self) -> Result<u64> {
        self.ask(|state| Ok(state.queue(self.number)?.items.len() as u64))
    }

    fn limit(&self) -> Result<u64> {
        self.ask(|state| Ok(state.queue(self.number)?.limit))
    }

    fn set_limit(&self, limit: u64) -> Result<()> {
        self.change(|state| {
            state.queue(self.number)?.limit = limit;
            Ok(())
        })
    }

    fn try_put(&self, value: &Encoded) -> Result<bool> {
        self.change(|state| {
            let key = self.key(state, value)?;
            self.put(state, key, value)
        })
    }

    fn put_wait<'a>(&'a self, value: &'a Encoded) -> Box<dyn Wait<()> + 'a> {
        self.wait_for(|state, _| {
            let key = self.key(state, value)?;
            Ok(self.put(state, key, value)?.then_some(()))
        })
    }

    fn try_put_many(&self, values: &[Encoded]) -> Result<usize> {
        self.change(|state| {
            // All of them first: of items, one of which has no order, none is put.
            let keys: Vec<_> = values.iter().map(|value| self.key(state, value)).collect::<Result<_>>()?;
            for (count, (key, value)) in keys.into_iter().zip(values).enumerate() {
                if !self.put(state, key, value)? {
                    return Ok(count);
                }
            }
            Ok(values.len())
        })
    }

    fn try_get(&self) -> Result<Option<Content>> {
        self.change(|state| self.get(state))
    }

    fn first(&self) -> Result<Option<Content>> {
        self.ask(|state| {
            let first = state.queue(self.number)?.items.values().next().cloned();
            first.map(|value| self.content(state, value)).transpose()
        })
    }

    fn get_wait(&self) -> Box<dyn Wait<Content> + '_> {
        self.wait_for(|state, _| self.get(state))
    }

    fn try_get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize> {
        self.change(|state| {
            let count = most.min(state.queue(self.number)?.items.len());
            for _ in 0..count {
                items.extend(self.get(state)?);
            }
            Ok(count)
        })
    }

    fn unfinished(&self) -> Result<u64> {
        self.ask(|state| {
            let queue = state.queue(self.number)?;
            Ok(queue.put - queue.done)
        })
    }

    fn task_done(&self) -> Result<()> {
        self.change(|state| {
            let queue = state.queue(self.number)?;
            if queue.done == queue.put {
                return Err(Error::NoTaskLeft);
            }
            queue.done += 1;
            Ok(())
        })
    }

    fn join_wait(&self) -> Box<dyn Wait<()> + '_> {
        self.wait_for(|state, _| {
            let queue = state.queue(self.number)?;
            Ok((queue.done == queue.put).then_some(()))
        })
    }

    fn shut_down(&self, immediate: bool) -> Result<()> {
        self.change(|state| {
            let queue = state.queue(self.number)?;
            queue.is_shut_down = true;
            if immediate {
                let items = std::mem::take(&mut queue.items);
                queue.done = queue.put.min(queue.done + items.len() as u64);
                state.release_all(items.into_values());
            }
            Ok(())
        })
    }

    fn is_shut_down(&self) -> Result<bool> {
        self.ask(|state| Ok(state.queue(self.number)?.is_shut_down))
    }
}
