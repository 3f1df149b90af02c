//! Scripts, which the server runs as one operation each.
//!
//! A file of Lua has sections, each begun by a line `--- name`. A line `@name` in one stands for the section
//! of that name, of the same file or of `parts.lua`.

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

/// The functions that scripts of all kinds of variables have in common.
const PARTS: &str = include_str!("lua/parts.lua");

/// Refuses a request whose lock is another holder's, unless it was answered already.
const FENCE: &str = include_str!("lua/fence.lua");

/// Does nothing where the request before this one on its lane, which it undoes, was not carried out: a server
/// that has taken another one's place may lack it.
const UNDO: &str = include_str!("lua/undo.lua");

/// What a script changes that its caller may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it reads (`@reads` if that is all), or it changes what this process waits for or refers to.
    None,
    /// A variable (`@changes`).
    Data,
    /// A lock, or another variable at which processes meet (`@locks`).
    Lock,
}

/// A script, and the hash by which the server knows it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) hash: String,
    pub(crate) effect: Effect,
    fenced: OnceLock<Box<Self>>,
    undoing: OnceLock<Box<Self>>,
}

impl Script {
    /// The script of section `name` of a file.
    pub(crate) fn section(file: &str, name: &str) -> Self {
        let sections: HashMap<&str, &str> = sections(PARTS).chain(sections(file)).collect();
        let mut body = String::new();
        expand(&sections, name, &mut body);
        let has = |mark| sections.get(name).is_some_and(|section| section.lines().any(|line| line == mark));
        // Without the flag a script does not begin when memory has run out; those that only free some do.
        let (header, body) = match body.split_once("@grows\n") {
            Some((before, after)) => ("#!lua\n", format!("{before}{after}")),
            // The server sees to it that it changes nothing.
            None if has("@reads") => ("#!lua flags=no-writes\n", body),
            None => ("#!lua flags=allow-oom\n", body),
        };
        let effect = match (has("@locks"), has("@changes")) {
            (true, _) => Effect::Lock,
            (_, true) => Effect::Data,
            _ => Effect::None,
        };
        Self::of(format!("{header}{body}"), effect)
    }

    fn of(text: String, effect: Effect) -> Self {
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash, effect, fenced: OnceLock::new(), undoing: OnceLock::new() }
    }

    /// The same script, which does nothing if a lock has another holder: the key of the lock is behind its
    /// keys, and the token of the hold behind its arguments.
    pub(crate) fn fenced(&self) -> &Self {
        self.fenced.get_or_init(|| Box::new(self.behind(FENCE)))
    }

    /// The same script, which does nothing if the request that it undoes was not carried out: 1 is its
    /// answer.
    pub(crate) fn undoing(&self) -> &Self {
        self.undoing.get_or_init(|| Box::new(self.behind(UNDO)))
    }

    fn behind(&self, prelude: &str) -> Self {
        let (header, body) = self.text.split_once('\n').unwrap_or_default();
        Self::of(format!("{header}\n{prelude}{body}"), self.effect)
    }
}

fn sections(file: &str) -> impl Iterator<Item = (&str, &str)> {
    file.split("--- ").skip(1).filter_map(|section| section.split_once('\n'))
}

fn expand(sections: &HashMap<&str, &str>, name: &str, into: &mut String) {
    let Some(section) = sections.get(name) else { panic!("no script has a section {name}") };
    for line in section.lines() {
        match line.strip_prefix('@') {
            Some("changes" | "locks" | "reads") => {}
            Some("grows") | None => {
                into.push_str(line);
                into.push('\n');
            }
            Some(part) => expand(sections, part, into),
        }
    }
}

/// A script that is put together when it is first used.
pub(crate) type LazyScript = LazyLock<Script>;

/// Writes statics for sections of a file, or of several.
macro_rules! scripts {
    ($($file:literal),+: $($name:ident = $section:literal;)*) => {
        const FILE: &str = concat!($(include_str!($file)),+);
        $(static $name: $crate::script::LazyScript =
            std::sync::LazyLock::new(|| $crate::script::Script::section(FILE, $section));)*
    };
}
pub(crate) use scripts;
