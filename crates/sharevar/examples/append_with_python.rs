//! A Rust and a Python process append to one file: neither writes into the other's record, and each
//! cuts off what the other has left of a record when it was killed.
//!
//! `cargo run --example append_with_python`, with the Python package `sharevar` installed for
//! `python3`, or for the interpreter that the environment variable `PYTHON` names. The Python
//! half is `python/append_with_rust.py` beside this file.

#![allow(clippy::print_stdout)] // A demonstration.

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Resource, Rlimit, setrlimit};
use sharevar::process::CommandExt;
use sharevar::{AppendFile, Manager};
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;

/// The bytes of a record that a pipe does not take in one piece, and how many each side writes.
const LONG: usize = 200_000;
const RECORDS: usize = 20;
/// The bytes of a record up to which its writer may come before the kernel kills it, and the signal.
const HALF: u64 = 4;
const FILE_SIZE_EXCEEDED: i32 = 25;

type Outcome = Result<(), Box<dyn Error>>;

fn python(manager: &Manager, part: &str, path: &Path) -> Result<Command, Box<dyn Error>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/append_with_rust.py");
    let mut command = Command::new(std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned()));
    command.args([script, part]).arg(path).share(manager)?;
    Ok(command)
}

fn rust(manager: &Manager, part: &str, path: &Path) -> Result<Command, Box<dyn Error>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(part).arg(path).share(manager)?;
    Ok(command)
}

/// Runs to its end a process that the kernel kills in the middle of its record.
fn dies_half_way(mut command: Command) -> Outcome {
    let status = command.status()?;
    if status.signal() == Some(FILE_SIZE_EXCEEDED) {
        Ok(())
    } else {
        Err(format!("it ended: {status}").into())
    }
}

fn succeeds(mut command: Command) -> Outcome {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("it ended: {status}").into()) }
}

fn holds(path: &Path, expected: &str) -> Outcome {
    let found = std::fs::read_to_string(path)?;
    println!("the file has {found:?}");
    if found == expected { Ok(()) } else { Err(format!("{found:?} is not {expected:?}").into()) }
}

fn recover_each_other(manager: &Manager, path: &Path) -> Outcome {
    let file = AppendFile::open(manager, path)?;
    file.append(b"first\n")?;
    dies_half_way(python(manager, "die", path)?)?;
    holds(path, "first\npyth")?;
    file.append(b"second\n")?;
    holds(path, "first\nsecond\n")?;
    dies_half_way(rust(manager, "die", path)?)?;
    holds(path, "first\nsecond\nrust")?;
    succeeds(python(manager, "append", path)?)?;
    holds(path, "first\nsecond\npython\n")
}

/// Has the kernel kill this process when it has written a few bytes of its next record.
fn die_half_way(path: &Path) -> Outcome {
    let file = AppendFile::open(&Manager::inherited()?, path)?;
    let most = Some(std::fs::metadata(path)?.len() + HALF);
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    setrlimit(Resource::Fsize, Rlimit { current: most, maximum: most })?;
    file.append(b"rust is killed")?;
    Err("it was not killed".into())
}

/// A pipe has room for a third of a record, so that records without a lock would mix.
fn exclude_each_other(manager: &Manager, path: &Path) -> Outcome {
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    let reader = std::thread::spawn({
        let path = path.to_owned();
        move || -> std::io::Result<Vec<u8>> {
            let mut all = Vec::new();
            File::open(path)?.read_to_end(&mut all)?;
            Ok(all)
        }
    });
    let pipe = File::options().write(true).open(path)?;
    let file = AppendFile::from_file(manager, pipe)?;
    let mut other = python(manager, "fill", path)?.spawn()?;
    // Both begin when Python is there.
    while !manager.named("ready").value(false)?.get()? {
        if let Some(ended) = other.try_wait()? {
            return Err(format!("Python ended: {ended}").into());
        }
        std::thread::yield_now();
    }
    let record = vec![b'r'; LONG];
    (0..RECORDS).try_for_each(|_| file.append(&record))?;
    let status = other.wait()?;
    drop(file);
    let all = reader.join().map_err(|_| "the reader panicked")??;
    let is_whole = |record: &[u8]| record.iter().all(|byte| *byte == record[0]);
    let mixed = all.chunks(LONG).filter(|record| !is_whole(record)).count();
    println!("{} bytes came through the pipe, {mixed} records are mixed", all.len());
    if status.success() && all.len() == 2 * RECORDS * LONG && mixed == 0 {
        return Ok(());
    }
    Err("records are mixed or missing".into())
}

fn run() -> Outcome {
    if let [_, part, path] = &*std::env::args().collect::<Vec<_>>()
        && part == "die"
    {
        return die_half_way(Path::new(path));
    }
    let manager = Manager::new()?;
    let directory = std::env::temp_dir().join(format!("sharevar-append-{}", std::process::id()));
    std::fs::create_dir(&directory)?;
    let outcome = recover_each_other(&manager, &directory.join("file"))
        .and_then(|()| exclude_each_other(&manager, &directory.join("pipe")));
    std::fs::remove_dir_all(&directory)?;
    outcome
}

fn main() -> Outcome {
    run()
}
