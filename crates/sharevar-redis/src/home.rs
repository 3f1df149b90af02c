//! The home of the variables of one namespace: the engine that programs see.

use crate::address::Address;
use crate::client::{Client, Shortfall};
use crate::error::{NAME, corrupt, undone, wrong_kind};
use crate::namespace::{ALL_PARTS, Keys, Namespace};
use crate::number::{kind_of, number_of};
use crate::random::random;
use crate::reply;
use crate::script::{Script, scripts};
use crate::session::Session;
use crate::stored;
use crate::upkeep;
use crate::variable::Variable;
use redis::Value;
use sharevar::engine::{Engine, Held, LocalId, Make, Names, Pickles, blocking};
use sharevar::shm::RawSemaphore;
use sharevar::{Error, Kind, Result};
use sharevar_value::{Encoded, Word};
use std::sync::{Arc, Weak};

scripts! { "lua/home.lua":
    CREATE = "create";
    COUNT = "count";
    CHECK = "check";
    CLOSE = "close";
    PURGE = "purge";
    CLIENTS = "clients";
    KEPT = "kept";
}

/// The most keys that are deleted at a time.
const MOST_DELETED: usize = 512;

/// How often numbers are asked for that other variables have.
const MOST_TAKEN: u32 = 64;

/// A connected home.
#[derive(Debug)]
pub(crate) struct Home {
    this: Weak<Self>,
    pub(crate) client: Arc<Client>,
}

impl Home {
    pub(crate) fn connect(address: Address) -> Result<Arc<Self>> {
        let namespace = Arc::new(Namespace::find(address, random())?);
        let client = Arc::new(Client::start(namespace)?);
        Ok(Arc::new_cyclic(|this| Self { this: this.clone(), client }))
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.client.namespace
    }

    /// A variable that was counted for that session.
    pub(crate) fn held(&self, session: &Arc<Session>, number: u64) -> Arc<Variable> {
        // The caller has the home.
        let engine = self.this.upgrade().unwrap_or_else(|| unreachable!("a home that is used is there"));
        Variable::create(self.client.clone(), engine, session.clone(), number)
    }

    /// Deletes all keys of a home that was closed, whose counts are under `root`.
    fn purge(&self, session: &Session, root: &str) -> Result<()> {
        let namespace = self.namespace();
        let prefix = namespace.prefix();
        let run = |script: &Script, keys: &[String]| {
            let mut command = redis::cmd("EVAL");
            command.arg(&script.text).arg(keys.len()).arg(keys);
            namespace.place.ask(&namespace.address, &command).map(|(value, _)| value)
        };
        let numbers = reply::list(run(&KEPT, &[root.to_owned()])?)?.into_iter();
        let numbers = numbers.filter_map(|number| reply::number::<u64>(number).ok());
        let mut keys: Vec<String> = numbers
            .flat_map(|number| ALL_PARTS.chars().map(move |part| (number, part)))
            .map(|(number, part)| namespace.key(number, part))
            .collect();
        let leases = format!("{prefix}clients");
        for client in reply::list(run(&CLIENTS, std::slice::from_ref(&leases))?)? {
            let of_client = |client: String| [namespace.client_key(&client), namespace.inbox_key(&client)];
            keys.extend(reply::text(client)?.map(of_client).into_iter().flatten());
        }
        keys.push(namespace.client_key(&session.client));
        keys.push(namespace.hosts_key());
        keys.extend(namespace.name_keys());
        keys.extend([format!("{prefix}dead"), leases, root.to_owned()]);
        for keys in keys.chunks(MOST_DELETED) {
            run(&PURGE, keys)?;
        }
        Ok(())
    }
}

impl Engine for Home {
    fn id(&self) -> u128 {
        self.namespace().id
    }

    fn name(&self) -> &'static str {
        NAME
    }

    fn address(&self) -> String {
        self.namespace().address.text.clone()
    }

    fn pickles(&self) -> Pickles {
        self.namespace().pickles
    }

    fn create(&self, make: &Make<'_>) -> Result<Arc<dyn Held>> {
        if self.namespace().has_closed() {
            return Err(Error::Closed);
        }
        let (bytes, fields) = fields(self.namespace().id, make)?;
        for _ in 0..MOST_TAKEN {
            let number = number_of(blocking(|| self.client.session()?.count())?, make.kind());
            let keys = Keys { number, parts: "md", ..Keys::default() };
            let made = self.client.ask_with_shortfall(&CREATE, keys, |_, command| {
                command.arg(number).arg(bytes);
                for (name, value) in &fields {
                    command.arg(name).arg(value);
                }
            })?;
            if !reply::yes(made.value)? {
                // A server that has lost how many it has handed out does so again.
                made.session.forget_stock();
                continue;
            }
            // After a shortfall this is its last handle, which gives it up.
            let held = self.held(&made.session, number);
            let is_undone = |shortfall: Shortfall| undone(shortfall.failure.clone(), true);
            return made.shortfall.map_or(Ok(held), |shortfall| Err(is_undone(shortfall)));
        }
        Err(corrupt("numbers of variables are handed out once"))
    }

    fn open(&self, id: LocalId) -> Result<Arc<dyn Held>> {
        if id.generation != self.namespace().id as u64 || kind_of(id.number).is_none() {
            return Err(Error::HandleExpired);
        }
        blocking(|| self.client.session()?.flush())?;
        Ok(self.held(&self.client.hold(id.number)?, id.number))
    }

    fn names(self: Arc<Self>) -> Arc<dyn Names> {
        self
    }

    fn count(&self) -> Result<u64> {
        blocking(|| {
            let session = self.client.session()?;
            session.flush()?;
            while upkeep::turn(&session)? {}
            Ok::<_, Error>(())
        })?;
        let fields = reply::list(self.client.ask(&COUNT, Keys::default(), |_, _| ())?.value)?.into_iter();
        Ok(
            fields
                .filter(|field| matches!(field, Value::BulkString(name) if name[0].is_ascii_digit()))
                .count() as u64,
        )
    }

    fn close(&self) {
        let Ok(session) = self.client.session() else { return };
        let aside = [format!("{}closed", self.namespace().prefix())];
        let keys = Keys { more: &aside, ..Keys::default() };
        let is_mine = self.client.ask(&CLOSE, keys, |_, _| ()).is_ok();
        session.lose();
        self.namespace().set_closed();
        if is_mine {
            // After a failure the remains take memory, and no client looks for them.
            let _ = blocking(|| self.purge(&session, &aside[0]));
        }
    }

    fn is_closed(&self) -> bool {
        self.namespace().has_closed()
            || self.client.ask(&CHECK, Keys::default(), |_, _| ()).err() == Some(Error::Closed)
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
