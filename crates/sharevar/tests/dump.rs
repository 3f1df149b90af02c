//! Dumps of managers: every kind comes back as it was, beside writers, and no damaged file is loaded.

mod support;

use sharevar::{Dict, Error, Kind, List, Manager, RendezvousError, Result};
use sharevar_value::HashSeed;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use support::waiting::until;

/// A name that no other test has.
fn own_name(label: &str) -> String {
    format!("test-{}-dump-{label}", std::process::id())
}

fn make(label: &str) -> Result<Manager> {
    Manager::builder().name(own_name(label)).capacity(64 << 20).build()
}

fn load(label: &str, path: &Path) -> Result<Manager> {
    Manager::builder().name(own_name(label)).capacity(64 << 20).load(path).build()
}

/// A directory of its own, which is removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    fn new(label: &str) -> Self {
        let path = std::env::temp_dir().join(own_name(label));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("shop.dump")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn every_kind_comes_back_as_it_was() -> Result<()> {
    let folder = Folder::new("kinds");
    let manager = make("kinds")?;
    let dict = manager.named("dict").dict::<String, (i64, String)>()?;
    let long = "x".repeat(100_000);
    dict.extend([("a".to_owned(), (1, "short".to_owned())), ("b".to_owned(), (-7, long.clone()))])?;
    manager.named("floats").dict::<(i64, bool), f64>()?.insert(&(1, true), &1.5)?;
    manager.named("list").list::<u64>()?.extend([0, 1, u64::MAX])?;
    manager.named("set").set::<i64>()?.extend([3, 1, 2])?;
    manager.named("value").value(vec![Some(1), None])?;
    manager.named("array").array::<i16>(3)?.copy_from_slice(&[4, -5, 6])?;
    manager.named("namespace").namespace()?.set("x", &[1, 2])?;
    let queue = manager.named("queue").bounded_queue::<String>(3)?;
    for item in ["first", "second"] {
        queue.put(item)?;
    }
    let ranked = manager.named("ranked").priority_queue::<(i64, String)>()?;
    for item in [(2, "c"), (1, "b"), (1, "a"), (3, "d")] {
        ranked.put(&(item.0, item.1.to_owned()))?;
    }
    let lock = manager.named("lock").lock()?;
    let _held = lock.lock()?;
    manager.named("rlock").rlock()?;
    manager.named("rwlock").rwlock()?;
    let semaphore = manager.named("semaphore").bounded_semaphore(3)?;
    semaphore.acquire()?.forget();
    manager.named("set-event").event()?.set()?;
    manager.named("event").event()?;
    manager.named("condition").condition()?;
    manager.named("barrier").barrier(2)?;
    // Variables in variables, one of them at two places, and in a circle.
    let inner = manager.dict::<String, i64>()?;
    inner.insert("deep", &9)?;
    let outer = manager.named("outer").list::<(String, Dict<String, i64>)>()?;
    outer.extend([("one".to_owned(), inner.clone()), ("other".to_owned(), inner.clone())])?;
    let circle = manager.named("circle").list::<List<i64>>()?;
    circle.push(&manager.list::<i64>()?)?;
    manager.named("inner").dict::<String, List<List<i64>>>()?.insert("circle", &circle)?;
    drop((dict, queue, ranked, semaphore, inner, outer, circle));
    manager.dump(folder.file())?;

    let loaded = load("kinds-loaded", &folder.file())?;
    assert_eq!(loaded.names()?, manager.names()?);
    for (name, variable) in manager.variables()? {
        let found = loaded.named(&name).get()?.unwrap();
        assert_eq!(found.kind(), variable.kind(), "{name}");
        assert_eq!(found.info()?.len, variable.info()?.len, "{name}");
    }
    let dict = loaded.named("dict").dict::<String, (i64, String)>()?;
    assert_eq!(dict.get("b")?, Some((-7, long)));
    assert_eq!(dict.keys()?, ["a", "b"]);
    assert_eq!(loaded.named("floats").dict::<(i64, bool), f64>()?.get(&(1, true))?, Some(1.5));
    assert_eq!(loaded.named("list").list::<u64>()?.to_vec()?, [0, 1, u64::MAX]);
    assert_eq!(loaded.named("set").set::<i64>()?.items()?, [3, 1, 2]);
    assert_eq!(loaded.named("value").value(Vec::<Option<i64>>::new())?.get()?, [Some(1), None]);
    assert_eq!(loaded.named("array").array::<i16>(3)?.to_vec()?, [4, -5, 6]);
    assert_eq!(loaded.named("namespace").namespace()?.get::<[i64; 2]>("x")?, Some([1, 2]));
    let queue = loaded.named("queue").bounded_queue::<String>(3)?;
    assert_eq!((queue.capacity()?, queue.get()?, queue.get()?), (Some(3), "first".into(), "second".into()));
    let ranked = loaded.named("ranked").priority_queue::<(i64, String)>()?;
    let items = (0..4).map(|_| Ok(ranked.get()?.1)).collect::<Result<Vec<_>>>()?;
    assert_eq!(items, ["a", "b", "c", "d"]);
    // Its holder is in no dump.
    assert!(manager.named("lock").lock()?.is_locked()?);
    assert!(loaded.named("lock").lock()?.try_lock()?.is_some());
    assert_eq!(loaded.named("semaphore").bounded_semaphore(3)?.available_permits()?, 3);
    assert!(loaded.named("semaphore").bounded_semaphore(3)?.release(1).is_err());
    assert!(loaded.named("set-event").event()?.is_set()? && !loaded.named("event").event()?.is_set()?);
    loaded.named("condition").condition()?.notify_all()?;
    assert_eq!(loaded.named("barrier").barrier(2)?.parties()?, 2);
    let outer = loaded.named("outer").list::<(String, Dict<String, i64>)>()?.to_vec()?;
    assert_eq!(outer[0].1.get("deep")?, Some(9));
    outer[0].1.insert("deep", &10)?;
    assert_eq!(outer[1].1.get("deep")?, Some(10), "it is one variable");
    let circle = loaded.named("inner").dict::<String, List<List<i64>>>()?.get("circle")?.unwrap();
    circle.get(0)?.unwrap().push(&1)?;
    assert_eq!(loaded.named("circle").list::<List<i64>>()?.get(0)?.unwrap().to_vec()?, [1]);
    assert!(loaded.check()?.is_clean());
    // A loaded manager dumps the same again, and so does a process that only reads.
    let again = folder.0.join("again.dump");
    Manager::builder().name(own_name("kinds")).attach_read_only()?.dump(&again)?;
    assert_eq!(fs::read(&again).unwrap(), fs::read(folder.file()).unwrap());
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2, "nothing is left beside them");
    assert_eq!(Kind::ALL.len(), 16, "a new kind is dumped, and stands above");
    Ok(())
}

#[test]
fn a_manager_that_is_there_stays_as_it_is() -> Result<()> {
    let folder = Folder::new("there");
    let manager = make("there")?;
    manager.named("list").list::<i64>()?.push(&1)?;
    manager.dump(folder.file())?;
    manager.named("list").list::<i64>()?.push(&2)?;
    let same = load("there", &folder.file())?;
    assert_eq!(same.named("list").list::<i64>()?.to_vec()?, [1, 2]);
    // It is written anew as a whole.
    manager.dump(folder.file())?;
    let loaded = load("there-loaded", &folder.file())?;
    assert_eq!(loaded.named("list").list::<i64>()?.to_vec()?, [1, 2]);
    Ok(())
}

#[test]
fn what_cannot_be_written_or_read_says_why() -> Result<()> {
    let folder = Folder::new("files");
    let manager = make("files")?;
    let absent = folder.0.join("absent");
    for refused in [
        manager.dump(absent.join("x.dump")).unwrap_err(),
        manager.dump("/").unwrap_err(),
        manager.dump(&folder.0).unwrap_err(),
        load("files-loaded", &absent).map(drop).unwrap_err(),
    ] {
        assert!(matches!(refused, Error::File { .. }), "{refused:?}");
    }
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    let attached = Manager::builder().name(own_name("files-loaded")).attach();
    assert!(matches!(attached, Err(Error::Rendezvous(RendezvousError::NoSuchManager { .. }))));
    // More than it has room for: nothing is made.
    manager.named("large").list::<String>()?.push(&"x".repeat(4 << 20))?;
    manager.dump(folder.file())?;
    let small = Manager::builder().name(own_name("small")).capacity(1 << 20).load(folder.file()).build();
    assert!(matches!(small, Err(Error::OutOfMemory { .. })), "{small:?}");
    assert!(Manager::builder().name(own_name("small")).attach().is_err());
    Ok(())
}

fn content() -> Result<Vec<u8>> {
    let folder = Folder::new("content");
    let manager = make("content")?;
    let dict = manager.named("dict").dict::<String, i64>()?;
    dict.extend([("a".to_owned(), 1), ("b".to_owned(), 2)])?;
    manager.named("list").list::<(String, Dict<String, i64>)>()?.push(&("x".to_owned(), dict))?;
    manager.named("array").array::<i64>(2)?;
    manager.named("queue").queue::<i64>()?.put(&5)?;
    manager.named("semaphore").semaphore(2)?;
    manager.named("condition").condition()?;
    manager.named("barrier").barrier(2)?;
    manager.dump(folder.file())?;
    Ok(fs::read(folder.file()).unwrap())
}

#[test]
fn a_damaged_file_is_not_loaded() -> Result<()> {
    let folder = Folder::new("damaged");
    let right = content()?;
    let refused = |bytes: &[u8]| {
        fs::write(folder.file(), bytes).unwrap();
        let refused = load("damaged-loaded", &folder.file()).map(drop).unwrap_err();
        assert!(matches!(refused, Error::NotADump { .. }), "{refused:?}");
    };
    for length in 0..right.len() {
        refused(&right[..length]);
    }
    for at in 0..right.len() {
        let mut wrong = right.clone();
        wrong[at] ^= 1 << (at % 8);
        refused(&wrong);
    }
    refused(b"SQLite format 3\0 and more of it");
    refused(&[right.as_slice(), b"x"].concat());
    Ok(())
}

/// Files that a program has written which knows the format, and has mistakes.
#[test]
fn a_file_that_contradicts_itself_is_not_loaded() -> Result<()> {
    let folder = Folder::new("contradicts");
    let right = content()?;
    let (mut refused, mut loaded) = (0, 0);
    for at in 24..right.len() {
        for change in [1, 0xff] {
            let mut wrong = right.clone();
            wrong[at] ^= change;
            let hash = HashSeed::new(0x7368_7664_756d_7031).hash(&wrong[24..]);
            wrong[16..24].copy_from_slice(&hash.to_le_bytes());
            fs::write(folder.file(), wrong).unwrap();
            match load("contradicts-loaded", &folder.file()) {
                Err(Error::NotADump { .. } | Error::OutOfMemory { .. } | Error::TooManyUnits { .. }) => {
                    refused += 1;
                }
                Err(error) => panic!("byte {at}: {error:?}"),
                // Other numbers and texts are as good.
                Ok(manager) => {
                    assert!(manager.check()?.is_clean(), "byte {at}");
                    loaded += 1;
                }
            }
        }
    }
    assert!(refused > 50 && loaded > 50, "{refused} refused, {loaded} loaded");
    Ok(())
}

#[test]
fn a_dump_beside_writers_has_states_that_were_there() -> Result<()> {
    let folder = Folder::new("beside");
    let manager = make("beside")?;
    let pair = manager.named("pair").dict::<String, i64>()?;
    let both = |count: i64| ["a", "b"].map(|key| (key.to_owned(), count));
    pair.extend(both(0))?;
    let large = manager.named("large").dict::<i64, i64>()?;
    large.extend((0..20_000).map(|number| (number, 0)))?;
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) {
                count += 1;
                pair.extend(both(count)).unwrap();
                large.insert(&(count % 20_000), &count).unwrap();
                // Keys that come and go.
                large.insert(&(20_000 + count % 100), &count).unwrap();
                large.remove(&(20_000 + (count + 50) % 100)).unwrap();
            }
        });
        let mut last = 0;
        let mut dumps = 0;
        until("ten dumps of different states", || {
            manager.dump(folder.file()).unwrap();
            let loaded = load("beside-loaded", &folder.file()).unwrap();
            let pairs = loaded.named("pair").dict::<String, i64>().unwrap().to_vec().unwrap();
            assert!(pairs.len() == 2 && pairs[0].1 == pairs[1].1 && pairs[0].1 >= last, "{last}: {pairs:?}");
            dumps += u64::from(pairs[0].1 > last);
            last = pairs[0].1;
            let mut keys = loaded.named("large").dict::<i64, i64>().unwrap().keys().unwrap();
            keys.sort_unstable();
            assert!(keys.windows(2).all(|two| two[0] < two[1]));
            assert_eq!(keys.iter().filter(|key| **key < 20_000).count(), 20_000);
            dumps >= 10
        });
        is_over.store(true, Ordering::Relaxed);
    });
    Ok(())
}
