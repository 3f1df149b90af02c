//! Objects that methods give, and that stay at the host.

use sharevar::hosted::{CallError, Client, Error, Host, Object, Proxied, RunningHost};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts those that there are.
#[derive(Debug)]
struct Account {
    balance: i64,
    there: Arc<AtomicUsize>,
}

impl Drop for Account {
    fn drop(&mut self) {
        self.there.fetch_sub(1, Ordering::SeqCst);
    }
}

#[sharevar::hosted]
impl Account {
    pub fn pay_in(&mut self, amount: i64) -> i64 {
        self.balance += amount;
        self.balance
    }
}

#[derive(Default)]
struct Bank {
    accounts: BTreeMap<String, Arc<Object<Account>>>,
    there: Arc<AtomicUsize>,
}

impl Bank {
    fn make(&self, balance: i64) -> Account {
        self.there.fetch_add(1, Ordering::SeqCst);
        Account { balance, there: self.there.clone() }
    }
}

#[sharevar::hosted]
impl Bank {
    /// One that nobody else has.
    pub fn anonymous(&self, balance: i64) -> Object<Account> {
        Object::new(self.make(balance))
    }

    /// One that the bank keeps, too.
    pub fn open(&mut self, owner: &str) -> Result<Arc<Object<Account>>, String> {
        if self.accounts.contains_key(owner) {
            return Err(format!("{owner} has one"));
        }
        let account = Arc::new(Object::new(self.make(0)));
        self.accounts.insert(owner.to_owned(), account.clone());
        Ok(account)
    }

    pub fn find(&self, owner: &str) -> Option<Arc<Object<Account>>> {
        self.accounts.get(owner).cloned()
    }

    pub fn close(&mut self, owner: &str) -> bool {
        self.accounts.remove(owner).is_some()
    }

    /// Calls them without any message.
    pub fn total(&self) -> i64 {
        self.accounts.values().map(|account| account.read().balance).sum()
    }

    pub fn pay_interest(&self) {
        self.accounts.values().for_each(|account| account.write().balance *= 2);
    }

    pub fn there(&self) -> usize {
        self.there.load(Ordering::SeqCst)
    }
}

fn bank() -> (RunningHost, Client, BankProxy) {
    let host = Host::new().add("bank", Bank::default()).start().unwrap();
    let client = host.client().unwrap();
    let bank = client.proxy("bank").unwrap();
    (host, client, bank)
}

#[test]
fn an_object_that_a_method_gives_stays_as_long_as_somebody_holds_it() {
    let (host, _, bank) = bank();
    let first: AccountProxy = bank.anonymous(5).unwrap();
    let second = bank.anonymous(7).unwrap();
    assert_eq!((first.pay_in(1), second.pay_in(1)), (Ok(6), Ok(8)));
    assert_ne!(first, second);
    assert_eq!((bank.there(), host.info().objects), (Ok(2), 3));
    let text = serde_json::to_string(&first).unwrap();
    let again: AccountProxy = serde_json::from_str(&text).unwrap();
    drop((first, second));
    assert_eq!((bank.there(), again.pay_in(1)), (Ok(1), Ok(7)));
    drop(again);
    assert_eq!((bank.there(), host.info().objects), (Ok(0), 1));
}

#[test]
fn an_object_that_is_given_twice_is_the_same() {
    let (host, _, bank) = bank();
    let opened = bank.open("Ada").unwrap();
    let found = bank.find("Ada").unwrap().unwrap();
    assert_eq!(found, opened);
    assert_eq!((opened.pay_in(5), found.pay_in(5)), (Ok(5), Ok(10)));
    assert_eq!(host.info().objects, 2);
    // The host has it, whoever else has.
    bank.pay_interest().unwrap();
    assert_eq!((bank.total(), found.pay_in(0)), (Ok(20), Ok(20)));
    drop((opened, found));
    assert_eq!((bank.there(), host.info().objects), (Ok(1), 1));
    let found = bank.find("Ada").unwrap().unwrap();
    assert_eq!((bank.close("Ada"), bank.there(), found.pay_in(0)), (Ok(true), Ok(1), Ok(20)));
    drop(found);
    assert_eq!((bank.there(), host.info().objects), (Ok(0), 1));
}

#[test]
fn there_may_be_none_or_an_error_instead() {
    let (_host, client, bank) = bank();
    assert_eq!(bank.find("Bob"), Ok(None));
    bank.open("Bob").unwrap();
    assert_eq!(bank.open("Bob"), Err(CallError::Method("Bob has one".to_owned())));
    let mut batch = client.batch();
    let (refused, opened) = (batch.on(&bank).open("Bob"), batch.on(&bank).open("Cem"));
    let (found, missing) = (batch.on(&bank).find("Cem"), batch.on(&bank).find("Dan"));
    let dropped = batch.on(&bank).anonymous(1);
    batch.send().unwrap();
    assert_eq!(refused.result(), Err(CallError::Method("Bob has one".to_owned())));
    assert_eq!((found.result().unwrap(), missing.result()), (opened.result().ok(), Ok(None)));
    assert_eq!(bank.there(), Ok(3));
    drop(dropped);
    assert_eq!(bank.there(), Ok(2));
}

#[test]
fn without_its_type_it_is_called_by_name() {
    let (host, _, bank) = bank();
    let account = bank.as_proxy().call_object("anonymous", &(3,)).unwrap();
    assert_eq!((account.typeid(), account.call::<i64>("pay_in", &(1,))), ("Account", Ok(4)));
    drop(account);
    let value = bank.as_proxy().call::<i64>("anonymous", &(3,)).unwrap_err();
    assert!(value.to_string().contains("call_object"), "{value}");
    // Nobody wanted that one, and nobody keeps it.
    assert_eq!((bank.there(), host.info().objects), (Ok(0), 1));
    let stream = bank.as_proxy().call_stream::<i64>("anonymous", &(3,)).unwrap_err();
    assert!(matches!(stream, Error::UnexpectedReply { found: "an object", .. }), "{stream}");
    assert_eq!(bank.there(), Ok(0));
}
