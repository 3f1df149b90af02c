//! An arena with a variable of each kind, and what an operation may do to them.

use super::counting;
use crate::modeled::text;
use sharevar::shm::{
    Form, Handle, KINDS, QueueKind, RawArray, RawBarrier, RawCondition, RawDict, RawEvent, RawList,
    RawPriorityQueue, RawQueue, RawRwLock, RawSemaphore, RawValue,
};
use sharevar::{Kind, Participant, Variable};
use sharevar_arena::HeapShape;
use sharevar_value::{Encoded, Key, Value, Word};
use std::cell::RefCell;
use std::sync::Arc;

/// The variables that the operations change, as handles of one participant.
pub(crate) struct Hands {
    pub(crate) participant: Arc<Participant>,
    pub(crate) dict: RawDict,
    pub(crate) list: RawList,
    pub(crate) value: RawValue,
    pub(crate) array: RawArray,
    /// A value that others refer to.
    pub(crate) target: RawValue,
    pub(crate) queue: RawQueue,
    pub(crate) semaphore: RawSemaphore,
    pub(crate) rwlock: RawRwLock,
    pub(crate) event: RawEvent,
    pub(crate) condition: RawCondition,
    /// For three.
    pub(crate) barrier: RawBarrier,
    /// For three, with an action.
    pub(crate) acting: RawBarrier,
    pub(crate) lock: Handle,
    pub(crate) rlock: Handle,
    pub(crate) set: RawDict,
    pub(crate) priority_queue: RawPriorityQueue,
}

/// The same variables, as every participant may name them: the anchor, then in the order of [`Hands`].
pub(crate) type Names = [Variable; 17];

// The last four.
pub(crate) const LOCK: usize = 13;
pub(crate) const RLOCK: usize = 14;
pub(crate) const SET: usize = 15;
pub(crate) const PRIORITY_QUEUE: usize = 16;

impl Hands {
    pub(crate) fn open(participant: &Arc<Participant>, names: &[Variable]) -> Self {
        let open = |number: usize| Handle::open(participant, names[number]).unwrap();
        Self {
            participant: participant.clone(),
            dict: RawDict::from_handle(open(1)).unwrap(),
            list: RawList::from_handle(open(2)).unwrap(),
            value: RawValue::from_handle(open(3)).unwrap(),
            array: RawArray::from_handle(open(4)).unwrap(),
            target: RawValue::from_handle(open(5)).unwrap(),
            queue: RawQueue::from_handle(open(6)).unwrap(),
            semaphore: RawSemaphore::from_handle(open(7)).unwrap(),
            rwlock: RawRwLock::from_handle(open(8)).unwrap(),
            event: RawEvent::from_handle(open(9)).unwrap(),
            condition: RawCondition::from_handle(open(10)).unwrap(),
            barrier: RawBarrier::from_handle(open(11)).unwrap(),
            acting: RawBarrier::from_handle(open(12)).unwrap(),
            lock: open(LOCK),
            rlock: open(RLOCK),
            set: RawDict::from_handle_as(open(SET), Kind::Set).unwrap(),
            priority_queue: RawPriorityQueue::from_handle(open(PRIORITY_QUEUE)).unwrap(),
        }
    }

    pub(crate) fn key(&self, number: u64) -> Key {
        Key::from_str(&format!("k{number}"), self.dict.seed()).unwrap()
    }

    pub(crate) fn long_key(&self, number: u64) -> Key {
        Key::from_str(&text(90, number), self.dict.seed()).unwrap()
    }
}

pub(crate) fn block(stamp: u64) -> Encoded {
    Value::Str(text(60, stamp)).to_encoded().unwrap()
}

pub(crate) fn handle_to(handle: &Handle) -> Encoded {
    Encoded::Word(Word::handle(handle.variable().header()))
}

/// An arena whose variables stand in a list that contains itself, so that they outlive every participant.
pub(crate) struct World {
    pub(crate) survivor: Arc<Participant>,
    pub(crate) mortal: Hands,
    pub(crate) names: Names,
    /// Variables that only the mortal knows.
    pub(crate) own: RefCell<Vec<Handle>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let survivor = Participant::create_arena(Some(24 << 20), KINDS).unwrap();
        let anchor = RawList::create(&survivor).unwrap();
        let array = RawArray::create(&survivor, 'h', 2, 200).unwrap();
        let lock = Handle::create(&survivor, Kind::Lock).unwrap();
        let made = [
            anchor.handle().clone(),
            RawDict::create(&survivor).unwrap().handle().clone(),
            RawList::create(&survivor).unwrap().handle().clone(),
            RawValue::create(&survivor).unwrap().handle().clone(),
            array.handle().clone(),
            RawValue::create(&survivor).unwrap().handle().clone(),
            RawQueue::create(&survivor, 0, Form::Queue).unwrap().handle().clone(),
            RawSemaphore::create(&survivor, counting::UNITS, None, None).unwrap().handle().clone(),
            RawRwLock::create(&survivor).unwrap().handle().clone(),
            RawEvent::create(&survivor).unwrap().handle().clone(),
            RawCondition::create(&survivor, &lock).unwrap().handle().clone(),
            RawBarrier::create(&survivor, 3, None, None).unwrap().handle().clone(),
            RawBarrier::create(&survivor, 3, Some(&block(3)), None).unwrap().handle().clone(),
            Handle::create(&survivor, Kind::Lock).unwrap(),
            Handle::create(&survivor, Kind::RLock).unwrap(),
            RawDict::create_as(&survivor, Kind::Set).unwrap().handle().clone(),
            RawPriorityQueue::create(&survivor, 0).unwrap().handle().clone(),
        ];
        for handle in &made {
            anchor.push(&handle_to(handle)).unwrap();
        }
        let names = made.each_ref().map(Handle::variable);
        drop((anchor, array, lock, made));
        survivor.flush_releases().unwrap();
        let mortal = Hands::open(&survivor.join_again().unwrap(), &names);
        mortal.target.set(&block(5)).unwrap();
        Self { survivor, mortal, names, own: RefCell::default() }
    }

    pub(crate) fn facts(&self) -> Facts {
        let survivor = &self.survivor;
        let report = survivor.check();
        assert!(report.is_clean(), "{:#?}", report.problems);
        Facts {
            heap: survivor.heap_shape().unwrap(),
            blocks: report.blocks,
            variables: report.variables,
            dict: std::array::from_fn(|index| survivor.peek_body(self.names[1], index)),
            list: std::array::from_fn(|index| survivor.peek_body(self.names[2], index)),
            queue: std::array::from_fn(|index| survivor.peek_body(self.names[6], index)),
            priority_queue: std::array::from_fn(|index| {
                survivor.peek_body(self.names[PRIORITY_QUEUE], index)
            }),
            semaphore: std::array::from_fn(|index| survivor.peek_body(self.names[7], index)),
            rwlock: std::array::from_fn(|index| survivor.peek_body(self.names[8], index)),
            event: survivor.peek_body(self.names[9], 0),
            lock: survivor.peek_body(self.names[LOCK], 0),
            rlock: std::array::from_fn(|index| survivor.peek_body(self.names[RLOCK], index)),
            set: std::array::from_fn(|index| survivor.peek_body(self.names[SET], index)),
            condition: std::array::from_fn(|index| survivor.peek_body(self.names[10], index)),
            barrier: std::array::from_fn(|index| survivor.peek_body(self.names[11], index)),
            acting: std::array::from_fn(|index| survivor.peek_body(self.names[12], index)),
        }
    }
}

/// The facts that an operation has or has not changed, besides contents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) heap: HeapShape,
    pub(crate) blocks: u64,
    pub(crate) variables: u64,
    /// The body words of the dict.
    pub(crate) dict: [u64; 8],
    /// The body words of the list.
    pub(crate) list: [u64; 8],
    /// The body words of the queues.
    pub(crate) queue: [u64; 8],
    pub(crate) priority_queue: [u64; 8],
    /// The body words of the semaphore, the readers-writer lock, and the event's one.
    pub(crate) semaphore: [u64; 8],
    pub(crate) rwlock: [u64; 8],
    pub(crate) event: u64,
    /// The lock's word, the recursive lock's three, and the body words of the set.
    pub(crate) lock: u64,
    pub(crate) rlock: [u64; 3],
    pub(crate) set: [u64; 8],
    /// The body words of the condition and the barriers.
    pub(crate) condition: [u64; 8],
    pub(crate) barrier: [u64; 8],
    pub(crate) acting: [u64; 8],
}
