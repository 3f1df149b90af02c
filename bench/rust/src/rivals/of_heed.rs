//! heed: LMDB, a mapped file with a transaction for each change. It waits for no disk.

use crate::failure::{Result, describe};
use crate::operation::{ITEMS, Operation};
use crate::rows::{glance, is_long, keys, long, number};
use heed::byteorder::NativeEndian;
use heed::types::{Bytes, Str, U64};
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, RoTxn, RwTxn, WithTls};
use std::hint::black_box;
use std::path::Path;

type Numbers = Database<'static, Str, U64<NativeEndian>>;

fn read(env: &'static Env) -> RoTxn<'static, WithTls> {
    env.read_txn().expect("a free reader")
}

fn change(env: &'static Env, change: impl FnOnce(&mut RwTxn<'static>)) {
    let mut transaction = env.write_txn().expect("no other writer");
    change(&mut transaction);
    transaction.commit().expect("room");
}

fn get(env: &'static Env, numbers: &Numbers, key: &str) -> u64 {
    numbers.get(&read(env), key).expect("no damage").expect("it is there")
}

pub fn start(folder: &Path) -> Result<Vec<Operation>> {
    let keys = keys();
    let folder = folder.join("heed");
    std::fs::create_dir_all(&folder).map_err(describe)?;
    // SAFETY: the folder is new and belongs to this run, so no other program changes its file.
    let env =
        unsafe { EnvOpenOptions::new().map_size(256 << 20).max_dbs(4).flags(EnvFlags::NO_SYNC).open(folder) };
    // A database borrows its environment; both end with the process.
    let env: &'static Env = Box::leak(Box::new(env.map_err(describe)?));
    let made = env.create_databases_and_commit(env.write_txn().map_err(describe)?, |open, transaction| {
        let numbers = |name, transaction: &mut RwTxn<'static>| open.create_database(transaction, Some(name));
        let (read, written) = (numbers("read", transaction)?, numbers("written", transaction)?);
        let fresh = numbers("fresh", transaction)?;
        let long = open.create_database::<Str, Bytes>(transaction, Some("long"))?;
        Ok::<_, heed::Error>(CommitOrAbort::<_, ()>::Commit((read, written, fresh, long)))
    });
    let CommitOrAbort::Commit(made) = made.map_err(describe)? else { return Err("no databases".into()) };
    let (entries, written, fresh, values): (Numbers, Numbers, Numbers, Database<'static, Str, Bytes>) = made;
    change(env, |transaction| {
        for (item, key) in keys.iter().enumerate() {
            entries.put(transaction, key, &number(item)).expect("room");
            written.put(transaction, key, &0).expect("room");
        }
        values.put(transaction, "long", long()).expect("room");
    });
    Ok(vec![
        Operation::new("dict get", move |item| get(env, &entries, &keys[item])),
        Operation::new("dict set", move |item| {
            change(env, |transaction| {
                written.put(transaction, &keys[item], &number(item)).expect("room");
            });
            0
        })
        .stores(move || (0..ITEMS).map(|item| get(env, &written, &keys[item])).sum()),
        Operation::new("dict insert and remove", move |item| {
            change(env, |transaction| {
                fresh.put(transaction, &keys[item], &number(item)).expect("room");
            });
            let found = get(env, &fresh, &keys[item]);
            change(env, |transaction| {
                fresh.delete(transaction, &keys[item]).expect("no damage");
            });
            found
        })
        .stores(move || fresh.len(&read(env)).expect("no damage")),
        Operation::new("get 1 MiB", move |item| {
            let transaction = read(env);
            glance(
                &black_box(
                    values.get(&transaction, "long").expect("no damage").expect("it is there").to_vec(),
                ),
                item,
            )
        }),
        Operation::new("set 1 MiB", move |_| {
            change(env, |transaction| values.put(transaction, "set", long()).expect("room"));
            0
        })
        .stores(move || is_long(values.get(&read(env), "set").expect("no damage").expect("it is there"))),
        Operation::new("view 1 MiB", move |item| {
            let transaction = read(env);
            glance(values.get(&transaction, "long").expect("no damage").expect("it is there"), item)
        }),
    ])
}
