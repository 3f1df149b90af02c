//! A request that may come after its sender has given it up.

use crate::client::Client;
use crate::history::{Request, RequestPlace};
use crate::session::Session;
use sharevar::Error;
use std::cell::RefCell;
use std::sync::Arc;

/// The client by which a request was sent last, and its place among that client's.
#[derive(Debug, Default)]
pub(crate) struct Sent(RefCell<Option<(String, RequestPlace)>>);

impl Sent {
    pub(crate) fn note(&self, session: &Session, request: &Request) {
        self.0.replace(Some((session.client.clone(), request.place)));
    }

    /// The request, if it was not answered and its client goes on: what others have begun ended with their leases.
    pub(crate) fn unanswered(&self, client: &Client, error: &Error) -> Option<(Arc<Session>, RequestPlace)> {
        if error.happened().is_some() {
            return None;
        }
        let (sender, place) = self.0.take()?;
        let session = client.session().ok()?;
        (session.client == sender).then_some((session, place))
    }
}
