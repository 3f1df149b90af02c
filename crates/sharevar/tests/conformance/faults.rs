//! Requests and replies that are lost, and servers out of reach.

use crate::clients::conform_with_leases;
use sharevar::engine::Failure;
use sharevar::{Dict, Error, Value};

conform_with_leases! {
    fn a_request_whose_reply_is_lost_takes_effect_once(server) {
        let client = server.doomed();
        let manager = client.manager();
        let sum: Value<i64> = manager.named("sum").value(0).unwrap();
        let list = manager.named("list").list::<i64>().unwrap();
        let queue = manager.named("queue").queue::<i64>().unwrap();
        for number in 1..=20 {
            client.lose_next_reply();
            assert_eq!(sum.fetch_add(1).unwrap(), number - 1);
            client.lose_next_reply();
            list.push(&number).unwrap();
            client.lose_next_reply();
            queue.put(&number).unwrap();
            client.lose_next_reply();
            assert_eq!(queue.try_get().unwrap(), Some(number));
        }
        assert_eq!((sum.get().unwrap(), list.to_vec().unwrap()), (20, (1..=20).collect()));
        assert!(queue.is_empty().unwrap());
        assert_eq!(client.lost().unwrap_or(80), 80, "each of them was lost");
    }

    fn without_a_reply_the_outcome_is_unknown(server) {
        let client = server.doomed();
        let dict: Dict<u8, u8> = client.manager().named("dict").dict().unwrap();
        // A server knows the script from now on.
        dict.insert(&0, &0).unwrap();
        client.lose_replies(true);
        let failed = dict.insert(&1, &1).unwrap_err();
        assert!(matches!(failed, Error::Engine(Failure::OutcomeUnknown { .. })), "{failed}");
        assert_eq!(failed.happened(), None);
        client.lose_replies(false);
        assert_eq!(dict.get(&1).unwrap(), Some(1), "it had taken effect");
    }

    fn a_lock_whose_acquisition_is_unknown_is_held_by_the_process(server) {
        let (client, other) = (server.doomed(), server.client());
        let lock = client.manager().named("lock").lock().unwrap();
        // A server knows the script from now on.
        lock.lock().unwrap().guard().unlock().unwrap();
        client.lose_replies(true);
        let failed = lock.try_lock().unwrap_err();
        assert_eq!(failed.happened(), None);
        client.lose_replies(false);
        let same = other.named("lock").lock().unwrap();
        assert!(same.is_locked().unwrap() && same.try_lock().unwrap().is_none());
        lock.release().unwrap();
        assert!(same.try_lock().unwrap().is_some());
    }

    fn out_of_reach_nothing_happens_and_a_wait_ends_with_the_cause(server) {
        let (client, other) = (server.doomed(), server.client());
        let dict: Dict<u8, u8> = client.manager().named("dict").dict().unwrap();
        let queue = client.manager().named("queue").queue::<u8>().unwrap();
        dict.insert(&1, &1).unwrap();
        client.cut(true);
        let failed = queue.get().unwrap_err();
        assert!(matches!(failed, Error::Engine(_)), "{failed}");
        client.cut(false);
        assert_eq!(dict.get(&1).unwrap(), Some(1));
        let same = other.named("queue").queue::<u8>().unwrap();
        same.put(&7).unwrap();
        assert_eq!((queue.get().unwrap(), same.len().unwrap()), (7, 0));
    }
}
