//! `sharevar completions` and `sharevar man`: what clap writes of the arguments.

use crate::arguments::Arguments;
use crate::exit::{Exit, Failure, Result};
use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;
use std::io::Write;

pub(crate) fn completions(shell: Shell, output: &mut dyn Write) -> Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "sharevar", &mut text);
    output.write_all(&text)?;
    Ok(Exit::Success)
}

pub(crate) fn manual(command: Option<&str>, output: &mut dyn Write) -> Result<Exit> {
    let mut all = Arguments::command();
    all.build();
    let page = match command {
        None => all,
        Some(name) => all
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| Failure::usage(format_args!("there is no command {name:?}")))?,
    };
    let mut text = Vec::new();
    Man::new(page).render(&mut text)?;
    output.write_all(&text)?;
    Ok(Exit::Success)
}
