//! Functions in processes of their own: a result, a panic, an exit and a kill.

#![allow(clippy::print_stdout)] // A demonstration.

use sharevar::{Dict, Error, List, Manager, Result, process};
use std::process::ExitCode;

type Words = Dict<String, List<u32>>;

/// Finds the lines that hold `word`. The result is a variable that the child has made.
fn find((words, word, text): (Words, String, Vec<String>)) -> List<u32> {
    let found = words.get(&word).unwrap().unwrap();
    for (number, line) in text.iter().enumerate() {
        if line.contains(&word) {
            found.push(&(number as u32)).unwrap();
        }
    }
    found
}

fn panic((reason, status): (String, u8)) -> u8 {
    assert!(status == 0, "{reason}");
    status
}

fn exit(status: i32) {
    std::process::exit(status)
}

fn sleep(_: ()) -> u8 {
    loop {
        std::thread::park();
    }
}

/// Starts a function itself.
fn outer((depth, words): (u32, Words)) -> u32 {
    if depth == 0 {
        return words.len().unwrap() as u32;
    }
    let manager = Manager::inherited().unwrap();
    process::spawn(&manager, outer, (depth - 1, words)).unwrap().join().unwrap() + 1
}

fn ending<T: std::fmt::Debug>(result: Result<T>) -> String {
    let ending = match result {
        Err(Error::Function { ending, .. }) => ending,
        other => format!("{other:?}"),
    };
    println!("a function {ending}");
    ending
}

fn run() -> Result<bool> {
    process::Functions::new().with(find).with(panic).with(exit).with(sleep).with(outer).start()?;
    let manager = Manager::new()?;
    let words: Words = manager.dict()?;
    let mut children = Vec::new();
    for word in ["one", "two"] {
        words.insert(word, &manager.list()?)?;
        let text = ["one", "two", "one two"].map(str::to_owned).to_vec();
        children.push(process::spawn(&manager, find, (words.clone(), word.to_owned(), text))?);
    }
    let mut found = Vec::new();
    for child in children {
        found.push(child.join()?.to_vec()?);
    }
    println!("found {found:?}");
    let mut sleeper = process::spawn(&manager, sleep, ())?;
    sleeper.kill()?;
    let unknown = process::spawn(&manager, |(): ()| (), ()).map(|_| ());
    println!("{unknown:?}");
    Ok(found == [[0, 2], [1, 2]]
        && ending(process::spawn(&manager, panic, ("on purpose".to_owned(), 1))?.join())
            == "panicked: on purpose"
        && ending(process::spawn(&manager, exit, 3)?.join()) == "exited with status 3 before it returned"
        && ending(sleeper.join()) == "was killed by signal 9"
        && matches!(unknown, Err(Error::Process { .. }))
        && process::spawn(&manager, outer, (2, words))?.join()? == 4
        && manager.check()?.is_clean())
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("functions: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("functions: {error}");
            ExitCode::FAILURE
        }
    }
}
