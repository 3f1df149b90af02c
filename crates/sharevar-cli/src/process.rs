//! Processes of this machine as the kernel describes them.

use std::fs::read_to_string;

/// The most characters of a program's command line that are kept.
const SHOWN: usize = 60;

/// Whether a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    /// It sleeps, as nearly all do nearly always.
    Waiting,
    /// A signal has stopped it, or a debugger.
    Stopped,
    /// It has ended, and its parent has not asked how.
    Ended,
    Unknown,
}

impl State {
    pub(crate) fn of(process: u32) -> Self {
        let about = read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The name before it may have parentheses of its own.
        match about.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()) {
            Some('R') => Self::Running,
            Some('S' | 'D' | 'I') => Self::Waiting,
            Some('T' | 't') => Self::Stopped,
            Some('Z' | 'X') => Self::Ended,
            _ => Self::Unknown,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
            Self::Ended => "ended",
            Self::Unknown => "unknown",
        }
    }
}

/// The program that a process runs, with its arguments as far as they fit; empty if it is gone.
pub(crate) fn program(process: u32) -> String {
    let line = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ");
    if text.is_empty() {
        return read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim_end().to_owned();
    }
    let program = text.split(' ').next().unwrap_or_default();
    // The folder of the program says little.
    let short = text.replacen(program, program.rsplit('/').next().unwrap_or(program), 1);
    if short.chars().count() > SHOWN {
        return short.chars().take(SHOWN - 3).chain("...".chars()).collect();
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_described() {
        let own = std::process::id();
        // That of its first thread, which waits for this one.
        assert!(matches!(State::of(own), State::Running | State::Waiting));
        let name = std::env::args().next().unwrap();
        let name = name.rsplit('/').next().unwrap();
        assert!(program(own).starts_with(&name.chars().take(40).collect::<String>()), "{}", program(own));
        // No process has the number.
        assert_eq!((State::of(u32::MAX), program(u32::MAX).as_str()), (State::Unknown, ""));
    }
}
