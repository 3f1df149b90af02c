//! Managers and variables as programs see them that look into others.

use sharevar::{Kind, Manager, Result, Shared};

#[test]
fn variables_with_names_are_listed_with_kind_length_and_size() -> Result<()> {
    let manager = Manager::new()?;
    let named = |name| manager.named(name);
    let dict = manager.named("dict").dict::<String, String>()?;
    named("list").list::<i64>()?.extend([1, 2, 3])?;
    named("set").set::<i64>()?.insert(&7)?;
    named("value").value("text of more than seven bytes".to_owned())?;
    named("array").array::<u32>(10)?;
    named("lock").lock()?;
    named("queue").queue::<i64>()?.put(&5)?;
    named("namespace").namespace()?.set("x", &1)?;
    let listed: Vec<_> = manager
        .variables()?
        .into_iter()
        .map(|(name, variable)| {
            let info = variable.info().unwrap();
            assert_eq!(info.kind.unwrap().name(), name);
            (name, info.len)
        })
        .collect();
    let expected = [
        ("dict", Some(0)),
        ("list", Some(3)),
        ("set", Some(1)),
        ("value", None),
        ("array", Some(10)),
        ("lock", None),
        ("queue", Some(1)),
        ("namespace", Some(1)),
    ];
    assert_eq!(listed, expected.map(|(name, len)| (name.to_owned(), len)));

    let bytes = |name: &str| manager.named(name).get().unwrap().unwrap().info().unwrap().bytes.unwrap();
    assert_eq!(bytes("lock"), 0);
    assert!(bytes("value") >= 29);
    let empty = bytes("dict");
    dict.insert("key", &"x".repeat(100_000))?;
    assert!((100_000..110_000).contains(&(bytes("dict") - empty)));
    dict.clear()?;
    assert!(bytes("dict") < 100_000);
    // The variables that it refers to count for themselves.
    let outer = manager.named("outer").value(dict.clone())?;
    dict.insert("key", &"x".repeat(100_000))?;
    assert_eq!((outer.handle().info()?.kind, outer.handle().info()?.bytes), (Some(Kind::Value), Some(0)));
    Ok(())
}

#[test]
fn the_usage_of_the_heap_is_what_a_check_finds() -> Result<()> {
    let manager = Manager::new()?;
    let list = manager.named("list").list::<String>()?;
    for length in [10, 100, 1000, 10_000, 100_000] {
        list.extend((0..20).map(|_| "x".repeat(length)))?;
    }
    list.remove(0)?;
    let usage = manager.info()?.blocks;
    let report = manager.check()?;
    assert!(report.is_clean());
    assert_eq!(usage.iter().map(|blocks| blocks.blocks).sum::<u64>(), report.blocks);
    let in_use = |blocks: &sharevar::BlockUsage| match blocks.size {
        0 => blocks.reserved,
        size => size * blocks.blocks,
    };
    assert_eq!(usage.iter().map(in_use).sum::<u64>(), report.bytes);
    assert!(usage.iter().map(|blocks| blocks.reserved).sum::<u64>() <= manager.used().unwrap());
    Ok(())
}

#[test]
fn a_manager_that_was_shut_down_tells_nothing() -> Result<()> {
    let manager = Manager::new()?;
    manager.shutdown();
    assert_eq!(manager.info(), Err(sharevar::Error::Closed));
    Ok(())
}

/// An engine that keeps variables elsewhere tells what it knows.
#[test]
fn another_engine_tells_kind_and_length() -> Result<()> {
    let manager = Manager::connect("memory:")?;
    let dict = manager.dict::<String, i64>()?;
    dict.insert("apples", &3)?;
    let told = dict.handle().info()?;
    assert_eq!((told.kind, told.len, told.bytes), (Some(Kind::Dict), Some(1), None));
    dict.insert("pears", &5)?;
    assert_ne!(dict.handle().info()?.changes, told.changes);
    let queue = manager.queue::<i64>()?;
    queue.put(&1)?;
    assert_eq!(queue.handle().info()?.len, Some(1));
    assert_eq!(manager.array::<u8>(4)?.handle().info()?.len, Some(4));
    assert_eq!(manager.lock()?.handle().info()?.len, None);
    assert!(matches!(manager.info(), Err(sharevar::Error::Unsupported { engine: "memory", .. })));
    Ok(())
}
