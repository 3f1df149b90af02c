//! Every command goes on beside a manager that it cannot look into, and says why where it is asked for
//! that one.

mod support;

use serde_json::Value as Json;
use sharevar::{Manager, Result};
use sharevar_os::{Access, Mapping, memory_segment};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use support::command::{self, sharevar};
use support::holder::{Holder, own_name, play};

/// The place of the capacity in a header (docs/arena-format.md).
const CAPACITY: u64 = 0x28;

/// The parts that programs play. As a test of its own it does nothing.
#[test]
fn plays_its_part() -> Result<()> {
    play(|part, manager, wait| {
        let stock = manager.named("stock").dict::<String, i64>()?;
        stock.insert("apples", &3)?;
        if part == "locks" {
            let till = manager.named("till").lock()?;
            let _held = till.lock()?;
            wait();
        } else {
            wait();
        }
        Ok(())
    })
}

/// A manager whose header names more memory than it has.
fn damage(name: &str) {
    let header = sharevar_rendezvous::list().unwrap().into_iter().find(|header| header.name.as_str() == name);
    let segment = memory_segment::find(header.expect("it lives").number).unwrap().unwrap();
    let memory = Mapping::attach(segment.number, segment.size, Access::ReadWrite).unwrap();
    memory.word(CAPACITY).store(1 << 60, Ordering::Relaxed);
}

/// The commands that look at all managers, or change something, on the manager `well`.
fn go_on(well: &str, bad: &[&str]) {
    let listed = command::json(&["ls"]);
    let row = |name: &str| listed.iter().find(|row| row["name"] == name).expect("it is listed");
    assert_eq!(row(well)["problem"], Json::Null);
    for name in bad {
        assert!(row(name)["problem"].as_str().is_some_and(|problem| problem.len() > 20), "{name}");
        assert!(row(name)["capacity"].is_null());
    }
    let table = sharevar(&["ls"]);
    assert_eq!((table.code, table.errors.as_str()), (0, ""));
    for name in bad {
        let line = table.output.lines().find(|line| line.starts_with(name)).expect("it is listed");
        assert!(line.split_whitespace().count() > 5, "it says why: {line}");
    }
    let looked = command::json(&["top", "--once", "--interval", "10"]).pop().unwrap();
    let rows = looked["managers"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["name"] == well && row["problem"].is_null()));
    for name in bad {
        assert!(rows.iter().any(|row| row["name"] == *name && row["problem"].is_string()), "{name}");
    }
    let file = std::env::temp_dir().join(format!("{well}.dump"));
    let file = file.to_str().unwrap();
    let loaded = format!("{well}-loaded");
    let commands: [&[&str]; 13] = [
        &["show", well],
        &["show", well, "stock"],
        &["get", well, "stock", "apples"],
        &["set", well, "stock", "pears", "5"],
        &["del", well, "stock", "pears"],
        &["locks", well],
        &["watch", well, "stock", "--count", "0"],
        &["check", well],
        &["dump", well, file],
        &["load", &loaded, file],
        &["rm", &loaded],
        &["gc"],
        &["completions", "bash"],
    ];
    for arguments in commands {
        let ended = sharevar(arguments);
        assert_eq!((ended.code, ended.errors.as_str()), (0, ""), "{arguments:?}");
    }
    std::fs::remove_file(file).unwrap();
    for name in bad {
        for arguments in [
            &["show", name] as &[&str],
            &["get", name, "stock"],
            &["set", name, "stock", "pears", "5"],
            &["del", name, "stock"],
            &["locks", name],
            &["watch", name, "stock"],
            &["check", name],
            &["dump", name, "/dev/null/x"],
        ] {
            let ended = sharevar(arguments);
            assert_eq!((ended.code, ended.output.as_str()), (4, ""), "{arguments:?}");
            assert!(ended.errors.starts_with("sharevar: "), "{arguments:?}: {}", ended.errors);
        }
    }
    let doctor = sharevar(&["doctor"]);
    assert_eq!((doctor.code, doctor.errors.as_str()), (3, ""));
    for name in bad {
        assert!(doctor.output.contains(&format!("manager {name}")), "{}", doctor.output);
    }
}

#[test]
fn managers_of_another_layout_and_damaged_ones_hold_no_command_up() {
    let [well, layout, damaged] = ["well", "layout", "damaged"].map(own_name);
    let _holders = [&well, &layout, &damaged].map(|name| Holder::start("stock", name));
    support::layout::change(&layout);
    damage(&damaged);
    go_on(&well, &[&layout, &damaged]);
    for name in [&layout, &damaged] {
        assert_eq!(sharevar(&["rm", name]).code, 0);
        assert!(!command::json(&["ls"]).iter().any(|row| row["name"] == name.as_str()));
    }
}

/// A process with little address space lists what it cannot map.
#[test]
fn a_manager_that_is_too_large_to_be_mapped_is_listed() {
    let [well, large] = ["small", "large"].map(own_name);
    let _holder = Holder::start("stock", &well);
    let _large = Manager::builder().name(&large).capacity(64 << 30).build().unwrap();
    let script = "ulimit -v 8000000; exec \"$0\" \"$@\"";
    let ended = Command::new("sh")
        .args(["-c", script, env!("CARGO_BIN_EXE_sharevar"), "ls", "--json"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let rows: Vec<Json> = String::from_utf8(ended.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let problem = |name: &str| &rows.iter().find(|row| row["name"] == name).expect("it is listed")["problem"];
    assert!(problem(&well).is_null());
    assert!(problem(&large).is_string(), "{}", problem(&large));
}

/// A process that stands inside of its manager holds up no command that only looks.
#[test]
fn a_stopped_holder_holds_up_no_look() {
    let name = own_name("stopped");
    let holder = Holder::start("locks", &name);
    let kill = |signal: &str| {
        let ended = Command::new("kill").args([signal, &holder.id().to_string()]).status().unwrap();
        assert!(ended.success());
    };
    kill("-STOP");
    for arguments in
        [&["ls"] as &[&str], &["show", &name], &["get", &name, "stock"], &["locks", &name], &["check", &name]]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sharevar"))
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        assert!(child.wait().unwrap().success(), "{arguments:?}");
    }
    kill("-CONT");
}

/// A look changes nothing: a manager that a command looks into has no process more for it.
#[test]
fn a_look_takes_no_part() {
    let name = own_name("part");
    let holder = Holder::start("stock", &name);
    let mut top = Command::new(env!("CARGO_BIN_EXE_sharevar"))
        .args(["top", &name, "--json", "--interval", "10"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(top.stdout.take().unwrap()));
    lines.next().unwrap().unwrap();
    lines.next().unwrap().unwrap();
    let manager = Manager::builder().name(&name).attach_read_only().unwrap();
    assert_eq!(manager.info().unwrap().processes(), [holder.id()]);
    top.kill().unwrap();
    top.wait().unwrap();
}

/// Of two that load a dump under one name at once, one does.
#[test]
fn one_of_many_loads_makes_the_manager() {
    let name = own_name("loaded");
    let file = std::env::temp_dir().join(format!("{name}.dump"));
    {
        let manager = Manager::open(&own_name("source")).unwrap();
        manager.named("list").list::<i64>().unwrap().extend(0..1000).unwrap();
        manager.dump(&file).unwrap();
    }
    let children: Vec<_> = (0..6)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_sharevar"))
                .args(["load", &name, file.to_str().unwrap()])
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let ended: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    let (made, refused): (Vec<_>, Vec<_>) = ended.into_iter().partition(|ended| ended.status.success());
    assert_eq!((made.len(), refused.len()), (1, 5));
    for ended in refused {
        assert_eq!(ended.status.code(), Some(4));
        assert!(String::from_utf8(ended.stderr).unwrap().contains("is there already"));
    }
    Manager::remove(&name).unwrap();
    std::fs::remove_file(file).unwrap();
}
