//! Changes under the condition that nothing was changed since a stamp, and keys that are known up to one.

use crate::{cell, int, number, pairs};
use sharevar::engine::{Backed, Handle, List, Make, Map, Selection, Stamp};
use sharevar::shm::{RawDict, RawList};
use sharevar::{Kind, Manager, Value};
use sharevar_redis::testing::await_that;
use sharevar_value::Key;
use std::time::{Duration, Instant};

fn map(handle: Handle) -> Backed<RawDict, dyn Map> {
    Backed::<RawDict, dyn Map>::open(handle, Kind::Dict).unwrap()
}

fn list(handle: Handle) -> Backed<RawList, dyn List> {
    Backed::<RawList, dyn List>::open(handle, Kind::List).unwrap()
}

fn key(map: &dyn Map, number: i64) -> Key {
    Key::from_int(number, map.seed())
}

/// The counts of two histories are the same.
fn assert_alike(lost: Stamp, kept: Stamp) {
    assert_eq!(lost.changes(), kept.changes(), "the test is about equal counts");
}

#[test]
fn a_value_is_not_set_by_the_stamp_of_a_lost_one() {
    for pair in pairs() {
        let made = pair.client.home().create(&Make::Value(&int(0))).unwrap();
        let mine = cell(made.clone());
        pair.part();
        mine.any().set(&int(1)).unwrap();
        let (lost, stamp) = mine.any().get_stamped().unwrap();
        assert_eq!(number(lost), 1);
        pair.fail_over();
        let other = pair.other();
        let same = cell(other.home().open(made.id()).unwrap());
        same.any().set(&int(2)).unwrap();
        let (_, now) = same.any().get_stamped().unwrap();
        assert_alike(stamp, now);
        assert!(!mine.any().set_if_unchanged(&int(3), stamp).unwrap());
        let (kept, now) = mine.any().get_stamped().unwrap();
        assert_eq!(number(kept), 2);
        assert!(mine.any().set_if_unchanged(&int(4), now).unwrap());
        assert_eq!(number(same.any().get().unwrap()), 4);
    }
}

#[test]
fn an_update_begins_again_with_the_value_that_was_kept() {
    for pair in pairs() {
        let mine: Value<i64> = pair.client.named("number").value(0).unwrap();
        pair.part();
        mine.set(&1).unwrap();
        let (mut read, mut other) = (Vec::new(), None);
        let set = mine.update(|old| {
            read.push(old);
            if other.is_none() {
                pair.fail_over();
                let same: Value<i64> = other.insert(pair.other()).named("number").value(0).unwrap();
                same.set(&20).unwrap();
            }
            old + 100
        });
        assert_eq!(set.unwrap(), 120);
        assert_eq!(read, [1, 20]);
    }
}

#[test]
fn a_dict_is_not_changed_by_the_stamp_of_a_lost_one() {
    for pair in pairs() {
        let made = pair.client.home().create(&Make::Map(Kind::Dict)).unwrap();
        let mine = map(made.clone());
        let mine = mine.any();
        mine.insert(&key(mine, 0), &int(0)).unwrap();
        pair.part();
        mine.insert(&key(mine, 1), &int(1)).unwrap();
        let (_, stamp) = mine.get_stamped(&key(mine, 1)).unwrap();
        assert_eq!(mine.stamp().unwrap(), stamp);
        let keys_stamp = mine.keys_stamp().unwrap();
        pair.fail_over();
        let other = pair.other();
        let same = map(other.home().open(made.id()).unwrap());
        let same = same.any();
        same.insert(&key(same, 2), &int(2)).unwrap();
        assert_alike(stamp, same.stamp().unwrap());
        let items = [(key(mine, 3), int(3))];
        assert!(!mine.insert_if_unchanged(&items[0].0, &int(3), stamp).unwrap());
        assert!(!mine.change_if_unchanged(&[key(mine, 0)], &items, stamp).unwrap());
        assert!(!mine.replace_if_unchanged(&items, stamp).unwrap());
        // Keys that were compared with others than those that are there.
        assert!(!mine.insert_compared(&items[0].0, &int(3), Some(keys_stamp)).unwrap());
        assert!(!mine.update_compared(&items, Some(keys_stamp)).unwrap());
        let put_in = mine.get_or_insert_compared(&items[0].0, &int(3), Some(keys_stamp)).unwrap();
        assert!(put_in.is_none());
        assert_eq!(mine.len().unwrap(), 2);
        assert_eq!(number(mine.get(&key(mine, 2)).unwrap()), 2);
        let now = mine.keys_stamp().unwrap();
        assert!(mine.insert_compared(&items[0].0, &int(3), Some(now)).unwrap());
        assert!(mine.insert_if_unchanged(&items[0].0, &int(4), mine.stamp().unwrap()).unwrap());
    }
}

/// The keys that a process keeps are those of the dict, and not those that a lost one had.
#[test]
fn keys_that_were_known_of_a_lost_dict_are_read_again() {
    for pair in pairs() {
        let made = pair.client.home().create(&Make::Map(Kind::Dict)).unwrap();
        let mine = map(made.clone());
        let mine = mine.any();
        mine.insert(&key(mine, 0), &int(0)).unwrap();
        pair.part();
        mine.insert(&key(mine, 1), &int(1)).unwrap();
        let known = mine.keys_since(None, Selection::All).unwrap();
        assert!(known.all && known.keys.len() == 2);
        let since = mine.keys_since(Some(known.stamp), Selection::All).unwrap();
        assert!(!since.all && since.keys.is_empty() && since.stamp == known.stamp);
        pair.fail_over();
        let other = pair.other();
        let same = map(other.home().open(made.id()).unwrap());
        same.any().insert(&key(mine, 2), &int(2)).unwrap();
        assert_ne!(mine.keys_stamp().unwrap(), known.stamp);
        assert_ne!(mine.keys_at(&[1]).unwrap().1, known.stamp);
        let new = mine.keys_since(Some(known.stamp), Selection::All).unwrap();
        assert!(new.all);
        let found: Vec<Key> =
            new.keys.into_iter().map(|(_, stored)| stored.to_key(mine.seed()).unwrap()).collect();
        assert_eq!(found, [key(mine, 0), key(mine, 2)]);
    }
}

#[test]
fn a_list_is_not_changed_by_the_stamp_of_a_lost_one() {
    for pair in pairs() {
        let made = pair.client.home().create(&Make::List).unwrap();
        let mine = list(made.clone());
        let mine = mine.any();
        mine.push(&int(0)).unwrap();
        pair.part();
        mine.push(&int(1)).unwrap();
        let (_, stamp) = mine.snapshot().unwrap();
        pair.fail_over();
        let other = pair.other();
        let same = list(other.home().open(made.id()).unwrap());
        same.any().push(&int(2)).unwrap();
        assert_alike(stamp, same.any().stamp().unwrap());
        assert!(!mine.reorder(&[1, 0], stamp).unwrap());
        assert!(!mine.replace(&[0, 1], 0, &[int(3)], stamp).unwrap());
        let (found, now) = mine.snapshot().unwrap();
        assert_eq!(found.into_iter().map(|item| number(Some(item))).collect::<Vec<_>>(), [0, 2]);
        assert!(mine.reorder(&[1, 0], now).unwrap());
    }
}

/// A server that was a replica for a while lets the connections of before go on.
#[test]
fn a_connection_that_outlives_a_history_is_not_taken_for_one_of_the_next() {
    for pair in pairs() {
        let made = pair.client.home().create(&Make::Value(&int(0))).unwrap();
        let mine = cell(made.clone());
        pair.part();
        mine.any().set(&int(1)).unwrap();
        let (_, stamp) = mine.any().get_stamped().unwrap();
        let other = Manager::connect(&pair.new.tcp_address("shop")).unwrap();
        let same = cell(other.home().open(made.id()).unwrap());
        same.any().set(&int(2)).unwrap();
        pair.old.follow(&pair.new);
        pair.old.promote();
        assert!(!mine.any().set_if_unchanged(&int(3), stamp).unwrap());
        let (kept, now) = mine.any().get_stamped().unwrap();
        assert_eq!((number(kept), now.changes()), (2, stamp.changes()));
        assert!(mine.any().set_if_unchanged(&int(3), now).unwrap());
    }
}

/// The home was not told of the history of a server that was the primary for a while.
#[test]
fn an_idle_connection_that_outlives_a_history_looks_for_the_next() {
    for pair in pairs() {
        let made = pair.client.home().create(&Make::Value(&int(0))).unwrap();
        let mine = cell(made);
        pair.part();
        mine.any().set(&int(1)).unwrap();
        let (_, stamp) = mine.any().get_stamped().unwrap();
        let idle = Instant::now();
        pair.old.follow(&pair.new);
        pair.old.promote();
        await_that("a connection that is idle", || idle.elapsed() > Duration::from_millis(600));
        mine.any().set(&int(2)).unwrap();
        assert_eq!(mine.any().get_stamped().unwrap().1.changes(), stamp.changes());
        assert!(!mine.any().set_if_unchanged(&int(3), stamp).unwrap());
        assert_eq!(number(mine.any().get().unwrap()), 2);
    }
}

/// Its answer is lost with the primary, and the next one has the change.
#[test]
fn a_conditional_change_that_the_next_primary_has_is_not_made_again() {
    for pair in pairs() {
        let made = pair.client.home().create(&Make::Value(&int(0))).unwrap();
        let mine = cell(made.clone());
        // The servers know the script from now on.
        mine.any().set(&int(0)).unwrap();
        let (_, stamp) = mine.any().get_stamped().unwrap();
        pair.proxy.count_only(format!(":{}\r", made.id().number));
        pair.proxy.cut_after(0);
        std::thread::scope(|scope| {
            let sets = scope.spawn(|| mine.any().set_if_unchanged(&int(1), stamp).unwrap());
            await_that("the loss of the answer", || pair.proxy.lost() == 1);
            pair.part();
            pair.proxy.lead_to(pair.new.port());
            pair.proxy.cut(false);
            assert!(sets.join().unwrap(), "it was made");
        });
        assert_eq!(number(mine.any().get().unwrap()), 1);
        assert_eq!(mine.any().get_stamped().unwrap().1.changes(), 2, "once");
    }
}
