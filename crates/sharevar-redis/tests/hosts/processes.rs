//! Hosts and clients in processes of their own.

use crate::till::TillProxy;
use crate::{connect, host};
use sharevar::hosted::Address;
use sharevar_redis::testing::await_that;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};

const PART: &str = "SHAREVAR_TEST_PART";
const PLACE: &str = "SHAREVAR_TEST_PLACE";
/// The length of a reply that is one entry, and the number of those that are more than one read of an inbox.
const CHUNK: usize = 100_000;
pub(crate) const MANY: usize = 40;

/// A process, which is killed with this.
pub(crate) struct Process {
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Process {
    /// Starts one, and waits until it says that it is ready.
    pub(crate) fn start(part: &str, address: &Address) -> Self {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--exact", "processes::plays_its_part", "--nocapture"]);
        command.env(PART, part).env(PLACE, address.to_string());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut process = Self { child, said };
        while process.line() != "ready\n" {}
        process
    }

    /// The next line that the process prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.said.read_line(&mut line).unwrap() > 0, "the process ends before it says more");
        line
    }

    /// Waits until it has ended as it should.
    pub(crate) fn await_end(&mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    /// Stops it where it is, and returns once all of its threads stand still.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
        let tasks = format!("/proc/{}/task", self.child.id());
        let stands = |task: std::io::Result<std::fs::DirEntry>| {
            let stat = std::fs::read_to_string(task.unwrap().path().join("stat"));
            // A thread that ends meanwhile has none.
            stat.is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, state)| state.starts_with(" T")))
        };
        await_that("the pause of a process", || std::fs::read_dir(&tasks).unwrap().all(stands));
    }

    pub(crate) fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        assert!(Command::new("sh").args(["-c", "kill -s $0 $1", name, &process]).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What child programs do. As a test of its own it does nothing.
#[test]
fn plays_its_part() {
    let Ok(part) = std::env::var(PART) else { return };
    sharevar_redis::register();
    let address: Address = std::env::var(PLACE).unwrap().parse().unwrap();
    match part.as_str() {
        "host" => {
            let host = host(&address).start().unwrap();
            eprintln!("ready");
            host.wait();
        }
        "client in a call" => {
            let client = connect(&address);
            let _own: Vec<_> = (0..3).map(|_| TillProxy::new(&client).unwrap()).collect();
            let till: TillProxy = client.proxy("till").unwrap();
            eprintln!("ready");
            till.wait().unwrap();
        }
        _ if let Some(length) = part.strip_prefix("client of ") => {
            let till: TillProxy = connect(&address).proxy("till").unwrap();
            eprintln!("ready");
            let text = till.text_once_open(length.parse().unwrap());
            eprintln!("{}", text.map_or_else(|failed| format!("{failed:?}"), |text| text.len().to_string()));
        }
        "many calls" => {
            let till: TillProxy = connect(&address).proxy("till").unwrap();
            let calls: Vec<_> = (0..MANY)
                .map(|_| {
                    let till = till.clone();
                    std::thread::spawn(move || till.text_once_open(CHUNK))
                })
                .collect();
            eprintln!("ready");
            let whole = calls.into_iter().filter_map(|call| call.join().unwrap().ok()).count();
            eprintln!("{whole}");
        }
        other => panic!("no part {other:?}"),
    }
}
