//! Messages from a publisher to a subscriber, in one thread.

use super::node;
use crate::failure::{Result, describe};
use crate::operation::Operation;
use crate::rows::number;
use std::path::Path;

pub fn start(folder: &Path) -> Result<Vec<Operation>> {
    let node = node(folder)?;
    let service = node
        .service_builder(&"sharevar/bench/numbers".try_into().map_err(describe)?)
        .publish_subscribe::<u64>()
        .create()
        .map_err(describe)?;
    let publisher = service.publisher_builder().create().map_err(describe)?;
    let subscriber = std::rc::Rc::new(service.subscriber_builder().create().map_err(describe)?);
    let left = subscriber.clone();
    Ok(vec![
        Operation::new("put and get", move |item| {
            publisher.send_copy(number(item)).expect("room");
            *subscriber.receive().expect("no damage").expect("it is there")
        })
        .stores(move || u64::from(left.receive().expect("no damage").is_some())),
    ])
}
