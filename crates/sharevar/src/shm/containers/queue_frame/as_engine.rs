//! All kinds of queues of shared memory as the seam has them, for callers that know no engine.

use super::QueueKind;
use crate::engine::content::Content;
use crate::engine::form::Form;
use crate::engine::handle::Handle;
use crate::engine::queue::Queue;
use crate::engine::wait::Wait;
use crate::error::Result;
use sharevar_value::Encoded;

impl<K: QueueKind> Queue for K {
    fn handle(&self) -> Handle {
        (**self).handle().clone().into()
    }

    fn form(&self) -> Result<Form> {
        QueueKind::form(self)
    }

    fn len(&self) -> Result<u64> {
        (**self).len()
    }

    fn limit(&self) -> Result<u64> {
        (**self).limit()
    }

    fn set_limit(&self, limit: u64) -> Result<()> {
        (**self).set_limit(limit)
    }

    fn try_put(&self, value: &Encoded) -> Result<bool> {
        QueueKind::try_put(self, value, false)
    }

    fn put_wait<'a>(&'a self, value: &'a Encoded) -> Box<dyn Wait<()> + 'a> {
        Box::new(QueueKind::put_wait(self, value))
    }

    fn try_put_many(&self, values: &[Encoded]) -> Result<usize> {
        QueueKind::try_put_many(self, values)
    }

    fn try_get(&self) -> Result<Option<Content>> {
        QueueKind::try_get(self, false)
    }

    fn first(&self) -> Result<Option<Content>> {
        QueueKind::first(self)
    }

    fn get_wait(&self) -> Box<dyn Wait<Content> + '_> {
        Box::new(QueueKind::get_wait(self))
    }

    fn try_get_many(&self, most: usize, items: &mut Vec<Content>) -> Result<usize> {
        QueueKind::try_get_many(self, most, items)
    }

    fn unfinished(&self) -> Result<u64> {
        (**self).unfinished()
    }

    fn task_done(&self) -> Result<()> {
        (**self).task_done()
    }

    fn join_wait(&self) -> Box<dyn Wait<()> + '_> {
        Box::new((**self).join_wait())
    }

    fn shut_down(&self, immediate: bool) -> Result<()> {
        (**self).shut_down(immediate)
    }

    fn is_shut_down(&self) -> Result<bool> {
        (**self).is_shut_down()
    }
}
