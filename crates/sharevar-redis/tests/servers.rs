//! Which servers are used, and which are refused.

use sharevar::engine::Failure;
use sharevar::{Dict, Error, Manager};
use sharevar_redis::testing::{Program, Server};
use std::time::Duration;

fn servers(settings: &[&str]) -> Vec<Server> {
    sharevar_redis::register();
    Program::ALL.into_iter().filter_map(|program| program.start_with(settings)).collect()
}

fn cause_of_refusal(address: &str) -> String {
    match Manager::connect(address) {
        Err(Error::Engine(Failure::Refused { cause, .. })) => cause,
        other => panic!("{other:?} is no refusal"),
    }
}

#[test]
fn programs_with_the_same_namespace_share_and_others_do_not() {
    for server in servers(&[]) {
        let one = Manager::connect(&server.address("shop")).unwrap();
        let other = Manager::connect(&server.tcp_address("shop")).unwrap();
        let stock: Dict<String, i64> = one.named("stock").dict().unwrap();
        stock.insert("apples", &3).unwrap();
        let same: Dict<String, i64> = other.named("stock").dict().unwrap();
        assert_eq!(same.increment("apples", 2).unwrap(), 5);
        assert_eq!(stock.get("apples").unwrap(), Some(5));
        let elsewhere = Manager::connect(&server.address("office")).unwrap();
        assert_eq!(elsewhere.names().unwrap(), [""; 0]);
        // A manager that is closed is closed for all of them, and the next one begins anew.
        one.shutdown();
        assert_eq!(same.get("apples"), Err(Error::Closed));
        let anew = Manager::connect(&server.address("shop")).unwrap();
        assert_eq!(anew.names().unwrap(), [""; 0]);
        assert_eq!(stock.get("apples"), Err(Error::Closed));
    }
}

#[test]
fn a_closed_home_leaves_nothing_on_the_server() {
    for server in servers(&[]) {
        let manager = Manager::connect(&server.address("shop")).unwrap();
        let list = manager.named("list").list::<Dict<u8, u8>>().unwrap();
        list.push(&manager.dict().unwrap()).unwrap();
        manager.shutdown();
        let mut connection = server.connect();
        assert_eq!(redis::cmd("KEYS").arg("*").query::<Vec<String>>(&mut connection).unwrap(), [""; 0]);
    }
}

#[test]
fn a_server_that_may_forget_is_refused() {
    for server in servers(&["--maxmemory-policy", "allkeys-lru"]) {
        let cause = cause_of_refusal(&server.address("shop"));
        assert!(cause.contains("set that to noeviction"), "{cause}");
    }
}

#[test]
fn a_server_that_runs_no_scripts_is_refused() {
    for server in servers(&[]) {
        let mut connection = server.connect();
        redis::cmd("ACL")
            .arg(&["SETUSER", "weak", "on", ">s3cret", "~*", "&*", "+@all", "-@scripting"])
            .query::<()>(&mut connection)
            .unwrap();
        let address = format!("redis://weak:s3cret@127.0.0.1:{}/0", server.port());
        let cause = cause_of_refusal(&address);
        assert!(cause.contains("runs no scripts"), "{cause}");
        let refused = Manager::connect(&address).unwrap_err();
        assert!(!format!("{refused} {refused:?}").contains("s3cret"), "{refused}");
        let wrong = Manager::connect(&address.replace("s3cret", "gue55")).unwrap_err();
        assert!(matches!(wrong, Error::Engine(Failure::Refused { .. })), "{wrong}");
        assert!(!format!("{wrong} {wrong:?}").contains("gue55"), "{wrong}");
    }
}

#[test]
fn a_user_with_the_rights_of_the_template_can_do_everything() {
    for server in servers(&[]) {
        let mut connection = server.connect();
        let template = include_str!("acl.txt").split_whitespace();
        redis::cmd("ACL")
            .arg("SETUSER")
            .arg("app")
            .arg(">pw")
            .arg(template.collect::<Vec<_>>())
            .query::<()>(&mut connection)
            .unwrap();
        let address = format!("redis://app:pw@127.0.0.1:{}/0?namespace=shop", server.port());
        let manager = Manager::connect(&address).unwrap();
        let dict: Dict<u8, String> = manager.named("dict").dict().unwrap();
        dict.insert(&1, "one").unwrap();
        assert_eq!(dict.get(&1).unwrap().as_deref(), Some("one"));
        manager.shutdown();
        let other = address.replace("shop", "other");
        assert!(Manager::connect(&other).is_err(), "another namespace is out of reach");
    }
}

#[test]
fn a_replica_and_a_server_that_is_not_there_are_refused() {
    for server in servers(&[]) {
        let port = server.port().to_string();
        for replica in servers(&["--replicaof", &format!("127.0.0.1 {port}")]) {
            assert!(cause_of_refusal(&replica.address("shop")).contains("connect to the primary"));
        }
    }
    let unreachable = Manager::connect("redis://127.0.0.1:1/0?timeout=0.2").unwrap_err();
    assert!(matches!(unreachable, Error::Engine(Failure::Unavailable { .. })), "{unreachable}");
    assert_eq!(unreachable.happened(), Some(false));
}

#[test]
fn an_operation_fails_in_time_and_says_whether_it_happened() {
    for mut server in servers(&[]) {
        let manager = Manager::connect(&format!("{}&timeout=3", server.address("shop"))).unwrap();
        let dict: Dict<u8, u8> = manager.named("dict").dict().unwrap();
        server.kill();
        let began = std::time::Instant::now();
        let failed = dict.insert(&1, &1).unwrap_err();
        assert!(matches!(failed, Error::Engine(_)), "{failed}");
        assert_ne!(failed.happened(), Some(true));
        // A connection takes three seconds at most, and so do all attempts together.
        assert!(began.elapsed() < Duration::from_secs(30));
        server.restart();
        // It has lost everything, and no client takes the new namespace for the old one.
        assert_eq!(dict.insert(&1, &1), Err(Error::Closed));
        let anew = Manager::connect(&server.address("shop")).unwrap();
        assert_eq!(anew.names().unwrap(), [""; 0]);
    }
}
