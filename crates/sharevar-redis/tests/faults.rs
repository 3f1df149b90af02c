//! Faults between a program and its server, and in programs.

use sharevar::engine::Failure;
use sharevar::{
    Array, Barrier, Condition, Dict, Error, Event, List, Lock, Manager, Namespace, PriorityQueue, Queue,
    Result, Semaphore, Set, Shared, Value,
};
use sharevar_redis::testing::{Program, Proxy, Server};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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

/// Looks until something is so.
fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < until, "{what} does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_request_whose_answer_is_lost_is_applied_once() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let manager = through(&proxy);
        let sum: Value<i64> = manager.named("sum").value(0).unwrap();
        let list = manager.named("list").list::<i64>().unwrap();
        let queue = manager.named("queue").queue::<i64>().unwrap();
        for number in 1..=20 {
            proxy.lose_next_answer();
            assert_eq!(sum.fetch_add(1).unwrap(), number - 1);
            proxy.lose_next_answer();
            list.push(&number).unwrap();
            proxy.lose_next_answer();
            queue.put(&number).unwrap();
            proxy.lose_next_answer();
            assert_eq!(queue.try_get().unwrap(), Some(number));
        }
        assert_eq!(proxy.lost(), 80, "each of them was lost");
        assert_eq!((sum.get().unwrap(), list.to_vec().unwrap()), (20, (1..=20).collect()));
        assert!(queue.is_empty().unwrap());
    }
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
fn a_server_that_never_answers_leaves_the_outcome_open() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let manager = Manager::connect(&format!("{}&timeout=0.5", proxy.address("shop"))).unwrap();
        let dict: Dict<u8, u8> = manager.named("dict").dict().unwrap();
        // The server knows the script from now on.
        dict.insert(&0, &0).unwrap();
        proxy.lose_all_answers(true);
        let failed = dict.insert(&1, &1).unwrap_err();
        assert!(matches!(failed, Error::Engine(Failure::OutcomeUnknown { .. })), "{failed}");
        assert_eq!(failed.happened(), None);
        proxy.lose_all_answers(false);
        assert_eq!(dict.get(&1).unwrap(), Some(1), "it had been applied");
    }
}

#[test]
fn the_lock_of_a_client_that_is_not_heard_of_is_given_to_the_next_one() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let one = Manager::connect(&format!("{}&lease=1&timeout=0.3", proxy.address("shop"))).unwrap();
        let other = Manager::connect(&format!("{}&lease=1", server.address("shop"))).unwrap();
        let lock = one.named("lock").lock().unwrap();
        std::mem::forget(lock.lock().unwrap().guard());
        let same = other.named("lock").lock().unwrap();
        assert!(same.try_lock().unwrap().is_none());
        // It goes on for longer than the lease while the server hears of it.
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| same.lock_timeout(Duration::from_secs(3)).unwrap().is_some());
            assert!(!waits.join().unwrap(), "the lease was not renewed");
        });
        proxy.cut(true);
        let taken = same.lock_timeout(Duration::from_secs(30)).unwrap().expect("the lease ends");
        assert!(taken.owner_died());
        proxy.cut(false);
        // The first one learns of it, and does not take the lock away from the second one.
        await_that("the answer", || match lock.release() {
            Err(Error::Engine(Failure::LeaseLost)) => true,
            Err(Error::Engine(_)) => false,
            other => panic!("{other:?}"),
        });
        assert!(matches!(lock.release(), Err(Error::Engine(Failure::LeaseLost))), "however often it tries");
        assert!(same.is_locked().unwrap());
        same.release().unwrap();
        // From now on the lock may be another one's to release, as any lock.
        std::mem::forget(lock.lock().unwrap().guard());
        same.release().unwrap();
        assert!(!lock.is_locked().unwrap());
    }
}

#[test]
fn a_fenced_write_of_a_holder_that_was_cut_off_is_refused() {
    for server in servers() {
        let proxy = Proxy::to(server.port());
        let one = Manager::connect(&format!("{}&lease=1&timeout=0.3", proxy.address("shop"))).unwrap();
        let other = Manager::connect(&format!("{}&lease=1", server.address("shop"))).unwrap();
        let (lock, same) = (one.named("lock").lock().unwrap(), other.named("lock").lock().unwrap());
        let dict: Dict<u8, u8> = one.named("dict").dict().unwrap();
        assert_eq!(dict.fenced(&lock).err(), Some(Error::NotOwner));
        assert_eq!((lock.token().unwrap(), lock.is_lost().unwrap()), (None, false));
        std::mem::forget(lock.lock().unwrap().guard());
        let token = lock.token().unwrap().unwrap();
        let fenced = dict.fenced(&lock).unwrap();
        fenced.insert(&1, &1).unwrap();
        // Asked for again, it is not refused.
        proxy.lose_next_answer();
        fenced.insert(&1, &2).unwrap();
        assert_eq!((fenced.get(&1).unwrap(), fenced == dict), (Some(2), true));
        proxy.cut(true);
        let taken = same.lock_timeout(Duration::from_secs(30)).unwrap().expect("the lease ends");
        assert!(same.token().unwrap() > Some(token), "tokens rise");
        proxy.cut(false);
        await_that("the answer", || match fenced.insert(&1, &3) {
            Err(Error::Engine(Failure::Fenced)) => true,
            Err(Error::Engine(_)) => false,
            other => panic!("{other:?}"),
        });
        assert!(lock.is_lost().unwrap());
        assert_eq!(dict.get(&1).unwrap(), Some(2));
        // Without the fence it overtakes the holder.
        dict.insert(&1, &4).unwrap();
        drop(taken);
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
        let one = Manager::connect(&format!("{}&lease=1&timeout=0.3", proxy.address("shop"))).unwrap();
        let other = Manager::connect(&format!("{}&lease=1", server.address("shop"))).unwrap();
        let (lock, same) = (one.named("lock").lock().unwrap(), other.named("lock").lock().unwrap());
        let seen = Kinds::of(&other).unwrap();
        let before = seen.read().unwrap();
        std::mem::forget(lock.lock().unwrap().guard());
        let fenced = Kinds::of(&one).unwrap().fenced(&lock).unwrap();
        // While the lock is held they do what they do.
        fenced.fill().unwrap();
        assert_ne!(seen.read().unwrap(), before);
        proxy.cut(true);
        let taken = same.lock_timeout(Duration::from_secs(30)).unwrap().expect("the lease ends");
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
fn what_a_client_held_that_ends_is_freed() {
    for server in servers() {
        let survivor = Manager::connect(&format!("{}&lease=0.5", server.address("shop"))).unwrap();
        let proxy = Proxy::to(server.port());
        let gone = Manager::connect(&format!("{}&lease=0.5&timeout=0.3", proxy.address("shop"))).unwrap();
        let list = gone.list::<Dict<u8, u8>>().unwrap();
        list.push(&gone.dict().unwrap()).unwrap();
        let count = || match survivor.home() {
            sharevar::engine::Home::Other(engine) => engine.count().unwrap(),
            sharevar::engine::Home::Shm(_) => panic!(),
        };
        assert_eq!(count(), 2);
        proxy.cut(true);
        await_that("the end of the lease", || count() == 0);
        proxy.cut(false);
        assert_eq!(list.len(), Err(Error::HandleExpired));
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
            let waits = scope.spawn(|| event.wait_timeout(Duration::from_secs(30)).unwrap());
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
