//! A connection through a proxy, by which a test cuts it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Stands between a program and a server, and loses answers.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<ProxyState>,
}

/// An answer that is to be lost.
#[derive(Debug)]
struct Loss {
    /// How many come through before it.
    passing: u64,
    /// Whether nothing comes through after it.
    cuts: bool,
}

/// The requests whose answers count.
#[derive(Debug, Default)]
struct Counted {
    /// They contain this text.
    text: Vec<u8>,
    /// How often the text was set: an answer counts only if its request came under the text of today.
    times_set: u64,
}

#[derive(Debug, Default)]
struct ProxyState {
    /// The port of the server to which new connections lead.
    server: AtomicU16,
    next_loss: Mutex<Option<Loss>>,
    counted: Mutex<Counted>,
    loses_all: AtomicBool,
    is_cut: AtomicBool,
    is_held: Mutex<bool>,
    goes_on: Condvar,
    lost: AtomicU64,
    answered: AtomicU64,
    open: Mutex<Vec<TcpStream>>,
    /// While there is a text, requests that count wait, but those with that text.
    passes: Mutex<Option<Vec<u8>>>,
    /// How many requests have waited.
    detained: AtomicU64,
    lets_go: Condvar,
}

/// Requests that wait at the proxy until this is dropped.
#[derive(Debug)]
pub struct Detained(Arc<ProxyState>);

impl Detained {
    /// How many requests have come until now that wait.
    pub fn count(&self) -> u64 {
        self.0.detained.load(Ordering::SeqCst)
    }
}

impl Drop for Detained {
    fn drop(&mut self) {
        *self.0.passes.lock().unwrap() = None;
        self.0.lets_go.notify_all();
    }
}

impl Proxy {
    /// A proxy in front of the server at that port.
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(ProxyState { server: AtomicU16::new(server), ..ProxyState::default() });
        let shared = Arc::downgrade(&state);
        // It ends with its process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Some(state), Ok(client)) = (shared.upgrade(), client) else { return };
                state.connect(client);
            }
        });
        Self { port, state }
    }

    /// Its port on this machine.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a namespace of the server behind it.
    pub fn address(&self, namespace: &str) -> String {
        format!("redis://127.0.0.1:{}/0?namespace={namespace}", self.port)
    }

    /// The next answer does not come through, and its connection ends.
    pub fn lose_next_answer(&self) {
        self.lose_answer_after(0);
    }

    /// The same after so many answers that come through.
    pub fn lose_answer_after(&self, passing: u64) {
        *self.state.next_loss.lock().unwrap() = Some(Loss { passing, cuts: false });
    }

    /// From that answer on nothing comes through, as if the client had died.
    pub fn cut_after(&self, passing: u64) {
        *self.state.next_loss.lock().unwrap() = Some(Loss { passing, cuts: true });
    }

    /// Only answers to requests that come from now on and contain `text` come through before the one that is
    /// lost, or are that one.
    pub fn count_only(&self, text: impl AsRef<[u8]>) {
        let mut counted = self.state.counted.lock().unwrap();
        counted.text = text.as_ref().to_vec();
        counted.times_set += 1;
    }

    /// Whether no answer that counts comes through.
    pub fn lose_all_answers(&self, loses: bool) {
        self.state.loses_all.store(loses, Ordering::SeqCst);
    }

    /// How many answers that count have come through.
    pub fn answered(&self) -> u64 {
        self.state.answered.load(Ordering::SeqCst)
    }

    /// How many answers were lost.
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::SeqCst)
    }

    /// From now on requests that count wait, each with its connection, but those that contain `passing`. They
    /// come late, also when their sender has given up.
    pub fn detain_requests(&self, passing: &str) -> Detained {
        self.state.detained.store(0, Ordering::SeqCst);
        *self.state.passes.lock().unwrap() = Some(passing.as_bytes().to_vec());
        Detained(self.state.clone())
    }

    /// From now on nothing comes through in either direction, as in a network that has fallen apart, or all
    /// does that has waited meanwhile. Connections stay.
    pub fn hold(&self, is_held: bool) {
        *self.state.is_held.lock().unwrap() = is_held;
        self.state.goes_on.notify_all();
    }

    /// Leads to another server from now on, and ends all connections, as an address does that a service
    /// moves.
    pub fn lead_to(&self, server: u16) {
        self.state.server.store(server, Ordering::SeqCst);
        self.state.end_all();
    }

    /// Ends all connections, and lets none begin while it is cut.
    pub fn cut(&self, is_cut: bool) {
        self.state.is_cut.store(is_cut, Ordering::SeqCst);
        self.state.end_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.hold(false);
    }
}

impl ProxyState {
    /// Returns once bytes, beginnings and ends of connections go through.
    fn await_passage(&self) {
        let mut is_held = self.is_held.lock().unwrap();
        while *is_held {
            is_held = self.goes_on.wait(is_held).unwrap();
        }
    }

    /// Ends all connections.
    fn end_all(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn connect(self: Arc<Self>, client: TcpStream) {
        if self.is_cut.load(Ordering::SeqCst) {
            return;
        }
        self.await_passage();
        let port = self.server.load(Ordering::SeqCst);
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            self.open.lock().unwrap().push(stream.try_clone().unwrap());
        }
        if self.is_cut.load(Ordering::SeqCst) {
            return self.end_all();
        }
        let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let state = self.clone();
        // Under which setting of the text the last request counted, if it did.
        let last_counted = Arc::new(Mutex::new(None));
        let last = last_counted.clone();
        thread::spawn(move || {
            state.pass(from_client, to_server, |request| {
                let counted = state.counts(request);
                *last.lock().unwrap() = counted;
                if counted.is_some() {
                    state.detain(request);
                }
                false
            });
        });
        thread::spawn(move || {
            self.pass(server, client, |_| {
                let counted = *last_counted.lock().unwrap();
                let is_counted = counted.is_some_and(|set| self.is_setting(set));
                let loses = is_counted && (self.loses_all.load(Ordering::SeqCst) || self.is_next_loss());
                self.lost.fetch_add(u64::from(loses), Ordering::SeqCst);
                self.answered.fetch_add(u64::from(is_counted && !loses), Ordering::SeqCst);
                loses
            });
        });
    }

    /// The setting of the text that counts this request.
    fn counts(&self, request: &[u8]) -> Option<u64> {
        let counted = self.counted.lock().unwrap();
        (counted.text.is_empty() || contains(request, &counted.text)).then_some(counted.times_set)
    }

    fn is_setting(&self, times_set: u64) -> bool {
        self.counted.lock().unwrap().times_set == times_set
    }

    /// Returns once a request that counts may come through.
    fn detain(&self, request: &[u8]) {
        let mut passes = self.passes.lock().unwrap();
        let waits = passes.as_ref().is_some_and(|text| !contains(request, text));
        self.detained.fetch_add(u64::from(waits), Ordering::SeqCst);
        while passes.as_ref().is_some_and(|text| !contains(request, text)) {
            passes = self.lets_go.wait(passes).unwrap();
        }
    }

    /// Whether this answer is the one that is to be lost.
    fn is_next_loss(&self) -> bool {
        let mut next = self.next_loss.lock().unwrap();
        let Some(loss) = &mut *next else { return false };
        if loss.passing > 0 {
            loss.passing -= 1;
            return false;
        }
        if loss.cuts {
            self.is_cut.store(true, Ordering::SeqCst);
            self.end_all();
        }
        *next = None;
        true
    }

    /// Passes bytes on until one side ends, or `loses` them.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream, loses: impl Fn(&[u8]) -> bool) {
        let mut bytes = [0; 1 << 14];
        while let Ok(count) = from.read(&mut bytes)
            && count > 0
            && !loses(&bytes[..count])
            && {
                self.await_passage();
                to.write_all(&bytes[..count]).is_ok()
            }
        {}
        self.await_passage();
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }
}

fn contains(request: &[u8], text: &[u8]) -> bool {
    request.windows(text.len()).any(|part| part == text)
}
