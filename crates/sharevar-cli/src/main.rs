//! The command `sharevar`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    sharevar_cli::run_in_terminal(std::env::args_os()).into()
}
