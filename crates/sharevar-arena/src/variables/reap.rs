//! Emptying the variables without a reference.

use crate::error::{Error, Result};
use crate::heap::HeapTransaction;
use crate::mapping::layout::header;
use crate::process::participant::Participant;
use crate::sync::Ordering;
use crate::variables::variable;

impl Participant {
    /// Frees the variables without a reference, a bounded step at a time.
    pub fn reap(&self) -> Result<()> {
        loop {
            let dying = self.arena().table_word(header::VARIABLE_DYING).load(Ordering::Acquire);
            if dying == 0 {
                return Ok(());
            }
            let variable = self.arena().variable_at(dying)?;
            let lane = self.enter()?;
            let is_dying = variable::is_dying(HeapTransaction::begin(lane, self.identity()), variable);
            self.leave(lane);
            if !is_dying? {
                continue;
            }
            match (self.ops().reap)(self, variable, self.kind_of(variable)) {
                // More to do; or another participant has finished it meanwhile.
                Ok(false) | Err(Error::HandleExpired) => {}
                Ok(true) => {
                    let lane = self.enter()?;
                    let mut inner = HeapTransaction::begin(lane, self.identity());
                    let retired = variable::retire(&mut inner, variable);
                    if retired.is_ok() {
                        inner.commit();
                    } else {
                        drop(inner);
                    }
                    self.leave(lane);
                    retired?;
                }
                Err(other) => return Err(other),
            }
        }
    }
}
