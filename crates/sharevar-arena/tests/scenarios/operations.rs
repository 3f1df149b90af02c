//! The operations in which deaths are played at every crash point.

use super::{Operation, RECORD, World, put_block};
use sharevar_arena::{HeapShape, Participant};

const WORDS: u64 = 950;
/// Behind the note of this number there is a place in the lane itself for one more.
const LAST_INLINE: u64 = 830;

fn nothing(_: &World) {}

fn any(_: HeapShape, _: u64, _: HeapShape) -> bool {
    true
}

fn no_growth_of_lists(_: HeapShape, most: u64, _: HeapShape) -> bool {
    most == u64::MAX || most == 0
}

const PLAIN: Operation = Operation {
    name: "",
    prepare: nothing,
    run: nothing,
    changes: false,
    recovery_locks: false,
    effect: no_growth_of_lists,
};

fn own_with_blocks(world: &World) {
    let mortal = world.mortal();
    let own = mortal.create(RECORD).unwrap();
    for (index, bytes) in [(0, 40), (1, 5000), (2, 70_000)] {
        put_block(&mortal, own, index, bytes, 9).unwrap();
    }
    *world.own.borrow_mut() = Some(own);
}

/// A block of `bytes` in word 3, all of whose words say 5.
fn array(world: &World, bytes: u64) {
    let mut transaction = world.survivor.begin().unwrap();
    let block = transaction.allocate(bytes).unwrap();
    for index in 0..bytes / 8 {
        transaction.put(block + index * 8, 5).unwrap();
    }
    transaction.lock(world.first).unwrap();
    transaction.set_body(world.first, 3, block).unwrap();
    transaction.commit().unwrap();
}

pub(crate) const CREATE: Operation = Operation {
    name: "create a variable",
    run: |world| {
        let made = world.mortal().create(RECORD).unwrap();
        *world.own.borrow_mut() = Some(made);
        assert_eq!(world.mortal().references_to(made), 1);
    },
    ..PLAIN
};

pub(crate) const CREATE_REUSED: Operation = Operation {
    name: "create a variable in a used header",
    prepare: |world| {
        own_with_blocks(world);
        let own = world.own.borrow().unwrap();
        world.mortal().release_later(own);
        world.mortal().flush_releases().unwrap();
    },
    run: |world| {
        let old = world.own.borrow().unwrap();
        let made = world.mortal().create(RECORD).unwrap();
        assert_eq!(made.header(), old.header());
        assert_eq!(made.generation(), old.generation() + 1);
    },
    ..PLAIN
};

pub(crate) const HOLD: Operation = Operation {
    name: "hold",
    run: |world| {
        world.mortal().hold(world.first).unwrap();
        assert_eq!(world.mortal().references_to(world.first), 2);
    },
    recovery_locks: true,
    ..PLAIN
};

pub(crate) const LET_GO: Operation = Operation {
    name: "let go of the last handle",
    prepare: own_with_blocks,
    run: |world| {
        let own = world.own.borrow().unwrap();
        world.mortal().release_later(own);
        world.mortal().flush_releases().unwrap();
        assert!(world.mortal().variable(own.header(), own.generation()).is_err());
    },
    effect: |before, _, after| after.runs < before.runs,
    ..PLAIN
};

pub(crate) const SMALL: Operation = Operation {
    name: "replace a small block",
    run: |world| put_block(&world.mortal(), world.first, 0, 64, 11).unwrap(),
    changes: true,
    ..PLAIN
};

pub(crate) const LARGE: Operation = Operation {
    name: "allocate a large block",
    run: |world| put_block(&world.mortal(), world.first, 2, 70_000, 12).unwrap(),
    changes: true,
    effect: |before, _, after| after.runs == before.runs + 1,
    ..PLAIN
};

pub(crate) const SPAN: Operation = Operation {
    name: "allocate in a new span",
    run: |world| put_block(&world.mortal(), world.first, 2, 6000, 13).unwrap(),
    changes: true,
    effect: |before, _, after| after.spans == before.spans + 1,
    ..PLAIN
};

pub(crate) const LAST_OF_SPAN: Operation = Operation {
    name: "fill a span",
    prepare: |world| {
        // Seven blocks of 8 KiB in a span: six are taken.
        for index in 0..6 {
            let variable = if index < 3 { world.first } else { world.second };
            put_block(&world.mortal(), variable, 2 + index % 3, 8192, 13).unwrap();
        }
    },
    run: |world| put_block(&world.mortal(), world.first, 5, 8192, 13).unwrap(),
    changes: true,
    effect: |before, _, after| after == before,
    ..PLAIN
};

fn two_spans(world: &World) {
    for index in 0..8 {
        let variable = if index < 4 { world.first } else { world.second };
        put_block(&world.mortal(), variable, 2 + index % 4, 8192, 13).unwrap();
    }
    // Room in the first span, so that the second need not stay when it is empty.
    put_block(&world.mortal(), world.first, 2, 16, 13).unwrap();
}

pub(crate) const FREE_SPAN: Operation = Operation {
    name: "give a span back",
    prepare: two_spans,
    run: |world| put_block(&world.mortal(), world.second, 5, 64, 14).unwrap(),
    changes: true,
    effect: |before, _, after| after.spans == before.spans - 1,
    ..PLAIN
};

/// Runs of 10, 40 and 10 pages, the middle one free.
fn hole(world: &World) {
    let mortal = world.mortal();
    put_block(&mortal, world.first, 2, 40_000, 1).unwrap();
    put_block(&mortal, world.second, 2, 160_000, 1).unwrap();
    put_block(&mortal, world.second, 3, 40_000, 1).unwrap();
    put_block(&mortal, world.second, 2, 64, 1).unwrap();
}

pub(crate) const SPLIT: Operation = Operation {
    name: "split a free run",
    prepare: hole,
    run: |world| put_block(&world.mortal(), world.first, 4, 80_000, 15).unwrap(),
    changes: true,
    effect: |before, _, after| {
        before.free_runs >= 1 && after.free_runs == before.free_runs && after.top == before.top
    },
    ..PLAIN
};

pub(crate) const MERGE: Operation = Operation {
    name: "free a run between two free runs",
    prepare: |world| {
        let mortal = world.mortal();
        for (index, pages) in [(1, 20), (2, 30), (3, 40), (4, 10)] {
            put_block(&mortal, world.second, index, pages * 4096, 1).unwrap();
        }
        put_block(&mortal, world.second, 1, 64, 1).unwrap();
        put_block(&mortal, world.second, 3, 64, 1).unwrap();
    },
    run: |world| put_block(&world.mortal(), world.second, 2, 64, 16).unwrap(),
    changes: true,
    effect: |before, _, after| after.free_runs + 1 == before.free_runs,
    ..PLAIN
};

pub(crate) const GROW: Operation = Operation {
    name: "allocate beyond what is published",
    run: |world| put_block(&world.mortal(), world.first, 2, 900_000, 17).unwrap(),
    changes: true,
    effect: |before, _, after| after.published > before.published,
    ..PLAIN
};

pub(crate) const GIVE_UP: Operation = Operation {
    name: "give a block up",
    run: |world| {
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        transaction.lock(world.first).unwrap();
        let block = transaction.body(world.first, 1);
        transaction.set_body(world.first, 1, 0).unwrap();
        transaction.free_on_commit(block).unwrap();
        transaction.commit().unwrap();
    },
    changes: true,
    ..PLAIN
};

fn changes_of_all_kinds(mortal: &Participant, world: &World) -> bool {
    let mut transaction = mortal.begin().unwrap();
    transaction.add_reference(world.second).unwrap();
    let block = transaction.allocate(100).unwrap();
    let large = transaction.allocate(20_000).unwrap();
    transaction.put(block, 3).unwrap();
    transaction.lock(world.first).unwrap();
    let old = transaction.body(world.first, 0);
    transaction.set_body(world.first, 0, block).unwrap();
    transaction.set_body(world.first, 2, large).unwrap();
    transaction.set_body(world.first, 4, world.second.header() | 8).unwrap();
    transaction.set_body(world.first, super::NUMBER, 31).unwrap();
    transaction.free_on_commit(old).unwrap();
    transaction.count_change(world.first);
    drop(transaction);
    true
}

pub(crate) const ROLL_BACK: Operation = Operation {
    name: "roll a transaction back",
    run: |world| assert!(changes_of_all_kinds(&world.mortal(), world)),
    ..PLAIN
};

pub(crate) const TWICE: Operation = Operation {
    name: "change one word twice",
    run: |world| {
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        transaction.lock(world.first).unwrap();
        for value in 1..4 {
            transaction.set_body(world.first, super::NUMBER, value).unwrap();
        }
        transaction.commit().unwrap();
    },
    changes: true,
    ..PLAIN
};

/// Stores over the first words of a block, among them some that the same transaction has noted before, and over
/// words of a header.
fn words_at_once(world: &World, commit: bool) {
    let mortal = world.mortal();
    let mut transaction = mortal.begin().unwrap();
    transaction.lock(world.first).unwrap();
    let block = transaction.body(world.first, 3);
    transaction.set(block + 16, 1).unwrap();
    transaction.set_words(block, [2, 3, 4, 5, 6, 7].into_iter()).unwrap();
    transaction.set_words(block + 40, [8, 9].into_iter()).unwrap();
    transaction.set(block + 8, 10).unwrap();
    let own = transaction.body(world.first, super::SELF);
    transaction.set_body_words(world.first, super::NUMBER, [11, own]).unwrap();
    if commit {
        transaction.commit().unwrap();
    }
}

pub(crate) const WORDS_AT_ONCE: Operation = Operation {
    name: "words whose notes count together, committed",
    prepare: |world| array(world, 64),
    run: |world| words_at_once(world, true),
    changes: true,
    ..PLAIN
};

pub(crate) const WORDS_AT_ONCE_BACK: Operation = Operation {
    name: "words whose notes count together, rolled back",
    prepare: |world| array(world, 64),
    run: |world| words_at_once(world, false),
    ..PLAIN
};

/// The same on the fast path.
fn noted_stores(world: &World, commit: bool) {
    let mortal = world.mortal();
    let changed = mortal.change_one(world.first, |change| {
        let block = change.body(3);
        let mut stores = change.noted();
        stores.set(block + 16, 1).unwrap();
        stores.set_words(block, [2, 3, 4, 5, 6, 7].into_iter()).unwrap();
        stores.set_words(block + 40, [8, 9].into_iter()).unwrap();
        let own = stores.body(super::SELF);
        stores.set_body_words(super::NUMBER, [11, own]).unwrap();
        stores.set(block + 8, 10).unwrap();
        assert_eq!(stores.load(block + 40).unwrap(), 8);
        if commit {
            stores.commit();
        }
        Some(())
    });
    assert!(changed.is_some());
}

pub(crate) const NOTED_STORES: Operation = Operation {
    name: "several words on the fast path, committed",
    prepare: |world| {
        array(world, 64);
        // So that it has a lane.
        world.mortal().begin().unwrap().commit().unwrap();
    },
    run: |world| noted_stores(world, true),
    changes: true,
    ..PLAIN
};

pub(crate) const NOTED_STORES_BACK: Operation = Operation {
    name: "several words on the fast path, put back",
    prepare: |world| {
        array(world, 64);
        // So that it has a lane.
        world.mortal().begin().unwrap().commit().unwrap();
    },
    run: |world| noted_stores(world, false),
    ..PLAIN
};

pub(crate) const ONE_WORD: Operation = Operation {
    name: "change one word without a note",
    run: |world| {
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        transaction.lock(world.first).unwrap();
        transaction.change_body(world.first, super::NUMBER, 8);
        transaction.count_change(world.first);
        transaction.commit().unwrap();
    },
    changes: true,
    ..PLAIN
};

pub(crate) const MOVE: Operation = Operation {
    name: "move a block between two variables",
    run: |world| {
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        transaction.lock(world.first).unwrap();
        transaction.lock(world.second).unwrap();
        let (one, other) = (transaction.body(world.first, 0), transaction.body(world.second, 0));
        transaction.set_body(world.first, 0, other).unwrap();
        transaction.set_body(world.second, 0, one).unwrap();
        transaction.set_body(world.first, super::NUMBER, 2).unwrap();
        transaction.set_body(world.second, super::NUMBER, 2).unwrap();
        transaction.commit().unwrap();
    },
    changes: true,
    ..PLAIN
};

/// The lane's note of a heap lock is old and names the variable that the transaction holds.
pub(crate) const AFTER_HOLD: Operation = Operation {
    name: "change a variable that the same lane has just held",
    prepare: |world| {
        let mortal = world.mortal();
        mortal.hold(world.first).unwrap();
    },
    run: |world| {
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        transaction.lock(world.first).unwrap();
        transaction.set_body(world.first, super::NUMBER, 6).unwrap();
        let block = transaction.body(world.first, 0);
        transaction.set(block, 6).unwrap();
        transaction.commit().unwrap();
    },
    changes: true,
    recovery_locks: true,
    ..PLAIN
};

pub(crate) const PUT_HANDLE: Operation = Operation {
    name: "put a handle into a container",
    run: |world| {
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        transaction.add_reference(world.second).unwrap();
        transaction.lock(world.first).unwrap();
        transaction.set_body(world.first, 4, world.second.header() | 8).unwrap();
        transaction.commit().unwrap();
        assert_eq!(mortal.references_to(world.second), 2);
    },
    changes: true,
    ..PLAIN
};

pub(crate) const TAKE_HANDLE: Operation = Operation {
    name: "take the last handle out of a container",
    prepare: |world| {
        own_with_blocks(world);
        let own = world.own.borrow().unwrap();
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        transaction.add_reference(own).unwrap();
        transaction.lock(world.first).unwrap();
        transaction.set_body(world.first, 4, own.header() | 8).unwrap();
        transaction.commit().unwrap();
        mortal.release_later(own);
        mortal.flush_releases().unwrap();
    },
    run: |world| {
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        transaction.lock(world.first).unwrap();
        let handle = transaction.body(world.first, 4);
        transaction.set_body(world.first, 4, 0).unwrap();
        transaction.free_on_commit(handle).unwrap();
        transaction.commit().unwrap();
        mortal.reap().unwrap();
        let own = world.own.borrow().unwrap();
        assert!(mortal.variable(own.header(), own.generation()).is_err());
    },
    changes: true,
    effect: |before, _, after| after.runs < before.runs,
    ..PLAIN
};

fn many_notes(world: &World, commit: bool) {
    let mortal = world.mortal();
    let mut transaction = mortal.begin().unwrap();
    transaction.lock(world.first).unwrap();
    let block = transaction.body(world.first, 3);
    for index in 0..WORDS {
        transaction.set(block + index * 8, index).unwrap();
        if index == LAST_INLINE {
            // Together, but for those notes there is no place in the lane itself.
            transaction.set_words(block, [7, 8, 9].into_iter()).unwrap();
        }
    }
    transaction.set_body(world.first, super::NUMBER, 1).unwrap();
    if commit {
        transaction.commit().unwrap();
    }
}

pub(crate) const MANY_NOTES: Operation = Operation {
    name: "950 notes, committed",
    prepare: |world| array(world, WORDS * 8),
    run: |world| many_notes(world, true),
    changes: true,
    effect: |_, most, _| most >= 1,
    ..PLAIN
};

pub(crate) const MANY_NOTES_BACK: Operation = Operation {
    name: "950 notes, rolled back",
    prepare: |world| array(world, WORDS * 8),
    run: |world| many_notes(world, false),
    effect: |_, most, _| most >= 1,
    ..PLAIN
};

pub(crate) const MANY_BLOCKS: Operation = Operation {
    name: "150 blocks allocated and given up in one transaction",
    run: |world| {
        let mortal = world.mortal();
        let mut transaction = mortal.begin().unwrap();
        let blocks: Vec<_> = (0..150).map(|_| transaction.allocate(64).unwrap()).collect();
        transaction.lock(world.first).unwrap();
        let old = transaction.body(world.first, 0);
        transaction.set_body(world.first, 0, blocks[0]).unwrap();
        transaction.put(blocks[0], 1).unwrap();
        transaction.put(blocks[0] + 8, 1).unwrap();
        transaction.free_on_commit(old).unwrap();
        for block in &blocks[1..] {
            transaction.free_on_commit(*block).unwrap();
        }
        transaction.commit().unwrap();
    },
    changes: true,
    effect: |_, most, _| most >= 2,
    ..PLAIN
};

pub(crate) const ATTACH: Operation = Operation {
    name: "attach",
    run: |world| {
        let file = world.survivor.descriptor().unwrap();
        let slots = world.survivor.slots_in_use();
        let joined = Participant::attach(file, super::KINDS).unwrap();
        assert_eq!(world.survivor.slots_in_use(), slots + 1);
        world.kept.borrow_mut().push(joined);
    },
    ..PLAIN
};

pub(crate) const DETACH: Operation = Operation {
    name: "detach",
    prepare: own_with_blocks,
    run: |world| {
        let slots = world.survivor.slots_in_use();
        drop(world.mortal.borrow_mut().take());
        assert_eq!(world.survivor.slots_in_use(), slots - 1);
    },
    effect: |before, _, after| after.runs < before.runs,
    ..PLAIN
};

pub(crate) const FORK: Operation = Operation {
    name: "prepare for a fork",
    prepare: own_with_blocks,
    run: |world| {
        let own = world.own.borrow().unwrap();
        let seat = world.mortal().prepare_for_fork().unwrap();
        assert_eq!(world.survivor.references_to(own), 2);
        drop(seat);
    },
    ..PLAIN
};

pub(crate) const SWEEP: Operation = Operation {
    name: "sweep a dead one",
    prepare: |world| {
        own_with_blocks(world);
        let mortal = world.mortal();
        {
            let mut transaction = mortal.begin().unwrap();
            transaction.add_reference(world.second).unwrap();
            let block = transaction.allocate(100).unwrap();
            transaction.lock(world.first).unwrap();
            let old = transaction.body(world.first, 0);
            transaction.set_body(world.first, 0, block).unwrap();
            transaction.free_on_commit(old).unwrap();
            transaction.set_body(world.first, super::NUMBER, 31).unwrap();
            std::mem::forget(transaction);
        }
        mortal.abandon();
    },
    run: |world| {
        let slots = world.survivor.slots_in_use();
        assert_eq!(world.survivor.sweep().unwrap(), 1);
        assert_eq!(world.survivor.slots_in_use(), slots - 1);
        assert_eq!(world.survivor.references_to(world.second), 1);
    },
    effect: any,
    ..PLAIN
};

pub(crate) const ALL: &[Operation] = &[
    CREATE,
    CREATE_REUSED,
    HOLD,
    LET_GO,
    SMALL,
    LARGE,
    SPAN,
    LAST_OF_SPAN,
    FREE_SPAN,
    SPLIT,
    MERGE,
    GROW,
    GIVE_UP,
    ROLL_BACK,
    TWICE,
    WORDS_AT_ONCE,
    WORDS_AT_ONCE_BACK,
    NOTED_STORES,
    NOTED_STORES_BACK,
    ONE_WORD,
    MOVE,
    AFTER_HOLD,
    PUT_HANDLE,
    TAKE_HANDLE,
    MANY_NOTES,
    MANY_NOTES_BACK,
    MANY_BLOCKS,
    ATTACH,
    DETACH,
    FORK,
    SWEEP,
];
