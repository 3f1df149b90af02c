//! Locks that one holder has. The holders of a plain one are this process alone, so that none dies.

use super::bodies::Caller;
use super::variable::Variable;
use crate::engine::acquired::Acquired;
use crate::engine::exclusive::Exclusive;
use crate::engine::handle::Handle;
use crate::engine::wait::Wait;
use crate::error::Result;

impl Exclusive for Variable {
    fn handle(&self) -> Handle {
        self.another()
    }

    fn try_acquire(&self) -> Result<Option<Acquired>> {
        let caller = Caller::now();
        Ok(self.begin()?.exclusive(self.number)?.take(caller))
    }

    fn acquire_wait(&self) -> Box<dyn Wait<Acquired> + '_> {
        let caller = Caller::now();
        self.wait_for(move |state, _| Ok(state.exclusive(self.number)?.take(caller)))
    }

    fn release(&self) -> Result<bool> {
        let caller = Caller::now();
        self.change(|state| Ok(state.exclusive(self.number)?.give_back(caller, 1).is_some()))
    }

    fn release_all(&self) -> Result<Option<u64>> {
        let caller = Caller::now();
        self.change(|state| Ok(state.exclusive(self.number)?.give_back(caller, u64::MAX)))
    }

    fn restore(&self, times: u64) -> Result<()> {
        let caller = Caller::now();
        let mut state = self.begin()?;
        let lock = state.exclusive(self.number)?;
        if lock.is_recursive && lock.is_held_by(caller) {
            lock.times = times;
        }
        Ok(())
    }

    fn is_locked(&self) -> Result<bool> {
        Ok(self.begin()?.exclusive(self.number)?.times > 0)
    }

    fn is_mine(&self) -> Result<bool> {
        let caller = Caller::now();
        Ok(self.begin()?.exclusive(self.number)?.is_held_by(caller))
    }

    fn count(&self) -> Result<u64> {
        let caller = Caller::now();
        let mut state = self.begin()?;
        let lock = state.exclusive(self.number)?;
        Ok(if lock.is_held_by(caller) { lock.times } else { 0 })
    }

    fn owner_died(&self) -> Result<bool> {
        self.begin()?.exclusive(self.number).map(|_| false)
    }

    fn mark_consistent(&self) -> Result<()> {
        self.begin()?.exclusive(self.number).map(|_| ())
    }
}
