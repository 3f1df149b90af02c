//! Managers that a process has mapped for reading only: every kind is read and none changed, beside
//! writers, and after the death of one at any step.

mod support;

use sharevar::{Error, Manager, Result};
use sharevar_arena::{Error as ArenaError, crash};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::forks::{fork, join, status_of};
use support::waiting::until;

/// A name that no other test has.
fn own_name(label: &str) -> String {
    format!("test-{}-{label}", std::process::id())
}

fn open(label: &str) -> Result<(Manager, Manager)> {
    let name = own_name(label);
    let writing = Manager::builder().name(&name).capacity(16 << 20).build()?;
    let reading = Manager::builder().name(&name).attach_read_only()?;
    assert!(reading.is_read_only() && !writing.is_read_only());
    Ok((writing, reading))
}

#[track_caller]
fn is_refused<T>(done: Result<T>) {
    match done {
        Err(Error::Arena(ArenaError::ReadOnly)) => {}
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was done"),
    }
}

#[test]
fn containers_are_read_and_not_changed() -> Result<()> {
    let (writing, reading) = open("containers")?;
    let long = "x".repeat(100_000);
    let dict = writing.named("dict").dict::<String, String>()?;
    dict.extend([("a".to_owned(), "b".to_owned()), ("long".to_owned(), long.clone())])?;
    writing.named("list").list::<i64>()?.extend(0..50_000)?;
    writing.named("set").set::<String>()?.extend(["a".to_owned(), "b".to_owned()])?;
    writing.named("value").value(vec![1, 2])?;
    writing.named("array").array::<i16>(3)?.copy_from_slice(&[4, 5, 6])?;
    writing.named("namespace").namespace()?.set("x", &1.5)?;
    writing.named("outer").list::<sharevar::Dict<String, String>>()?.push(&dict)?;

    let dict = reading.named("dict").dict::<String, String>()?;
    assert_eq!((dict.get("a")?, dict.get("long")?), (Some("b".to_owned()), Some(long)));
    assert!(dict.contains_key("a")? && !dict.contains_key("b")?);
    assert_eq!((dict.len()?, dict.keys()?), (2, vec!["a".to_owned(), "long".to_owned()]));
    assert_eq!(dict.to_vec()?.len(), 2);
    is_refused(dict.insert("a", "c"));
    is_refused(dict.remove("a"));
    is_refused(dict.clear());
    is_refused(dict.update("a", |_| "c".to_owned()));
    is_refused(dict.extend([("a".to_owned(), "c".to_owned())]));

    let list = reading.named("list").list::<i64>()?;
    assert_eq!((list.len()?, list.get(7)?, list.last()?), (50_000, Some(7), Some(49_999)));
    assert_eq!(list.to_vec()?, (0..50_000).collect::<Vec<_>>());
    assert_eq!((list.position(&44_444)?, list.contains(&-1)?), (Some(44_444), false));
    is_refused(list.push(&1));
    is_refused(list.set(0, &1));
    is_refused(list.remove(0));
    is_refused(list.sort());

    let set = reading.named("set").set::<String>()?;
    assert!(set.contains("a")? && !set.contains("c")?);
    assert_eq!((set.len()?, set.items()?.len()), (2, 2));
    is_refused(set.insert("c"));
    // Also where nothing is to be changed.
    is_refused(set.insert("a"));
    is_refused(set.pop());

    let value = reading.named("value").value(Vec::<i32>::new())?;
    assert_eq!(value.get()?, [1, 2]);
    is_refused(value.set(&vec![3]));

    let array = reading.named("array").array::<i16>(3)?;
    assert_eq!((array.get(1)?, array.to_vec()?), (5, vec![4, 5, 6]));
    is_refused(array.set(1, 7));
    is_refused(array.copy_from_slice(&[7, 8, 9]));

    let namespace = reading.named("namespace").namespace()?;
    assert_eq!((namespace.get::<f64>("x")?, namespace.names()?), (Some(1.5), vec!["x".to_owned()]));
    is_refused(namespace.set("x", &2));
    is_refused(namespace.remove("x"));

    // A variable in a variable.
    let inner = reading.named("outer").list::<sharevar::Dict<String, String>>()?.get(0)?.unwrap();
    assert_eq!(inner.get("a")?, Some("b".to_owned()));
    is_refused(inner.insert("a", "c"));

    is_refused(reading.dict::<i64, i64>());
    is_refused(reading.named("absent").list::<i64>());
    is_refused(reading.named("dict").remove());
    is_refused(reading.sweep());
    assert_eq!(reading.names()?.len(), 7);
    for (name, variable) in reading.variables()? {
        assert!(variable.info()?.kind.is_some(), "{name}");
    }
    // It takes no part that others see.
    assert_eq!(writing.info()?.participants.len(), 1);
    assert_eq!(reading.info()?, writing.info()?);
    assert!(writing.check()?.is_clean());
    Ok(())
}

#[test]
fn locks_and_queues_are_looked_at_and_not_taken() -> Result<()> {
    let (writing, reading) = open("locks")?;
    let lock = writing.named("lock").lock()?;
    let _held = lock.lock()?;
    writing.named("rlock").rlock()?;
    writing.named("rwlock").rwlock()?;
    let semaphore = writing.named("semaphore").semaphore(3)?;
    semaphore.acquire()?.forget();
    let event = writing.named("event").event()?;
    let condition = writing.named("condition").condition()?;
    writing.named("barrier").barrier(2)?;
    let queue = writing.named("queue").queue::<i64>()?;
    queue.put(&7)?;
    let ranked = writing.named("ranked").priority_queue::<i64>()?;
    ranked.put(&7)?;

    let moment = Duration::from_millis(10);
    let lock = reading.named("lock").lock()?;
    assert!(lock.is_locked()?);
    is_refused(lock.try_lock());
    is_refused(lock.lock_timeout(moment));
    is_refused(lock.release());
    is_refused(reading.named("rlock").rlock()?.try_lock());
    is_refused(reading.named("rwlock").rwlock()?.try_read());
    is_refused(reading.named("rwlock").rwlock()?.try_write());
    let semaphore = reading.named("semaphore").semaphore(3)?;
    assert_eq!(semaphore.available_permits()?, 2);
    is_refused(semaphore.try_acquire());
    is_refused(semaphore.release(1));
    let seen = reading.named("event").event()?;
    assert!(!seen.is_set()?);
    is_refused(seen.wait_timeout(moment));
    is_refused(seen.set());
    event.set()?;
    assert!(seen.is_set()? && seen.wait_timeout(moment)?);
    is_refused(reading.named("condition").condition()?.notify_one());
    assert_eq!(reading.named("barrier").barrier(2)?.parties()?, 2);
    is_refused(reading.named("barrier").barrier(2)?.wait_timeout(moment));
    let queue = reading.named("queue").queue::<i64>()?;
    assert_eq!((queue.len()?, queue.is_empty()?, queue.is_full()?), (1, false, false));
    is_refused(queue.put(&8));
    is_refused(queue.try_get());
    is_refused(queue.get_timeout(moment));
    let ranked = reading.named("ranked").priority_queue::<i64>()?;
    assert_eq!(ranked.len()?, 1);
    is_refused(ranked.put(&8));
    is_refused(ranked.try_get());
    drop(condition);
    assert!(writing.check()?.is_clean());
    Ok(())
}

#[test]
fn a_store_is_refused_by_the_kernel() -> Result<()> {
    let (_writing, reading) = open("kernel")?;
    assert!(reading.names()?.is_empty());
    // The mapping says so itself. That of the writer is beside it.
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let has = |rights: &str| maps.lines().any(|line| line.contains("SYSV") && line.contains(rights));
    assert!(has(" r--s ") && has(" rw-s "), "{maps}");
    Ok(())
}

#[test]
fn a_reader_sees_each_change_whole_or_not_at_all() -> Result<()> {
    let (writing, reading) = open("beside")?;
    let dict = writing.named("dict").dict::<String, i64>()?;
    let keys = ["a", "b", "c", "d"];
    let all_at = |count: i64| keys.map(|key| (key.to_owned(), count));
    dict.extend(all_at(0))?;
    let list = writing.named("list").list::<String>()?;
    list.extend((0..100).map(|number| format!("item number {number:05}")))?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for count in 1.. {
                dict.extend(all_at(count)).unwrap();
                list.set((count % 100) as usize, &format!("another number {count:015}")).unwrap();
                list.push(&format!("item number {:05}", count % 100_000)).unwrap();
                list.remove(0).unwrap();
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let read = || -> Result<()> {
            let seen = reading.named("dict").dict::<String, i64>()?;
            let texts = reading.named("list").list::<String>()?;
            let (mut last, mut different, mut contended) = (0, 0, 0);
            until("a hundred states of the dict", || {
                let items = match seen.to_vec() {
                    Ok(items) => items,
                    Err(Error::Arena(ArenaError::Contended { .. })) => {
                        contended += 1;
                        return false;
                    }
                    Err(error) => panic!("{error:?}"),
                };
                assert_eq!(items.len(), 4);
                assert!(items.iter().all(|(_, count)| *count == items[0].1), "{items:?}");
                assert!(items[0].1 >= last, "{last} and then {items:?}");
                different += u64::from(items[0].1 > last);
                last = items[0].1;
                match texts.to_vec() {
                    Ok(texts) => {
                        assert!((100..=101).contains(&texts.len()), "{}", texts.len());
                        let is_whole = |text: &String| match text.split_once(" number ") {
                            Some(("item", number)) => number.len() == 5,
                            Some(("another", number)) => number.len() == 15,
                            _ => false,
                        };
                        assert!(texts.iter().all(is_whole), "{texts:?}");
                    }
                    Err(Error::Arena(ArenaError::Contended { .. })) => contended += 1,
                    Err(error) => panic!("{error:?}"),
                }
                different >= 100
            });
            eprintln!("{different} states, {contended} refusals");
            Ok(())
        };
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(read));
        is_over.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[test]
fn a_variable_that_is_given_up_has_expired() -> Result<()> {
    let (writing, reading) = open("expired")?;
    writing.named("list").list::<i64>()?.extend([1, 2, 3])?;
    let list = reading.named("list").list::<i64>()?;
    assert_eq!(list.to_vec()?, [1, 2, 3]);
    writing.named("list").remove()?;
    // Its header is another's by now.
    writing.named("other").list::<i64>()?.push(&4)?;
    assert_eq!(list.to_vec().err(), Some(Error::HandleExpired));
    assert_eq!(list.position(&4).err(), Some(Error::HandleExpired));
    Ok(())
}

#[test]
fn a_reader_keeps_the_manager_and_children_read_as_it_does() -> Result<()> {
    let (writing, reading) = open("keeps")?;
    writing.named("list").list::<i64>()?.push(&1)?;
    drop(writing);
    let list = reading.named("list").list::<i64>()?;
    let child = fork(|| {
        let refused = matches!(list.push(&2), Err(Error::Arena(ArenaError::ReadOnly)));
        refused && list.to_vec() == Ok(vec![1])
    });
    assert!(join(child));
    // One that may write finds what was there.
    let again = Manager::builder().name(own_name("keeps")).attach()?;
    again.named("list").list::<i64>()?.push(&3)?;
    assert_eq!(list.to_vec()?, [1, 3]);
    drop((again, list, reading));
    // A command that lists all managers of this user has it for a moment.
    until("the end of a manager", || Manager::builder().name(own_name("keeps")).attach_read_only().is_err());
    Ok(())
}

/// At every step of a change its writer is killed: a reader sees the state before or after, or is
/// told of the death, and goes on once another process has repaired it.
#[test]
fn a_writer_that_is_killed_is_told_of_or_not_seen() -> Result<()> {
    let (writing, reading) = open("killed")?;
    let list = writing.named("list").list::<String>()?;
    let (before, after) = ("b".repeat(300), "a".repeat(300));
    let (mut told, mut unseen) = (0, 0);
    for at in 1.. {
        list.clear()?;
        list.extend([before.clone(), before.clone()])?;
        let child = fork(|| {
            let hook = move |step| {
                if step == at {
                    // SAFETY: no memory is involved.
                    #[allow(unsafe_code)]
                    unsafe {
                        libc::raise(libc::SIGKILL)
                    };
                }
            };
            crash::observe(hook, || list.insert(1, &after).is_ok())
        });
        let was_killed = libc::WIFSIGNALED(status_of(child));
        let states = [vec![before.clone(); 2], vec![before.clone(), after.clone(), before.clone()]];
        match reading.named("list").list::<String>()?.to_vec() {
            Ok(seen) => {
                assert!(states.contains(&seen), "step {at}: {seen:?}");
                unseen += u64::from(was_killed);
            }
            Err(Error::Arena(ArenaError::WriterDied)) => told += 1,
            Err(error) => panic!("step {at}: {error:?}"),
        }
        writing.sweep()?;
        let repaired = reading.named("list").list::<String>()?.to_vec()?;
        assert!(states.contains(&repaired), "step {at}: {repaired:?}");
        if !was_killed {
            break;
        }
    }
    assert!(told > 0 && unseen > 0, "{told} were told of, {unseen} not seen");
    assert!(writing.check()?.is_clean());
    Ok(())
}
