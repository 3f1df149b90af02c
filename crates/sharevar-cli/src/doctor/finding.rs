//! The results of looks.

/// The result of one look.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) subject: String,
    pub(super) is_good: bool,
    pub(super) text: String,
}

pub(super) fn good(subject: &str, text: impl Into<String>) -> Finding {
    Finding { subject: subject.to_owned(), is_good: true, text: text.into() }
}

/// Something that keeps managers from working; the text says why, and what to do.
pub(super) fn bad(subject: &str, text: impl Into<String>) -> Finding {
    Finding { subject: subject.to_owned(), is_good: false, text: text.into() }
}
