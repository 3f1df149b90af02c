//! A host in a process of its own that is started again when it dies.

use super::saved_state::{SharedState, unsupervised};
use crate::engine::Handle;
use crate::manager::shared::Shared;
use crate::process::function;
use crate::{Manager, Value, VariableId};
use rustix::process::{Pid, getpid};
use rustix::stdio::dup2_stdin;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sharevar_hosted::restart::{RestartPolicy, give_up};
use sharevar_hosted::{Client, Host, Result, SavedState};
use sharevar_transport::Address;
use std::fmt;
use std::fs::File;
use std::io::{Read, Write, stdin};
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

/// The arguments of each host in a row.
#[derive(Serialize, Deserialize)]
#[serde(bound = "A: Serialize + DeserializeOwned")]
struct Arguments<A> {
    arguments: A,
    saved_state: SharedState,
}

/// Starts a host in a new process of this program, and again whenever that process dies.
///
/// `function` was registered by [`Functions::with_host`](crate::process::Functions::with_host), and
/// describes each incarnation of the host. So objects come back whose state is in shared variables:
/// in the arguments, or in those that [`Manager::inherited`] names. Their proxies stay valid: the
/// objects that the host publishes have the same numbers in all incarnations, at the same address,
/// and a call that the dead host had not read waits for the next one, for ten seconds at most. One that
/// it may have read is [`Error::HostDied`](super::Error::HostDied), as always. Objects that clients have made are gone.
///
/// ```no_run
/// use sharevar::hosted::{Host, supervise};
/// use sharevar::{Dict, Manager, process};
///
/// struct Stock(Dict<String, i64>);
///
/// #[sharevar::hosted]
/// impl Stock {
///     pub fn take(&self, thing: &str) -> Result<i64, String> {
///         self.0.increment(thing, -1).map_err(|error| error.to_string())
///     }
/// }
///
/// fn warehouse(things: Dict<String, i64>) -> sharevar::Result<Host> {
///     Ok(Host::new().add("stock", Stock(things)))
/// }
///
/// fn main() -> sharevar::Result<()> {
///     process::Functions::new().with_host(warehouse).start()?;
///     let manager = Manager::new()?;
///     let warehouse = supervise(&manager, warehouse, manager.dict()?)?;
///     let stock: StockProxy = warehouse.client()?.proxy("stock")?;
///     stock.take("apples")?;
///     Ok(())
/// }
/// ```
///
/// The process ends when the [`Supervised`] is dropped, or with this process, however that ends;
/// calls that are under way get their replies; so does a client by [`Client::shutdown`]. It has no
/// standard input. After six starts in a row by which no call was served it is not started again:
/// stderr says so.
pub fn supervise<F, A>(manager: &Manager, function: F, arguments: A) -> Result<Supervised>
where
    F: Fn(A) -> crate::Result<Host> + Copy + 'static,
    A: Serialize + DeserializeOwned,
{
    // Only its type is needed: the new process has the same function.
    let _ = function;
    let saved_state = SharedState::new(manager).map_err(unsupervised)?;
    let given = Arguments { arguments, saved_state: saved_state.clone() };
    let given = manager.value(given).map_err(unsupervised)?;
    let program = Program {
        command: Box::new({
            let (manager, id) = (manager.clone(), given.id());
            move || function::command::<F>(&manager, &id)
        }),
        _arguments: given.handle(),
    };
    let (mut child, mut link) = program.start()?;
    // One byte says that it serves, and the end of the stream that it never will.
    if link.read_exact(&mut [0]).is_err() {
        let status = child.wait().map_err(unsupervised)?;
        return Err(unsupervised(format!(
            "it has ended ({status}) before it served; see its stderr for why"
        )));
    }
    let address = saved_state.address()?.unwrap_or_default();
    let address: Address = address.parse()?;
    let state = State { process: child.id(), link: Some(link) };
    let supervisor = Arc::new(Supervisor { saved_state, state: Mutex::new(state), ended: Condvar::new() });
    let thread = Builder::new().name("sharevar supervisor".to_owned()).spawn({
        let (supervisor, address) = (supervisor.clone(), address.clone());
        move || supervisor.supervise(child, &program, &address)
    });
    let thread = Some(thread.map_err(unsupervised)?);
    Ok(Supervised { address, supervisor, thread, process: getpid() })
}

/// A host that is started again when it dies. Dropped, it ends.
#[must_use = "a host that is dropped ends"]
pub struct Supervised {
    address: Address,
    supervisor: Arc<Supervisor>,
    thread: Option<JoinHandle<()>>,
    /// Whose thread waits for the host. A forked child has only a copy of this.
    process: Pid,
}

impl Supervised {
    /// The address where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// A client in this process, for a host that asks for no key; for others there is
    /// [`Client::connect_with`].
    pub fn client(&self) -> Result<Client> {
        Client::connect(&self.address)
    }

    /// The present process of the host, or its last.
    pub fn id(&self) -> u32 {
        self.supervisor.state().process
    }

    /// Whether it serves, or will again.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends it: calls that are under way are finished, and nothing new is begun. In a forked child
    /// it does nothing: the host is the parent's.
    pub fn stop(&mut self) {
        if getpid() != self.process {
            return;
        }
        // The host reads the end of its standard input.
        self.supervisor.state().link = None;
        self.supervisor.ended.notify_all();
        if let Some(thread) = self.thread.take() {
            // The panic hook has reported a panic there; the host has ended then.
            let _ = thread.join();
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Supervised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Supervised({} in process {})", self.address, self.id())
    }
}

/// How each host in a row is started.
struct Program {
    command: Box<dyn Fn() -> crate::Result<Command> + Send>,
    /// Held for as long as another host may be started.
    _arguments: Handle,
}

impl Program {
    fn start(&self) -> Result<(Child, UnixStream)> {
        let (ours, theirs) = UnixStream::pair().map_err(unsupervised)?;
        let mut command = (self.command)().map_err(unsupervised)?;
        let child = command.stdin(OwnedFd::from(theirs)).spawn().map_err(unsupervised)?;
        Ok((child, ours))
    }
}

/// The state that the supervising thread shares with the others.
struct Supervisor {
    saved_state: SharedState,
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    /// The latest.
    process: u32,
    /// To it. None when it is to end, and no other to come.
    link: Option<UnixStream>,
}

impl Supervisor {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for each host's end, and starts the next one.
    fn supervise(&self, mut child: Child, program: &Program, address: &Address) {
        let mut policy = RestartPolicy::default();
        loop {
            let ended = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            let mut has_served = self.saved_state.has_served(child.id());
            let mut last = ended;
            let mut state = self.state();
            // An exit code does not tell that it was shut down: any code in it can end it with any.
            child = loop {
                if state.link.is_none() || self.saved_state.was_shut_down(child.id()) {
                    return;
                }
                let Some(pause) = policy.next_pause(has_served) else {
                    eprintln!("{}", give_up(address, &last));
                    return;
                };
                let waited = self.ended.wait_timeout_while(state, pause, |state| state.link.is_some());
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                if state.link.is_none() {
                    return;
                }
                match program.start() {
                    Ok((next, link)) => {
                        (state.process, state.link) = (next.id(), Some(link));
                        break next;
                    }
                    Err(error) => (last, has_served) = (error.to_string(), false),
                }
            };
        }
    }
}

/// Serves as one host in a row, in its process.
pub(crate) fn serve<F, A>(function: F, arguments: &VariableId) -> crate::Result<()>
where
    F: Fn(A) -> crate::Result<Host>,
    A: Serialize + DeserializeOwned,
{
    let link = take_link().map_err(unsupervised)?;
    let Arguments { arguments, saved_state } = Value::<Arguments<A>>::open(arguments)?.get()?;
    let host = function(arguments)?.with_saved_state(Arc::new(saved_state.clone())).start()?;
    saved_state.serves_at(&host.address().to_string())?;
    // If the supervisor has ended, the stream ends next.
    let _ = (&link).write_all(&[1]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // No byte is ever sent: this waits for the end of the supervisor, or of the host.
            let _ = (&link).read(&mut [0]);
            host.end();
        });
        host.wait();
        // A host that has not noted this has ended by itself, and is started again.
        saved_state.note_shut_down();
        let _ = link.shutdown(Shutdown::Both);
    });
    Ok(())
}

/// Takes the link to the supervisor, which is this process's standard input. Children must not
/// inherit it: the stream ends with the last process that has it.
fn take_link() -> std::io::Result<UnixStream> {
    let link = stdin().as_fd().try_clone_to_owned()?;
    dup2_stdin(File::open("/dev/null")?)?;
    Ok(UnixStream::from(link))
}
