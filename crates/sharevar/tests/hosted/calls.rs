//! Objects in a host of this process, called over its socket.

use serde::{Deserialize, Serialize};
use sharevar::hosted::{Address, CallError, Client, Error, Host, Proxied, Proxy, RunningHost, Settings};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Refusal {
    TooMuch { limit: i64 },
    Closed,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

type Result<T, E = Refusal> = std::result::Result<T, E>;

#[derive(Debug, Default)]
struct Account {
    owner: String,
    balance: i64,
    notes: Vec<String>,
}

#[sharevar::hosted]
impl Account {
    /// An account of somebody.
    pub fn new(owner: String) -> Self {
        Self { owner, ..Self::default() }
    }

    /// One with something in it.
    pub fn with_balance(owner: &str, balance: i64) -> Result<Self> {
        if balance > 1000 {
            return Err(Refusal::TooMuch { limit: 1000 });
        }
        Ok(Self { owner: owner.to_owned(), balance, ..Self::default() })
    }

    pub fn balance(&self) -> i64 {
        self.balance
    }

    pub fn owner(&self) -> &str {
        &self.owner
    }

    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    pub fn pay_in(&mut self, amount: i64) {
        self.balance += amount;
    }

    pub fn pay_out(&mut self, amount: i64) -> Result<i64> {
        if amount > self.balance {
            return Err(Refusal::TooMuch { limit: self.balance });
        }
        self.balance -= amount;
        Ok(self.balance)
    }

    pub fn note(&mut self, text: &str, times: usize, more: &[String]) -> Option<usize> {
        self.notes.extend(std::iter::repeat_n(text.to_owned(), times));
        self.notes.extend_from_slice(more);
        (!self.notes.is_empty()).then_some(self.notes.len())
    }

    /// Panics when it has changed something.
    pub fn overdraw(&mut self) -> i64 {
        self.balance = -1;
        panic!("there are {} left", self.balance)
    }

    #[hosted(skip)]
    pub fn secret(&self) -> i64 {
        self.hidden()
    }

    pub fn number_of_banks() -> usize {
        1
    }

    fn hidden(&self) -> i64 {
        self.balance * 2
    }
}

fn host() -> (RunningHost, Client) {
    let host = Host::new().register::<Account>().start().unwrap();
    let client = host.client().unwrap();
    (host, client)
}

#[test]
fn methods_are_called_with_their_types() {
    let (_host, client) = host();
    let account = AccountProxy::new(&client, "Ada".to_owned()).unwrap();
    account.pay_in(50).unwrap();
    assert_eq!(account.balance(), Ok(50));
    assert_eq!(account.owner().unwrap(), "Ada");
    assert_eq!(account.note("n", 2, &["m".to_owned()]), Ok(Some(3)));
    assert_eq!(account.notes().unwrap(), ["n", "n", "m"]);
    let other = AccountProxy::new(&client, "Bob".to_owned()).unwrap();
    let unnamed = client.create("Account", "", &("Cem",)).unwrap();
    assert_eq!(unnamed.call::<String>("owner", &()).unwrap(), "Cem");
    assert_eq!((other.balance(), account.balance()), (Ok(0), Ok(50)));
    assert_eq!((Account::number_of_banks(), Account::default().secret()), (1, 0));
}

#[test]
fn errors_of_methods_come_back_as_they_are() {
    let (_host, client) = host();
    let account = AccountProxy::with_balance(&client, "Ada", 50).unwrap();
    assert_eq!(account.pay_out(20), Ok(30));
    assert_eq!(account.pay_out(31), Err(CallError::Method(Refusal::TooMuch { limit: 30 })));
    let refused = AccountProxy::with_balance(&client, "Ada", 1001);
    assert_eq!(refused, Err(CallError::Method(Refusal::TooMuch { limit: 1000 })));
    // To who does not know the type it is told by its text.
    let untyped = account.as_proxy().call::<i64>("pay_out", &(31,));
    let Err(Error::Raised { typename, message, traceback }) = untyped else { panic!("{untyped:?}") };
    assert_eq!((message.as_str(), traceback.as_str()), ("TooMuch { limit: 30 }", ""));
    assert!(typename.ends_with("Refusal"), "{typename}");
    // An error of ours converts, whatever the method's own is.
    let converted = sharevar::Error::from(account.pay_out(31).unwrap_err()).to_string();
    assert!(converted.ends_with("TooMuch { limit: 30 }"), "{converted}");
}

#[test]
fn a_panic_is_an_error_and_nothing_else() {
    let (_host, client) = host();
    let account = AccountProxy::new(&client, "Ada".to_owned()).unwrap();
    assert_eq!(account.overdraw(), Err(Error::Panicked { message: "there are -1 left".to_owned() }));
    assert_eq!(account.balance(), Ok(-1));
    account.pay_in(2).unwrap();
    assert_eq!(account.balance(), Ok(1));
}

#[test]
fn only_what_is_exposed_can_be_called() {
    let (_host, client) = host();
    let account = AccountProxy::new(&client, "Ada".to_owned()).unwrap();
    let account = account.as_proxy();
    let exposed: Vec<_> = account.exposed().collect();
    assert_eq!(exposed, ["balance", "owner", "notes", "pay_in", "pay_out", "note", "overdraw"]);
    for method in ["secret", "hidden", "new", "number_of_banks", "", "__class__", "balance.real"] {
        let refused = account.call::<i64>(method, &());
        assert!(matches!(refused, Err(Error::NotExposed { .. })), "{method}: {refused:?}");
    }
    for (arguments, told) in [((), "lacks \"amount\""), ((), "pay_in(amount)")] {
        let Err(Error::WrongArguments { message }) = account.call::<()>("pay_in", &arguments) else {
            panic!()
        };
        assert!(message.contains(told), "{message}");
    }
    let wrong = account.call::<()>("pay_in", &("much",));
    assert!(matches!(wrong, Err(Error::WrongArguments { .. })), "{wrong:?}");
    let wrong = account.call::<()>("pay_in", &(1, 2));
    assert!(matches!(wrong, Err(Error::WrongArguments { .. })), "{wrong:?}");
    assert_eq!(account.call::<i64>("balance", &()), Ok(0));
    let unread = account.call::<String>("balance", &());
    assert!(matches!(unread, Err(Error::Decode(_))), "{unread:?}");
    for (typeid, constructor) in [("Account", "secret"), ("Account", "number_of_banks"), ("Safe", "new")] {
        let refused = client.create(typeid, constructor, &("x",));
        assert!(matches!(refused, Err(Error::NotExposed { .. } | Error::UnknownType { .. })), "{refused:?}");
    }
}

#[test]
fn an_object_lives_as_long_as_somebody_holds_it() {
    let (host, client) = host();
    let account = AccountProxy::new(&client, "Ada".to_owned()).unwrap();
    let same = account.clone();
    let text = serde_json::to_string(&account).unwrap();
    drop(account);
    assert_eq!(same.balance(), Ok(0));
    let opened: AccountProxy = serde_json::from_str(&text).unwrap();
    assert_eq!(opened, same);
    drop(same);
    assert_eq!((opened.balance(), host.info().objects), (Ok(0), 1));
    drop(opened);
    // A reference is given back before the next call, at the latest.
    client.info().unwrap();
    assert_eq!(host.info().objects, 0);
    let expired = serde_json::from_str::<AccountProxy>(&text).unwrap_err().to_string();
    assert!(expired.contains("no such object"), "{expired}");
}

#[test]
fn a_name_keeps_an_object_and_finds_it() {
    let (host, client) = host();
    host.add("savings", Account::new("Ada".to_owned())).unwrap();
    let savings: AccountProxy = client.proxy("savings").unwrap();
    savings.pay_in(7).unwrap();
    let text = serde_json::to_string(&savings).unwrap();
    drop(savings);
    assert_eq!(client.proxy::<AccountProxy>("savings").unwrap().balance(), Ok(7));
    assert_eq!(serde_json::from_str::<AccountProxy>(&text).unwrap().balance(), Ok(7));
    let missing = client.object("wages");
    assert!(matches!(missing, Err(Error::UnknownName { .. })), "{missing:?}");
    let held = client.proxy::<AccountProxy>("savings").unwrap();
    assert!(host.remove("savings") && !host.remove("savings"));
    assert_eq!((held.balance(), host.info().objects), (Ok(7), 1));
    // The same name for another object, and for a third without a gap: a client that holds the
    // first keeps it, and the second, which none holds, goes.
    host.add("savings", Account::default()).unwrap();
    host.add("savings", Account::new("Eva".to_owned())).unwrap();
    client.proxy::<AccountProxy>("savings").unwrap().pay_in(3).unwrap();
    assert_eq!(held.balance(), Ok(7));
    assert_eq!(client.proxy::<AccountProxy>("savings").unwrap().balance(), Ok(3));
    assert_eq!(host.info().objects, 2);
}

/// Another type of the same methods.
struct Safe(i64);

#[sharevar::hosted(name = "bank.Safe")]
impl Safe {
    pub fn balance(&self) -> i64 {
        self.0
    }
}

#[test]
fn a_proxy_is_for_one_type() {
    let host = Host::new().add("safe", Safe(5)).start().unwrap();
    let client = host.client().unwrap();
    let wrong = client.proxy::<AccountProxy>("safe");
    let expected = Error::WrongType { found: "bank.Safe".to_owned(), expected: "Account" };
    assert_eq!(wrong, Err(expected));
    let safe = client.proxy::<SafeProxy>("safe").unwrap();
    assert_eq!(safe.balance(), Ok(5));
    let text = serde_json::to_string(&safe).unwrap();
    assert!(serde_json::from_str::<AccountProxy>(&text).is_err());
    assert_eq!(serde_json::from_str::<Proxy>(&text).unwrap().typeid(), "bank.Safe");
}

/// Tells when it is called, and returns when it may; and tells when it is dropped.
struct Gate {
    called: Sender<()>,
    go: Mutex<Receiver<()>>,
    dropped: Arc<AtomicUsize>,
    width: u32,
}

impl Gate {
    fn new() -> (Self, Receiver<()>, Sender<()>, Arc<AtomicUsize>) {
        let ((called, when_called), (go, may_go)) = (channel(), channel());
        let dropped = Arc::new(AtomicUsize::new(0));
        (
            Self { called, go: Mutex::new(may_go), dropped: dropped.clone(), width: 2 },
            when_called,
            go,
            dropped,
        )
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

#[sharevar::hosted]
impl Gate {
    pub fn pass(&self) -> u32 {
        self.called.send(()).unwrap();
        let go = self.go.lock().unwrap();
        go.recv().unwrap();
        1
    }

    pub fn look(&self) -> u32 {
        self.width
    }

    pub fn close(&mut self) -> u32 {
        std::mem::replace(&mut self.width, 0)
    }
}

#[test]
fn a_blocked_call_delays_no_other_of_a_shared_method() {
    let (gate, called, go, _) = Gate::new();
    let host = Host::new().add("gate", gate).start().unwrap();
    let gate: GateProxy = host.client().unwrap().proxy("gate").unwrap();
    std::thread::scope(|scope| {
        // Twenty are at work at a time, and everybody else is served.
        let blocked: Vec<_> = (0..20).map(|_| scope.spawn(|| gate.pass())).collect();
        for _ in 0..20 {
            called.recv().unwrap();
        }
        for _ in 0..100 {
            assert_eq!(gate.look(), Ok(2));
        }
        // Except who wants the object for himself.
        let alone = gate.with_timeout(Duration::from_millis(50)).close();
        assert_eq!(alone, Err(Error::TimedOut { after: Duration::from_millis(50) }));
        for _ in 0..20 {
            go.send(()).unwrap();
        }
        assert!(blocked.into_iter().all(|call| call.join().unwrap() == Ok(1)));
    });
    // The one that was given up while it waited was not begun.
    assert_eq!((gate.close(), gate.look()), (Ok(2), Ok(0)));
}

#[test]
fn a_call_that_timed_out_leaves_everything_usable() {
    let (gate, called, go, _) = Gate::new();
    let host = Host::new().add("gate", gate).start().unwrap();
    let gate: GateProxy = host.client().unwrap().proxy("gate").unwrap();
    let (mut limit, mut given_up) = (Duration::from_millis(20), 0);
    while given_up < 3 {
        assert_eq!(gate.with_timeout(limit).pass(), Err(Error::TimedOut { after: limit }));
        if called.recv_timeout(limit).is_err() {
            // On a busy machine it may not have begun in time.
            limit *= 2;
            continue;
        }
        given_up += 1;
        // The late result is nobody's.
        go.send(()).unwrap();
        assert_eq!(gate.look(), Ok(2));
    }
}

#[test]
fn what_is_dropped_with_the_last_reference_is_the_object() {
    let (gate, _called, _go, dropped) = Gate::new();
    let host = Host::new().add("gate", gate).start().unwrap();
    let client = host.client().unwrap();
    let gate: GateProxy = client.proxy("gate").unwrap();
    assert!(host.remove("gate"));
    assert_eq!((gate.look(), dropped.load(Ordering::SeqCst)), (Ok(2), 0));
    drop(gate);
    client.info().unwrap();
    assert_eq!((dropped.load(Ordering::SeqCst), host.info().objects), (1, 0));
}

#[test]
fn a_host_that_stops_says_so_and_is_found_again_by_name() {
    let name = format!("test-{}", std::process::id());
    let start = |balance| {
        let account = Account { balance, ..Account::default() };
        Host::new().register::<Account>().name(&name).add("savings", account).start().unwrap()
    };
    let host = start(5);
    let second = Host::new().name(&name).start();
    assert!(matches!(second, Err(Error::Transport(_))), "{second:?}");
    let client = Client::named(&name).unwrap();
    let (by_name, by_number) = (
        client.proxy::<AccountProxy>("savings").unwrap(),
        AccountProxy::new(&client, "Ada".to_owned()).unwrap(),
    );
    assert_eq!(by_name.balance(), Ok(5));
    client.shutdown().unwrap();
    host.wait();
    drop(host);
    let died = Error::HostDied { address: client.address().clone(), started: false };
    assert_eq!((by_name.balance(), by_number.balance()), (Err(died.clone()), Err(died)));
    // By its name it is found in the next life, and a number that means nothing there is nobody's.
    let _host = start(6);
    assert_eq!(by_name.balance(), Ok(6));
    let expired = by_number.balance();
    assert!(matches!(expired, Err(Error::HandleExpired { .. })), "{expired:?}");
}

#[test]
fn names_of_hosts_lead_nowhere_else() {
    for name in ["", ".", "..", ".hidden", "a/b", "../x", "a\0b", "ä", "a b", &"x".repeat(61)] {
        let refused = Host::new().name(name).start();
        assert!(matches!(refused, Err(Error::NotAName { .. })), "{name:?}: {refused:?}");
        assert!(matches!(Client::named(name), Err(Error::NotAName { .. })));
    }
}

#[test]
fn over_tcp_a_key_is_needed_and_must_be_right() {
    let anywhere: Address = "tcp:127.0.0.1:0".parse().unwrap();
    assert!(Host::new().address(anywhere.clone()).start().is_err());
    let host = Host::new().address(anywhere).key(b"open sesame").add("safe", Safe(5)).start().unwrap();
    assert_ne!(host.address().to_string(), "tcp:127.0.0.1:0");
    assert!(Client::connect(host.address()).is_err());
    assert!(Client::connect_with(host.address(), Settings::with_key(b"open barley")).is_err());
    let client = Client::connect_with(host.address(), Settings::with_key(b"open sesame")).unwrap();
    let safe = client.proxy::<SafeProxy>("safe").unwrap();
    assert_eq!(safe.balance(), Ok(5));
    // A proxy that comes here finds the key with the client, and carries none.
    let text = serde_json::to_string(&safe).unwrap();
    assert!(!text.contains("sesame"));
    assert_eq!(serde_json::from_str::<SafeProxy>(&text).unwrap().balance(), Ok(5));
}

#[test]
fn what_is_too_large_is_refused_on_either_side() {
    let settings = Settings { max_frame: 1000, ..Settings::default() };
    let host = Host::new().register::<Account>().settings(settings.clone()).start().unwrap();
    let client = Client::connect_with(host.address(), settings).unwrap();
    let account = AccountProxy::new(&client, "Ada".to_owned()).unwrap();
    assert!(matches!(account.note(&"x".repeat(1001), 1, &[]), Err(Error::Transport(_))));
    assert_eq!(account.note(&"x".repeat(400), 3, &[]), Ok(Some(3)));
    let refused = account.notes();
    assert!(matches!(refused, Err(Error::NotSendable { .. })), "{refused:?}");
    assert_eq!(account.balance(), Ok(0));
}

#[test]
fn proxies_go_into_shared_variables_and_out_again() {
    let (_host, client) = host();
    let manager = sharevar::Manager::builder().capacity(16 << 20).build().unwrap();
    let accounts = manager.dict::<String, AccountProxy>().unwrap();
    let account = AccountProxy::new(&client, "Ada".to_owned()).unwrap();
    accounts.insert("Ada", &account).unwrap();
    let found = accounts.get("Ada").unwrap().unwrap();
    found.pay_in(3).unwrap();
    assert_eq!(account.balance(), Ok(3));
}
