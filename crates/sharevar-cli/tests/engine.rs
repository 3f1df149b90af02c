//! The command, on managers on a server.

use serde_json::{Value as Json, json};
use sharevar::{Manager, Monitor, Result};
use sharevar_cli::{Exit, run};
use sharevar_redis::testing::{Program, Server};

/// The exit, what was printed, and the errors.
fn sharevar(arguments: &[&str], engine: &str) -> (Exit, String, String) {
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let arguments = [&["sharevar", "--engine", engine], arguments].concat();
    let exit = run(arguments, &mut output, &mut errors);
    (exit, String::from_utf8(output).unwrap(), String::from_utf8(errors).unwrap())
}

fn printed(arguments: &[&str], engine: &str) -> String {
    let (exit, output, errors) = sharevar(arguments, engine);
    assert_eq!(exit, Exit::Success, "{errors}");
    output
}

/// The server, and its address, whose namespace counts for nothing.
fn server(settings: &[&str]) -> Option<(Server, String)> {
    sharevar_redis::register();
    let server = Program::ALL.into_iter().find_map(|program| program.start_with(settings))?;
    let address = server.address("unused");
    Some((server, address))
}

#[derive(Debug, Monitor)]
struct Account {
    balance: i64,
}

#[test]
fn it_shows_and_changes_what_programs_have_on_a_server() -> Result<()> {
    let Some((server, engine)) = server(&[]) else { return Ok(()) };
    let shop = Manager::connect(&server.address("shop"))?;
    let stock = shop.named("stock").dict::<String, i64>()?;
    stock.extend([("apples".to_owned(), 3), ("pears".to_owned(), 5)])?;
    let list = shop.named("list").list::<i64>()?;
    list.extend([10, 20, 30])?;
    let lock = shop.named("lock").lock()?;
    let _kept = (
        shop.named("event").event()?,
        shop.named("queue").queue::<i64>()?,
        shop.named("array").array::<i16>(2)?,
        shop.named("set").set::<String>()?,
        shop.named("free").rlock()?,
        shop.named("account").monitor(Account { balance: 7 })?,
    );
    let held = lock.lock()?;

    let namespace: Json = serde_json::from_str(&printed(&["ls", "--json"], &engine)).unwrap();
    assert_eq!((&namespace["name"], &namespace["clients"]), (&json!("shop"), &json!(1)));
    let shown = printed(&["show", "shop"], &engine);
    assert!(shown.contains("stock") && shown.contains("dict"), "{shown}");
    assert!(printed(&["show", "shop", "stock"], &engine).contains("'apples': 3"));
    let get = |arguments: &[&str]| printed(&[&["get", "shop"], arguments].concat(), &engine);
    assert_eq!(get(&["stock"]), "{\"apples\":3,\"pears\":5}\n");
    assert_eq!(get(&["list", "-1"]), "30\n");
    assert_eq!(get(&["account"]), "{\"balance\":7}\n");
    assert_eq!(get(&["account", "balance"]), "7\n");
    let set = |arguments: &[&str]| assert_eq!(printed(&[&["set", "shop"], arguments].concat(), &engine), "");
    set(&["stock", "apples", "4"]);
    set(&["list", "0", "11"]);
    set(&["event", "true"]);
    set(&["array", "1", "-7"]);
    set(&["set", "here", "true"]);
    assert_eq!(get(&["array"]), "[0,-7]\n");
    assert_eq!(get(&["set", "here"]), "true\n");
    assert_eq!(get(&["event"]), "{\"set\":true}\n");
    assert_eq!((stock.get("apples")?, list.get(0)?), (Some(4), Some(11)));
    printed(&["del", "shop", "stock", "pears"], &engine);
    assert_eq!(stock.len()?, 1);

    let locks = printed(&["locks", "shop", "--json"], &engine);
    let locks: Vec<Json> = locks.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let holders =
        |name: &str| locks.iter().find(|lock| lock["name"] == name).map(|lock| lock["holders"].clone());
    assert_eq!(holders("lock").unwrap().as_array().unwrap().len(), 1);
    assert_eq!(holders("free"), Some(json!([])));
    drop(held);

    for (arguments, exit) in [
        (&["get", "shop", "nothing"][..], Exit::NotFound),
        (&["get", "other", "stock"], Exit::NotFound),
        (&["rm", "shop"], Exit::Usage),
    ] {
        assert_eq!(sharevar(arguments, &engine).0, exit, "{arguments:?}");
    }
    // Looking has made no namespace.
    assert_eq!(printed(&["ls", "--json"], &engine).lines().count(), 1);
    Ok(())
}

#[test]
fn watch_prints_changes_as_they_come() -> Result<()> {
    let Some((server, engine)) = server(&[]) else { return Ok(()) };
    let shop = Manager::connect(&server.address("shop"))?;
    let stock = shop.named("stock").dict::<String, i64>()?;
    let value = shop.named("value").value(1_i64)?;
    for (name, seen) in [("stock", "+ 'apples'"), ("value", "")] {
        let watch = ["watch", "shop", name, "--count", "1", "--interval", "1"];
        let watched = std::thread::scope(|scope| {
            let watching = scope.spawn(|| printed(&watch, &engine));
            while !watching.is_finished() {
                stock.increment("apples", 1)?;
                value.set(&stock.get("apples")?.unwrap_or_default())?;
                std::thread::yield_now();
            }
            Result::<_>::Ok(watching.join().unwrap())
        })?;
        assert!(watched.lines().count() >= 1 && watched.contains(seen), "{watched}");
    }
    Ok(())
}

#[test]
fn doctor_names_the_traps_of_a_server() {
    let traps = ["--maxmemory-policy", "allkeys-lru", "--appendonly", "no"];
    let Some((_server, engine)) = server(&traps) else { return };
    let (exit, told, _) = sharevar(&["doctor"], &engine);
    assert_eq!(exit, Exit::Problem);
    assert!(told.contains("set that to noeviction") && told.contains("set appendonly to yes"), "{told}");
    let Some((_server, engine)) = server(&["--appendonly", "yes"]) else { return };
    let (exit, told, _) = sharevar(&["doctor"], &engine);
    assert_eq!(exit, Exit::Success, "{told}");
    let (exit, told, _) = sharevar(&["doctor"], "redis://far.example/0");
    assert!(exit == Exit::Problem && told.contains("use rediss://"), "{told}");
}

#[test]
fn an_address_of_no_server_is_a_mistake_in_the_arguments() {
    for (address, reason) in [("foo", "begins with one of redis://"), ("redis://localhost/x", "no number")] {
        for command in [&["ls"][..], &["show", "shop"]] {
            let (exit, output, errors) = sharevar(command, address);
            assert_eq!((exit, output.as_str()), (Exit::Usage, ""));
            assert!(errors.contains(reason) && errors.contains(address), "{errors}");
        }
    }
}
