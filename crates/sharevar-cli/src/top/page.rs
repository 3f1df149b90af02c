//! The picture as a page for a browser.
//!
//! The page is one text without parts from elsewhere, and asks for a new picture once a second. No
//! picture is made while no page asks.

use super::source::{Source, Wanted};
use crate::exit::{Exit, Failure, Result};
use serde_json::Value as Json;
use std::io::{Cursor, Write};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};
use tiny_http::{Header, Method, Request, Response, Server};

const PAGE: &str = include_str!("page.html");
/// The most variables, locks and clients of a picture; the page says how many more there are.
const ROWS: usize = 1000;

/// How to serve.
#[derive(Debug)]
pub(crate) struct Web {
    /// An address, a port, or both.
    pub(crate) address: String,
    pub(crate) allow_remote: bool,
    /// The shortest time between two looks.
    pub(crate) interval: Duration,
}

impl Web {
    /// Serves the page until the process is ended.
    pub(crate) fn run(self, source: &mut dyn Source, output: &mut dyn Write) -> Result<Exit> {
        let addresses = resolve(&self.address)?;
        if let Some(open) = addresses.iter().find(|address| !address.ip().is_loopback())
            && !self.allow_remote
        {
            return Err(Failure::usage(format_args!(
                "{open} can be reached from other machines, and everybody there could see the names and \
                 sizes of variables; take a port of 127.0.0.1, or add --allow-remote"
            )));
        }
        let failed =
            |error| Failure::new(Exit::Failure, format_args!("cannot serve at {}: {error}", self.address));
        let server = Server::http(&addresses[..]).map_err(failed)?;
        let at = server.server_addr().to_ip().map_or_else(|| self.address.clone(), |at| at.to_string());
        writeln!(output, "http://{at}/")?;
        output.flush()?;
        let mut pictures = Pictures { source, interval: self.interval, last: None };
        loop {
            let request =
                server.recv().map_err(|error| Failure::new(Exit::Failure, format_args!("{at}: {error}")))?;
            if has_body(&request) {
                // That is read to its end before the answer is over, however long it takes to come.
                thread::spawn(|| request.respond(text(413, "this page is only read")));
                continue;
            }
            let response = if self.allow_remote || is_meant(&request) {
                respond(&request, &mut pictures)?
            } else {
                text(403, "this page is at a number, or at localhost")
            };
            // A browser that has gone needs no answer.
            let _ = request.respond(response);
        }
    }
}

/// The socket addresses of a port, a host, or both.
fn resolve(address: &str) -> Result<Vec<SocketAddr>> {
    if let Ok(port) = address.parse::<u16>() {
        return Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]);
    }
    let unknown =
        |why: String| Failure::usage(format_args!("{address:?} is no address such as 127.0.0.1:8000{why}"));
    let found: Vec<_> = address.to_socket_addrs().map_err(|error| unknown(format!(": {error}")))?.collect();
    if found.is_empty() { Err(unknown(String::new())) } else { Ok(found) }
}

/// Whether the browser has asked for this address by a number or as `localhost`. A page from elsewhere
/// whose name leads to this address (DNS rebinding) has asked by that name.
fn is_meant(request: &Request) -> bool {
    let Some(host) = request.headers().iter().find(|header| header.field.equiv("Host")) else { return false };
    let host = host.value.as_str();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let number = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || number.parse::<IpAddr>().is_ok()
}

fn has_body(request: &Request) -> bool {
    request.body_length().is_some_and(|length| length > 0)
        || request.headers().iter().any(|header| header.field.equiv("Transfer-Encoding"))
}

fn respond(request: &Request, pictures: &mut Pictures<'_>) -> Result<Response<Cursor<Vec<u8>>>> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return Ok(text(405, "this page is only read"));
    }
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    Ok(match path {
        "/" => with_type(Response::from_string(PAGE), "text/html; charset=utf-8"),
        "/picture" => {
            // A name of a manager has no character that would be written otherwise.
            let manager = query.strip_prefix("manager=").filter(|name| !name.is_empty());
            with_type(Response::from_string(pictures.newest(manager)?), "application/json")
        }
        _ => text(404, "there is no such page"),
    })
}

fn text(code: u16, text: &str) -> Response<Cursor<Vec<u8>>> {
    with_type(Response::from_string(text).with_status_code(code), "text/plain; charset=utf-8")
}

/// With headers by which a browser loads and sends nothing else for this page.
fn with_type(response: Response<Cursor<Vec<u8>>>, media_type: &str) -> Response<Cursor<Vec<u8>>> {
    let response = response.with_chunked_threshold(usize::MAX);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                  connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    let headers = [
        ("Content-Type", media_type),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-store"),
    ];
    headers.into_iter().fold(response, |response, (name, value)| {
        match Header::from_bytes(name.as_bytes(), value.as_bytes()) {
            Ok(header) => response.with_header(header),
            Err(()) => response,
        }
    })
}

/// The picture of each manager, made anew once it is old.
struct Pictures<'a> {
    source: &'a mut dyn Source,
    interval: Duration,
    /// The last one, of which manager, and the time until which it is new.
    last: Option<(Option<String>, Instant, String)>,
}

impl Pictures<'_> {
    fn newest(&mut self, manager: Option<&str>) -> Result<String> {
        if let Some((of, until, picture)) = &self.last
            && of.as_deref() == manager
            && Instant::now() < *until
        {
            return Ok(picture.clone());
        }
        let mut picture = self.source.look(manager.map_or(Wanted::First, Wanted::One))?.json();
        if let Some(insides) = picture["insides"].as_array_mut() {
            insides.iter_mut().for_each(shorten);
        }
        let picture = picture.to_string();
        let until = Instant::now() + self.source.pause(self.interval);
        self.last = Some((manager.map(str::to_owned), until, picture.clone()));
        Ok(picture)
    }
}

/// Leaves out the rows that are too many: of the variables those that change least.
fn shorten(inside: &mut Json) {
    for (part, rate) in [("variables", true), ("locks", false), ("clients", false)] {
        let Some(rows) = inside[part].as_array_mut() else { continue };
        let missing = rows.len().saturating_sub(ROWS);
        if missing > 0 && rate {
            let rate = |row: &Json| row["changes_per_second"].as_f64().unwrap_or(0.0);
            rows.sort_by(|one, other| rate(other).total_cmp(&rate(one)));
        }
        rows.truncate(ROWS);
        inside[format!("missing_{part}")] = missing.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_port_or_a_host_with_one() {
        assert_eq!(resolve("8000").unwrap(), ["127.0.0.1:8000".parse().unwrap()]);
        assert_eq!(resolve("[::1]:80").unwrap(), ["[::1]:80".parse().unwrap()]);
        for wrong in ["", "127.0.0.1", "65536", "host:port"] {
            assert!(resolve(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rows_beyond_the_limit_are_counted() {
        let rows: Vec<_> = (0..1500).map(|index| serde_json::json!({"changes_per_second": index})).collect();
        let mut inside = serde_json::json!({"variables": rows, "locks": []});
        shorten(&mut inside);
        assert_eq!(inside["variables"].as_array().unwrap().len(), ROWS);
        assert_eq!((&inside["missing_variables"], &inside["missing_locks"]), (&500.into(), &0.into()));
        assert_eq!(inside["variables"][0]["changes_per_second"], 1499);
    }
}
