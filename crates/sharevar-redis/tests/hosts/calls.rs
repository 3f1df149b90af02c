//! Calls that go through a server.

use crate::till::{GONE, TillProxy, WAITING};
use crate::{at, connect, place, servers, start};
use sharevar::hosted::{Callback, Error, Proxied};
use sharevar_redis::testing::{Cluster, Program, await_that};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

#[test]
fn a_client_calls_a_host_through_a_server() {
    for server in servers() {
        let address = place(&server, "till");
        let host = start(&address);
        assert_eq!(host.address(), &address);
        let client = connect(&address);
        let till: TillProxy = client.proxy("till").unwrap();
        assert_eq!((till.add(2).unwrap(), till.add(3).unwrap()), (2, 5));
        let own = TillProxy::new(&client).unwrap();
        assert_eq!(own.add(1).unwrap(), 1);
        assert_eq!(till.numbers(2000).unwrap().map(Result::unwrap).sum::<i64>(), 1999 * 1000);
        assert_eq!(till.ask(Callback::new(|number: i64| number + 1)).unwrap(), Some(21));
        let mut batch = client.batch();
        let (one, two) = (batch.on(&till).add(1), batch.on(&own).add(1));
        batch.send().unwrap();
        assert_eq!((one.result().unwrap(), two.result().unwrap()), (6, 2));
    }
}

#[test]
fn messages_are_longer_than_the_window() {
    for server in servers() {
        let address = place(&server, "till");
        let host = start(&address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        for size in [2 << 20, 5 << 20, 1] {
            let text = "x".repeat(size);
            assert_eq!(till.echo(text.clone()).unwrap(), text);
        }
        drop(host);
    }
}

#[test]
fn threads_call_at_the_same_time() {
    for server in servers() {
        let address = place(&server, "till");
        let _host = start(&address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        thread::scope(|scope| {
            for thread in 0..8 {
                let till = &till;
                scope.spawn(move || {
                    for turn in 0..20 {
                        let text = format!("{thread} {turn} ").repeat(1 + turn * 200);
                        assert_eq!(till.echo(text.clone()).unwrap(), text);
                        till.add(1).unwrap();
                    }
                });
            }
        });
        assert_eq!(till.sum().unwrap(), 160);
    }
}

#[test]
fn a_call_that_is_given_up_is_cancelled_at_the_host() {
    for server in servers() {
        let address = place(&server, "given-up");
        let _host = start(&address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        let before = WAITING.load(Ordering::SeqCst);
        let gone = GONE.load(Ordering::SeqCst);
        let after = Duration::from_millis(500);
        assert_eq!(till.with_timeout(after).wait(), Err(Error::TimedOut { after }));
        await_that("the end of the call", || GONE.load(Ordering::SeqCst) > gone);
        assert!(WAITING.load(Ordering::SeqCst) > before);
        assert_eq!(till.add(1).unwrap(), 1);
    }
}

/// A script that uses a key which it has not declared, or another command, is refused.
#[test]
fn a_user_of_the_namespace_has_the_rights_for_hosts() {
    for server in servers() {
        server.let_in("shop");
        let as_user = format!("redis://app:secret@127.0.0.1:{}/0?namespace=shop", server.port());
        let address = at(&as_user, "till");
        let host = start(&address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        let text = "x".repeat(1 << 20);
        assert_eq!(till.echo(text.clone()).unwrap(), text);
        // A proxy that is passed on leads there, and has no password.
        let written = serde_json::to_string(&till).unwrap();
        assert!(!written.contains("secret"), "{written}");
        assert_eq!(serde_json::from_str::<TillProxy>(&written).unwrap().add(1).unwrap(), 1);
        drop(host);
    }
}

#[test]
fn a_host_is_on_a_cluster() {
    sharevar_redis::register();
    for program in Program::tested() {
        let Some(cluster) = Cluster::start(program, &[]) else { continue };
        let address = at(&cluster.address(&[0, 1], "", "shop"), "till");
        let _host = start(&address);
        let till: TillProxy = connect(&address).proxy("till").unwrap();
        let text = "x".repeat(1 << 20);
        assert_eq!((till.add(2).unwrap(), till.echo(text.clone()).unwrap()), (2, text));
    }
}
