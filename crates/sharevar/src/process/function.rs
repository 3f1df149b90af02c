//! A function of this program, run in a new process of it.
//!
//! The child is the same executable, which learns from its environment that it is to run a
//! function. Arguments and result are shared variables, so handles pass as they are and no other
//! format is needed.
//!
//! Why not `procspawn`: it brings `ipc-channel` and a second format to do what a variable does
//! here, and its channel cannot carry our handles as counted references.

use crate::engine::Handle;
use crate::error::{Error, Result};
use crate::hosted::{self, Host};
use crate::manager::Manager;
use crate::manager::shared::Shared;
use crate::manager::variable_id::VariableId;
use crate::process::CommandExt;
use crate::variables::value::Value;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::any::TypeId;
use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;

/// The environment variable with a child's task: `number of the function,the variable with its task`.
const VARIABLE: &str = "SHAREVAR_FUNCTION";

static REGISTERED: OnceLock<Vec<Registered>> = OnceLock::new();

/// The outcome of a function, as the child writes it.
#[derive(Serialize, Deserialize)]
enum Outcome<R> {
    Unknown,
    Returned(R),
    Failed(String),
}

/// A child's task: the arguments, and the variable for the outcome.
#[derive(Serialize, Deserialize)]
#[serde(bound = "A: Serialize + DeserializeOwned")]
struct Task<A, R> {
    arguments: A,
    outcome: Value<Outcome<R>>,
}

type Run = dyn Fn(&VariableId) -> Result<()> + Send + Sync;

struct Registered {
    name: &'static str,
    function: TypeId,
    run: Box<Run>,
}

/// The functions that can be run in a new process. They are set up at the beginning of `main`.
///
/// A function has one argument, which may be a tuple, and a result; both may hold handles.
///
/// ```no_run
/// use sharevar::{Dict, Manager, process};
///
/// fn count((words, word): (Dict<String, i64>, String)) -> i64 {
///     words.increment(&word, 1).unwrap()
/// }
///
/// fn main() -> sharevar::Result<()> {
///     // In a child this runs its function and ends the process.
///     process::Functions::new().with(count).start()?;
///     let manager = Manager::new()?;
///     let words = manager.dict()?;
///     let child = process::spawn(&manager, count, (words.clone(), "one".to_owned()))?;
///     assert_eq!(child.join()?, 1);
///     assert_eq!(words.get("one")?, Some(1));
///     Ok(())
/// }
/// ```
#[must_use]
#[derive(Default)]
pub struct Functions {
    registered: Vec<Registered>,
}

impl Functions {
    /// Makes an empty list of functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function.
    pub fn with<F, A, R>(mut self, function: F) -> Self
    where
        F: Fn(A) -> R + Copy + Send + Sync + 'static,
        A: Serialize + DeserializeOwned + 'static,
        R: Serialize + DeserializeOwned + 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "name the function itself, not a pointer to it: the pointer does not say which it is"
            );
        }
        let run = Box::new(move |task: &VariableId| run(function, task));
        self.registered.push(Registered {
            name: std::any::type_name::<F>(),
            function: TypeId::of::<F>(),
            run,
        });
        self
    }

    /// Adds a function that describes a host, for [`supervise`](crate::hosted::supervise).
    pub fn with_host<F, A>(mut self, function: F) -> Self
    where
        F: Fn(A) -> Result<Host> + Copy + Send + Sync + 'static,
        A: Serialize + DeserializeOwned + 'static,
    {
        self.registered.push(Registered {
            name: std::any::type_name::<F>(),
            function: TypeId::of::<F>(),
            run: Box::new(move |arguments: &VariableId| hosted::supervised::serve(function, arguments)),
        });
        self
    }

    /// Runs the function and ends the process, in a process that [`spawn`] has started. In any other
    /// it registers the functions and returns.
    pub fn start(self) -> Result<()> {
        // A child registers them, too, since a function may run others.
        if REGISTERED.set(self.registered).is_err() {
            return Err(Error::Process {
                what: "cannot make functions known",
                cause: "it was done before; name all of them in one call of `Functions`".to_owned(),
            });
        }
        let Ok(text) = std::env::var(VARIABLE) else { return Ok(()) };
        let status = match serve(&text) {
            Ok(()) => 0,
            Err(error) => {
                eprintln!("sharevar: cannot run a function for the parent process: {error}");
                1
            }
        };
        std::process::exit(status)
    }
}

fn registered() -> &'static [Registered] {
    REGISTERED.get().map_or(&[], Vec::as_slice)
}

fn serve(text: &str) -> Result<()> {
    let damaged =
        || Error::Process { what: "cannot read the task", cause: format!("{VARIABLE} is {text:?}") };
    let (number, task) = text.split_once(',').ok_or_else(damaged)?;
    let number: usize = number.parse().map_err(|_| damaged())?;
    let registered = registered().get(number).ok_or_else(damaged)?;
    let _manager = Manager::inherited()?;
    (registered.run)(&task.parse()?)
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.registered.iter().map(|registered| registered.name)).finish()
    }
}

fn run<F, A, R>(function: F, task: &VariableId) -> Result<()>
where
    F: Fn(A) -> R,
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    let Task { arguments, outcome } = Value::<Task<A, R>>::open(task)?.get()?;
    let ended = match catch_unwind(AssertUnwindSafe(|| function(arguments))) {
        Ok(result) => Outcome::Returned(result),
        Err(panic) => Outcome::Failed(format!("panicked: {}", message(panic.as_ref()))),
    };
    outcome.set(&ended).or_else(|error| {
        outcome.set(&Outcome::Failed(format!("ended, but its result cannot be stored: {error}")))
    })
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("with a value that is no text")
}

/// Runs `function`, which [`Functions`] has made known, in a new process of this program.
pub fn spawn<F, A, R>(manager: &Manager, function: F, arguments: A) -> Result<Child<R>>
where
    F: Fn(A) -> R + 'static,
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    let _ = function;
    let name = std::any::type_name::<F>();
    let outcome = manager.value(Outcome::<R>::Unknown)?;
    let task = manager.value(Task { arguments, outcome: outcome.clone() })?;
    let process = command::<F>(manager, &task.id())?
        .spawn()
        .map_err(|error| Error::Process { what: "cannot start a process", cause: error.to_string() })?;
    Ok(Child { process, name, outcome, _task: task.handle() })
}

/// Makes the command that runs a registered function in a new process of this program, with the task
/// in a variable.
pub(crate) fn command<F: 'static>(manager: &Manager, task: &VariableId) -> Result<Command> {
    const {
        assert!(
            size_of::<F>() == 0,
            "name the function itself, not a pointer to it: the pointer does not say which it is"
        );
    }
    let name = std::any::type_name::<F>();
    let number = registered().iter().position(|known| known.function == TypeId::of::<F>());
    let number = number.ok_or_else(|| Error::Process {
        what: "cannot run a function in a new process",
        cause: format!(
            "{name} is not known: begin `main` with `process::Functions::new().with(...).start()?`"
        ),
    })?;
    // The link and not its target, since the link works when the file was replaced or deleted.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(std::env::args_os().next().unwrap_or_default())
        .share(manager)?
        .env(VARIABLE, format!("{number},{task}"));
    Ok(command)
}

/// A function that runs in a process of its own. If this is dropped, the function runs on, but loses
/// its arguments if it has not read them yet: wait for it with [`join`](Self::join).
pub struct Child<R> {
    process: std::process::Child,
    name: &'static str,
    outcome: Value<Outcome<R>>,
    /// The task, held until the child has opened it.
    _task: Handle,
}

impl<R: Serialize + DeserializeOwned> Child<R> {
    /// Returns the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills the process. Other processes undo or finish its operations on variables.
    pub fn kill(&mut self) -> Result<()> {
        self.process
            .kill()
            .map_err(|error| Error::Process { what: "cannot kill a process", cause: error.to_string() })
    }

    /// Returns whether the process has ended.
    pub fn is_finished(&mut self) -> Result<bool> {
        let status = self.process.try_wait().map_err(|error| waiting(&error))?;
        Ok(status.is_some())
    }

    /// Waits until the function has returned, and returns its result. A panic, an exit
    /// before its end and a kill are [`Error::Function`].
    pub fn join(mut self) -> Result<R> {
        let status = self.process.wait().map_err(|error| waiting(&error))?;
        let ending = match self.outcome.get()? {
            Outcome::Returned(result) => return Ok(result),
            Outcome::Failed(reason) => reason,
            Outcome::Unknown => ending(status),
        };
        Err(Error::Function { function: self.name, process: self.process.id(), ending })
    }
}

impl<R> std::fmt::Debug for Child<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Child({} in process {})", self.name, self.process.id())
    }
}

fn waiting(error: &std::io::Error) -> Error {
    Error::Process { what: "cannot wait for a process", cause: error.to_string() }
}

fn ending(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was killed by signal {signal}"),
        (None, Some(code)) => format!("exited with status {code} before it returned"),
        (None, None) => format!("ended: {status}"),
    }
}
