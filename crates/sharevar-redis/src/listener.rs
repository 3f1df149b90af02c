//! Wake-ups from the server, which a thread receives for all that wait.

use crate::mutex::lock;
use crate::namespace::Namespace;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The longest sleep. A wake-up that is lost costs that.
pub(crate) const LONGEST: Duration = Duration::from_secs(1);

/// The waits of this process, and whether the server's messages come in.
#[derive(Default)]
pub(crate) struct Listener {
    state: Mutex<State>,
    changed: Condvar,
    has_ended: AtomicBool,
}

#[derive(Default)]
struct State {
    is_started: bool,
    is_listening: bool,
    /// Those that wait, by their tickets; `true` is one that was woken.
    waiters: HashMap<String, bool>,
}

impl Listener {
    /// Enters one that is about to wait. From now on it misses nothing.
    pub(crate) fn enter(self: &Arc<Self>, namespace: &Arc<Namespace>, client: &str, ticket: &str) {
        let mut state = lock(&self.state);
        if !std::mem::replace(&mut state.is_started, true) {
            let (listener, namespace, channel) =
                (self.clone(), namespace.clone(), namespace.client_key(client));
            let thread = thread::Builder::new().name("sharevar-listener".to_owned());
            // Without a thread every wait looks again after the longest sleep.
            state.is_started = thread.spawn(move || run(&listener, &namespace, &channel)).is_ok();
        }
        let until = Instant::now() + LONGEST;
        while state.is_started && !state.is_listening {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.waiters.insert(ticket.to_owned(), false);
    }

    /// Sleeps until it is woken. Returns whether it was.
    pub(crate) fn sleep(&self, ticket: &str, left: Duration) -> bool {
        let until = Instant::now() + left.min(LONGEST);
        let mut state = lock(&self.state);
        loop {
            if state.waiters.get(ticket).copied() != Some(false) {
                return state.waiters.contains_key(ticket);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.has_ended.load(Ordering::Relaxed) {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    pub(crate) fn leave(&self, ticket: &str) {
        lock(&self.state).waiters.remove(ticket);
    }

    pub(crate) fn stop(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
        self.wake(|_| true);
    }

    fn wake(&self, is_meant: impl Fn(&str) -> bool) {
        let mut state = lock(&self.state);
        for (ticket, is_woken) in &mut state.waiters {
            *is_woken |= is_meant(ticket);
        }
        self.changed.notify_all();
    }

    fn set_listening(&self, is_listening: bool) {
        lock(&self.state).is_listening = is_listening;
        // Messages may have been missed.
        self.wake(|_| true);
    }
}

fn run(listener: &Listener, namespace: &Namespace, channel: &str) {
    let is_over = || listener.has_ended.load(Ordering::Relaxed) || namespace.has_closed();
    while !is_over() {
        if let Ok(mut primary) = namespace.connect() {
            // It fails when the connection does, and another one is made.
            let _ = listen(listener, &is_over, &mut primary.connection, channel);
            listener.set_listening(false);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn listen(
    listener: &Listener,
    is_over: &dyn Fn() -> bool,
    connection: &mut redis::Connection,
    channel: &str,
) -> redis::RedisResult<()> {
    let mut messages = connection.as_pubsub();
    messages.subscribe(channel)?;
    messages.set_read_timeout(Some(LONGEST))?;
    listener.set_listening(true);
    while !is_over() {
        match messages.get_message() {
            Ok(message) => listener.wake(|ticket| ticket.as_bytes() == message.get_payload_bytes()),
            Err(cause) if cause.is_timeout() => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(())
}
