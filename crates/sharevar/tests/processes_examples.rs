//! The examples do what they say: each ends with an error if what its processes saw is wrong.

use std::path::PathBuf;
use std::process::Command;

fn run(example: &str) {
    // target/<profile>/deps/<this test> and target/<profile>/examples/<example>.
    let here = std::env::current_exe().unwrap();
    let profile: PathBuf = here.parent().and_then(|deps| deps.parent()).unwrap().into();
    let output = Command::new(profile.join("examples").join(example)).output().unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{example}: {}\n{text}", output.status);
}

#[test]
fn global() {
    run("global");
}

#[test]
fn list_and_lock() {
    run("list_and_lock");
}

#[test]
fn append_file() {
    run("append_file");
}

#[test]
fn functions() {
    run("functions");
}

#[test]
fn ping_pong() {
    run("ping_pong");
}

#[test]
fn hosted_list() {
    run("hosted_list");
}

#[test]
fn supervised_host() {
    run("supervised_host");
}
