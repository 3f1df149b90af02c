//! Faults between a program and its server that only a server has. Those of every engine with leases are in the
//! tests of conformance.

use sharevar::engine::Failure;
use sharevar::{
    Array, Barrier, Condition, Dict, Error, Event, List, Lock, Manager, Namespace, PriorityQueue, Queue,
    Result, Semaphore, Set, Shared, Value,
};
use sharevar_redis::testing::{Program, Proxy, Server, await_that};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How many answers are lost while many threads work.
const LOSSES: u64 = 60;

fn servers() -> Vec<Server> {
    sharevar_redis::register();
    Program::ALL.into_iter().filter_map(Program::start).collect()
}

/// Through a proxy, which this test cuts.
fn through(proxy: &Proxy) -> Manager {
    Manager::connect(&proxy.address("shop")).unwrap()
}

/// The harness bites: without numbers, each is applied twice.
#[test]
fn a_bare_command_whose_answer_is_lost_is_applied_twice() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let increment = || {
            let client = redis::Client::open(("127.0.0.1", proxy.port())).unwrap();
            let mut connection = client.get_connection().unwrap();
            redis::cmd("PING").query::<String>(&mut connection).unwrap();
            proxy.lose_next_answer();
            let first = redis::cmd("INCR").arg("bare").query::<i64>(&mut connection);
            assert!(first.is_err(), "its answer is lost");
            let mut connection = client.get_connection().unwrap();
            redis::cmd("INCR").arg("bare").query::<i64>(&mut connection).unwrap()
        };
        assert_eq!(increment(), 2);
    }
}

#[test]
fn a_lease_goes_on_for_as_long_as_the_server_hears_of_the_client() {
    for server in servers() {
        let other = Manager::connect(&format!("{}&lease=1", server.address("shop"))).unwrap();
        let same = other.named("lock").lock().unwrap();
        // On a busy machine a client may stand still for longer than a short lease.
        let mut leases = [1, 2, 4, 8].into_iter();
        let (_one, proxy) = loop {
            let lease = leases.next().expect("the lease was not renewed");
            let proxy = Proxy::to(server.port());
            let one = Manager::connect(&format!("{}&lease={lease}", proxy.address("shop"))).unwrap();
            std::mem::forget(one.named("lock").lock().unwrap().lock().unwrap().guard());
            let Some(taken) = same.lock_timeout(3 * Duration::from_secs(lease)).unwrap() else {
                break (one, proxy);
            };
            drop(taken);
        };
        proxy.cut(true);
        let taken = same.lock_timeout(Duration::from_secs(30)).unwrap().expect("the lease ends");
        assert!(taken.owner_died());
    }
}

/// The change may have been made, and be on another server: this one has lost its data, or comes back without.
#[test]
fn a_change_whose_answer_is_lost_has_an_unknown_outcome_on_a_server_without_data() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let manager = Manager::connect(&format!("{}&timeout=25", proxy.address("shop"))).unwrap();
        let count = manager.named("count").value(0_i64).unwrap();
        // Not that to the renewal of the lease.
        proxy.count_only(format!(":{}\r", count.handle().id().number));
        proxy.lose_all_answers(true);
        std::thread::scope(|scope| {
            let adds = scope.spawn(|| count.fetch_add(1).unwrap_err());
            await_that("an answer that is lost", || proxy.lost() > 0);
            redis::cmd("FLUSHALL").exec(&mut server.connect()).unwrap();
            proxy.lose_all_answers(false);
            let failed = adds.join().unwrap();
            assert_eq!(failed.happened(), None, "{failed}");
            assert!(failed.to_string().contains("without the data"), "{failed}");
        });
        // Nothing was sent of the next one.
        assert_eq!(count.fetch_add(1).unwrap_err(), Error::Closed);
    }
}

/// The kept answer has gone with the client, so that nobody can tell whether the change was made.
#[test]
fn a_change_whose_answer_and_lease_are_lost_is_not_made_again() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let manager = Manager::connect(&format!("{}&timeout=25", proxy.address("shop"))).unwrap();
        let count = manager.named("count").value(0_i64).unwrap();
        let other = Manager::connect(&server.address("shop")).unwrap();
        let same = other.named("count").value(0_i64).unwrap();
        // From now on the server knows the script.
        assert_eq!(count.fetch_add(1), Ok(0));
        let mut sum = 1;
        loop {
            proxy.lose_all_answers(true);
            let added = std::thread::scope(|scope| {
                let adds = scope.spawn(|| count.fetch_add(1));
                await_that("the addition", || same.get() == Ok(sum + 1));
                let mut connection = server.connect();
                let pattern = format!("sv:{{shop}}:*:{}", "[0-9a-f]".repeat(16));
                let clients: Vec<String> = redis::cmd("KEYS").arg(pattern).query(&mut connection).unwrap();
                assert!(!clients.is_empty());
                redis::cmd("DEL").arg(clients).exec(&mut connection).unwrap();
                proxy.lose_all_answers(false);
                adds.join().unwrap()
            });
            sum += 1;
            // The proxy may have had an answer from before, which it lets through.
            if added != Ok(sum - 1) {
                assert!(matches!(added, Err(Error::Engine(Failure::OutcomeUnknown { .. }))), "{added:?}");
                break;
            }
            assert!(sum < 20, "no answer is lost");
        }
        assert_eq!(same.get(), Ok(sum));
        // It goes on as another client.
        assert_eq!(count.fetch_add(1), Ok(sum));
    }
}

/// A variable of each kind.
struct Kinds {
    dict: Dict<u8, i64>,
    set: Set<u8>,
    list: List<u8>,
    value: Value<i64>,
    array: Array<i32>,
    namespace: Namespace,
    queue: Queue<u8>,
    ranked: PriorityQueue<u8>,
    event: Event,
    semaphore: Semaphore,
    barrier: Barrier,
    condition: Condition,
    inner: Lock,
}

/// What would change a variable, or mislead whoever reads it.
type Operation<'a> = (&'static str, Box<dyn Fn() -> Result<()> + 'a>);

macro_rules! operations {
    ($($call:expr),* $(,)?) => {
        vec![$((stringify!($call), Box::new(|| $call.map(drop)) as Box<dyn Fn() -> _>)),*]
    };
}

impl Kinds {
    fn of(manager: &Manager) -> Result<Self> {
        let named = |name: &'static str| manager.named(name);
        Ok(Self {
            dict: named("dict").dict()?,
            set: named("set").set()?,
            list: named("list").list()?,
            value: named("value").value(7)?,
            array: named("array").array(2)?,
            namespace: named("namespace").namespace()?,
            queue: named("queue").queue()?,
            ranked: named("ranked").priority_queue()?,
            event: named("event").event()?,
            semaphore: named("semaphore").semaphore(1)?,
            barrier: named("barrier").barrier(1)?,
            condition: named("condition").condition()?,
            inner: named("inner").lock()?,
        })
    }

    fn fill(&self) -> Result<()> {
        self.dict.insert(&1, &1)?;
        self.set.insert(&1)?;
        self.list.extend([2, 1])?;
        self.queue.put(&1)?;
        self.ranked.put(&1)
    }

    fn fenced(&self, lock: &Lock) -> Result<Self> {
        Ok(Self {
            dict: self.dict.fenced(lock)?,
            set: self.set.fenced(lock)?,
            list: self.list.fenced(lock)?,
            value: self.value.fenced(lock)?,
            array: self.array.fenced(lock)?,
            namespace: self.namespace.fenced(lock)?,
            queue: self.queue.fenced(lock)?,
            ranked: self.ranked.fenced(lock)?,
            event: self.event.fenced(lock)?,
            semaphore: self.semaphore.fenced(lock)?,
            barrier: self.barrier.fenced(lock)?,
            condition: self.condition.fenced(lock)?,
            inner: self.inner.fenced(lock)?,
        })
    }

    /// All that the operations could change.
    fn read(&self) -> Result<String> {
        let contents = (self.dict.to_vec()?, self.set.items()?, self.list.to_vec()?, self.value.get()?);
        let more = (self.array.to_vec()?, self.namespace.names()?, self.queue.len()?, self.ranked.len()?);
        let waits = (self.event.is_set()?, self.semaphore.available_permits()?, self.barrier.is_broken()?);
        Ok(format!("{contents:?} {more:?} {waits:?} {}", self.inner.is_locked()?))
    }

    fn operations(&self) -> Vec<Operation<'_>> {
        const SHORT: Duration = Duration::from_millis(1);
        operations![
            self.dict.insert(&1, &9),
            self.dict.get_or_insert(&9, &9),
            self.dict.remove(&1),
            self.dict.pop_last(),
            self.dict.update(&1, |_| 9),
            self.dict.extend([(9, 9)]),
            self.dict.increment(&1, 9),
            self.dict.clear(),
            self.set.insert(&9),
            self.set.remove(&1),
            self.set.pop(),
            self.set.extend([9]),
            self.set.clear(),
            self.list.set(0, &9),
            self.list.push(&9),
            self.list.pop(),
            self.list.insert(0, &9),
            self.list.remove(0),
            self.list.extend([9]),
            self.list.sort(),
            self.list.reverse(),
            self.list.retain(|_| false),
            self.list.clear(),
            self.value.set(&9),
            self.value.update(|_| 9),
            self.value.fetch_add(9),
            self.array.set(0, 9),
            self.array.copy_from_slice(&[9, 9]),
            self.namespace.set("x", &9),
            self.namespace.remove("x"),
            self.queue.put(&9),
            self.queue.try_put(&9),
            self.queue.put_timeout(&9, SHORT),
            self.queue.get(),
            self.queue.try_get(),
            self.queue.get_timeout(SHORT),
            self.queue.task_done(),
            self.queue.shutdown(true),
            self.ranked.put(&9),
            self.ranked.try_get(),
            self.ranked.shutdown(true),
            self.event.set(),
            self.event.clear(),
            self.semaphore.try_acquire(),
            self.semaphore.acquire_timeout(Duration::ZERO),
            self.semaphore.release(1),
            self.barrier.wait_timeout(Duration::ZERO),
            self.barrier.abort(),
            self.barrier.reset(),
            self.condition.notify_one(),
            self.condition.notify_all(),
            self.inner.try_lock(),
            self.inner.lock_timeout(Duration::ZERO),
            // What reads would mislead as well.
            self.dict.get(&1),
            self.list.to_vec(),
            self.value.get(),
            self.array.get(0),
            self.queue.len(),
        ]
    }
}

#[test]
fn every_operation_of_every_kind_is_refused_once_the_lock_of_its_fence_is_lost() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let other = Manager::connect(&format!("{}&lease=1", server.address("shop"))).unwrap();
        let others = server.client_names("shop");
        let one = Manager::connect(&format!("{}&lease=1000&timeout=20", proxy.address("shop"))).unwrap();
        let name = server.newest_client("shop", &others);
        let (lock, same) = (one.named("lock").lock().unwrap(), other.named("lock").lock().unwrap());
        let seen = Kinds::of(&other).unwrap();
        let before = seen.read().unwrap();
        std::mem::forget(lock.lock().unwrap().guard());
        let fenced = Kinds::of(&one).unwrap().fenced(&lock).unwrap();
        // While the lock is held they do what they do.
        fenced.fill().unwrap();
        assert_ne!(seen.read().unwrap(), before);
        proxy.cut(true);
        await_that("the end of the lease", || {
            // Again: a renewal may have been on its way.
            server.end_lease("shop", &name);
            !server.client_names("shop").contains(&name)
        });
        let taken = same.lock_timeout(Duration::from_secs(30)).unwrap().expect("the lease has ended");
        proxy.cut(false);
        await_that("the answer", || matches!(fenced.value.set(&1), Err(Error::Engine(Failure::Fenced))));
        let before = seen.read().unwrap();
        for (call, operation) in fenced.operations() {
            let done = operation();
            assert!(matches!(done, Err(Error::Engine(Failure::Fenced))), "{call}: {done:?}");
        }
        assert_eq!(seen.read().unwrap(), before);
        drop(taken);
    }
}

#[test]
fn many_threads_and_cuts_lose_and_repeat_nothing() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let manager = Manager::connect(&format!("{}&timeout=50", proxy.address("shop"))).unwrap();
        let queue = manager.named("queue").queue::<u32>().unwrap();
        let sum: Value<i64> = manager.named("sum").value(0).unwrap();
        let has_ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // As many as all attempts together survive, however slow the machine is.
                for number in 1..=LOSSES {
                    proxy.lose_next_answer();
                    while proxy.lost() < number && !has_ended.load(Ordering::Relaxed) {
                        std::thread::yield_now();
                    }
                }
            });
            let workers: Vec<_> = (0..4_u32)
                .map(|worker| {
                    let (queue, sum) = (&queue, &sum);
                    scope.spawn(move || {
                        let mut got = Vec::new();
                        for number in 0..60 {
                            queue.put(&(worker * 1000 + number)).unwrap();
                            sum.fetch_add(1).unwrap();
                            got.push(queue.get().unwrap());
                        }
                        got
                    })
                })
                .collect();
            let ended: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            has_ended.store(true, Ordering::Relaxed);
            let mut all: Vec<u32> = ended.into_iter().flat_map(Result::unwrap).collect();
            all.sort_unstable();
            let expected = (0..4).flat_map(|worker| (0..60).map(move |number| worker * 1000 + number));
            assert!(all.into_iter().eq(expected), "an item was lost, or came twice");
        });
        assert!(proxy.lost() > 0, "nothing was lost");
        assert_eq!(sum.get().unwrap(), 240);
    }
}

#[test]
fn a_wait_survives_the_loss_of_all_connections() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let (one, other) = (through(&proxy), Manager::connect(&server.address("shop")).unwrap());
        let event = one.named("event").event().unwrap();
        let same = other.named("event").event().unwrap();
        std::thread::scope(|scope| {
            let before = server.scripts();
            let waits = scope.spawn(|| event.wait_timeout(Duration::from_secs(30)).unwrap());
            await_that("a request to wait", || server.scripts() > before);
            proxy.cut(true);
            proxy.cut(false);
            same.set().unwrap();
            assert!(waits.join().unwrap());
        });
    }
}

#[test]
fn forgotten_scripts_are_sent_again() {
    for server in servers() {
        let manager = Manager::connect(&server.address("shop")).unwrap();
        let dict: Dict<u8, u8> = manager.named("dict").dict().unwrap();
        dict.insert(&1, &1).unwrap();
        redis::cmd("SCRIPT").arg("FLUSH").query::<()>(&mut server.connect()).unwrap();
        dict.insert(&2, &2).unwrap();
        assert_eq!(dict.len().unwrap(), 2);
    }
}
