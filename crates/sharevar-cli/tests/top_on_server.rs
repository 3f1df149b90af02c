//! `sharevar top`, `ls` and `locks` of managers on a server.

use serde_json::{Value as Json, json};
use sharevar::{Manager, Monitor, Result};
use sharevar_cli::{Exit, run};
use sharevar_redis::testing::{Cluster, Program, Server, Service};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

fn server(settings: &[&str]) -> Option<Server> {
    sharevar_redis::register();
    Program::ALL.into_iter().find_map(|program| program.start_with(settings))
}

/// The exit, what was printed, and the errors.
fn sharevar(arguments: &[&str], engine: &str) -> (Exit, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let exit = run([&["sharevar", "--engine", engine], arguments].concat(), &mut output, &mut errors);
    (exit, String::from_utf8(output).unwrap(), String::from_utf8(errors).unwrap())
}

fn lines(arguments: &[&str], engine: &str) -> Vec<Json> {
    let (exit, output, errors) = sharevar(&[arguments, &["--json"]].concat(), engine);
    assert_eq!((exit, errors.as_str()), (Exit::Success, ""));
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn once(arguments: &[&str], engine: &str) -> Json {
    lines(&[&["top", "--once", "--interval", "10"], arguments].concat(), engine).remove(0)
}

fn named<'a>(rows: &'a Json, name: &str) -> &'a Json {
    rows.as_array().unwrap().iter().find(|row| row["name"] == name).expect("it is there")
}

/// An address of a namespace in which nothing is written while no operation is called: its lease is renewed after
/// minutes.
fn quiet(server: &Server, namespace: &str) -> String {
    format!("{}&lease=3600", server.address(namespace))
}

/// A running `sharevar top`, which is killed at the end.
struct Running(Child);

impl Running {
    fn start(engine: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sharevar"));
        command.args(["--engine", engine, "top", "--interval", "10"]).args(arguments);
        Self(command.stdout(Stdio::piped()).spawn().unwrap())
    }

    fn output(&mut self) -> impl Iterator<Item = String> {
        BufReader::new(self.0.stdout.take().unwrap()).lines().map(|line| line.unwrap())
    }

    fn pictures(&mut self) -> impl Iterator<Item = Json> {
        self.output().map(|line| serde_json::from_str(&line).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Has the server run a command.
fn redis(server: &Server, command: &str) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    write!(stream, "{command}\r\n").unwrap();
    let mut answer = [0; 3];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK", "{command}");
}

#[derive(Debug, Monitor)]
struct Account {
    balance: i64,
}

#[test]
fn all_that_a_namespace_has_is_shown() -> Result<()> {
    let Some(server) = server(&[]) else { return Ok(()) };
    let engine = server.address("unused");
    let shop = Manager::connect(&server.address("shop"))?;
    let stock = shop.named("stock").dict::<String, i64>()?;
    stock.extend([("apples".to_owned(), 3), ("pears".to_owned(), 5)])?;
    let list = shop.named("list").list::<i64>()?;
    list.extend([10, 20, 30])?;
    let queue = shop.named("queue").queue::<i64>()?;
    queue.put(&1)?;
    let value = shop.named("value").value(1_i64)?;
    value.set(&2)?;
    let _kept = (
        shop.named("array").array::<i16>(7)?,
        shop.named("account").monitor(Account { balance: 7 })?,
        shop.named("odd\u{1b}[2J").event()?,
        shop.dict::<i64, i64>()?,
    );
    let bank = Manager::connect(&server.address("bank"))?;
    let _vault = bank.named("vault").set::<String>()?;

    let picture = once(&[], &engine);
    assert!(picture["server"]["used"].as_u64().unwrap() > 0);
    assert_eq!((&picture["server"]["problem"], &picture["server"]["capacity"]), (&Json::Null, &Json::Null));
    let row = named(&picture["managers"], "shop");
    assert_eq!((&row["variables"], &row["clients"], &row["problem"]), (&json!(8), &json!(1), &Json::Null));
    assert_eq!(row["id"], json!(format!("{:032x}", shop.id())));
    assert_eq!(row["processes"], Json::Null, "a server does not know them");
    assert_eq!(picture["insides"].as_array().unwrap().len(), 2);
    let inside = named(&picture["insides"], "shop");
    let variable = |name: &str| named(&inside["variables"], name);
    for (name, kind, len, changes) in [
        ("stock", "dict", json!(2), json!(1)),
        ("list", "list", json!(3), json!(1)),
        ("queue", "queue", json!(1), Json::Null),
        ("value", "value", Json::Null, json!(1)),
        ("array", "array", json!(7), Json::Null),
        ("account", "monitor", json!(1), json!(1)),
        ("odd\u{1b}[2J", "event", Json::Null, Json::Null),
    ] {
        let row = variable(name);
        assert_eq!((&row["kind"], &row["len"], &row["changes"]), (&json!(kind), &len, &changes), "{name}");
        assert!(row["bytes"].as_u64().unwrap() > 0, "{row}");
    }
    assert_eq!(variable("stock")["changes_per_second"], json!(0.0));
    let client = &inside["clients"][0];
    assert_eq!(client["process"], json!(std::process::id()));
    assert!(!client["machine"].as_str().unwrap().is_empty());
    let left = client["lease_left"].as_f64().unwrap();
    assert!(left > 0.0 && left <= 10.0, "{left}");
    // Parts that only shared memory has.
    assert_eq!((&inside["processes"], &inside["blocks"]), (&Json::Null, &Json::Null));

    // One namespace: no other is looked for.
    let picture = once(&["bank"], &engine);
    assert_eq!(picture["managers"].as_array().unwrap().len(), 1);
    assert_eq!(named(&picture["insides"], "bank")["variables"][0]["name"], "vault");

    let (exit, text, errors) = sharevar(&["top", "--once", "--interval", "10"], &engine);
    assert_eq!((exit, errors.as_str()), (Exit::Success, ""));
    assert!(!text.contains("\u{1b}[2J") && text.contains(r"odd\u{1b}[2J"), "{text}");
    let text = anstream::adapter::strip_str(&text).to_string();
    for heading in ["NAMESPACE  VARIABLES  CLIENTS", "VARIABLE", "LOCK", "LEASE LEFT"] {
        assert!(text.contains(heading), "{text}");
    }
    assert!(text.lines().next().unwrap().contains("in use"), "{text}");
    Ok(())
}

#[test]
fn locks_are_shown_with_their_holders_and_waiters() -> Result<()> {
    let Some(server) = server(&[]) else { return Ok(()) };
    let engine = server.address("unused");
    let shop = Manager::connect(&quiet(&server, "shop"))?;
    let lock = shop.named("lock").lock()?;
    let (rlock, rwlock) = (shop.named("rlock").rlock()?, shop.named("rwlock").rwlock()?);
    let semaphore = shop.named("semaphore").semaphore(3)?;
    let free = shop.named("free").lock()?;
    let condition = shop.named("condition").condition()?;
    let of_condition = condition.lock()?;
    let held = (lock.lock()?.guard(), rlock.lock()?, rwlock.read()?.guard(), of_condition.lock()?.guard());
    semaphore.acquire()?.forget();
    semaphore.acquire()?.forget();
    let me = json!(std::process::id());
    let locks = || {
        let picture = once(&["shop"], &engine);
        picture["insides"][0]["locks"].clone()
    };
    let seen = locks();
    let holder = |name: &str| named(&seen, name)["holders"][0].clone();
    for name in ["lock", "rlock", "semaphore", "rwlock", "condition"] {
        assert_eq!(holder(name)["process"], me, "{name}");
        assert!(holder(name)["lease_left"].as_f64().unwrap() > 0.0, "{name}");
        assert_eq!(named(&seen, name)["has_waiters"], json!(false), "{name}");
        let is_exclusive = !["semaphore", "rwlock"].contains(&name);
        assert_eq!(holder(name)["is_exclusive"], json!(is_exclusive), "{name}");
    }
    assert_eq!(named(&seen, "lock")["token"], json!(lock.token()?));
    assert!(holder("rlock")["thread"].as_u64() >= Some(1) && holder("lock")["thread"].is_null());
    assert_eq!((&holder("semaphore")["units"], &named(&seen, "semaphore")["free"]), (&json!(2), &json!(1)));
    assert_eq!(named(&seen, "free")["holders"], json!([]));

    // `locks` tells the same.
    let (_, text, _) = sharevar(&["locks", "shop"], &engine);
    let text = anstream::adapter::strip_str(&text).to_string();
    let mine = format!("{} on ", std::process::id());
    assert!(text.lines().any(|line| line.starts_with("semaphore") && line.contains(&mine)), "{text}");
    assert!(text.lines().any(|line| line.starts_with("free") && line.contains("none")), "{text}");

    // A thread that waits is told, until it has the lock.
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| drop(lock.lock().unwrap()));
        while named(&locks(), "lock")["has_waiters"] == json!(false) {
            assert!(!waiter.is_finished());
        }
        let seen = locks();
        assert_eq!(named(&seen, "lock")["waiting_clients"][0]["process"], me);
        drop(held);
    });
    assert_eq!(named(&locks(), "lock")["holders"], json!([]));

    // A client that the server has not heard of for its lease holds nothing any more, and its units are free.
    let [client] = &server.client_names("shop")[..] else { panic!("there is one") };
    server.end_lease("shop", client);
    let picture = once(&["shop"], &engine);
    let inside = &picture["insides"][0];
    let units = named(&inside["locks"], "semaphore");
    assert_eq!(inside["clients"][0]["lease_left"], json!(0.0));
    assert_eq!((&units["holders"], &units["free"]), (&json!([]), &json!(3)));
    assert_eq!(named(&picture["managers"], "shop")["clients"], json!(0));
    drop(free);
    Ok(())
}

#[test]
fn a_look_takes_no_part_and_may_only_read() -> Result<()> {
    let Some(server) = server(&[]) else { return Ok(()) };
    let shop = Manager::connect(&server.address("shop"))?;
    let kept: Vec<_> =
        (0..1000).map(|number| shop.named(&format!("v{number}")).value(1_i64)).collect::<Result<_>>()?;
    let rules = "reader on >secret ~sv:* -@all +@read +@connection +eval +info +time";
    redis(&server, &format!("ACL SETUSER {rules}"));
    let engine = server.tcp_address("unused").replace("redis://", "redis://reader:secret@");
    let reads = || -> u64 {
        let told = server.info("stats");
        told.lines().find_map(|line| line.strip_prefix("total_reads_processed:")).unwrap().parse().unwrap()
    };
    let before = (server.client_names("shop"), reads());
    let picture = once(&[], &engine);
    assert_eq!(picture["insides"][0]["variables"].as_array().unwrap().len(), kept.len());
    for command in [&["ls"][..], &["locks", "shop"]] {
        assert_eq!(sharevar(command, &engine).0, Exit::Success, "{command:?}");
    }
    // A server may read a long message in parts.
    let messages = reads() - before.1;
    assert!(messages < 300, "{messages} messages for a thousand variables, three times");
    assert_eq!(server.client_names("shop"), before.0);
    Ok(())
}

#[test]
fn changes_are_counted_by_the_second() -> Result<()> {
    let Some(server) = server(&[]) else { return Ok(()) };
    let shop = Manager::connect(&server.address("shop"))?;
    let hits = shop.named("hits").value(0_i64)?;
    let mut top = Running::start(&server.address("unused"), &["--json"]);
    let mut pictures = top.pictures();
    let rate = |picture: Json| picture["insides"][0]["variables"][0]["changes_per_second"].as_f64();
    let is_counted = |picture: Json| rate(picture).is_some_and(|rate| rate > 0.0);
    assert!(
        std::iter::from_fn(|| {
            hits.set(&1).unwrap();
            pictures.next()
        })
        .any(is_counted)
    );
    Ok(())
}

#[test]
fn a_server_that_goes_away_is_shown_as_such_until_it_is_back() -> Result<()> {
    let Some(mut server) = server(&[]) else { return Ok(()) };
    let engine = server.tcp_address("unused");
    let shop = Manager::connect(&server.tcp_address("shop"))?;
    let kept = shop.named("stock").dict::<String, i64>()?;
    let mut top = Running::start(&engine, &["--json"]);
    let mut pictures = top.pictures();
    pictures.find(|picture| picture["managers"][0]["name"] == "shop").expect("it is there");
    server.kill();
    let away = pictures.find(|picture| !picture["server"]["problem"].is_null()).expect("it goes on");
    assert_eq!((&away["managers"], &away["insides"]), (&json!([]), &json!([])));
    assert_eq!(away["server"]["used"], Json::Null);
    server.restart();
    let back = pictures.find(|picture| picture["server"]["problem"].is_null()).expect("it goes on");
    assert!(back["server"]["used"].as_u64().unwrap() > 0);
    // A server that is away from the beginning is an error.
    server.kill();
    for command in [&["top", "--once", "--interval", "10"][..], &["top", "--web", "0"]] {
        let (exit, output, errors) = sharevar(command, &engine);
        assert_eq!((exit, output.as_str()), (Exit::Failure, ""));
        assert!(errors.contains("127.0.0.1"), "{errors}");
    }
    drop(kept);
    Ok(())
}

#[test]
fn a_namespace_that_is_not_there_is_an_error() {
    let Some(server) = server(&[]) else { return };
    let engine = server.address("unused");
    for (name, exit) in [("nothing", Exit::NotFound), ("a{b", Exit::Usage)] {
        for command in [&["top", name, "--once"][..], &["locks", name]] {
            let (ended, output, errors) = sharevar(command, &engine);
            assert_eq!((ended, output.as_str()), (exit, ""), "{command:?}: {errors}");
        }
    }
    // Looking has made none.
    assert_eq!(lines(&["ls"], &engine), Vec::<Json>::new());
}

#[test]
fn a_user_of_one_namespace_sees_that_one() -> Result<()> {
    let Some(server) = server(&[]) else { return Ok(()) };
    server.let_in("shop");
    let address = |namespace: &str| server.tcp_address(namespace).replace("redis://", "redis://app:secret@");
    let shop = Manager::connect(&address("shop"))?;
    let _stock = shop.named("stock").dict::<String, i64>()?;
    let bank = Manager::connect(&server.tcp_address("bank"))?;
    let _vault = bank.named("vault").set::<String>()?;
    let picture = once(&["shop"], &address("unused"));
    assert!(named(&picture["insides"][0]["variables"], "stock")["bytes"].as_u64() > Some(0));
    let picture = once(&[], &address("unused"));
    let refused = named(&picture["managers"], "bank")["problem"].as_str().unwrap();
    assert!(refused.contains("permission"), "{refused}");
    let told = picture.to_string();
    assert!(!told.contains("secret"), "{told}");
    Ok(())
}

#[test]
fn a_browser_gets_the_same_picture() -> Result<()> {
    let Some(server) = server(&[]) else { return Ok(()) };
    let shop = Manager::connect(&server.address("shop"))?;
    let _lock = shop.named("lock").lock()?;
    let mut top = Running::start(&server.address("unused"), &["--web", "0"]);
    let address = top.output().next().unwrap();
    let address = address.trim().strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /picture?manager=shop HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let picture: Json = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(picture["insides"][0]["locks"][0]["name"], "lock");
    assert_eq!(picture["insides"][0]["missing_clients"], json!(0));
    Ok(())
}

#[test]
fn all_nodes_of_a_cluster_are_looked_at() -> Result<()> {
    sharevar_redis::register();
    let Some(cluster) =
        Program::ALL.into_iter().find_map(|program| Cluster::start(program, &["--appendonly", "yes"]))
    else {
        return Ok(());
    };
    let address = |namespace: &str| cluster.address(&[0], "", namespace);
    let names = ["shop", "shop1", "shop2", "shop3"];
    let managers: Vec<_> =
        names.iter().map(|name| Manager::connect(&address(name))).collect::<Result<_>>()?;
    let kept: Vec<_> = managers.iter().map(|manager| manager.named("lock").lock()).collect::<Result<_>>()?;
    let listed = lines(&["ls"], &address("unused"));
    assert_eq!(listed.iter().map(|row| row["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    let picture = once(&[], &address("unused"));
    assert_eq!(picture["insides"].as_array().unwrap().len(), names.len());
    // Each of them alone, on whichever node it is.
    for name in names {
        assert_eq!(once(&[name], &address("unused"))["insides"][0]["locks"][0]["name"], "lock");
    }
    let (exit, told, _) = sharevar(&["doctor"], &address("unused"));
    assert_eq!((exit, told.matches("it runs them").count()), (Exit::Success, 3), "{told}");
    drop(kept);
    Ok(())
}

#[test]
fn the_primary_of_a_service_is_looked_at() -> Result<()> {
    sharevar_redis::register();
    let Some(service) =
        Program::ALL.into_iter().find_map(|program| Service::start(program, &["--appendonly", "yes"]))
    else {
        return Ok(());
    };
    let address = |namespace: &str| service.address(namespace);
    let shop = Manager::connect(&address("shop"))?;
    let _lock = shop.named("lock").lock()?;
    assert_eq!(lines(&["ls"], &address("unused"))[0]["name"], "shop");
    assert_eq!(once(&["shop"], &address("unused"))["insides"][0]["locks"][0]["name"], "lock");
    let (exit, told, _) = sharevar(&["doctor"], &address("unused"));
    assert!(exit == Exit::Success && told.contains("a primary with 2 replicas"), "{told}");
    Ok(())
}
