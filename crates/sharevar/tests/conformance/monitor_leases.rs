//! What becomes of a monitor's methods whose process dies, or is out of touch with the server.

use crate::clients::conform_with_leases;
use crate::monitors::{AnyMonitor, LONG, Untyped, account, add, open};
use crate::waiting::runs_out;
use sharevar::engine::Failure;
use sharevar::engine::wait::{deadline, run};
use sharevar::{Error, Manager, Shared};
use sharevar_redis::testing::await_that;
use sharevar_value::{Encoded, Key, Value};

fn untyped(manager: &Manager) -> Untyped {
    open(account(manager).handle())
}

fn balance(monitor: &dyn AnyMonitor) -> (Key, Encoded) {
    (Key::from_str("balance", monitor.seed()).unwrap(), Value::Int(99).to_encoded().unwrap())
}

conform_with_leases! {
    fn a_method_whose_lease_was_lost_has_no_effect(server) {
        let (one, other) = (server.doomed(), server.client());
        let (mine, same) = (account(one.manager()), account(&other));
        for is_entered in [false, true] {
            let lost = mine.call(|account| {
                account.balance = 99;
                assert!(untyped(&other).any().try_enter()?.is_none());
                one.expire();
                if is_entered {
                    same.call(add)?;
                }
                Ok(())
            });
            assert_eq!(lost, Err(Error::Engine(Failure::LeaseLost)));
            assert_eq!(same.get().unwrap().balance, 3 + i64::from(is_entered));
        }
        mine.call(add).unwrap();
        assert_eq!(same.get().unwrap().balance, 5);
    }

    fn a_late_method_does_not_end_that_of_another(server) {
        let (one, other) = (server.doomed(), server.client());
        let (mine, same) = (untyped(one.manager()), account(&other));
        mine.any().try_enter().unwrap().expect("nobody is inside");
        one.expire();
        same.call(|account| {
            let late = mine.any().leave(&[], &[balance(mine.any())]);
            assert_eq!(late, Err(Error::Engine(Failure::LeaseLost)));
            assert!(mine.any().try_enter()?.is_none(), "the other one is inside");
            add(account)
        })
        .unwrap();
        assert_eq!(same.get().unwrap().balance, 4);
    }

    fn one_that_dies_inside_has_changed_nothing(server) {
        let (one, other) = (server.doomed(), server.client());
        let (mine, same) = (untyped(one.manager()), untyped(&other));
        mine.any().try_enter().unwrap().expect("nobody is inside");
        let mut wait = same.any().enter_wait();
        assert!(runs_out(&mut *wait));
        one.kill();
        assert!(run(&mut *wait, deadline(LONG)).unwrap().is_some());
        same.any().leave(&[], &[]).unwrap();
        assert_eq!(account(&other).get().unwrap().balance, 3);
    }

    fn a_method_whose_replies_are_lost_once_takes_effect_once(server) {
        let one = server.doomed();
        let account = account(one.manager());
        for number in 1..=10 {
            account.call(|account| {
                account.balance += 1;
                one.lose_next_reply();
                Ok(())
            })
            .unwrap();
            assert_eq!(account.get().unwrap().balance, 3 + number);
            one.lose_next_reply();
            account.call(|_| Ok(())).unwrap();
        }
        assert_eq!(one.lost().unwrap_or(20), 20, "each of them was lost");
    }

    fn one_that_does_not_know_whether_it_is_inside_keeps_no_other_out(server) {
        let (one, other) = (server.doomed(), server.client());
        let (mine, same) = (untyped(one.manager()), account(&other));
        // A server knows the scripts from now on.
        mine.any().try_enter().unwrap().expect("nobody is inside");
        mine.any().leave(&[], &[balance(mine.any())]).unwrap();
        one.lose_replies(true);
        assert_eq!(mine.any().try_enter().unwrap_err().happened(), None);
        assert!(!mine.any().is_mine());
        one.lose_replies(false);
        // The next operation of the program, or the thread that renews its lease, sees to it.
        await_that("the end of a call that has not begun", || {
            one.manager().names().unwrap();
            untyped(&other).any().try_enter().unwrap().is_some_and(|_| {
                untyped(&other).any().leave(&[], &[]).unwrap();
                true
            })
        });
        assert_eq!(same.get().unwrap().balance, 99);
    }

    fn one_that_cannot_leave_keeps_no_other_out_for_long(server) {
        let (one, other) = (server.doomed(), server.client());
        let (mine, same) = (untyped(one.manager()), untyped(&other));
        mine.any().try_enter().unwrap().expect("nobody is inside");
        one.cut(true);
        let failed = mine.any().leave(&[], &[balance(mine.any())]).unwrap_err();
        assert!(matches!(failed, Error::Engine(_)), "{failed}");
        one.cut(false);
        await_that("the end of a method", || {
            one.manager().names().unwrap();
            same.any().try_enter().unwrap().is_some()
        });
        same.any().leave(&[], &[]).unwrap();
    }
}
