//! The command, on managers that other processes hold.

mod support;

use serde_json::{Value as Json, json};
use sharevar::shm::RawList;
use sharevar::{Error, Handle, Manager, Result, Shared};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::command::{self, sharevar};
use support::holder::{Holder, own_name, play};

/// The programs that share with the command. As a test of its own it does nothing.
#[test]
fn plays_its_part() -> Result<()> {
    play(|part, manager, wait| {
        let named = |name| manager.named(name);
        match part {
            "shop" => {
                let stock = manager.named("stock").dict::<String, i64>()?;
                stock.extend([("apples".to_owned(), 3), ("pears".to_owned(), 5)])?;
                let list = manager.named("list").list::<i64>()?;
                list.extend([10, 20, 30])?;
                let set = manager.named("set").set::<String>()?;
                set.insert("here")?;
                let value = named("value").value("text".to_owned())?;
                let array = manager.named("array").array::<i16>(3)?;
                let namespace = manager.named("namespace").namespace()?;
                namespace.set("x", &1)?;
                let queue = manager.named("queue").queue::<i64>()?;
                queue.put(&7)?;
                let event = manager.named("event").event()?;
                let lock = manager.named("lock").lock()?;
                let condition = manager.named("condition").condition()?;
                let _held = lock.lock()?;
                wait();
                drop((value, array, event, condition, stock, set));
            }
            "unnamed" => {
                let own = Manager::new()?;
                let list = own.list::<String>()?;
                list.push(&"x".repeat(1 << 20))?;
                wait();
            }
            "many" => {
                let many = manager.named("many").dict::<i64, i64>()?;
                many.extend((0..5000).map(|number| (number, -number)))?;
                wait();
            }
            "pickles" => {
                let objects = manager.named("objects").list::<i64>()?;
                let Handle::Shm(handle) = objects.handle() else { unreachable!() };
                let pickle = sharevar_value::Value::Pickle(b"\x80\x05N.".to_vec());
                RawList::from_handle(handle)?.push(&pickle.to_encoded()?)?;
                wait();
            }
            "removed" => {
                let stock = manager.named("stock").dict::<String, i64>()?;
                wait();
                assert_eq!(stock.len().err(), Some(Error::Closed));
            }
            "damage" => {
                // A lane that its thread has left in the middle of an operation.
                let mut transaction = manager.participant()?.begin()?;
                transaction.allocate(64)?;
                std::mem::forget(transaction);
                wait();
            }
            "locks" => {
                let lock = manager.named("lock").lock()?;
                let rlock = manager.named("rlock").rlock()?;
                let rwlock = manager.named("rwlock").rwlock()?;
                let semaphore = manager.named("semaphore").semaphore(5)?;
                let _held = lock.lock()?;
                let _held_again = (rlock.lock()?, rlock.lock()?);
                let _reading = rwlock.read()?;
                let _units = (semaphore.acquire()?, semaphore.acquire()?);
                wait();
            }
            "reads" => {
                let rwlock = manager.named("rwlock").rwlock()?;
                let _reading = rwlock.read()?;
                wait();
            }
            "waits" => {
                let lock = manager.named("lock").lock()?;
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        let _ = lock.lock();
                    });
                    wait();
                });
            }
            other => panic!("no part {other:?}"),
        }
        Ok(())
    })
}

fn get(arguments: &[&str]) -> Json {
    let ended = sharevar(&[&["get"], arguments].concat());
    assert_eq!((ended.code, ended.errors.as_str()), (0, ""), "{arguments:?}");
    serde_json::from_str(&ended.output).unwrap()
}

/// Runs the command, and returns its exit code.
fn code(arguments: &[&str]) -> i32 {
    let ended = sharevar(arguments);
    assert_eq!(ended.output, "", "{arguments:?}");
    assert_eq!(ended.errors.is_empty(), ended.code == 0, "{}", ended.errors);
    ended.code
}

#[test]
fn managers_are_listed_with_the_processes_that_have_them() {
    let (one, other) = (own_name("ls-one"), own_name("ls-other"));
    let holders = [Holder::start("many", &one), Holder::start("many", &one), Holder::start("many", &other)];
    let listed = |name: &str| {
        command::json(&["ls"]).into_iter().find(|manager| manager["name"] == name).expect("it is listed")
    };
    let mut ids = [holders[0].id(), holders[1].id()];
    ids.sort_unstable();
    let seen = listed(&one);
    assert_eq!(seen["processes"], json!(ids));
    assert_eq!((&seen["lifetime"], &seen["capacity"]), (&json!("while_used"), &json!(16 << 20)));
    assert_eq!(listed(&other)["processes"], json!([holders[2].id()]));
    let table = sharevar(&["ls"]).output;
    assert!(table.starts_with("NAME "), "{table}");
    let row = table.lines().find(|line| line.starts_with(&one)).unwrap();
    assert!(row.contains(&format!("{}, {}", ids[0], ids[1])), "{row}");
    // With the last process it is gone.
    let [first, second, _third] = holders;
    drop(first);
    assert_eq!(listed(&one)["processes"], json!([second.id()]));
    drop(second);
    // Another process that lists managers has it for a moment.
    while command::json(&["ls"]).iter().any(|manager| manager["name"] == one.as_str()) {}
}

#[test]
fn managers_of_runs_are_listed_if_all_are_asked_for() {
    let run = format!("run-{:012x}", std::process::id());
    let (other, _holder) = (own_name("run-other"), Holder::start("many", &run));
    let _other = Holder::start("many", &other);
    for name in [&run, &other] {
        let is_listed = |arguments: &[&str]| {
            let in_json = command::json(arguments).iter().any(|manager| manager["name"] == **name);
            let in_table = sharevar(arguments).output.lines().any(|line| line.starts_with(name.as_str()));
            assert_eq!(in_json, in_table);
            in_table
        };
        assert_eq!(is_listed(&["ls"]), *name == other);
        assert!(is_listed(&["ls", "--all"]));
    }
}

#[test]
fn a_manager_is_dumped_and_made_again() {
    let (name, loaded) = (own_name("dumped"), own_name("loaded"));
    let _holder = Holder::start("shop", &name);
    let file = std::env::temp_dir().join(own_name("file.dump"));
    let path = file.to_str().unwrap();
    assert_eq!(code(&["dump", &name, path]), 0);
    assert_eq!(code(&["load", &name, path]), 4, "it is there");
    assert_eq!(code(&["load", &loaded, path]), 0);
    assert_eq!(get(&[&loaded, "stock"]), get(&[&name, "stock"]));
    assert_eq!(get(&[&loaded, "list", "2"]), json!(30));
    let listed = command::json(&["ls"]).into_iter().find(|manager| manager["name"] == *loaded).unwrap();
    assert_eq!((&listed["lifetime"], &listed["processes"]), (&json!("keep"), &json!([])));
    assert_eq!(code(&["rm", &loaded]), 0);
    std::fs::write(&file, "no dump").unwrap();
    assert_eq!(code(&["load", &loaded, path]), 4);
    assert_eq!(code(&["get", &loaded, "stock"]), 1, "nothing is made");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(code(&["load", &loaded, path]), 4);
    assert_eq!(code(&["dump", &loaded, path]), 1);
    assert!(!file.exists());
}

#[test]
fn a_dump_with_pickles_is_loaded_by_word() {
    let (name, loaded) = (own_name("pickled"), own_name("pickled-loaded"));
    let _holder = Holder::start("pickles", &name);
    let file = std::env::temp_dir().join(own_name("pickles.dump"));
    let path = file.to_str().unwrap();
    assert_eq!(code(&["dump", &name, path]), 0);
    let refused = sharevar(&["load", &loaded, path]);
    assert_eq!(refused.code, 4);
    for part in ["in the variable \"objects\"", "sharevar load --pickle"] {
        assert!(refused.errors.contains(part), "{}", refused.errors);
    }
    assert_eq!(code(&["show", &loaded]), 1, "nothing is made");
    assert_eq!(code(&["load", "--pickle", &loaded, path]), 0);
    let [shown] = &command::json(&["show", &loaded, "objects"])[..] else { panic!("one line") };
    assert_eq!(shown["len"], json!(1), "{shown}");
    assert_eq!(code(&["rm", &loaded]), 0);
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_dump_beyond_the_limit_of_files_is_an_error() {
    let name = own_name("limited");
    let _holder = Holder::start("many", &name);
    let folder = std::env::temp_dir().join(own_name("limited"));
    std::fs::create_dir(&folder).unwrap();
    let ended = Command::new("sh")
        .args([
            "-c",
            "ulimit -c 0; ulimit -f 8; exec \"$@\"",
            "sh",
            env!("CARGO_BIN_EXE_sharevar"),
            "dump",
            &name,
        ])
        .arg(folder.join("file.dump"))
        .output()
        .unwrap();
    let errors = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(4), "{errors}");
    assert!(errors.contains("too large") && errors.contains("ulimit -f"), "{errors}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(&folder).unwrap();
}

#[test]
fn files_of_names_without_a_manager_are_removed() {
    let (killed, held) = (own_name("gc-killed"), own_name("gc-held"));
    let entry = |name: &str| {
        let user = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        std::path::PathBuf::from(format!("/dev/shm/sharevar-{user}/{name}"))
    };
    let _holder = Holder::start("many", &held);
    // Others sweep, too, and may come first.
    drop(Holder::start("many", &killed));
    let removed = command::json(&["gc"]);
    assert!(removed[0]["removed"].is_u64(), "{removed:?}");
    assert!(!entry(&killed).exists() && entry(&held).exists());
    let said = sharevar(&["gc"]);
    assert!(said.code == 0 && said.output.starts_with("removed "), "{said:?}");
    assert_eq!(get(&[&held, "many", "7"]), json!(-7));
}

#[test]
fn managers_without_names_are_listed_with_their_programs() {
    let name = own_name("unnamed");
    let holder = Holder::start("unnamed", &name);
    let listed = command::json(&["ls"]);
    let is_its = |found: &&Json| found["name"].is_null() && found["processes"] == json!([holder.id()]);
    let found = listed.iter().find(is_its).expect("it is listed");
    assert!(found["programs"][0].as_str().unwrap().contains("plays_its_part"), "{found}");
    assert!(found["used"].as_u64().unwrap() > 1 << 20, "{found}");
    let (named, _other) = (own_name("beside-unnamed"), Holder::start("many", &own_name("beside-unnamed")));
    let mut members = found.as_object().unwrap().clone();
    members.remove("programs");
    let named = command::json(&["ls"]).into_iter().find(|found| found["name"] == json!(named)).unwrap();
    assert!(members.keys().eq(named.as_object().unwrap().keys()), "{found} {named}");
    let table = sharevar(&["ls"]).output;
    let rows: Vec<_> = table
        .lines()
        .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect::<Vec<_>>())
        .collect();
    let cell = format!("{} ", holder.id());
    assert!(rows.iter().any(|row| row[0] == "(unnamed)" && row[2].trim().starts_with(&cell)), "{table}");
}

#[test]
fn variables_are_shown_with_kind_length_and_content() {
    let name = own_name("show");
    let holder = Holder::start("shop", &name);
    let [shown] = &command::json(&["show", &name])[..] else { panic!("one line") };
    assert_eq!(shown["processes"], json!([holder.id()]));
    let kinds: Vec<_> = shown["variables"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(
        kinds,
        ["dict", "list", "set", "value", "array", "namespace", "queue", "event", "lock", "condition"]
            .map(|kind| json!(kind))
            .each_ref()
    );
    assert_eq!(shown["variables"][0]["len"], json!(2));
    let table = sharevar(&["show", &name]).output;
    assert!(table.contains("VARIABLE") && !table.contains('\u{1b}'), "{table}");
    let contents: Vec<_> =
        ["stock", "list", "set", "value", "array", "namespace", "queue", "event", "lock", "condition"]
            .map(|variable| command::json(&["show", &name, variable])[0]["content"].clone())
            .into();
    let expected = [
        json!({"apples": 3, "pears": 5}),
        json!([10, 20, 30]),
        json!({"$set": ["here"]}),
        json!("text"),
        json!([0, 0, 0]),
        json!({"x": 1}),
        json!([7]),
        json!({"set": false}),
        json!({"locked": true}),
        json!({"waiting": 0}),
    ];
    assert_eq!(contents, expected);
}

#[test]
fn what_is_shown_is_bounded() {
    let name = own_name("bounded");
    let _holder = Holder::start("many", &name);
    let shown = sharevar(&["show", &name, "many", "--limit", "3"]).output;
    let lines: Vec<_> = shown.lines().skip(1).collect();
    assert_eq!(lines, ["0: 0", "1: -1", "2: -2", "and 4997 more"]);
    let [shown] = &command::json(&["show", &name, "many", "--limit", "2000"])[..] else { panic!("one line") };
    assert_eq!(shown["missing"], json!(3000));
    assert_eq!(shown["content"]["$dict"].as_array().unwrap().len(), 2000);
    assert_eq!(get(&[&name, "many"])["$dict"].as_array().unwrap().len(), 5000);
}

#[test]
fn items_are_got_set_and_removed() -> Result<()> {
    let name = own_name("items");
    let _holder = Holder::start("shop", &name);
    let manager = Manager::builder().name(&name).attach()?;
    let name = name.as_str();
    // Variable, key, what is there, what is set.
    for (variable, key, before, after) in [
        ("stock", "apples", json!(3), json!(4)),
        ("stock", "\"pears\"", json!(5), json!({"a": [null, true]})),
        ("list", "-1", json!(30), json!("last")),
        ("set", "here", json!(true), json!(false)),
        ("set", "new", json!(false), json!(true)),
        ("array", "1", json!(0), json!(-300)),
        ("namespace", "x", json!(1), json!({"$tuple": [1]})),
    ] {
        assert_eq!(get(&[name, variable, key]), before, "{variable} {key}");
        assert_eq!(code(&["set", name, variable, key, &after.to_string()]), 0);
        assert_eq!(get(&[name, variable, key]), after, "{variable} {key}");
    }
    // Text that is no JSON stands for itself, where a key is asked for.
    assert_eq!(code(&["set", name, "stock", "5", "1"]), 0);
    assert_eq!(code(&["set", name, "stock", "\"5\"", "2"]), 0);
    assert_eq!(get(&[name, "stock"])["$dict"][2], json!([5, 1]));
    assert_eq!(code(&["set", name, "value", "\"other\""]), 0);
    assert_eq!(manager.named("value").value(String::new())?.get()?, "other");
    assert_eq!(code(&["set", name, "event", "true"]), 0);
    assert!(manager.named("event").event()?.is_set()?);
    for (variable, key) in [("stock", "apples"), ("list", "0"), ("set", "new"), ("namespace", "x")] {
        assert_eq!(code(&["del", name, variable, key]), 0);
    }
    assert_eq!(manager.named("list").list::<i64>()?.len()?, 2);
    assert_eq!(get(&[name, "set"]), json!({"$set": []}));
    assert_eq!(code(&["del", name, "stock"]), 0);
    assert!(manager.named("stock").get()?.is_none());
    assert!(manager.check()?.is_clean());
    Ok(())
}

#[test]
fn the_exit_code_tells_why() {
    let name = own_name("codes");
    let _holder = Holder::start("shop", &name);
    let name = name.as_str();
    for (expected, arguments) in [
        (1, &["get", "test-absent", "stock"][..]),
        (1, &["rm", "test-absent"]),
        (1, &["get", name, "absent"]),
        (1, &["del", name, "absent"]),
        (1, &["get", name, "stock", "absent"]),
        (1, &["get", name, "list", "3"]),
        (1, &["get", name, "list", "-4"]),
        (1, &["set", name, "list", "3", "0"]),
        (1, &["del", name, "stock", "absent"]),
        (2, &["get", "no name", "stock"]),
        (2, &["unknown"]),
        (2, &["get", name, "value", "key"]),
        (2, &["get", name, "list", "first"]),
        (2, &["set", name, "value", "no JSON"]),
        (2, &["set", name, "list", "[]"]),
        (2, &["set", name, "array", "0", "40000"]),
        (2, &["set", name, "stock", "[1]", "0"]),
        (2, &["set", name, "set", "here", "1"]),
        (2, &["del", name, "array", "0"]),
    ] {
        assert_eq!(code(arguments), expected, "{arguments:?}");
    }
    assert_eq!(get(&[name, "stock"]), json!({"apples": 3, "pears": 5}));
    let help = sharevar(&["--help"]);
    assert_eq!((help.code, help.errors.as_str()), (0, ""));
    assert!(help.output.contains("Exit codes:"), "{}", help.output);
    assert_eq!(sharevar(&["--version"]).output, format!("sharevar {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_manager_is_removed_for_all() {
    let name = own_name("rm");
    let holder = Holder::start("removed", &name);
    assert_eq!(code(&["rm", &name]), 0);
    assert_eq!(code(&["rm", &name]), 1);
    holder.ended_well();
}

#[test]
fn damage_is_found() {
    let name = own_name("check");
    let _holder = Holder::start("shop", &name);
    let clean = sharevar(&["check", &name]);
    assert_eq!(clean.code, 0, "{clean:?}");
    assert!(clean.output.starts_with(&format!("{name}: clean, ")), "{clean:?}");
    let _damaging = Holder::start("damage", &name);
    let damaged = sharevar(&["check", &name]);
    assert_eq!(damaged.code, 3, "{damaged:?}");
    assert!(damaged.output.contains("problem: lane "), "{damaged:?}");
}

#[test]
fn locks_are_listed_with_their_holders() {
    let name = own_name("locks");
    let holder = Holder::start("locks", &name);
    let locks = || -> Vec<_> {
        let listed = command::json(&["locks", &name]);
        listed.into_iter().map(|lock| (lock["name"].clone(), lock["holders"].clone())).collect()
    };
    let held = |by: &Holder, thread: Json, units: u64, exclusive: bool| json!({"process": by.id(), "thread": thread, "units": units, "is_exclusive": exclusive});
    let expected = [
        (json!("lock"), json!([held(&holder, Json::Null, 1, true)])),
        (json!("rlock"), json!([held(&holder, json!(1), 1, true)])),
        (json!("rwlock"), json!([held(&holder, Json::Null, 1, false)])),
        (json!("semaphore"), json!([held(&holder, Json::Null, 2, false)])),
    ];
    assert_eq!(locks(), expected);
    let reader = Holder::start("reads", &name);
    let readers = [held(&holder, Json::Null, 1, false), held(&reader, Json::Null, 1, false)];
    assert_eq!(locks()[2].1, json!(readers));
    assert_eq!(command::json(&["locks", &name])[0]["has_waiters"], json!(false));
    let waiter = Holder::start("waits", &name);
    // Until it sleeps.
    let end = Instant::now() + Duration::from_secs(50);
    while command::json(&["locks", &name])[0]["waiting"] == json!([]) {
        assert!(Instant::now() < end, "the waiter does not sleep");
    }
    let table = sharevar(&["locks", &name]).output;
    let row = table.lines().find(|line| line.starts_with("lock ")).unwrap();
    let words: Vec<_> = row.split_whitespace().collect();
    assert_eq!(words[1..3], ["lock", &holder.id().to_string()]);
    assert_eq!(words[4..], ["s", &waiter.id().to_string()]);
    let held_for = || command::json(&["locks", &name])[0]["held_for"].as_f64().expect("it has a waiter");
    let before = held_for();
    assert!(before > 0.0 && held_for() > before);
    assert_eq!(command::json(&["locks", &name])[0]["waiting"], json!([waiter.id()]));
    // Of the dead none is a holder, though no process has looked after them yet.
    drop(holder);
    assert_eq!(locks()[1].1, json!([]));
    assert_eq!(locks()[2].1, json!([held(&reader, Json::Null, 1, false)]));
    drop(waiter);
}

#[test]
fn changes_are_printed_as_they_come() {
    let name = own_name("watch");
    let holder = Holder::start("shop", &name);
    let mut watch = Command::new(env!("CARGO_BIN_EXE_sharevar"))
        .args(["watch", &name, "stock", "--interval", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    assert_eq!(lines.by_ref().take(2).collect::<Vec<_>>(), ["'apples': 3", "'pears': 5"]);
    // It takes no part in the manager.
    let rows = command::json(&["ls"]);
    let row = rows.iter().find(|row| row["name"] == name.as_str()).unwrap();
    assert_eq!(row["processes"], json!([holder.id()]));
    assert_eq!(code(&["set", &name, "stock", "apples", "4"]), 0);
    assert_eq!(lines.by_ref().take(2).collect::<Vec<_>>(), ["- 'apples': 3", "+ 'apples': 4"]);
    assert_eq!(code(&["del", &name, "stock", "pears"]), 0);
    assert_eq!(lines.next().unwrap(), "- 'pears': 5");
    // It keeps no manager alive that no other process has.
    drop(holder);
    assert_eq!(lines.next(), None);
    ended_by(watch, &format!("no other process has the manager {name:?}"));
    assert_eq!(code(&["get", &name, "stock"]), 1);
}

/// A watch has ended well, and says why.
fn ended_by(watch: Child, reason: &str) {
    let ended = watch.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(told, format!("sharevar: the watch ends: {reason}\n"));
}

#[test]
fn a_watch_ends_with_the_count_and_with_the_manager() {
    let name = own_name("watched");
    let _holder = Holder::start("shop", &name);
    let watch = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sharevar"));
        let mut child = command
            .args([&["watch", &name], arguments, &["--interval", "1", "--json"]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
        let first = lines.next().unwrap();
        (child, lines, first)
    };
    let (mut child, mut lines, first) = watch(&["event", "--count", "1"]);
    assert_eq!(first, r#"{"content":{"set":false}}"#);
    assert_eq!(code(&["set", &name, "event", "true"]), 0);
    assert_eq!(lines.next().unwrap(), r#"{"content":{"set":true}}"#);
    assert_eq!((lines.next(), child.wait().unwrap().code()), (None, Some(0)));
    // Of an array, which counts no changes.
    let (mut child, mut lines, first) = watch(&["array", "--count", "1"]);
    assert_eq!(code(&["set", &name, "array", "1", "7"]), 0);
    assert_eq!(
        (first.as_str(), lines.next().unwrap()),
        (r#"{"content":[0,0,0]}"#, r#"{"content":[0,7,0]}"#.to_owned())
    );
    assert!(child.wait().unwrap().success());
    // Of a queue, whose items come without a count.
    let shop = Manager::builder().name(&name).attach().unwrap();
    let queue = shop.named("watched-queue").queue::<i64>().unwrap();
    let (mut child, mut lines, first) = watch(&["watched-queue", "--count", "1"]);
    queue.put(&7).unwrap();
    assert_eq!(
        (first.as_str(), lines.next().unwrap()),
        (r#"{"content":[]}"#, r#"{"content":[7]}"#.to_owned())
    );
    assert!(child.wait().unwrap().success());
    drop((queue, shop));
    let (child, mut lines, _) = watch(&["set"]);
    assert_eq!(code(&["del", &name, "set"]), 0);
    assert_eq!(lines.next(), None);
    ended_by(child, &format!("the manager {name:?} has no variable \"set\""));
    let (child, mut lines, _) = watch(&["list"]);
    assert_eq!(code(&["rm", &name]), 0);
    assert_eq!(lines.next(), None);
    ended_by(child, &format!("the manager {name:?} was removed"));
    // One that is not there from the beginning is an error.
    assert_eq!(code(&["watch", &name, "list"]), 1);
}

#[test]
fn operations_are_faster_than_messages() {
    let table = sharevar(&["bench"]);
    assert_eq!((table.code, table.errors.as_str()), (0, ""));
    assert!(table.output.starts_with("OPERATION") && table.output.contains("message and answer"));
    let rows = command::json(&["bench"]);
    assert!(rows.len() >= 10);
    for row in rows {
        assert!(row["seconds"].as_f64().unwrap() > 0.0, "{row}");
        // This is a build without optimisation, on a machine that does other things.
        assert!(row["ratio"].as_f64().unwrap() > 1.0, "{row}");
    }
}

#[test]
fn completions_and_manual_pages_are_generated() {
    for shell in ["bash", "zsh", "fish"] {
        let completions = sharevar(&["completions", shell]);
        assert_eq!(completions.code, 0);
        for command in ["watch", "run", "top", "bench"] {
            assert!(completions.output.contains(command), "{shell} {command}");
        }
    }
    let page = sharevar(&["man"]);
    assert_eq!(page.code, 0);
    assert!(page.output.contains(".TH sharevar 1") && page.output.contains("Exit codes"), "{}", page.output);
    assert!(sharevar(&["man", "show"]).output.contains("limit"));
    assert!(sharevar(&["man", "run"]).output.contains("COMMAND"));
    assert!(sharevar(&["man", "top"]).output.contains("allow\\-remote"));
    assert_eq!(code(&["man", "unknown"]), 2);
}
