//! Proxies and functions in what methods give.

use sharevar::hosted::{Callback, Client, Host, RunningHost, Stream};

struct Account(i64);

#[sharevar::hosted]
impl Account {
    pub fn with_balance(balance: i64) -> Self {
        Self(balance)
    }

    pub fn pay_in(&mut self, amount: i64) -> i64 {
        self.0 += amount;
        self.0
    }
}

/// Gives what is at another host, and keeps none of it.
struct Broker(Client);

#[sharevar::hosted]
#[allow(clippy::unused_self)] // Its callers have an object.
impl Broker {
    pub fn open(&self, balance: i64) -> AccountProxy {
        AccountProxy::with_balance(&self.0, balance).unwrap()
    }

    pub fn open_two(&self) -> (AccountProxy, AccountProxy) {
        (self.open(1), self.open(2))
    }

    pub fn open_many(&self, count: i64) -> Stream<AccountProxy> {
        let client = self.0.clone();
        Stream::new((0..count).map(move |balance| AccountProxy::with_balance(&client, balance).unwrap()))
    }

    pub fn tenfold(&self) -> Callback<i64, i64> {
        Callback::new(|number| number * 10)
    }
}

fn broker() -> (RunningHost, RunningHost, Client, BrokerProxy) {
    let bank = Host::new().register::<Account>().start().unwrap();
    let host = Host::new().add("broker", Broker(bank.client().unwrap())).start().unwrap();
    let client = host.client().unwrap();
    let broker = client.proxy("broker").unwrap();
    (bank, host, client, broker)
}

/// Waits until a host has so many objects. What never comes fails the test.
fn until_left_with(host: &RunningHost, objects: usize) {
    crate::support::waiting::until("the release", || host.info().objects == objects);
}

#[test]
fn what_a_reply_refers_to_lives_until_it_is_read() {
    let (bank, _host, client, broker) = broker();
    for balance in 0..100 {
        let account = broker.open(balance).unwrap();
        assert_eq!(account.pay_in(1), Ok(balance + 1));
    }
    let (first, second) = broker.open_two().unwrap();
    assert_eq!((first.pay_in(0), second.pay_in(0)), (Ok(1), Ok(2)));
    assert_eq!(broker.tenfold().unwrap().call(7), Ok(70));
    // And no longer than until the next message.
    client.info().unwrap();
    until_left_with(&bank, 2);
    drop((first, second));
    until_left_with(&bank, 0);
}

#[test]
fn what_is_in_a_batch_of_replies_lives_as_long() {
    let (bank, _host, client, broker) = broker();
    let mut batch = client.batch();
    let (one, two) = (batch.on(&broker).open(3), batch.on(&broker).open_two());
    batch.send().unwrap();
    let (first, (second, third)) = (one.result().unwrap(), two.result().unwrap());
    let balances = [first, second, third].map(|account| account.pay_in(0));
    assert_eq!(balances, [Ok(3), Ok(1), Ok(2)]);
    client.info().unwrap();
    until_left_with(&bank, 0);
}

#[test]
fn items_of_streams_live_until_they_are_read() {
    let (bank, _host, client, broker) = broker();
    for (balance, account) in (0..200).zip(broker.open_many(200).unwrap()) {
        assert_eq!(account.unwrap().pay_in(1), Ok(balance + 1));
    }
    drop(broker.open_many(1000).unwrap().next());
    drop(broker);
    client.info().unwrap();
    until_left_with(&bank, 0);
}
