//! Requests and replies: read as they were written, and nothing that is damaged is believed.

use proptest::prelude::*;
use sharevar::hosted::protocol::{
    Raised, Refusal, Reply, Request, TooLong, part, write_reply, write_request,
};

/// A request that holds what it says.
#[derive(Debug, Clone, PartialEq)]
enum Asked {
    Call(u64, String, Vec<u8>),
    Batch(Vec<Asked>),
    Release(Vec<(u64, u32)>),
    Create(String, String, Vec<u8>),
    Retain(u64),
    Find(String),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn one_request() -> impl Strategy<Value = Asked> {
    prop_oneof![
        (any::<u64>(), ".{0,20}", bytes())
            .prop_map(|(object, method, rest)| Asked::Call(object, method, rest)),
        (".{0,20}", ".{0,20}", bytes()).prop_map(|(typeid, name, rest)| Asked::Create(typeid, name, rest)),
        any::<u64>().prop_map(Asked::Retain),
        ".{0,20}".prop_map(Asked::Find),
    ]
}

fn request() -> impl Strategy<Value = Asked> {
    prop_oneof![
        4 => one_request(),
        1 => prop::collection::vec(one_request(), 0..6).prop_map(Asked::Batch),
        1 => prop::collection::vec(any::<(u64, u32)>(), 0..6).prop_map(Asked::Release),
    ]
}

fn write_asked(frame: &mut Vec<u8>, asked: &Asked) {
    match asked {
        Asked::Call(object, method, arguments) => {
            write_request::call(frame, *object, method).unwrap();
            frame.extend_from_slice(arguments);
        }
        Asked::Batch(requests) => {
            write_request::batch(frame, requests.len()).unwrap();
            for request in requests {
                part(frame, |frame| write_asked(frame, request)).unwrap();
            }
        }
        Asked::Release(references) => write_request::release(frame, references.iter().copied()),
        Asked::Create(typeid, constructor, arguments) => {
            write_request::create(frame, typeid, constructor).unwrap();
            frame.extend_from_slice(arguments);
        }
        Asked::Retain(object) => write_request::retain(frame, *object),
        Asked::Find(name) => write_request::find(frame, name).unwrap(),
    }
}

fn read_asked(request: Request<'_>) -> Asked {
    match request {
        Request::Call { object, method, arguments } => Asked::Call(object, method.into(), arguments.into()),
        Request::Batch(batch) => Asked::Batch(batch.into_iter().map(read_asked).collect()),
        Request::Release(releases) => Asked::Release(releases),
        Request::Create { typeid, constructor, arguments } => {
            Asked::Create(typeid.into(), constructor.into(), arguments.into())
        }
        Request::Retain { object } => Asked::Retain(object),
        Request::Find { name } => Asked::Find(name.into()),
    }
}

/// A reply that holds what it says.
#[derive(Debug, Clone, PartialEq)]
enum Answered {
    Returned(Vec<u8>),
    Raised(String, String, String, Vec<u8>),
    Refused(Refusal, String),
    Object(u64, String, Vec<String>),
    Itself,
    Stream(u64),
    Many(Vec<Answered>),
    Panicked(String),
}

fn one_reply() -> impl Strategy<Value = Answered> {
    prop_oneof![
        bytes().prop_map(Answered::Returned),
        (".{0,9}", ".{0,30}", ".{0,30}", bytes()).prop_map(|(typename, message, traceback, value)| {
            Answered::Raised(typename, message, traceback, value)
        }),
        (prop::sample::select(Refusal::ALL.to_vec()), ".{0,30}")
            .prop_map(|(refusal, message)| Answered::Refused(refusal, message)),
        (any::<u64>(), ".{0,9}", prop::collection::vec(".{0,9}", 0..5))
            .prop_map(|(object, typeid, exposed)| Answered::Object(object, typeid, exposed)),
        Just(Answered::Itself),
        any::<u64>().prop_map(Answered::Stream),
        ".{0,30}".prop_map(Answered::Panicked),
    ]
}

fn reply() -> impl Strategy<Value = Answered> {
    prop_oneof![
        4 => one_reply(),
        1 => prop::collection::vec(one_reply(), 0..6).prop_map(Answered::Many),
    ]
}

fn write_answered(frame: &mut Vec<u8>, answered: &Answered) {
    match answered {
        Answered::Returned(value) => {
            write_reply::returned(frame);
            frame.extend_from_slice(value);
        }
        Answered::Raised(typename, message, traceback, value) => {
            write_reply::raised(frame, &Raised { typename, message, traceback, value }).unwrap();
        }
        Answered::Refused(refusal, message) => write_reply::refused(frame, *refusal, message).unwrap(),
        Answered::Object(object, typeid, exposed) => {
            write_reply::object(frame, *object, typeid, exposed.iter().map(String::as_str)).unwrap();
        }
        Answered::Itself => write_reply::itself(frame),
        Answered::Stream(object) => write_reply::stream(frame, *object),
        Answered::Many(replies) => {
            write_reply::many(frame, replies.len()).unwrap();
            for reply in replies {
                part(frame, |frame| write_answered(frame, reply)).unwrap();
            }
        }
        Answered::Panicked(message) => write_reply::panicked(frame, message).unwrap(),
    }
}

fn read_answered(reply: Reply<'_>) -> Answered {
    match reply {
        Reply::Returned(value) => Answered::Returned(value.into()),
        Reply::Raised(Raised { typename, message, traceback, value }) => {
            Answered::Raised(typename.into(), message.into(), traceback.into(), value.into())
        }
        Reply::Refused(refusal, message) => Answered::Refused(refusal, message.into()),
        Reply::Object(object) => Answered::Object(
            object.object,
            object.typeid.into(),
            object.exposed.into_iter().map(str::to_owned).collect(),
        ),
        Reply::Itself => Answered::Itself,
        Reply::Stream { object } => Answered::Stream(object),
        Reply::Many(many) => Answered::Many(many.into_iter().map(read_answered).collect()),
        Reply::Panicked(message) => Answered::Panicked(message.into()),
    }
}

/// Whether a frame that was cut off may still be one: its end is open.
fn has_open_end(frame: &[u8]) -> bool {
    // CALL, CREATE, RELEASE of whole entries, RETURNED and RAISED.
    matches!(frame[0], 1 | 3 | 4 | 129 | 130)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_request_is_read_as_it_was_written(asked in request()) {
        let mut frame = Vec::new();
        write_asked(&mut frame, &asked);
        prop_assert_eq!(read_asked(Request::read(&frame).unwrap()), asked);
    }

    #[test]
    fn a_reply_is_read_as_it_was_written(answered in reply()) {
        let mut frame = Vec::new();
        write_answered(&mut frame, &answered);
        prop_assert_eq!(read_answered(Reply::read(&frame).unwrap()), answered);
    }

    #[test]
    fn a_frame_that_was_cut_off_or_goes_on_is_an_error(
        asked in request(), answered in reply(), cut in any::<prop::sample::Index>(), more in 1..20_usize,
    ) {
        let (mut request, mut reply) = (Vec::new(), Vec::new());
        write_asked(&mut request, &asked);
        write_answered(&mut reply, &answered);
        if !has_open_end(&request) {
            prop_assert!(Request::read(&request[..cut.index(request.len())]).is_err());
            request.resize(request.len() + more, 0);
            prop_assert!(Request::read(&request).is_err());
        }
        if !has_open_end(&reply) {
            let shorter = Reply::read(&reply[..cut.index(reply.len())]);
            prop_assert!(shorter.is_err());
            reply.resize(reply.len() + more, 0);
            prop_assert!(Reply::read(&reply).is_err());
        }
    }

    /// Whatever is read out of any bytes is written as these bytes again: nothing is overlooked.
    #[test]
    fn any_bytes_are_an_error_or_what_they_say(kind in any::<u8>(), rest in prop::collection::vec(0..4_u8, 0..60)) {
        for kind in [kind, kind % 8, 128 + kind % 16] {
            let mut frame = vec![kind];
            frame.extend_from_slice(&rest);
            if let Ok(request) = Request::read(&frame) {
                let mut again = Vec::new();
                write_asked(&mut again, &read_asked(request));
                prop_assert_eq!(&again, &frame);
            }
            if let Ok(reply) = Reply::read(&frame) {
                let mut again = Vec::new();
                write_answered(&mut again, &read_answered(reply));
                prop_assert_eq!(&again, &frame);
            }
        }
    }

    #[test]
    fn a_changed_byte_is_an_error_or_says_what_it_says(
        asked in request(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut frame = Vec::new();
        write_asked(&mut frame, &asked);
        let place = place.index(frame.len());
        frame[place] = byte;
        if let Ok(request) = Request::read(&frame) {
            let mut again = Vec::new();
            write_asked(&mut again, &read_asked(request));
            prop_assert_eq!(&again, &frame);
        }
    }
}

#[test]
fn the_bytes_are_those_of_the_page() {
    let mut frame = Vec::new();
    write_request::call(&mut frame, 0x0102, "add").unwrap();
    frame.extend_from_slice(b"\xc9\0\0\0\x02\x02\x91\x05");
    assert_eq!(frame, b"\x01\x02\x01\0\0\0\0\0\0\x03\0add\xc9\0\0\0\x02\x02\x91\x05");
    let mut frame = Vec::new();
    write_request::release(&mut frame, [(1, 2)]);
    assert_eq!(frame, b"\x03\x01\0\0\0\0\0\0\0\x02\0\0\0");
    let mut frame = Vec::new();
    write_reply::object(&mut frame, 7, "Counter", ["add"].into_iter()).unwrap();
    assert_eq!(frame, b"\x84\x07\0\0\0\0\0\0\0\x07\0Counter\x01\0\x03\0add");
    let mut frame = Vec::new();
    write_reply::refused(&mut frame, Refusal::NotExposed, "no").unwrap();
    assert_eq!(frame, b"\x83\x02\x02\0\0\0no");
}

#[test]
fn a_frame_that_claims_four_gigabytes_asks_for_no_memory() {
    // A batch of as many requests as can be said, and a part and a text as long as can be said.
    for frame in [&b"\x02\xff\xff\xff\xff"[..], b"\x02\x01\0\0\0\xff\xff\xff\xff\x05", b"\x06\xff\xffa"] {
        assert!(Request::read(frame).is_err());
    }
    for frame in [&b"\x87\xff\xff\xff\xff"[..], b"\x88\xff\xff\xff\xffa", b"\x83\x01\xff\xff\xff\xffa"] {
        assert!(Reply::read(frame).is_err());
    }
}

#[test]
fn a_batch_holds_no_batch_and_no_release() {
    for inner in [Asked::Batch(Vec::new()), Asked::Release(vec![(1, 1)])] {
        let mut frame = Vec::new();
        write_asked(&mut frame, &Asked::Batch(vec![Asked::Retain(1), inner]));
        assert!(Request::read(&frame).is_err());
    }
    let mut frame = Vec::new();
    write_answered(&mut frame, &Answered::Many(vec![Answered::Many(Vec::new())]));
    assert!(Reply::read(&frame).is_err());
}

/// A thread's stack would end within them.
#[test]
fn a_batch_of_very_many_in_each_other_is_an_error() {
    for kind in [2, 135] {
        let mut frame = Vec::new();
        for inner in (0..100_000_u32).rev() {
            frame.extend_from_slice(&[kind, 1, 0, 0, 0]);
            frame.extend_from_slice(&(5 + 9 * inner).to_le_bytes());
        }
        frame.extend_from_slice(&[kind, 0, 0, 0, 0]);
        assert!(Request::read(&frame).is_err() && Reply::read(&frame).is_err());
    }
}

#[test]
fn a_name_that_does_not_fit_is_an_error() {
    let long = "x".repeat(70_000);
    let expected = TooLong { what: "method's name", length: 70_000, limit: 65_535 };
    assert_eq!(write_request::call(&mut Vec::new(), 1, &long), Err(expected));
    let mut frame = Vec::new();
    assert!(write_reply::object(&mut frame, 1, "t", [long.as_str()].into_iter()).is_err());
}
