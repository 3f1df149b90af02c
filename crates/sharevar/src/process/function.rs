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

/// Tells a child what to run: `number of the function,the variable with its arguments`.
const VARIABLE: &str = "SHAREVAR_FUNCTION";

static REGISTERED: OnceLock<Vec<Registered>> = OnceLock::new();

/// How a function ended, as the child writes it.
#[derive(Serialize, Deserialize)]
enum Outcome<R> {
    Unknown,
    Returned(R),
    Failed(String),
}

/// What the child is given: the arguments, and where the result goes.
#[derive(Serialize, Deserialize)]
#[serde(bound = "A: Serialize + DeserializeOwned")]
struct Call<A, R> {
    arguments: A,
    outcome: Value<Outcome<R>>,
}

type Run = dyn Fn(&VariableId) -> Result<()> + Send + Sync;

struct Registered {
    name: &'static str,
    function: TypeId,
    run: Box<Run>,
}

/// The functions that can be run in a new process. To be set up at the beginning of `main`.
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
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more.
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
        let run = Box::new(move |call: &VariableId| run(function, call));
        self.registered.push(Registered {
            name: std::any::type_name::<F>(),
            function: TypeId::of::<F>(),
            run,
        });
        self
    }

    /// One more, which describes a host: for [`supervise`](crate::hosted::supervise).
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

    /// In a process that [`spawn`] started, runs the function and ends the process. In any other
    /// it makes the functions known and returns.
    pub fn start(self) -> Result<()> {
        // Known in a child too: a function may run others.
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
        || Error::Process { what: "cannot read the call", cause: format!("{VARIABLE} is {text:?}") };
    let (number, call) = text.split_once(',').ok_or_else(damaged)?;
    let number: usize = number.parse().map_err(|_| damaged())?;
    let registered = registered().get(number).ok_or_else(damaged)?;
    let _manager = Manager::inherited()?;
    (registered.run)(&call.parse()?)
}

impl std::fmt::Debug for Functions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.registered.iter().map(|registered| registered.name)).finish()
    }
}

fn run<F, A, R>(function: F, call: &VariableId) -> Result<()>
where
    F: Fn(A) -> R,
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    let Call { arguments, outcome } = Value::<Call<A, R>>::open(call)?.get()?;
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
    let call = manager.value(Call { arguments, outcome: outcome.clone() })?;
    let process = command::<F>(manager, &call.id())?
        .spawn()
        .map_err(|error| Error::Process { what: "cannot start a process", cause: error.to_string() })?;
    Ok(Child { process, name, outcome, _call: call.handle() })
}

/// What runs a known function in a new process of this program, with what is in a variable.
pub(crate) fn command<F: 'static>(manager: &Manager, call: &VariableId) -> Result<Command> {
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
    // The link and not what it leads to: it works when the file was replaced or deleted.
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0(std::env::args_os().next().unwrap_or_default())
        .share(manager)?
        .env(VARIABLE, format!("{number},{call}"));
    Ok(command)
}

/// A function that runs in a process of its own. Dropped, it runs on by itself, but loses its
/// arguments if it has not read them yet: wait for it.
pub struct Child<R> {
    process: std::process::Child,
    name: &'static str,
    outcome: Value<Outcome<R>>,
    /// Held until the child has opened it.
    _call: Handle,
}

impl<R: Serialize + DeserializeOwned> Child<R> {
    /// The process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills the process. What it was doing to a variable is undone or finished by others.
    pub fn kill(&mut self) -> Result<()> {
        self.process
            .kill()
            .map_err(|error| Error::Process { what: "cannot kill a process", cause: error.to_string() })
    }

    /// Whether the process has ended.
    pub fn is_finished(&mut self) -> Result<bool> {
        let status = self.process.try_wait().map_err(|error| waiting(&error))?;
        Ok(status.is_some())
    }

    /// Waits until the function has returned, and gives back its result. A panic, an exit
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
