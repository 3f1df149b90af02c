//! The command as a process of its own.

use std::process::Command;

/// How a run of the command has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) output: String,
    pub(crate) errors: String,
}

/// Runs `sharevar` with these arguments.
pub(crate) fn sharevar(arguments: &[&str]) -> Ended {
    let ended = Command::new(env!("CARGO_BIN_EXE_sharevar")).args(arguments).output().unwrap();
    Ended {
        code: ended.status.code().expect("it is not killed"),
        output: String::from_utf8(ended.stdout).unwrap(),
        errors: String::from_utf8(ended.stderr).unwrap(),
    }
}

/// The lines of JSON that a run prints that succeeds.
pub(crate) fn json(arguments: &[&str]) -> Vec<serde_json::Value> {
    let ended = sharevar(&[arguments, &["--json"]].concat());
    assert_eq!((ended.code, ended.errors.as_str()), (0, ""), "{arguments:?}");
    ended.output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
