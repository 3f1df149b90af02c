//! Hosts that are found through a server, and their clients.

mod calls;
mod connects;
mod deaths;
mod ends;
mod losses;
mod names;
mod processes;
mod till;

use sharevar::hosted::{Address, Client, Host, RunningHost, Settings};
use sharevar_redis::testing::{Program, Server};
use till::Till;

/// The key of hosts and clients.
const KEY: &[u8] = b"known to both";

/// Servers, whose namespace is `shop`. Leases are short, so that ends show soon.
fn servers() -> Vec<Server> {
    sharevar_redis::register();
    Program::tested().filter_map(Program::start).collect()
}

/// The address of a host.
fn place(server: &Server, host: &str) -> Address {
    at(&server.address("shop"), host)
}

fn at(namespace: &str, host: &str) -> Address {
    format!("{namespace}&lease=4&host={host}").parse().unwrap()
}

/// A host that is not started yet.
fn host(address: &Address) -> Host {
    Host::new().register::<Till>().add("till", Till::default()).address(address.clone()).key(KEY)
}

fn start(address: &Address) -> RunningHost {
    host(address).start().unwrap()
}

fn connect(address: &Address) -> Client {
    Client::connect_with(address, Settings::with_key(KEY)).unwrap()
}

/// The keys on a server.
fn keys(server: &Server) -> Vec<String> {
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut server.connect()).unwrap();
    keys.sort();
    keys
}
