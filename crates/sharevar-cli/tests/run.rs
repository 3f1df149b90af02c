//! `sharevar run`: programs that descend from it, their ends, and signals.

mod support;

use serde_json::Value as Json;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use support::command::{Ended, sharevar};

const SHAREVAR: &str = env!("CARGO_BIN_EXE_sharevar");

/// Runs a script of the shell by `sharevar run`.
fn run(script: &str) -> Ended {
    let ended = sharevar(&["run", "--", "sh", "-c", script, SHAREVAR]);
    assert_eq!(ended.errors, "", "{script}");
    ended
}

/// Starts a script by `sharevar run`, and sends `signal` to the runner once it is ready.
fn end_by(signal: &str, script: &str) -> (ExitStatus, Vec<String>) {
    let mut child =
        Command::new(SHAREVAR).args(["run", "sh", "-c", script]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    assert_eq!(lines.next().as_deref(), Some("ready"));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
    (child.wait().unwrap(), lines.collect())
}

#[test]
fn the_exit_code_is_that_of_the_program() {
    for code in [0, 1, 7, 255] {
        assert_eq!(run(&format!("exit {code}")).code, code);
    }
    for (expected, program) in [(127, "test-no-such-program"), (126, "/"), (126, "/etc/hostname")] {
        let ended = sharevar(&["run", program]);
        assert_eq!((ended.code, ended.output.as_str()), (expected, ""), "{program}");
        assert!(ended.errors.contains(&format!("cannot run {program}: ")), "{}", ended.errors);
    }
    assert_eq!(sharevar(&["run"]).code, 2);
}

#[test]
fn arguments_behind_the_program_are_its_own() {
    for arguments in [&["run", "echo"][..], &["run", "--", "echo"], &["--json", "run", "echo"]] {
        let ended = sharevar(&[arguments, &["--json", "--", "-x", "--help"]].concat());
        assert_eq!((ended.code, ended.output.as_str()), (0, "--json -- -x --help\n"), "{arguments:?}");
    }
}

#[test]
fn the_end_by_a_signal_is_that_of_the_program() {
    for (name, signal) in [("KILL", 9), ("TERM", 15), ("USR1", 10), ("ABRT", 6)] {
        let script = format!("kill -{name} $$");
        let status = Command::new(SHAREVAR).args(["run", "sh", "-c", &script]).status().unwrap();
        assert_eq!((status.signal(), status.code()), (Some(signal), None), "{name}");
    }
}

#[test]
fn signals_go_on_to_the_program() {
    for signal in ["HUP", "INT", "QUIT", "TERM", "TTIN", "TTOU", "USR1", "USR2", "WINCH", "ALRM"] {
        let script = format!(
            "trap 'echo had {signal}; kill $!; exit 5' {signal}; sleep 600 >/dev/null & echo ready; wait $!"
        );
        let (status, lines) = end_by(signal, &script);
        assert_eq!((status.code(), lines), (Some(5), vec![format!("had {signal}")]));
    }
    let (status, _) = end_by("TERM", "echo ready; exec sleep 600");
    assert_eq!(status.signal(), Some(15));
}

#[test]
fn a_signal_that_is_ignored_is_ignored_by_the_program() {
    // A shell keeps on ignoring what it was started to ignore.
    let script = format!("trap '' HUP; exec {SHAREVAR} run sh -c 'kill -HUP $$; echo alive'");
    let ended = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(ended.stdout, b"alive\n");
    assert_eq!(run("kill -HUP $PPID; echo alive").output, "alive\n");
}

#[test]
fn programs_that_come_and_go_have_the_same_manager() {
    let show = r#""$0" show "${SHAREVAR_FAMILY#*:}" --json"#;
    let ids_of = |script: &str| -> Vec<_> {
        let lines: Vec<_> = run(script).output.lines().map(str::to_owned).collect();
        lines.iter().map(|line| serde_json::from_str::<Json>(line).unwrap()["id"].clone()).collect()
    };
    // The last is started by a runner of its own.
    let script = format!("{show}; (setsid sh -c '{show}' \"$0\"); \"$0\" run sh -c '{show}' \"$0\"");
    let ids = ids_of(&script);
    assert!(ids.len() == 3 && ids[0].is_string(), "{ids:?}");
    assert_eq!(ids[1..], [ids[0].clone(), ids[0].clone()]);
    // Another run has another one, and none is left.
    assert_ne!(ids_of(show)[0], ids[0]);
    let name = run("echo ${SHAREVAR_FAMILY#*:}").output;
    assert!(name.starts_with("run-"), "{name}");
    // Another process that lists managers has it for a moment.
    while sharevar(&["show", name.trim_end()]).code != 1 {}
}

#[test]
fn a_family_of_another_user_is_refused() {
    for (value, said) in [("4294967294:run-0", "is the family of user 4294967294"), ("?", "names no family")]
    {
        let mut command = Command::new(SHAREVAR);
        let ended = command.args(["run", "echo"]).env("SHAREVAR_FAMILY", value).output().unwrap();
        let errors = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(125), &b""[..]));
        assert!(errors.contains(said), "{errors}");
    }
}
