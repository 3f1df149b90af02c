//! Handles: inside other variables, in other formats, and when what they lead to is gone.

use serde::{Deserialize, Serialize};
use sharevar::{Array, Dict, Error, List, Lock, Manager, Result, Shared, Value, VariableId};

fn manager() -> Manager {
    Manager::builder().capacity(16 << 20).build().unwrap()
}

fn variables(manager: &Manager) -> u64 {
    let report = manager.check().unwrap();
    assert!(report.is_clean(), "{report:#?}");
    report.variables - 1 // The root.
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Room {
    name: String,
    guests: List<String>,
    log: Option<Value<u8>>,
}

#[test]
fn a_variable_lives_as_long_as_it_stands_in_another() -> Result<()> {
    let manager = manager();
    let outer = manager.dict::<String, List<i32>>()?;
    {
        let inner = manager.list()?;
        inner.push(&7)?;
        outer.insert("direct", &inner)?;
    }
    assert_eq!(variables(&manager), 2);
    let inner = outer.get("direct")?.unwrap();
    assert_eq!(inner.to_vec()?, [7]);
    drop(outer);
    assert_eq!(variables(&manager), 1);
    inner.push(&8)?;
    assert_eq!(inner.to_vec()?, [7, 8]);
    drop(inner);
    assert_eq!(variables(&manager), 0);
    Ok(())
}

#[test]
fn handles_deep_in_structs_are_counted() -> Result<()> {
    let manager = manager();
    let rooms = manager.list::<Vec<Room>>()?;
    let guests = manager.list()?;
    let room = Room { name: "blue".to_owned(), guests: guests.clone(), log: Some(manager.value(1)?) };
    rooms.push(&vec![room.clone(), Room { log: None, ..room.clone() }])?;
    drop((room, guests));
    drop(rooms.get(0)?);
    let read = rooms.get(0)?.unwrap();
    assert_eq!(read[0].guests, read[1].guests);
    read[1].guests.push("Ada")?;
    assert_eq!(read[0].guests.to_vec()?, ["Ada"]);
    assert_eq!(read[0].log.as_ref().unwrap().get()?, 1);
    drop(read);
    assert_eq!(variables(&manager), 3);
    let taken = rooms.pop()?.unwrap();
    assert_eq!(variables(&manager), 3);
    drop(taken);
    assert_eq!(variables(&manager), 1);
    Ok(())
}

type VariableOps = (Dict<String, u8>, List<u8>, Value<u8>, Array<u8>, Lock);

#[test]
fn every_kind_passes_through_json_and_through_a_variable() -> Result<()> {
    let manager = manager();
    let all: VariableOps =
        (manager.dict()?, manager.list()?, manager.value(4)?, manager.array(2)?, manager.lock()?);
    let text = serde_json::to_string(&all).unwrap();
    let read: VariableOps = serde_json::from_str(&text).unwrap();
    assert_eq!(read, all);
    let value = manager.value(all.clone())?;
    assert_eq!(value.get()?, all);
    assert_eq!(format!("{:?}", all.2), format!("Value({}, 4)", all.2.id()));
    Ok(())
}

/// Writes a variable that no other process holds.
struct Fresh<'a>(&'a Manager);

impl Serialize for Fresh<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let list = self.0.list::<u8>().unwrap();
        list.push(&9).unwrap();
        let written = list.serialize(serializer);
        drop(list);
        // Takes the place of the variable, if that is freed too early.
        self.0.value(1).unwrap();
        written
    }
}

#[test]
fn a_variable_made_while_it_is_written_is_held_until_it_is_stored() -> Result<()> {
    let manager = manager();
    let value = manager.value(None::<List<u8>>)?;
    manager.named("x").dict::<u8, u8>()?;
    let encoded = manager.list::<List<u8>>()?;
    // `Fresh` is no `List`, so it goes in by way of a value that borrows it.
    let any = manager.value(Holder(Some(Fresh(&manager))))?;
    drop((value, encoded));
    let read = Value::<Option<List<u8>>>::from_handle(any.handle())?;
    assert_eq!(read.get()?.unwrap().to_vec()?, [9]);
    drop((any, read));
    assert_eq!(variables(&manager), 1);
    Ok(())
}

struct Holder<'a>(Option<Fresh<'a>>);

impl Serialize for Holder<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Holder<'_> {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> std::result::Result<Self, D::Error> {
        Ok(Self(None))
    }
}

#[test]
fn a_variable_of_another_manager_is_refused() -> Result<()> {
    let (here, there) = (manager(), manager());
    let list = here.list::<Value<u8>>()?;
    let stranger = there.value(1_u8)?;
    let error = list.push(&stranger).unwrap_err();
    assert!(matches!(error, Error::Encode(_)), "{error:?}");
    assert!(error.to_string().contains("cannot be stored in a variable of another arena"), "{error}");
    assert_eq!(list.len()?, 0);
    assert_eq!(variables(&here), 1);
    Ok(())
}

#[test]
fn a_handle_of_a_gone_arena_says_so() -> Result<()> {
    let gone = manager();
    let value = gone.value(1_u8)?;
    let (id, text) = (value.id(), serde_json::to_string(&value).unwrap());
    drop((gone, value));
    assert_eq!(Value::<u8>::open(&id), Err(Error::ForeignArena { arena: id.home() }));
    let error = serde_json::from_str::<Value<u8>>(&text).unwrap_err().to_string();
    assert!(error.contains("which this process has not attached"), "{error}");
    Ok(())
}

#[test]
fn an_expired_handle_says_so_and_never_leads_elsewhere() -> Result<()> {
    let manager = manager();
    let value = manager.value(1_u8)?;
    let id = value.id();
    drop(value);
    let expired = Error::HandleExpired;
    manager.sweep()?;
    manager.check()?;
    assert_eq!(Value::<u8>::open(&id), Err(expired.clone()));
    // The header serves another variable now.
    let next = manager.value(2_u8)?;
    assert_eq!(Value::<u8>::open(&id), Err(expired));
    assert_eq!(Value::<u8>::open(&next.id())?.get()?, 2);
    Ok(())
}

#[test]
fn an_id_is_a_text_and_nothing_else_is() -> Result<()> {
    let manager = manager();
    let id = manager.value(1_u8)?.id();
    assert_eq!(id.to_string().parse::<VariableId>()?, id);
    for text in ["", "value", "value:1:2", "value:1:2:3:4", "heap:1:2:3", "value:g:2:3"] {
        assert_eq!(text.parse::<VariableId>(), Err(Error::NotAVariableId { text: text.to_owned() }));
    }
    Ok(())
}
