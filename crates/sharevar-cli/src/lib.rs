//! The command `sharevar` as a library: the binary, and the command that the Python package installs,
//! are a call of [`run_in_terminal`].
//!
//! `docs/command.md` describes the command.
#![forbid(unsafe_code)]

mod amount;
mod arguments;
mod client;
mod commands;
mod content;
mod described;
mod doctor;
mod element;
mod exit;
mod json;
mod key;
mod lock;
mod named;
mod output;
mod process;
mod table;
mod top;

pub use exit::Exit;

use clap::Parser;
use std::ffi::OsString;
use std::io::{BufWriter, Write};

/// Runs the command that `arguments` name, the first of which is the program's name. Results go to
/// `output` and errors to `errors`, both with styles for a terminal.
///
/// ```
/// use sharevar::Manager;
/// use sharevar_cli::{Exit, run};
///
/// let shop = Manager::builder().name("doc-command").capacity(1 << 20).build()?;
/// shop.named("stock").dict::<String, i64>()?.insert("apples", &3)?;
/// let mut output = Vec::new();
/// let exit = run(["sharevar", "get", "doc-command", "stock"], &mut output, &mut std::io::stderr());
/// assert_eq!((exit, output.as_slice()), (Exit::Success, b"{\"apples\":3}\n".as_slice()));
/// # Ok::<(), sharevar::Error>(())
/// ```
pub fn run<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> Exit {
    sharevar_redis::register();
    // If the output is closed, the exit code alone tells of an error.
    match arguments::Arguments::try_parse_from(arguments) {
        Ok(arguments) => commands::run(arguments, output).unwrap_or_else(|failure| {
            if let Some(message) = failure.message() {
                let _ = writeln!(errors, "{}: {message}", output::error("sharevar"));
            }
            failure.exit()
        }),
        Err(refused) => {
            let is_error = refused.use_stderr();
            let text = refused.render().ansi().to_string();
            let _ = if is_error { write!(errors, "{text}") } else { write!(output, "{text}") };
            if is_error { Exit::Usage } else { Exit::Success }
        }
    }
}

/// Runs the command on this process's standard output and standard error. Styles are left out where
/// these are no terminals. If a signal has ended the program that it ran, the same ends this process.
pub fn run_in_terminal(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    // One call of the kernel for many lines; commands that go on for long flush by themselves.
    let mut output = BufWriter::new(anstream::stdout().lock());
    let exit = run(arguments, &mut output, &mut anstream::stderr().lock());
    // An error was told by the command, or there is no reader any more.
    let _ = output.flush();
    if let Exit::KilledProgram(signal) = exit {
        commands::die_as_program(signal);
    }
    exit
}
