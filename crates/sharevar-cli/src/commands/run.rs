//! `sharevar run`: a program whose descendants all share variables.
//!
//! The manager of their family is held here as long as the program runs, so that members may come and
//! go. The environment names it ([`Family`]).

use crate::exit::{Exit, Failure};
use rustix::process::{DumpableBehavior, Pid, Signal, kill_process, set_dumpable_behavior};
use sharevar::{Error, Family, Manager};
use signal_hook::consts::signal::{
    SIGALRM, SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH,
};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::origin::{Origin, WithOrigin};
use signal_hook::low_level::emulate_default_handler;
use signal_hook::low_level::siginfo::Cause;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};

/// The signals that go on to the program: those by which servers are told something.
const FORWARDED: [i32; 10] =
    [SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGWINCH];

/// The exit codes of `env` and of shells.
const FAILED: Exit = Exit::OfProgram(125);
const NOT_STARTED: Exit = Exit::OfProgram(126);
const NO_PROGRAM: Exit = Exit::OfProgram(127);

pub(crate) fn run(command: &[OsString]) -> Result<Exit, Failure> {
    let (family, _held) = family().map_err(|error| Failure::new(FAILED, error))?;
    // Before the program is started, so that none comes in between and ends this process alone.
    let mut signals = signals().map_err(|error| {
        Failure::new(FAILED, format_args!("cannot have signals go on to the program: {error}"))
    })?;
    let [program, arguments @ ..] = command else {
        return Err(Failure::usage("give the COMMAND that is to be run"));
    };
    let mut command = Command::new(program);
    command.args(arguments).env(Family::VARIABLE, family.value());
    let mut child = command.spawn().map_err(|error| {
        let exit = if error.kind() == ErrorKind::NotFound { NO_PROGRAM } else { NOT_STARTED };
        Failure::new(exit, format_args!("cannot run {}: {error}", program.display()))
    })?;
    let status = wait(&mut child, &mut signals)
        .map_err(|error| Failure::new(FAILED, format_args!("cannot wait for the program: {error}")))?;
    Ok(match (status.code(), status.signal()) {
        (Some(code), _) => Exit::OfProgram(code as u8),
        (None, Some(signal)) => Exit::KilledProgram(signal),
        (None, None) => FAILED,
    })
}

/// The family of this process, or a new one, and its manager.
fn family() -> Result<(Family, Manager), Error> {
    let family = Family::of_environment()?.map_or_else(Family::new, Ok)?;
    Ok((family, Manager::of_family(&family)?))
}

/// The signals that this process gets from now on. A signal that it was started to ignore (`nohup`) is
/// ignored by the program, too.
fn signals() -> std::io::Result<SignalsInfo<WithOrigin>> {
    let ignored = ignored();
    let forwarded = FORWARDED.iter().filter(|signal| ignored >> (*signal - 1) & 1 == 0);
    SignalsInfo::new(forwarded.chain([&SIGCHLD]))
}

/// The signals that this process ignores, the first in the lowest bit; none if the kernel does not tell.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn wait(child: &mut Child, signals: &mut SignalsInfo<WithOrigin>) -> std::io::Result<ExitStatus> {
    loop {
        for origin in signals.wait() {
            // Not reaped yet, its number is no other process's.
            if origin.signal != SIGCHLD && is_for_program(&origin, child) {
                let signal = Signal::from_named_raw(origin.signal);
                let _ = signal.map(|signal| kill_process(Pid::from_child(child), signal));
            }
        }
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
    }
}

/// Whether the program has not had the signal itself. A terminal sends it to the whole group, and so may
/// the program.
fn is_for_program(origin: &Origin, child: &Child) -> bool {
    let sender = origin.process.as_ref().map(|process| process.pid);
    !matches!(origin.cause, Cause::Kernel) && sender != Some(child.id() as i32)
}

/// Ends this process as a signal has ended the program, so that a caller sees the same. It leaves no core
/// besides that of the program.
pub(crate) fn die_as_program(signal: i32) {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    // If it returns, the exit code tells the signal.
    let _ = emulate_default_handler(signal);
}
