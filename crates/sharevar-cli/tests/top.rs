//! `sharevar top`: as text, as JSON, and as a page.

mod support;

use serde_json::{Value as Json, json};
use sharevar::{Manager, Result};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use support::command::{self, sharevar};
use support::holder::{Holder, own_name, play};

/// The parts that programs play. As a test of its own it does nothing.
#[test]
fn plays_its_part() -> Result<()> {
    play(|part, manager, wait| {
        match part {
            "shop" => {
                let stock = manager.named("stock").dict::<i64, i64>()?;
                stock.extend((0..5000).map(|number| (number, -number)))?;
                let odd = manager.named("od\u{1b}[2Jd").event()?;
                let till = manager.named("till").lock()?;
                let _held = till.lock()?;
                wait();
                drop((stock, odd));
            }
            "busy" => {
                let hits = manager.named("hits").value(0_i64)?;
                hits.set(&1)?;
                let is_over = AtomicBool::new(false);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        while !is_over.load(Ordering::Relaxed) {
                            hits.set(&2).unwrap();
                        }
                    });
                    wait();
                    is_over.store(true, Ordering::Relaxed);
                });
            }
            "many" => {
                let mut events = Vec::new();
                for number in 0..3000 {
                    events.push(manager.named(&format!("event{number}")).event()?);
                }
                wait();
                drop(events);
            }
            "waits" => {
                let till = manager.named("till").lock()?;
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        let _ = till.lock();
                    });
                    wait();
                });
            }
            other => panic!("no part {other:?}"),
        }
        Ok(())
    })
}

fn once(arguments: &[&str]) -> Json {
    let looked = [&["top", "--once", "--interval", "10"], arguments].concat();
    command::json(&looked).pop().expect("there is a line")
}

/// The one inside that a picture has.
fn inside(picture: &Json) -> &Json {
    assert_eq!(picture["insides"].as_array().unwrap().len(), 1);
    &picture["insides"][0]
}

fn named<'a>(rows: &'a Json, name: &str) -> &'a Json {
    rows.as_array().unwrap().iter().find(|row| row["name"] == name).expect("it is there")
}

#[test]
fn all_that_a_manager_has_is_shown() {
    let name = own_name("top");
    let holder = Holder::start("shop", &name);
    // It has said that it is ready, and waits a moment later.
    let picture = loop {
        let picture = once(&[&name]);
        if inside(&picture)["processes"][0]["state"] == json!("waiting") {
            break picture;
        }
    };
    let row = named(&picture["managers"], &name);
    assert_eq!((&row["processes"], &row["problem"]), (&json!([holder.id()]), &Json::Null));
    let inside = inside(&picture);
    let stock = named(&inside["variables"], "stock");
    assert_eq!(
        (&stock["kind"], &stock["len"], &stock["changes_per_second"]),
        (&json!("dict"), &json!(5000), &json!(0.0))
    );
    assert!(stock["bytes"].as_u64().unwrap() > 5000 * 16);
    let till = named(&inside["locks"], "till");
    assert_eq!(till["holders"][0]["process"], json!(holder.id()));
    let process = &inside["processes"][0];
    assert_eq!(process["process"], json!(holder.id()));
    assert!(process["program"].as_str().unwrap().contains("--exact plays_its_part"));
    assert!(inside["blocks"].as_array().unwrap().iter().any(|row| row["blocks"].as_u64() > Some(0)));
    // A waiter appears with the time since which the lock is held.
    let waiter = Holder::start("waits", &name);
    let till = loop {
        let picture = once(&[&name]);
        let till = named(&picture["insides"][0]["locks"], "till").clone();
        if till["has_waiters"] == json!(true) && till["waiting"] != json!([]) {
            break till;
        }
    };
    assert_eq!(till["waiting"], json!([waiter.id()]));
    assert!(till["held_for"].as_f64().unwrap() > 0.0);
}

#[test]
fn without_a_terminal_it_is_text() {
    let name = own_name("text");
    let holder = Holder::start("shop", &name);
    let shown = sharevar(&["top", &name, "--interval", "10"]);
    assert_eq!((shown.code, shown.errors.as_str()), (0, ""));
    let text = shown.output;
    assert!(!text.contains('\u{1b}') && text.contains(r"od\u{1b}[2Jd"), "{text}");
    assert!(text.contains("MANAGER") && text.contains("VARIABLE") && text.contains("BLOCK SIZE"), "{text}");
    let rows: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert!(rows.iter().any(|row| row.starts_with("stock dict 5000 ")), "{text}");
    assert!(rows.contains(&format!("till lock {} none", holder.id())), "{text}");
}

#[test]
fn changes_are_counted_by_the_second() {
    let name = own_name("busy");
    let _holder = Holder::start("busy", &name);
    let mut top = Command::new(env!("CARGO_BIN_EXE_sharevar"))
        .args(["top", &name, "--json", "--interval", "10"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(top.stdout.take().unwrap()).lines();
    // A busy machine may give it no time between two looks.
    let rate = lines
        .map(|line| serde_json::from_str::<Json>(&line.unwrap()).unwrap())
        .find_map(|picture| {
            let hits = named(&inside(&picture)["variables"], "hits").clone();
            hits["changes_per_second"].as_f64().filter(|rate| *rate > 0.0)
        })
        .unwrap();
    assert!(rate > 10.0, "{rate}");
    top.kill().unwrap();
    top.wait().unwrap();
}

#[test]
fn a_look_keeps_no_manager_alive() {
    let name = own_name("left");
    let holder = Holder::start("shop", &name);
    let mut top = Command::new(env!("CARGO_BIN_EXE_sharevar"))
        .args(["top", "--json", "--interval", "10"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(top.stdout.take().unwrap()).lines();
    let mut pictures = lines.map(|line| serde_json::from_str::<Json>(&line.unwrap()).unwrap());
    let has = |picture: &Json| {
        picture["managers"].as_array().unwrap().iter().any(|row| row["name"] == name.as_str())
    };
    pictures.find(has).expect("it is there");
    drop(holder);
    pictures.find(|picture| !has(picture)).expect("it is gone");
    // Another process that lists managers has it for a moment, and `top` had it for as long as it runs.
    while Manager::builder().name(&name).attach().is_ok() {}
    // Nor does the end of the command's own output harm anything.
    drop(pictures);
    assert!(top.wait().unwrap().success());
}

/// A served page, until this is dropped.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sharevar"));
        let mut child =
            command.args(["top", "--web", "0", "--interval", "10"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
        Self { child, address }
    }

    /// The code, the head and the body of the answer to a request for `path`.
    fn ask(&self, method: &str, path: &str, host: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        (code, head.to_owned(), body.to_owned())
    }

    fn picture(&self, manager: &str) -> Json {
        let (code, _, body) = self.ask("GET", &format!("/picture?manager={manager}"), &self.address);
        assert_eq!(code, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_manager_that_is_not_there_is_an_error() {
    for (name, code) in [("no-such-manager", 1), ("a/b", 2)] {
        for more in [&["--once"][..], &["--once", "--json"]] {
            let ended = sharevar(&[&["top", name, "--interval", "10"], more].concat());
            assert_eq!((ended.code, ended.output.as_str()), (code, ""), "{name}");
            assert!(ended.errors.contains(name), "{}", ended.errors);
        }
    }
}

#[test]
fn a_request_whose_body_does_not_come_keeps_the_page_from_no_other() {
    let served = Served::start();
    let waiting: Vec<_> = ["Content-Length: 9999999", "Transfer-Encoding: chunked"]
        .into_iter()
        .map(|body| {
            let mut stream = TcpStream::connect(&served.address).unwrap();
            write!(stream, "GET /picture HTTP/1.1\r\nHost: {}\r\n{body}\r\n\r\n", served.address).unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"HTTP/1.1 413");
            stream
        })
        .collect();
    assert_eq!(served.ask("GET", "/", &served.address).0, 200);
    drop(waiting);
}

#[test]
fn a_browser_gets_the_same_picture() {
    let name = own_name("web");
    let _holder = Holder::start("shop", &name);
    let served = Served::start();
    let (code, head, page) = served.ask("GET", "/", &served.address);
    assert_eq!(code, 200);
    assert!(head.contains("Content-Security-Policy: default-src 'none'"), "{head}");
    // It loads nothing from elsewhere.
    assert!(page.starts_with("<!doctype html>") && !page.contains("http"), "{page}");
    let picture = served.picture(&name);
    assert_eq!(named(&inside(&picture)["variables"], "stock")["len"], json!(5000));
    assert_eq!(inside(&picture)["missing_variables"], json!(0));
    assert_eq!(served.picture("no-such-manager")["insides"], json!([]));
    assert_eq!(served.picture("")["insides"].as_array().unwrap().len(), 1);
}

#[test]
fn a_page_has_no_more_rows_than_a_browser_can_bear() {
    let name = own_name("many");
    let _holder = Holder::start("many", &name);
    let picture = Served::start().picture(&name);
    assert_eq!(inside(&picture)["variables"].as_array().unwrap().len(), 1000);
    assert_eq!(inside(&picture)["missing_variables"], json!(2000));
}

#[test]
fn the_page_is_for_this_machine() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let refused = sharevar(&["top", "--web", address]);
        assert_eq!((refused.code, refused.output.as_str()), (2, ""), "{address}");
        assert!(refused.errors.contains("--allow-remote"), "{}", refused.errors);
    }
    let served = Served::start();
    // A name that leads to this address is that of another page.
    assert_eq!(served.ask("GET", "/picture", "evil.example").0, 403);
    assert_eq!(served.ask("GET", "/", "localhost:80").0, 200);
    assert_eq!(served.ask("GET", "/", "[::1]:80").0, 200);
    assert_eq!(served.ask("POST", "/picture", &served.address).0, 405);
    assert_eq!(served.ask("GET", "/../etc/passwd", &served.address).0, 404);
}
