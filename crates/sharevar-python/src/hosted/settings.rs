//! The security of a connection, by the arguments that Python has for it.

use super::raise;
use pyo3::prelude::*;
use sharevar_transport::{Key, LARGEST_FRAME, Settings, Tls};
use std::path::PathBuf;

/// Of a host. `tls` are the files of its certificates and of its private key.
pub(super) fn of_host(key: &[u8], plaintext: bool, tls: Option<(PathBuf, PathBuf)>) -> PyResult<Settings> {
    let tls = tls.map(|(certificates, private_key)| Tls::host(&certificates, &private_key));
    with_tls(key, plaintext, tls)
}

/// Of a client. `tls` are the file of the authorities that it trusts, and the name that the
/// host's certificate must have, if that is another than the one in the address.
pub(super) fn of_client(
    key: &[u8],
    plaintext: bool,
    tls: Option<(PathBuf, Option<String>)>,
) -> PyResult<Settings> {
    let tls = tls.map(|(authorities, name)| Tls::client(&authorities, name.as_deref()));
    with_tls(key, plaintext, tls)
}

fn with_tls(key: &[u8], plaintext: bool, tls: Option<sharevar_transport::Result<Tls>>) -> PyResult<Settings> {
    let tls = tls.transpose().map_err(|error| raise::transport(&error))?;
    // Programs of the standard library know no limit.
    Ok(Settings { key: Key::new(key), plaintext, tls, max_frame: LARGEST_FRAME })
}
