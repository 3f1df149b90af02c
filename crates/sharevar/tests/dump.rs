//! Dumps of managers: every kind comes back as it was, beside writers, and no damaged file is loaded.

mod support;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use sharevar::engine::{ENTRIES, Names};
use sharevar::shm::{RawDict, RawList};
use sharevar::{Dict, Error, Handle, Kind, List, Manager, RendezvousError, Result, Shared};
use sharevar_value::{BufferedPickle, HashSeed, Value};
use std::fs;
use std::os::unix::fs::symlink;
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

fn code(error: &Error) -> Option<i32> {
    let Error::File { code, .. } = error else { panic!("{error:?}") };
    *code
}

#[test]
fn the_error_of_a_file_has_its_number_and_path() -> Result<()> {
    let folder = Folder::new("numbers");
    let manager = make("numbers")?;
    let absent = folder.0.join("absent").join("x.dump");
    for (refused, path, number) in [
        (manager.dump(&absent).unwrap_err(), &absent, libc::ENOENT),
        (load("numbers-loaded", &absent).unwrap_err(), &absent, libc::ENOENT),
        (manager.dump(&folder.0).unwrap_err(), &folder.0, libc::EISDIR),
        (load("numbers-loaded", &folder.0).unwrap_err(), &folder.0, libc::EISDIR),
    ] {
        assert_eq!(code(&refused), Some(number), "{refused:?}");
        assert!(matches!(&refused, Error::File { path: of, .. } if of == path), "{refused:?}");
        assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
    }
    Ok(())
}

#[test]
fn a_dump_is_read_from_files_alone() {
    let folder = Folder::new("devices");
    let pipe = folder.0.join("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    for path in [&pipe, Path::new("/dev/zero")] {
        // A pipe that no process writes to does not keep it waiting.
        let refused = load("devices", path).unwrap_err();
        assert!(refused.to_string().contains("something else than a file"), "{refused}");
        assert_eq!(code(&refused), None);
    }
    // Nothing but the header of a file that is none, or whose length is wrong, is read.
    let mut header = vec![0; 24];
    for begins in [b"\0\0\0\0\0\0\0\0", b"SHVDUMP1"] {
        header[..8].copy_from_slice(begins);
        fs::write(folder.file(), &header).unwrap();
        fs::File::options().write(true).open(folder.file()).unwrap().set_len(1 << 40).unwrap();
        assert!(matches!(load("devices", &folder.file()), Err(Error::NotADump { .. })));
    }
    // One that says the length of the file is as long as no memory is.
    header[8..16].copy_from_slice(&((1_u64 << 62) - 24).to_le_bytes());
    fs::write(folder.file(), &header).unwrap();
    if fs::File::options().write(true).open(folder.file()).unwrap().set_len(1 << 62).is_ok() {
        assert!(matches!(load("devices", &folder.file()), Err(Error::File { .. })));
    }
}

#[test]
fn a_dump_is_written_to_long_names_and_where_links_lead() -> Result<()> {
    let folder = Folder::new("places");
    let manager = make("places")?;
    manager.named("list").list::<i64>()?.push(&1)?;
    let longest = folder.0.join("x".repeat(255));
    manager.dump(&longest)?;
    fs::remove_file(&longest).unwrap();
    let deep = folder.0.join("deep");
    fs::create_dir(&deep).unwrap();
    // A link to a link in another folder, which leads out of it to a file that is to be made.
    symlink("deep/inner", folder.0.join("outer")).unwrap();
    symlink("../shop.dump", deep.join("inner")).unwrap();
    symlink("deep", folder.0.join("way")).unwrap();
    for link in [folder.0.join("outer"), folder.0.join("way").join("inner")] {
        for _ in 0..2 {
            manager.dump(&link)?;
            assert!(link.is_symlink() && !folder.file().is_symlink());
            assert_eq!(load("places-loaded", &link)?.named("list").list::<i64>()?.to_vec()?, [1]);
        }
        fs::remove_file(folder.file()).unwrap();
    }
    let circle = folder.0.join("circle");
    symlink("circle", &circle).unwrap();
    assert_eq!(code(&manager.dump(&circle).unwrap_err()), Some(libc::ELOOP));
    symlink("absent/shop.dump", folder.0.join("nowhere")).unwrap();
    assert_eq!(code(&manager.dump(folder.0.join("nowhere")).unwrap_err()), Some(libc::ENOENT));
    let mut left: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["circle", "deep", "nowhere", "outer", "way"]);
    Ok(())
}

fn make_with_pickles(label: &str) -> Result<Manager> {
    Manager::builder().name(own_name(label)).capacity(64 << 20).allow_pickle(true).build()
}

fn raw_list(list: &List<i64>) -> RawList {
    let Handle::Shm(handle) = list.handle() else { unreachable!() };
    RawList::from_handle(handle).unwrap()
}

fn raw_dict(dict: &Dict<String, i64>) -> RawDict {
    let Handle::Shm(handle) = dict.handle() else { unreachable!() };
    RawDict::from_handle(handle).unwrap()
}

/// As Python pickles a reference to the arena of another manager.
fn reference() -> Vec<u8> {
    let name = b"\x8c\x17sharevar._family.arenas\x94\x8c\x0eArenaReference\x94\x93\x94";
    [b"\x80\x05\x95\x40\0\0\0\0\0\0\0".as_slice(), name, b"."].concat()
}

/// A value that is a pickle with one buffer of its own behind it.
fn buffered(pickle: &[u8], buffer: &[u8]) -> Value {
    let placed = BufferedPickle::place(pickle.len(), [(buffer.len(), true)].into_iter(), 0).unwrap();
    let front = placed.front();
    let encoding = placed.parts(&front, pickle, [buffer].into_iter()).concat();
    Value::BufferedPickle(encoding[BufferedPickle::HEAD..].to_vec())
}

#[test]
fn a_pickle_with_a_reference_to_another_manager_is_in_no_dump() -> Result<()> {
    let folder = Folder::new("references");
    let manager = make_with_pickles("references")?;
    let of_a_manager = b"\x80\x05\x8c\x13NamedArenaReference\x94\x93.";
    let list = manager.named("list").list::<i64>()?;
    let raw = raw_list(&list);
    for value in [
        Value::Pickle(reference()),
        Value::Pickle(of_a_manager.to_vec()),
        Value::Tuple(vec![1.into(), Value::List(vec![Value::Pickle(reference())])]),
        Value::Pickle([reference(), vec![b'x'; 100_000]].concat()),
        buffered(&reference(), &[0; 100]),
    ] {
        raw.push(&value.to_encoded().unwrap())?;
        let refused = manager.dump(folder.file()).unwrap_err();
        assert!(
            matches!(&refused, Error::NotDumpable { variable, .. } if variable == "list"),
            "{value:?}: {refused:?}"
        );
        assert!(refused.to_string().contains("a variable of another manager"), "{refused}");
        assert!(!folder.file().exists());
        list.clear()?;
    }
    // Of an unnamed variable in it, too.
    let inner = manager.list::<i64>()?;
    raw_list(&inner).push(&Value::Pickle(reference()).to_encoded().unwrap())?;
    manager.named("outer").list::<List<i64>>()?.push(&inner)?;
    let refused = manager.dump(folder.file()).unwrap_err();
    assert!(matches!(&refused, Error::NotDumpable { variable, .. } if variable == "outer"), "{refused:?}");
    inner.clear()?;
    // The name is no reference where no pickle has it as a text.
    for value in [
        Value::from("ArenaReference"),
        Value::Bytes(reference()),
        Value::Pickle(b"\x80\x05\x8c\x11MyArenaReferences\x94.".to_vec()),
        buffered(b"\x80\x05\x97.", &reference()),
    ] {
        raw.push(&value.to_encoded().unwrap())?;
    }
    manager.dump(folder.file())
}

#[test]
fn entries_that_lead_elsewhere_are_left_out() -> Result<()> {
    let folder = Folder::new("entries");
    let manager = make_with_pickles("entries")?;
    let entries = manager.dict::<String, i64>()?;
    let raw = raw_dict(&entries);
    for (key, value) in [
        ("own", Value::from("DictProxy")),
        ("elsewhere", Value::Pickle(reference())),
        ("large", Value::Pickle([reference(), vec![b'x'; 100_000]].concat())),
        ("file", Value::Pickle(b"\x80\x05N.".to_vec())),
    ] {
        raw.insert(&sharevar_value::to_key(key, raw.seed()).unwrap(), &value.to_encoded().unwrap())?;
    }
    manager.root_of_names().shm().unwrap().enter(ENTRIES, &entries.handle())?;
    manager.dump(folder.file())?;
    let keys = |manager: &Manager| {
        let entries = manager.root_of_names().shm().unwrap().find(ENTRIES)?.unwrap();
        Dict::<String, String>::from_handle(entries)?.keys()
    };
    let builder = || Manager::builder().capacity(64 << 20);
    let with = builder().name(own_name("with")).allow_pickle(true).load(folder.file()).build()?;
    assert_eq!(keys(&with)?, ["own", "file"]);
    // Its object is made anew in a manager that may have no pickles.
    let without = builder().name(own_name("without")).load(folder.file()).build()?;
    assert_eq!(keys(&without)?, ["own"]);
    Ok(())
}

#[test]
fn pickles_are_loaded_where_they_may_be() -> Result<()> {
    let folder = Folder::new("pickles");
    let manager = make_with_pickles("pickles")?;
    manager.named("first").list::<i64>()?.push(&1)?;
    let stock = manager.named("stock").dict::<String, i64>()?;
    let raw = raw_dict(&stock);
    let key = sharevar_value::to_key("key", raw.seed()).unwrap();
    let pickle = || Value::Pickle(b"\x80\x05N.".to_vec());
    let loaded = |is_allowed: bool| {
        let builder = Manager::builder().name(own_name("loaded")).capacity(64 << 20);
        builder.allow_pickle(is_allowed).load(folder.file()).build()
    };
    let refused = |expected: Option<&str>| {
        manager.dump(folder.file()).unwrap();
        match loaded(false).unwrap_err() {
            Error::PickleInDump { variable, path } => {
                assert_eq!((variable.as_deref(), path), (expected, folder.file()));
            }
            other => panic!("{other:?}"),
        }
        let attached = Manager::builder().name(own_name("loaded")).attach();
        assert!(matches!(attached, Err(Error::Rendezvous(RendezvousError::NoSuchManager { .. }))));
    };
    for value in
        [pickle(), Value::Tuple(vec![1.into(), pickle()]), buffered(b"\x80\x05\x97.", &vec![0; 100_000])]
    {
        let encoded = value.to_encoded().unwrap();
        raw.insert(&key, &encoded)?;
        refused(Some("stock"));
        let there = loaded(true)?;
        assert_eq!(there.named("stock").get()?.unwrap().info()?.len, Some(1));
    }
    let text = loaded(false).unwrap_err().to_string();
    for part in [r#"in the variable "stock""#, "pickle=True", "allow_pickle", "sharevar load --pickle"] {
        assert!(text.contains(part), "{text}");
    }
    stock.clear()?;
    // A key that only Python can compare.
    let opaque = sharevar_value::Key::opaque(b"\x80\x05N.", [1, 2], raw.seed()).unwrap();
    raw.insert(&opaque, &Value::from(1).to_encoded().unwrap())?;
    refused(Some("stock"));
    raw.clear()?;
    // One in a variable that has no name.
    let inner = manager.list::<i64>()?;
    raw_list(&inner).push(&pickle().to_encoded().unwrap())?;
    manager.named("outer").list::<List<i64>>()?.push(&inner)?;
    refused(None);
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
                Err(
                    Error::NotADump { .. }
                    | Error::OutOfMemory { .. }
                    | Error::PickleInDump { .. }
                    | Error::TooManyUnits { .. },
                ) => refused += 1,
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
