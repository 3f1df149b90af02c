//! A program that holds a manager: this very test binary, told by its environment what to do.

use sharevar::{Manager, Result};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

const PART: &str = "SHAREVAR_TEST_PART";
const NAME: &str = "SHAREVAR_TEST_NAME";

/// A name that no other test has.
pub(crate) fn own_name(label: &str) -> String {
    format!("test-{}-{label}", std::process::id())
}

/// A running program, which is killed at the end.
#[derive(Debug)]
pub(crate) struct Holder {
    child: Child,
}

impl Holder {
    /// Starts a program that plays `part` with the manager of that name, and waits until it is ready.
    pub(crate) fn start(part: &str, name: &str) -> Self {
        Self::start_by(&mut Command::new("env"), part, name)
    }

    /// The same by a command that becomes the program which its further arguments name.
    pub(crate) fn start_by(command: &mut Command, part: &str, name: &str) -> Self {
        command.arg(std::env::current_exe().unwrap());
        command.args(["--exact", "plays_its_part", "--nocapture"]).env(PART, part).env(NAME, name);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        lines.find(|line| line.as_ref().unwrap() == "ready").expect("it says that it is ready").unwrap();
        Self { child }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Lets it go on, and waits until it has ended well.
    pub(crate) fn ended_well(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays the part that this process was started for, if it was: `play` is given part and manager, and
/// a function that says that it is ready and waits until it is to go on.
pub(crate) fn play(play: impl FnOnce(&str, &Manager, &dyn Fn()) -> Result<()>) -> Result<()> {
    let Ok(part) = std::env::var(PART) else { return Ok(()) };
    let name = std::env::var(NAME).unwrap();
    let manager = Manager::builder().name(name).capacity(16 << 20).build()?;
    play(&part, &manager, &|| {
        let mut output = std::io::stdout();
        writeln!(output, "\nready").unwrap();
        let _ = std::io::stdin().read_line(&mut String::new()).unwrap();
    })
}
