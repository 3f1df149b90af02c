//! The examples of `docs/command.md`, run one after the other on one manager.
//!
//! The document calls the manager `shop` and its process 4711. Here they have a name and a number of
//! their own, and columns are as wide as these: runs of spaces count as one.

mod support;

use sharevar::Result;
use support::command::sharevar;
use support::holder::{Holder, own_name, play};

const DOCUMENT: &str = include_str!("../docs/command.md");

/// The program of the document, in Rust.
#[test]
fn plays_its_part() -> Result<()> {
    play(|_, manager, wait| {
        let stock = manager.named("stock").dict::<String, i64>()?;
        stock.extend([("apples".to_owned(), 3), ("pears".to_owned(), 5)])?;
        let prices = manager.named("prices").list::<f64>()?;
        prices.extend([1.5, 2.0])?;
        let motto = manager.named("motto").value("fresh".to_owned())?;
        let till = manager.named("till").lock()?;
        let _held = till.lock()?;
        wait();
        drop((stock, motto));
        Ok(())
    })
}

/// The command lines of the document, each with what it prints.
fn examples() -> Vec<(&'static str, String)> {
    let mut examples: Vec<(&str, String)> = Vec::new();
    for block in DOCUMENT.split("```console\n").skip(1) {
        for line in block.split("```").next().unwrap().lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                examples.push((command, String::new()));
            } else {
                let (_, output) = examples.last_mut().expect("a block begins with a command");
                *output += line;
                *output += "\n";
            }
        }
    }
    examples
}

/// The words of a command line; quotes of one kind stand around some.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in line.chars() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ' ' if !is_quoted => words.push(String::new()),
            other => words.last_mut().unwrap().push(other),
        }
    }
    words
}

fn with_single_spaces(text: &str) -> String {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn the_document_says_what_is_printed() {
    let name = own_name("shop");
    let holder = Holder::start("shop", &name);
    let user = std::fs::metadata("/proc/self").map(|about| std::os::unix::fs::MetadataExt::uid(&about));
    let here = |text: &str| {
        let text = text.replace("shop", &name).replace("4711", &holder.id().to_string());
        text.replace("UID", &user.as_ref().unwrap().to_string())
    };
    let examples = examples();
    assert!(examples.len() > 10);
    for (line, expected) in examples {
        let words = words(&here(line));
        assert_eq!(words[0], "sharevar");
        let arguments: Vec<_> = words[1..].iter().map(String::as_str).collect();
        let ended = sharevar(&arguments);
        let mut output = ended.output + &ended.errors;
        if line == "sharevar ls" {
            // Other tests have managers, too.
            output = output.lines().enumerate().fold(String::new(), |kept, (index, line)| {
                if index == 0 || line.starts_with(&name) { kept + line + "\n" } else { kept }
            });
        }
        assert_eq!(with_single_spaces(&output), with_single_spaces(&here(&expected)), "{line}");
    }
}

#[test]
fn the_document_has_the_exit_codes_of_the_help() {
    let help = sharevar(&["--help"]).output;
    for code in ["0", "1", "2", "3", "4"] {
        let meaning = DOCUMENT.lines().find_map(|line| line.strip_prefix(&format!("| {code} | ")));
        let meaning = meaning.unwrap().trim_end_matches(" |");
        assert!(help.contains(&format!("  {code}  {meaning}")), "{code}");
    }
}
