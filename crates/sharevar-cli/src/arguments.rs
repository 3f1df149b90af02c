//! The arguments of the command.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Shown behind the options.
const EXIT_CODES: &str = "\
Exit codes:
  0  it has done what was asked
  1  there is no such manager, variable or key
  2  the arguments are wrong
  3  it has found a problem that it was asked to look for
  4  it has failed otherwise

`run` has the exit code of the program; 125 if it has failed itself, 126 if the
program cannot be started, 127 if there is none of that name.";

/// Looks into the shared variables of running programs, and changes them.
///
/// It finds the managers that have names, of this user on this machine, or those on a server.
#[derive(Debug, Parser)]
#[command(name = "sharevar", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// Write JSON, a line for each result
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Look at a server, and not at this machine: a manager is a namespace there
    ///
    /// ADDRESS is as for `Manager::connect`, and as Python's `Manager` takes it: `redis://host:6379/0`.
    /// It is for ls, show, get, set, del, watch, locks, top and doctor.
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) engine: Option<String>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the managers: lifetime, processes that have them, memory
    Ls {
        /// List those of runs, too: the families of `python -m sharevar` and `sharevar run`
        #[arg(long)]
        all: bool,
    },
    /// Show a manager and its variables, or what a variable holds
    Show {
        /// The manager
        name: String,
        /// The variable; without it, all are listed
        variable: Option<String>,
        /// Show at most so many items of the variable
        #[arg(long, default_value_t = 100, requires = "variable")]
        limit: usize,
    },
    /// Print a variable, or an item of it, as JSON
    ///
    /// KEY is the key of a dict (JSON; text that is no JSON stands for itself), an index of a list or
    /// array, an element of a set, which gives true or false, or an attribute of a namespace or
    /// monitor.
    Get(Item),
    /// Set a value, an event, or an item of a variable
    ///
    /// VALUE is JSON. KEY is as for `get`; an element of a set is put in with true and taken out with
    /// false.
    #[command(override_usage = "sharevar set <NAME> <VARIABLE> [KEY] <VALUE>")]
    Set {
        /// The manager
        name: String,
        /// The variable
        variable: String,
        /// The key, if an item is to be set, then the value
        #[arg(num_args = 1..=2, required = true, value_names = ["KEY", "VALUE"], allow_hyphen_values = true)]
        key_and_value: Vec<String>,
    },
    /// Remove an item of a variable, or a variable's name
    ///
    /// Without KEY the name is removed; the variable lives on for those that hold it.
    Del(Item),
    /// Print the content of a variable, and then its changes as they come
    ///
    /// It ends when the variable or the manager is removed, or when no other process has the manager.
    Watch {
        /// The manager
        name: String,
        /// The variable
        variable: String,
        /// Look at so many items of the variable
        #[arg(long, default_value_t = 1000)]
        limit: usize,
        /// Look every so many milliseconds
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
        interval: u64,
        /// End after so many changes
        #[arg(long)]
        count: Option<u64>,
    },
    /// List the locks of a manager, and the processes that hold them
    Locks {
        /// The manager
        name: String,
    },
    /// Show managers, variables, locks, processes and memory as they change
    ///
    /// Without a terminal it prints them once, as text; with --json a line for each look. On a server it
    /// shows namespaces, variables, locks and clients.
    Top(Look),
    /// Run a program, so that all that descends from it shares variables
    ///
    /// The variables of `sharevar.shared` are the same ones in the program and in all that it starts, in
    /// whatever way. They live as long as the program, or as long as one of these has them. Its exit code
    /// is that of the program, and signals go on to it.
    Run {
        /// The program and its arguments
        #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Write all variables of a manager that have names into a file
    ///
    /// Its processes go on meanwhile. The file is written beside its path and renamed.
    Dump {
        /// The manager
        name: String,
        /// The file
        file: PathBuf,
    },
    /// Make a manager from a dump
    ///
    /// It is kept until it is removed, as no program has it yet. There must be none of that name.
    Load {
        /// The manager
        name: String,
        /// The dump
        file: PathBuf,
        /// Make it with pickles, which a dump of Python's objects needs; reading one runs its writer's code
        #[arg(long)]
        pickle: bool,
    },
    /// Remove a manager, for all processes
    ///
    /// Their operations fail from now on, and the name is free.
    Rm {
        /// The manager
        name: String,
    },
    /// Remove the files of names that have no manager any more
    ///
    /// A process that is killed leaves such a file and no memory. Whichever process makes a manager
    /// removes some.
    Gc,
    /// Look for contradictions and leaks in a manager's memory
    ///
    /// The answer is exact while no process changes anything.
    Check {
        /// The manager
        name: String,
    },
    /// Look for what keeps managers from working on this machine, and say what to do
    Doctor,
    /// Time some operations on this machine, beside a message to a server and its answer
    Bench,
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the command, or of one of these
    Man {
        /// One of these
        command: Option<String>,
    },
}

/// A variable, or an item of it.
#[derive(Debug, Args)]
pub(crate) struct Item {
    /// The manager
    pub(crate) name: String,
    /// The variable
    pub(crate) variable: String,
    /// The item
    #[arg(allow_hyphen_values = true)]
    pub(crate) key: Option<String>,
}

/// How `top` looks.
#[derive(Debug, Args)]
pub(crate) struct Look {
    /// The manager to look into; without it the first on a screen, and all in text
    pub(crate) manager: Option<String>,
    /// Print text once: two looks, with the interval between them
    #[arg(long)]
    pub(crate) once: bool,
    /// Look every so many milliseconds; less often if looking takes more than 1/150 of a processor
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..))]
    pub(crate) interval: u64,
    /// Serve a page for a browser at a port of this machine (`8000`) or at an address
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["manager", "once", "json"])]
    pub(crate) web: Option<String>,
    /// Serve at an address that other machines reach, though anybody there sees the page
    #[arg(long, requires = "web")]
    pub(crate) allow_remote: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_contradict_each_other_nowhere() {
        super::Arguments::command().debug_assert();
    }
}
