//! The variables of one namespace.

use crate::address::Address;
use crate::error::{NAME, corrupt, refused, wrong_kind};
use crate::fork_gate;
use crate::place::Place;
use crate::reply;
use crate::script::{Script, scripts};
use crate::session::{Keys, Session, lock, random};
use crate::stored;
use crate::upkeep;
use crate::variable::Variable;
use redis::{Cmd, Connection, Value};
use sharevar::engine::{Engine, Failure, Handle, Held, LocalId, Make, Names, Pickles, blocking};
use sharevar::shm::RawSemaphore;
use sharevar::{Error, Kind, Result};
use sharevar_value::{Encoded, HashSeed, Word};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

scripts! { "lua/home.lua":
    FIND = "find";
    CREATE = "create";
    OPEN = "open";
    COUNT = "count";
    CHECK = "check";
    CLOSE = "close";
    PURGE = "purge";
    CLIENTS = "clients";
    KEPT = "kept";
    LEAVE = "leave";
}

/// The layout of the keys, which changes with what stands in them.
const LAYOUT: u32 = 1;
/// The keys that a variable of any kind can have, by letters; `m` is itself.
pub(crate) const ALL_PARTS: &str = "mdokwpj";
/// A number has the kind in the five bits above those that are zero.
const KIND_SHIFT: u32 = 4;
const COUNT_SHIFT: u32 = 9;
/// The most keys that are deleted at a time.
const MOST_DELETED: usize = 512;

/// A connected home.
pub(crate) struct Home {
    this: Weak<Self>,
    address: Address,
    place: Place,
    id: u128,
    id_text: String,
    seed: HashSeed,
    pickles: Pickles,
    session: Mutex<Arc<Session>>,
    is_closed: AtomicBool,
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home")
            .field("address", &self.address)
            .field("id", &self.id_text)
            .finish_non_exhaustive()
    }
}

/// A script's answer, and the client that asked, which holds the variables that the answer refers to.
pub(crate) struct Reply {
    pub(crate) value: Value,
    pub(crate) session: Arc<Session>,
}

impl Home {
    pub(crate) fn connect(address: Address) -> Result<Arc<Self>> {
        let place = Place::default();
        let root = root_key(&address.namespace);
        let mut command = redis::cmd("EVAL");
        command.arg(&FIND.text).arg(1).arg(&root).arg(format!("{:032x}", random())).arg(LAYOUT);
        command.arg(u8::from(address.takes_pickles));
        let found = place.ask(&address, &command)?;
        let [id, layout, pickles] = reply::parts(found)?;
        let id_text = reply::text(id)?.ok_or(corrupt("a home has an identity"))?;
        if reply::number::<u32>(layout)? != LAYOUT {
            let cause = "another version of sharevar has made its variables; use that, or another namespace";
            return Err(refused(&address.shown, cause));
        }
        let id = u128::from_str_radix(&id_text, 16).map_err(|_| corrupt("a home's identity is a number"))?;
        let are_allowed = reply::text(pickles)?.as_deref() == Some("1");
        let pickles = Pickles { are_allowed, are_accepted: are_allowed && address.takes_pickles };
        let home = Arc::new_cyclic(|this| Self {
            this: this.clone(),
            address,
            place,
            id,
            id_text,
            seed: HashSeed::new(id as u64),
            pickles,
            session: Mutex::new(Arc::new(Session::new(Arc::default()))),
            is_closed: AtomicBool::new(false),
        });
        let first = lock(&home.session).clone();
        first.register(&home)?;
        upkeep::start(&home, &first)?;
        Ok(home)
    }

    /// This process as a client, anew after a fork and after its lease has ended.
    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        let current = {
            let _no_fork = fork_gate::enter();
            lock(&self.session).clone()
        };
        if current.is_current() { Ok(current) } else { blocking(|| self.new_session(&current)) }
    }

    #[cold]
    fn new_session(&self, old: &Arc<Session>) -> Result<Arc<Session>> {
        let tokens = if old.is_ours() { old.tokens.clone() } else { Arc::default() };
        let new = Arc::new(Session::new(tokens));
        new.register(self)?;
        let used = {
            let _no_fork = fork_gate::enter();
            let mut session = lock(&self.session);
            if Arc::ptr_eq(&session, old) {
                let old = std::mem::replace(&mut *session, new.clone());
                if !old.is_ours() {
                    // Its locks may be taken for ever, by threads that this process does not have.
                    std::mem::forget(old);
                }
            }
            session.clone()
        };
        if let Some(home) = self.this.upgrade()
            && Arc::ptr_eq(&used, &new)
        {
            upkeep::start(&home, &used)?;
        }
        Ok(used)
    }

    /// Has the server run a script.
    pub(crate) fn ask(
        &self,
        script: &Script,
        keys: Keys<'_>,
        args: impl Fn(&Session, &mut Cmd),
    ) -> Result<Reply> {
        if self.has_closed() {
            return Err(Error::Closed);
        }
        blocking(|| {
            let session = self.session()?;
            let error = match session.ask(self, script, keys, |command| args(&session, command)) {
                Ok(value) => return Ok(Reply { value, session }),
                Err(failed) => session.error(self, failed),
            };
            if session.is_current() {
                return Err(error);
            }
            // The lease had ended, so that nothing was done; another client does it.
            let session = self.session()?;
            match session.ask(self, script, keys, |command| args(&session, command)) {
                Ok(value) => Ok(Reply { value, session }),
                Err(failed) => Err(session.error(self, failed)),
            }
        })
    }

    /// A connection to a server that was in order.
    pub(crate) fn connect_again(&self) -> std::result::Result<Connection, Failure> {
        self.place.connect(&self.address).map_err(|error| self.address.failure(error))
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Writes the number of keys, and the keys: those of the home, and those of a variable.
    pub(crate) fn write_keys(&self, command: &mut Cmd, client: &str, keys: Keys<'_>) {
        let root = root_key(&self.address.namespace);
        let prefix = self.prefix();
        let count = 4 + keys.parts.len() + keys.more.len() + usize::from(keys.fence.is_some());
        command.arg(count).arg(&root);
        command.arg(format!("{prefix}{client}")).arg(format!("{prefix}dead")).arg(format!("{prefix}clients"));
        for part in keys.parts.chars() {
            command.arg(self.key(keys.number, part));
        }
        for key in keys.more {
            command.arg(key);
        }
        if let Some(fence) = keys.fence {
            command.arg(self.key(fence.lock, 'm'));
        }
    }

    /// The key of a part of a variable.
    pub(crate) fn key(&self, number: u64, part: char) -> String {
        let prefix = self.prefix();
        if part == 'm' { format!("{prefix}{number}") } else { format!("{prefix}{number}:{part}") }
    }

    fn prefix(&self) -> String {
        format!("sv:{{{}}}:{}:", self.address.namespace, self.id_text)
    }

    pub(crate) fn client_key(&self, client: &str) -> String {
        format!("{}{client}", self.prefix())
    }

    pub(crate) fn name_keys(&self) -> [String; 2] {
        let prefix = self.prefix();
        [format!("{prefix}names"), format!("{prefix}names:o")]
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn id_text(&self) -> &str {
        &self.id_text
    }

    pub(crate) fn home_id(&self) -> u128 {
        self.id
    }

    pub(crate) fn seed(&self) -> &HashSeed {
        &self.seed
    }

    pub(crate) fn weak(&self) -> Weak<Self> {
        self.this.clone()
    }

    pub(crate) fn has_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    pub(crate) fn set_closed(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        lock(&self.session).listener.stop();
    }

    /// A handle on a variable that was counted for that client.
    pub(crate) fn handle(&self, session: &Arc<Session>, number: u64) -> Handle {
        Handle::Other(self.held(session, number))
    }

    /// Counts a variable for this client, which is returned.
    pub(crate) fn hold(&self, number: u64) -> Result<Arc<Session>> {
        let opened = self.ask(&OPEN, Keys::default(), |_, command| {
            command.arg(number);
        })?;
        Ok(opened.session)
    }

    pub(crate) fn held(&self, session: &Arc<Session>, number: u64) -> Arc<Variable> {
        // The caller has the home.
        let home = self.this.upgrade().unwrap_or_else(|| unreachable!("a home that is used is there"));
        Variable::create(home, session.clone(), number)
    }

    /// Ends a wait at a key.
    pub(crate) fn leave(&self, key: &[String], ticket: &str) {
        // A failure costs another waiter a second.
        let keys = Keys { more: key, ..Keys::default() };
        let _ = self.ask(&LEAVE, keys, |_, command| {
            command.arg(ticket);
        });
    }

    /// Deletes all keys of a home that was closed, whose counts are under `root`.
    fn purge(&self, session: &Session, root: &str) -> Result<()> {
        let prefix = self.prefix();
        let run = |script: &Script, keys: &[String]| {
            let mut command = redis::cmd("EVAL");
            command.arg(&script.text).arg(keys.len()).arg(keys);
            self.place.ask(&self.address, &command)
        };
        let numbers = reply::list(run(&KEPT, &[root.to_owned()])?)?.into_iter();
        let numbers = numbers.filter_map(|number| reply::number::<u64>(number).ok());
        let mut keys: Vec<String> = numbers
            .flat_map(|number| ALL_PARTS.chars().map(move |part| (number, part)))
            .map(|(number, part)| self.key(number, part))
            .collect();
        let leases = format!("{prefix}clients");
        for client in reply::list(run(&CLIENTS, std::slice::from_ref(&leases))?)? {
            keys.extend(reply::text(client)?.map(|client| self.client_key(&client)));
        }
        keys.push(self.client_key(&session.client));
        keys.extend(self.name_keys());
        keys.extend([format!("{prefix}dead"), leases, root.to_owned()]);
        for keys in keys.chunks(MOST_DELETED) {
            run(&PURGE, keys)?;
        }
        Ok(())
    }
}

fn root_key(namespace: &str) -> String {
    format!("sv:{{{namespace}}}")
}

/// The kind of the variable of that number.
pub(crate) fn kind_of(number: u64) -> Option<Kind> {
    Kind::from_number((number >> KIND_SHIFT) & ((1 << (COUNT_SHIFT - KIND_SHIFT)) - 1))
}

impl Engine for Home {
    fn id(&self) -> u128 {
        self.id
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn address(&self) -> String {
        self.address.text.clone()
    }

    fn pickles(&self) -> Pickles {
        self.pickles
    }

    fn create(&self, make: &Make<'_>) -> Result<Arc<dyn Held>> {
        if self.has_closed() {
            return Err(Error::Closed);
        }
        let (bytes, fields) = fields(self.id, make)?;
        let number =
            blocking(|| self.session()?.number(self))? << COUNT_SHIFT | (make.kind() as u64) << KIND_SHIFT;
        let keys = Keys { number, parts: "md", ..Keys::default() };
        let made = self.ask(&CREATE, keys, |_, command| {
            command.arg(number).arg(bytes);
            for (name, value) in &fields {
                command.arg(name).arg(value);
            }
        })?;
        Ok(self.held(&made.session, number))
    }

    fn open(&self, id: LocalId) -> Result<Arc<dyn Held>> {
        if id.generation != self.id as u64 || kind_of(id.number).is_none() {
            return Err(Error::HandleExpired);
        }
        blocking(|| self.session()?.flush(self))?;
        Ok(self.held(&self.hold(id.number)?, id.number))
    }

    fn names(self: Arc<Self>) -> Arc<dyn Names> {
        self
    }

    fn count(&self) -> Result<u64> {
        blocking(|| {
            let session = self.session()?;
            session.flush(self)?;
            while upkeep::turn(self, &session)? {}
            Ok::<_, Error>(())
        })?;
        let fields = reply::list(self.ask(&COUNT, Keys::default(), |_, _| ())?.value)?.into_iter();
        Ok(
            fields
                .filter(|field| matches!(field, Value::BulkString(name) if name[0].is_ascii_digit()))
                .count() as u64,
        )
    }

    fn close(&self) {
        let Ok(session) = self.session() else { return };
        let aside = [format!("{}closed", self.prefix())];
        let keys = Keys { more: &aside, ..Keys::default() };
        let is_mine = self.ask(&CLOSE, keys, |_, _| ()).is_ok();
        session.lose();
        self.set_closed();
        if is_mine {
            // After a failure the remains take memory, and no client looks for them.
            let _ = blocking(|| self.purge(&session, &aside[0]));
        }
    }

    fn is_closed(&self) -> bool {
        self.has_closed() || self.ask(&CHECK, Keys::default(), |_, _| ()).err() == Some(Error::Closed)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // A forked child has inherited the parent's, whose locks may be taken.
        let Ok(session) = self.session.get_mut() else { return };
        let session = session.clone();
        if session.is_ours() {
            if !self.has_closed() {
                blocking(|| upkeep::end(self, &session));
            }
            session.lose();
        }
    }
}

type Fields = Vec<(&'static str, Vec<u8>)>;

/// The size of an array in bytes, and the fields of a new variable.
fn fields(home: u128, make: &Make<'_>) -> Result<(u64, Fields)> {
    let text = |value: &dyn ToString| value.to_string().into_bytes();
    let mut fields = Fields::new();
    let mut bytes = 0;
    match make {
        Make::Value(value) => fields.push(("v", stored::write(value)?)),
        Make::Array { format, size, count } => {
            bytes = size.checked_mul(*count).filter(|bytes| *bytes <= LARGEST_ARRAY).ok_or(
                Error::OutOfMemory {
                    asked: size.saturating_mul(*count),
                    free: LARGEST_ARRAY,
                    limit: LARGEST_ARRAY,
                },
            )?;
            fields.extend([("format", text(format)), ("size", text(size)), ("count", text(count))]);
        }
        Make::Semaphore { units, bound, owned } => {
            let bound = bound.unwrap_or(RawSemaphore::MAX_UNITS);
            if *units > bound || bound > RawSemaphore::MAX_UNITS {
                return Err(Error::TooManyUnits { limit: bound.min(RawSemaphore::MAX_UNITS) });
            }
            fields.extend([("free", text(units)), ("bound", text(&bound))]);
            fields.extend(owned.map(|owned| ("owned", text(&u8::from(owned)))));
            if *owned == Some(false) {
                fields.push(("signal", text(&1)));
            }
        }
        Make::Condition(lock) => {
            if lock.home_id() != home {
                return Err(Error::OtherManager { arena: lock.home_id() });
            }
            if !matches!(lock.kind(), Some(Kind::Lock | Kind::RLock)) {
                return Err(wrong_kind(lock.kind(), Kind::Lock));
            }
            fields.push(("v", stored::write(&Encoded::Word(Word::handle(lock.id().number)))?));
        }
        Make::Event => fields.extend([("set", text(&0)), ("times", text(&0))]),
        Make::Barrier { parties, action, limit } => {
            fields.push(("parties", text(parties)));
            fields.extend(limit.map(|limit| ("limit", text(&limit))));
            if let Some(action) = action {
                fields.push(("v", stored::write(action)?));
            }
        }
        Make::Queue { limit, form } => {
            fields.extend([("limit", text(limit)), ("form", text(&(*form as u64)))]);
            fields.extend([("put", text(&0)), ("done", text(&0))]);
        }
        Make::PriorityQueue { limit } => {
            fields.extend([("limit", text(limit)), ("priorities", text(&1))]);
            fields.extend([("put", text(&0)), ("done", text(&0))]);
        }
        _ => {}
    }
    Ok((bytes, fields))
}

/// The longest string of a server.
const LARGEST_ARRAY: u64 = 512 << 20;
