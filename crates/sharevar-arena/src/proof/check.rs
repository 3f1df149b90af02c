//! Looking for damage: mark everything that is reachable, then sweep the heap.
//!
//! To be asked while no operation is under way. It changes nothing.

use crate::error::Result;
use crate::heap::{self, RunKind};
use crate::locks::short_lock;
use crate::mapping::layout::{CLASS_SIZES, PAGE, header, slot, span, variable as layout};
use crate::process::identity::{Claim, State};
use crate::process::participant::Participant;
use crate::sync::Ordering;
use crate::transactions::journal::Journal;
use crate::transactions::lane::{Lane, is_reference};
use std::collections::{HashMap, HashSet};

/// The findings of a check.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// Living variables.
    pub variables: u64,
    /// Blocks in use.
    pub blocks: u64,
    /// Bytes of blocks in use.
    pub bytes: u64,
    /// Rules that do not hold, each a sentence. Empty if all is well.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether no rule was found broken.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, text: impl Into<String>) {
        // A damaged arena breaks rules by the thousand; the first ones tell.
        if self.problems.len() < 50 {
            self.problems.push(text.into());
        }
    }
}

struct Check<'p> {
    participant: &'p Participant,
    report: Report,
    /// Reachable blocks.
    marked: HashSet<u64>,
    /// References found, by header.
    references: HashMap<u64, u64>,
}

impl Participant {
    /// Looks for broken rules: leaks, overlaps, dangling blocks, wrong counts, locks left held.
    pub fn check(&self) -> Report {
        let mut check = Check {
            participant: self,
            report: Report::default(),
            marked: HashSet::new(),
            references: HashMap::new(),
        };
        check.lanes();
        for step in [Check::slots, Check::variables, Check::heap] {
            if let Err(error) = step(&mut check) {
                check.report.problem(error.to_string());
            }
        }
        check.counts();
        check.locks();
        check.report
    }
}

impl Check<'_> {
    fn word(&self, offset: u64) -> u64 {
        self.participant.arena().table_word(offset).load(Ordering::Acquire)
    }

    fn mark(&mut self, block: u64, of: &str) {
        if !self.marked.insert(block) {
            self.report.problem(format!("block {block:#x} ({of}) is reachable twice"));
        }
    }

    fn lanes(&mut self) {
        let arena = self.participant.arena();
        for index in 0..arena.lanes() {
            let lane = Lane::new(arena, index);
            let claim = Claim(lane.state().load(Ordering::Acquire));
            if !matches!(claim.state(), Some(State::Free | State::Idle | State::Apart)) {
                self.report.problem(format!("lane {index} is {:?}", claim.state()));
            }
            if lane.journal() != Journal::EMPTY || lane.inner().load(Ordering::Acquire) != 0 {
                self.report.problem(format!("lane {index} has an open journal {:?}", lane.journal()));
            }
            for word in lane.more_words() {
                let block = self.word(word);
                if block != 0 {
                    self.mark(block, "a lane's list");
                }
            }
        }
    }

    fn slots(&mut self) -> Result<()> {
        for index in 0..self.participant.arena().slots() {
            let start = slot::START + u64::from(index) * slot::SIZE;
            let free = self.word(start + slot::STATE) == Claim::FREE.0;
            let mut chunk = self.word(start + slot::REFERENCES);
            if free && chunk != 0 {
                self.report.problem(format!("free slot {index} still holds references"));
            }
            while chunk != 0 {
                self.mark(chunk, "a chunk of references");
                let size = self.participant.block_size(chunk)?;
                for at in (chunk + 8..chunk + size).step_by(8) {
                    let header = self.participant.arena().word(at)?.load(Ordering::Acquire);
                    if header != 0 {
                        *self.references.entry(header).or_default() += 1;
                    }
                }
                chunk = self.participant.arena().word(chunk)?.load(Ordering::Acquire);
            }
        }
        Ok(())
    }

    fn variables(&mut self) -> Result<()> {
        let arena = self.participant.arena().clone();
        let listed = self.list(header::VARIABLE_FREE)?;
        let dying = self.list(header::VARIABLE_DYING)?;
        for number in 0..self.word(header::VARIABLE_TOP) {
            let at = arena.regions.variables + number * layout::SIZE;
            let variable = self.participant.variable_at(at)?;
            if short_lock::owner(arena.table_word32(at + layout::LOCK)) != 0 {
                self.report.problem(format!("variable {at:#x} is left locked"));
            }
            if self.word(at + layout::VERSION) & 1 == 1 {
                self.report.problem(format!("variable {at:#x} has an odd version"));
            }
            if listed.contains(&at) {
                if self.word(at + layout::REFERENCES) != 0 {
                    self.report.problem(format!("free variable {at:#x} is referred to"));
                }
                continue;
            }
            if self.word(at + layout::REFERENCES) == 0 && !dying.contains(&at) {
                self.report.problem(format!("variable {at:#x} is neither held nor dying nor free"));
            }
            self.report.variables += 1;
            let mut words = Vec::new();
            let kind = self.participant.kind_of(variable);
            (self.participant.ops().trace)(self.participant, variable, kind, &mut |word| words.push(word))?;
            for word in words {
                if is_reference(word) {
                    *self.references.entry(word & !15).or_default() += 1;
                } else {
                    self.mark(word, "content of a variable");
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, head: u64) -> Result<HashSet<u64>> {
        let mut all = HashSet::new();
        let mut at = self.word(head);
        while at != 0 {
            self.participant.arena().check_header(at)?;
            if !all.insert(at) {
                self.report.problem(format!("the list at {head:#x} runs in a circle"));
                break;
            }
            at = self.word(at + layout::NEXT);
        }
        Ok(all)
    }

    fn counts(&mut self) {
        let root = self.word(header::ROOT);
        if root != 0 {
            *self.references.entry(root).or_default() += 1;
        }
        let arena = self.participant.arena().clone();
        for number in 0..self.word(header::VARIABLE_TOP) {
            let at = arena.regions.variables + number * layout::SIZE;
            let counted = self.word(at + layout::REFERENCES);
            let found = self.references.remove(&at).unwrap_or(0);
            if counted != found {
                self.report.problem(format!("variable {at:#x} counts {counted} references and has {found}"));
            }
        }
        for header in std::mem::take(&mut self.references).into_keys() {
            self.report.problem(format!("a reference leads to {header:#x}, where no variable is"));
        }
    }

    fn heap(&mut self) -> Result<()> {
        let arena = self.participant.arena().clone();
        let top = heap::pages_top(&arena);
        let mut with_room: HashSet<u64> = self.span_lists()?;
        let mut page = 0;
        let mut free_before = false;
        while page < top {
            let start = arena.regions.pages + page * PAGE;
            let mut free = false;
            page += match heap::descriptor(&arena, page)?.kind() {
                RunKind::Free { pages } => {
                    free = true;
                    if free_before {
                        self.report.problem(format!("two free runs meet at page {page}"));
                    }
                    let end = heap::descriptor(&arena, page + pages.max(1) - 1)?.kind();
                    if pages > 1 && end != (RunKind::FreeEnd { pages }) {
                        self.report.problem(format!("the free run at page {page} has no end"));
                    }
                    pages
                }
                RunKind::Run { pages } => {
                    self.block(start, pages * PAGE);
                    pages
                }
                RunKind::Span { class } if (class as usize) < CLASS_SIZES.len() => {
                    self.span(start, class)?;
                    let room = arena.word(start + span::FREE)?.load(Ordering::Acquire) > 0;
                    if with_room.remove(&page) != room {
                        self.report.problem(format!("the span at page {page} is in the wrong list"));
                    }
                    span::PAGES
                }
                other => {
                    self.report.problem(format!("page {page} begins nothing: {other:?}"));
                    return Ok(());
                }
            }
            .max(1);
            free_before = free;
        }
        if free_before {
            self.report.problem("the last run before the top is free");
        }
        for block in std::mem::take(&mut self.marked) {
            self.report.problem(format!("block {block:#x} is reachable and not allocated"));
        }
        Ok(())
    }

    fn span_lists(&mut self) -> Result<HashSet<u64>> {
        let arena = self.participant.arena().clone();
        let mut all = HashSet::new();
        for class in 0..CLASS_SIZES.len() as u64 {
            let mut link = self.word(header::CLASSES + class * header::CLASS_SIZE + header::CLASS_PARTIAL);
            while link != 0 {
                if !all.insert(link - 1) {
                    self.report.problem(format!("the list of class {class} runs in a circle"));
                    break;
                }
                link = arena
                    .word(arena.regions.pages + (link - 1) * PAGE + span::LINKS)?
                    .load(Ordering::Acquire)
                    >> 32;
            }
        }
        Ok(all)
    }

    fn span(&mut self, start: u64, class: u64) -> Result<()> {
        let arena = self.participant.arena().clone();
        let geometry = heap::geometry(class);
        let mut used = 0;
        for number in 0..geometry.blocks {
            let bits = arena.word(start + span::BITMAP + number / 64 * 8)?.load(Ordering::Acquire);
            if bits >> (number % 64) & 1 == 1 {
                used += 1;
                self.block(start + geometry.first + number * geometry.size, geometry.size);
            }
        }
        if arena.word(start + span::FREE)?.load(Ordering::Acquire) != geometry.blocks - used {
            self.report.problem(format!("the span at {start:#x} miscounts its free blocks"));
        }
        Ok(())
    }

    fn block(&mut self, block: u64, bytes: u64) {
        self.report.blocks += 1;
        self.report.bytes += bytes;
        if !self.marked.remove(&block) {
            self.report.problem(format!("block {block:#x} of {bytes} bytes leaks"));
        }
    }

    fn locks(&mut self) {
        let classes = (0..CLASS_SIZES.len() as u64).map(heap::class_lock);
        for lock in classes.chain([header::RUN_LOCK, header::VARIABLE_LOCK]) {
            if short_lock::owner(self.participant.arena().table_word32(lock)) != 0 {
                self.report.problem(format!("the heap's lock at {lock:#x} is left held"));
            }
        }
    }
}
