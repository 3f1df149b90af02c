//! `sharevar doctor`: the traps of a machine, and of the managers on it.

mod cleaners;
mod finding;
mod gates;
mod logind;
mod machine;
mod names;
mod server;

use crate::exit::{Exit, Result};
use crate::output;
use finding::Finding;
use serde_json::json;
pub(crate) use server::run as server;
use sharevar_rendezvous::Place;
use std::io::Write;

pub(crate) fn run(is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    let place = Place::of_this_user();
    let mut findings =
        vec![machine::kernel(), machine::children(), names::directory(&place), cleaners::rules(place.path())];
    findings.extend([machine::memory(), machine::address_space(), machine::descriptors()]);
    findings.push(machine::segments());
    findings.extend([machine::overcommit(), machine::kept()].into_iter().flatten());
    let lifetimes = sharevar::Manager::find_all()?.into_iter().map(|found| found.lifetime);
    let user = rustix::process::geteuid().as_raw();
    findings.extend(logind::logout(std::path::Path::new("/"), user, lifetimes));
    findings.extend(names::managers(&place)?);
    tell(&findings, is_json, output)
}

fn tell(findings: &[Finding], is_json: bool, output: &mut dyn Write) -> Result<Exit> {
    for Finding { subject, is_good, text } in findings {
        if is_json {
            output::json(output, &json!({"subject": subject, "ok": is_good, "text": text}))?;
        } else {
            let verdict = if *is_good { output::good("ok") } else { output::error("problem") };
            writeln!(output, "{verdict}: {subject}: {text}")?;
        }
    }
    let is_good = findings.iter().all(|finding| finding.is_good);
    Ok(if is_good { Exit::Success } else { Exit::Problem })
}
