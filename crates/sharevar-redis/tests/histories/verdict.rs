//! The check of a history: the faults in the answers that clients were given.

use crate::client::{NUMBERS, Variables};
use crate::log::{End, Entry, Log, Request, now};
use crate::register::{Call, Operation, check};
use std::collections::HashSet;

/// The faults that a campaign has shown.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Keys that were put in, as a client was told, and are not there.
    pub(crate) lost: Vec<u64>,
    /// Numbers whose history is not linearizable, and why.
    pub(crate) broken: Vec<String>,
    /// Faults of the count, or of tokens.
    pub(crate) miscounted: Vec<String>,
    /// Faults of the queue's items.
    pub(crate) misplaced: Vec<String>,
    /// The requests of which clients were told that they have not happened, and why.
    pub(crate) refused: Vec<String>,
    /// How many requests were done, have not happened, and may have.
    pub(crate) ends: [usize; 3],
}

impl Verdict {
    /// Compares what was told with what there is now, which no client changes any more.
    pub(crate) fn of(log: &Log, found: &Variables) -> Self {
        let mut verdict = Self::default();
        for (number, entry) in log.entries.iter().enumerate() {
            if entry.end == End::NotDone {
                let reason = log.reasons.get(&number).map_or("", String::as_str);
                verdict.refused.push(format!("{:?}: {reason}", entry.request));
            }
            let place = match entry.end {
                End::Done { .. } => 0,
                End::NotDone => 1,
                End::Unknown => 2,
            };
            verdict.ends[place] += 1;
        }
        verdict.look_for_lost_keys(log, found);
        verdict.check_numbers(log, found);
        verdict.check_items(log, found);
        verdict.check_count(log, found);
        verdict.check_tokens(log);
        verdict
    }

    pub(crate) fn is_good(&self) -> bool {
        self.lost.is_empty()
            && self.broken.is_empty()
            && self.miscounted.is_empty()
            && self.misplaced.is_empty()
    }

    fn look_for_lost_keys(&mut self, log: &Log, found: &Variables) {
        let there: HashSet<u64> = found.keys.keys().unwrap().into_iter().collect();
        self.lost = done(log)
            .filter_map(|(entry, ..)| match entry.request {
                Request::Insert(key) if !there.contains(&key) => Some(key),
                _ => None,
            })
            .collect();
    }

    fn check_numbers(&mut self, log: &Log, found: &Variables) {
        for number in 0..NUMBERS {
            let of_number = |entry: &Entry| match (entry.request, entry.end) {
                (_, End::NotDone) => None,
                (Request::Number(place, call), end) if place == number => {
                    let ended = match end {
                        End::Done { at, result } => Some((at, result)),
                        _ => None,
                    };
                    Some(Operation { call, called: entry.called, ended })
                }
                _ => None,
            };
            let mut history: Vec<_> = log.entries.iter().filter_map(of_number).collect();
            let called = now();
            let last = found.numbers[number].get().unwrap();
            history.push(Operation { call: Call::Get, called, ended: Some((now(), last)) });
            if let Err(violation) = check(&history) {
                let is_its = |request| matches!(request, Request::Number(place, _) if place == number);
                let all = log.entries.iter().enumerate().filter(|(_, entry)| is_its(entry.request));
                let told = |(place, entry): (usize, &Entry)| {
                    format!("{entry:?} {}", log.reasons.get(&place).map_or("", String::as_str))
                };
                let all: Vec<_> = all.map(told).collect();
                self.broken.push(format!("number {number}: {violation:?} of {all:#?}"));
            }
        }
    }

    /// Each item is taken once. One may be gone with each client that died, or was cut off, while it took something.
    fn check_items(&mut self, log: &Log, found: &Variables) {
        let mut seen = HashSet::new();
        let taken = done(log).filter(|(entry, ..)| entry.request == Request::Take).map(|(.., item)| item);
        let left = std::iter::from_fn(|| found.queue.try_get().unwrap()).map(|item| item as i64);
        for item in taken.filter(|item| *item >= 0).chain(left) {
            if !seen.insert(item) {
                self.misplaced.push(format!("the item {item} came twice"));
            }
        }
        let is_gone =
            |entry: &Entry| matches!(entry.request, Request::Put(item) if !seen.contains(&(item as i64)));
        let gone = done(log).filter(|(entry, ..)| is_gone(entry)).count();
        let is_unknown = |entry: &&Entry| (entry.request, entry.end) == (Request::Take, End::Unknown);
        let unknown = log.entries.iter().filter(is_unknown).count();
        if gone > unknown {
            self.misplaced.push(format!("{gone} items are gone, and {unknown} may have been taken"));
        }
    }

    /// Each count is written by one holder, and none is lost.
    fn check_count(&mut self, log: &Log, found: &Variables) {
        let mut written = HashSet::new();
        let mut unknown = 0;
        for entry in &log.entries {
            match (entry.request, entry.end) {
                (Request::Write(count), End::Done { .. }) if !written.insert(count) => {
                    self.miscounted.push(format!("two holders have written {count}"));
                }
                (Request::Write(_), End::Unknown) => unknown += 1,
                _ => {}
            }
        }
        let (least, count) = (written.len() as i64, found.count.get().unwrap());
        if count < least || count > least + unknown {
            self.miscounted.push(format!("{count} after {least} counts, and {unknown} of unknown outcome"));
        }
    }

    /// A hold that begins after another has begun has a higher token.
    fn check_tokens(&mut self, log: &Log) {
        let mut holds: Vec<_> = done(log)
            .filter(|(entry, ..)| entry.request == Request::Acquire)
            .map(|(entry, at, token)| (token, entry.called, at))
            .collect();
        holds.sort_unstable();
        let mut latest_call = 0;
        for pair in holds.windows(2) {
            let [(token, called, _), (next, _, ended)] = [pair[0], pair[1]];
            latest_call = latest_call.max(called);
            if token == next {
                self.miscounted.push(format!("two holders have the token {token}"));
            }
            // The one with the higher token was there before one with a lower token asked.
            if ended < latest_call {
                self.miscounted.push(format!("the token {next} came before a lower one"));
            }
        }
    }
}

fn done(log: &Log) -> impl Iterator<Item = (&Entry, u64, i64)> {
    log.entries.iter().filter_map(|entry| match entry.end {
        End::Done { at, result } => Some((entry, at, result)),
        _ => None,
    })
}
