//! One file, appended to by many processes: no line is lost, torn or mixed with another.
//!
//! Some writers get the open file as an argument, one gets nothing but a descriptor: its
//! standard output is the file. The lines are longer than a page, so that a write is long
//! enough to be cut in by others. One more writer is killed in the middle of its work.

#![allow(clippy::print_stdout)] // A demonstration.

use sharevar::process::{self, CommandExt};
use sharevar::{AppendFile, Error, Manager, Result, Value};
use std::os::fd::AsFd;
use std::process::{Command, ExitCode};

const WRITERS: usize = 4;
const LINES: usize = 250;

/// A line that shows whether it is whole.
fn line(writer: usize, number: usize) -> String {
    let filling = char::from(b'a' + (writer % 26) as u8).to_string().repeat(3000 + number * 7);
    format!("{writer} {number} {filling} {writer} {number}\n")
}

fn write((file, writer): (AppendFile, usize)) -> std::result::Result<(), String> {
    (0..LINES)
        .try_for_each(|number| file.append(line(writer, number).as_bytes()))
        .map_err(|error| error.to_string())
}

/// Writes until it is killed, and counts what it has surely written.
fn write_for_ever((file, written): (AppendFile, Value<i64>)) -> i64 {
    for number in 0.. {
        if file.append(line(WRITERS + 1, number).as_bytes()).and_then(|()| written.fetch_add(1)).is_err() {
            break;
        }
    }
    -1
}

/// Runs with the file as its standard output.
fn write_to_output() -> Result<()> {
    let output = std::io::stdout().as_fd().try_clone_to_owned();
    let output =
        output.map_err(|error| Error::Process { what: "no standard output", cause: error.to_string() })?;
    let file = AppendFile::from_file(&Manager::inherited()?, output.into())?;
    (0..LINES).try_for_each(|number| file.append(line(WRITERS, number).as_bytes()))
}

fn run() -> Result<bool> {
    if std::env::args().nth(1).as_deref() == Some("output") {
        write_to_output()?;
        return Ok(true);
    }
    process::Functions::new().with(write).with(write_for_ever).start()?;
    let manager = Manager::new()?;
    let path = std::env::temp_dir().join(format!("sharevar-append-{}", std::process::id()));
    let file = AppendFile::open(&manager, &path)?;
    let counted = write_all(&manager, &file);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let _ = std::fs::remove_file(&path);
    Ok(is_whole(&text, counted?))
}

/// Lets all writers write at once. Gives back what the killed one had surely written.
fn write_all(manager: &Manager, file: &AppendFile) -> Result<i64> {
    let reopen = || -> Result<AppendFile> { AppendFile::open(manager, file.path()) };
    let written = manager.value(0_i64)?;
    let mut doomed = process::spawn(manager, write_for_ever, (reopen()?, written.clone()))?;
    let mut children = Vec::new();
    for writer in 0..WRITERS {
        children.push(process::spawn(manager, write, (reopen()?, writer))?);
    }
    let output = std::fs::OpenOptions::new().append(true).open(file.path());
    let output = output.map_err(|error| Error::Process { what: "cannot open", cause: error.to_string() })?;
    let printer = Command::new("/proc/self/exe").arg("output").share(manager)?.stdout(output).spawn();
    let mut printer =
        printer.map_err(|error| Error::Process { what: "cannot start", cause: error.to_string() })?;
    while written.get()? < 20 && !doomed.is_finished()? {
        std::thread::yield_now();
    }
    doomed.kill()?;
    println!("killed: {}", doomed.join().err().map(|error| error.to_string()).unwrap_or_default());
    for child in children {
        if let Err(error) = child.join()? {
            println!("a writer failed: {error}");
        }
    }
    let _ = printer.wait();
    written.get()
}

fn is_whole(text: &str, counted: i64) -> bool {
    let mut next = [0; WRITERS + 2];
    for found in text.lines() {
        let Some(writer) = found.split(' ').next().and_then(|writer| writer.parse::<usize>().ok()) else {
            println!("a torn line: {found:.40}");
            return false;
        };
        if writer >= next.len() || found != line(writer, next[writer]).trim_end() {
            println!("a torn or lost line of writer {writer}: {found:.40}");
            return false;
        }
        next[writer] += 1;
    }
    println!("lines of each writer, the killed one last: {next:?}");
    // Lines of the killed process whose write returned are there, and at most one more.
    let killed = next[WRITERS + 1] as i64;
    text.ends_with('\n')
        && next[..=WRITERS] == [LINES; WRITERS + 1]
        && (counted..=counted + 1).contains(&killed)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("append_file: not what was expected");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("append_file: {error}");
            ExitCode::FAILURE
        }
    }
}
