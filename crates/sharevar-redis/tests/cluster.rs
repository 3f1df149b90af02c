//! The engine on a cluster: nodes that send requests on, and that fail.

use sharevar::{Dict, Manager};
use sharevar_redis::testing::{Cluster, Program};
use std::time::{Duration, Instant};

fn cluster(settings: &[&str]) -> Option<Cluster> {
    sharevar_redis::register();
    Program::ALL.into_iter().find_map(|program| Cluster::start(program, settings))
}

#[test]
fn variables_are_found_by_any_node_and_survive_its_failover() {
    let Some(mut cluster) = cluster(&[]) else { return };
    cluster.nodes.iter().for_each(|node| node.let_in("shop"));
    let user = "app:secret@";
    // Each node is the wrong one for some of these, and replicas for all.
    let namespaces = ["shop", "shop1", "shop2", "shop3"];
    let owners: std::collections::HashSet<_> =
        namespaces.iter().map(|namespace| cluster.primary_of(namespace).unwrap()).collect();
    assert!(owners.len() > 1, "they are on several nodes");
    for (number, namespace) in namespaces.into_iter().enumerate() {
        for node in [number % 3, 3 + number % 3] {
            let manager = Manager::connect(&cluster.address(&[node], user, namespace)).unwrap();
            let dict: Dict<String, Vec<i64>> = manager.named("dict").dict().unwrap();
            dict.insert("key", &vec![1, 2]).unwrap();
            let list = manager.list::<Dict<u8, u8>>().unwrap();
            list.push(&manager.dict().unwrap()).unwrap();
            let queue = manager.named("queue").queue::<i64>().unwrap();
            std::thread::scope(|scope| {
                let taken = scope.spawn(|| queue.get().unwrap());
                queue.put(&7).unwrap();
                assert_eq!(taken.join().unwrap(), 7);
            });
            let lock = manager.named("lock").lock().unwrap();
            let guard = lock.lock().unwrap();
            drop(guard);
        }
    }
    let namespace = "shop1";
    let primary = cluster.primary_of(namespace).unwrap();
    let address = cluster.address(&[0, 1, 2], user, namespace);
    let manager = Manager::connect(&format!("{address}&timeout=30")).unwrap();
    let count: Dict<u8, i64> = manager.named("count").dict().unwrap();
    let add = |times| {
        (0..times).for_each(|_| {
            count.increment(&0, 1).unwrap();
        });
    };
    add(10);

    // One that is asked for loses nothing, also while it is under way.
    let place = cluster.nodes.iter().position(|node| node.port() == primary).unwrap();
    let replica = cluster.nodes[place + 3].port();
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| {
            let until = Instant::now() + Duration::from_secs(30);
            let mut done = 0;
            while cluster.primary_of(namespace) != Some(replica) || done < 50 {
                assert!(Instant::now() < until, "the failover never came");
                add(1);
                done += 1;
            }
            done
        });
        redis::cmd("CLUSTER").arg("FAILOVER").exec(&mut cluster.nodes[place + 3].connect()).unwrap();
        let done = adding.join().unwrap();
        assert_eq!(count.get(&0).unwrap(), Some(10 + done));
    });

    // One after a death: the operation that meets it waits for the new primary.
    let is_attached = || {
        let told = redis::cmd("INFO").arg("replication").query::<String>(&mut cluster.nodes[place].connect());
        told.unwrap().contains("master_link_status:up")
    };
    let until = Instant::now() + Duration::from_secs(30);
    while !is_attached() {
        assert!(Instant::now() < until, "the old primary does not become a replica");
        std::thread::sleep(Duration::from_millis(10));
    }
    let before = count.get(&0).unwrap().unwrap();
    let patient = format!("{}&timeout=50", cluster.address(&[0, 1, 2, 3, 4, 5], user, namespace));
    let patient = Manager::connect(&patient).unwrap();
    let same: Dict<u8, i64> = patient.named("count").dict().unwrap();
    cluster.nodes[place + 3].kill();
    assert_eq!(same.increment(&0, 1).unwrap(), before + 1);
    assert_eq!(cluster.primary_of(namespace), Some(primary), "the other one is it again");
}

#[test]
fn a_slot_that_moves_while_it_is_used_loses_nothing() {
    let Some(cluster) = cluster(&[]) else { return };
    let namespace = "moving";
    let manager = Manager::connect(&cluster.address(&[0], "", namespace)).unwrap();
    let dict: Dict<i64, i64> = manager.named("dict").dict().unwrap();
    let ask = |node: usize, words: &[&str]| {
        redis::cmd(words[0])
            .arg(&words[1..])
            .query::<redis::Value>(&mut cluster.nodes[node].connect())
            .unwrap()
    };
    let text = |value: redis::Value| redis::from_redis_value::<String>(value).unwrap();
    let slot = ask(0, &["CLUSTER", "KEYSLOT", &format!("sv:{{{namespace}}}")]);
    let slot = redis::from_redis_value::<u64>(slot).unwrap().to_string();
    let port = cluster.primary_of(namespace).unwrap();
    let from = cluster.nodes.iter().position(|node| node.port() == port).unwrap();
    let to = (from + 1) % 3;
    let (source, target) = (text(ask(from, &["CLUSTER", "MYID"])), text(ask(to, &["CLUSTER", "MYID"])));
    let is_moved = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut number = 0;
            while !is_moved.load(std::sync::atomic::Ordering::Relaxed) || number < 200 {
                dict.insert(&number, &number).unwrap();
                number += 1;
            }
            number
        });
        ask(to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]);
        ask(from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]);
        let target_port = cluster.nodes[to].port().to_string();
        loop {
            let keys = ask(from, &["CLUSTER", "GETKEYSINSLOT", &slot, "100"]);
            let keys = redis::from_redis_value::<Vec<String>>(keys).unwrap();
            if keys.is_empty() {
                break;
            }
            for key in keys {
                ask(from, &["MIGRATE", "127.0.0.1", &target_port, &key, "0", "5000"]);
            }
        }
        for node in [to, from, (from + 2) % 3] {
            ask(node, &["CLUSTER", "SETSLOT", &slot, "NODE", &target]);
        }
        is_moved.store(true, std::sync::atomic::Ordering::Relaxed);
        let written = writer.join().unwrap();
        assert_eq!(dict.len().unwrap(), usize::try_from(written).unwrap());
        assert_eq!(cluster.primary_of(namespace), Some(cluster.nodes[to].port()));
    });
}
