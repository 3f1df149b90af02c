//! The typed queues of both kinds, used by several threads.

use crate::engines::managers;
use sharevar::Error;
use std::sync::mpsc;
use std::time::{Duration, Instant};

#[test]
fn who_waits_is_woken_by_what_it_waits_for() {
    for manager in managers() {
        let queue = manager.bounded_queue::<String>(1).unwrap();
        let (sender, receiver) = mpsc::channel();
        let begin = |work: fn(&sharevar::Queue<String>) -> Result<bool, Error>| {
            let (queue, sender) = (queue.clone(), sender.clone());
            std::thread::spawn(move || sender.send(work(&queue)).unwrap());
            // Not woken by what is not meant.
            assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
        };
        begin(|queue| Ok(queue.get()? == "item"));
        queue.put("item").unwrap();
        assert_eq!(receiver.recv().unwrap(), Ok(true));
        begin(|queue| queue.join().map(|()| true));
        queue.task_done().unwrap();
        assert_eq!(receiver.recv().unwrap(), Ok(true));
        queue.put("first").unwrap();
        begin(|queue| queue.put("second").map(|()| true));
        assert_eq!(queue.get().unwrap(), "first");
        assert_eq!(receiver.recv().unwrap(), Ok(true));
        begin(|queue| queue.put("third").map(|()| true));
        queue.shutdown(false).unwrap();
        assert_eq!(receiver.recv().unwrap(), Err(Error::QueueShutDown));
        assert_eq!(queue.try_get().unwrap().as_deref(), Some("second"));
        assert_eq!(queue.get(), Err(Error::QueueShutDown));
    }
}

#[test]
fn time_runs_out() {
    for manager in managers() {
        let queue = manager.bounded_queue::<i64>(1).unwrap();
        let limit = Duration::from_millis(30);
        let since = Instant::now();
        assert_eq!(queue.get_timeout(limit).unwrap(), None);
        queue.put(&1).unwrap();
        assert!(!queue.put_timeout(&2, limit).unwrap());
        assert!(!queue.join_timeout(limit).unwrap());
        assert!(since.elapsed() >= limit * 3);
        assert!(!queue.try_put(&2).unwrap());
        assert_eq!(queue.try_get().unwrap(), Some(1));
        assert_eq!(queue.try_get().unwrap(), None);
    }
}

#[test]
fn a_shut_down_queue_that_is_emptied_lets_joiners_go() {
    for manager in managers() {
        let queue = manager.queue::<Vec<u64>>().unwrap();
        for number in 0..2000 {
            queue.put(&vec![number; 20]).unwrap();
        }
        queue.get().unwrap();
        queue.shutdown(true).unwrap();
        assert!(queue.is_empty().unwrap());
        assert!(!queue.join_timeout(Duration::ZERO).unwrap());
        queue.task_done().unwrap();
        queue.join().unwrap();
        assert_eq!(queue.task_done(), Err(Error::NoTaskLeft));
        if let Ok(participant) = manager.participant() {
            participant.flush_releases().unwrap();
            let report = manager.check().unwrap();
            assert!(report.is_clean() && report.blocks < 100, "{report:#?}");
        }
    }
}

#[test]
fn a_variable_in_a_queue_is_handed_over() {
    for manager in managers() {
        let queue = manager.queue::<sharevar::List<i64>>().unwrap();
        let list = manager.list::<i64>().unwrap();
        list.push(&7).unwrap();
        queue.put(&list).unwrap();
        drop(list);
        let list = queue.get().unwrap();
        assert_eq!(list.to_vec().unwrap(), [7]);
        assert!(queue.try_get().unwrap().is_none());
    }
}

#[test]
fn a_variable_in_an_item_is_handed_over() {
    for manager in managers() {
        let queue = manager.priority_queue::<(u8, sharevar::List<i64>)>().unwrap();
        let list = manager.list::<i64>().unwrap();
        list.push(&7).unwrap();
        queue.put(&(2, manager.list().unwrap())).unwrap();
        queue.put(&(1, list)).unwrap();
        assert_eq!(queue.peek().unwrap().unwrap().1.to_vec().unwrap(), [7]);
        assert_eq!(queue.get().unwrap().1.to_vec().unwrap(), [7]);
        assert!(queue.get().unwrap().1.is_empty().unwrap());
        assert_eq!(queue.try_get().unwrap().map(|item| item.0), None);
        queue.shutdown(true).unwrap();
        assert_eq!(queue.peek().unwrap().map(|item| item.0), None);
        assert_eq!(queue.get().map(|item| item.0), Err(Error::QueueShutDown));
    }
}

#[test]
fn one_name_is_one_queue_of_its_kind() {
    for manager in managers() {
        let queue = manager.named("jobs").bounded_priority_queue::<i64>(2).unwrap();
        queue.put(&3).unwrap();
        queue.put(&-1).unwrap();
        assert!(!queue.try_put(&2).unwrap());
        assert_eq!(manager.named("jobs").priority_queue::<i64>().unwrap().get().unwrap(), -1);
        let other = manager.named("jobs").queue::<i64>();
        assert!(matches!(other, Err(Error::WrongKind { .. })));
        assert!(format!("{queue:?}").starts_with("PriorityQueue("));
    }
}
