//! Any bytes can be sent to an endpoint mapper and to who asks one: neither holds more than a packet, and what is read as a question or an answer comes back as it was when it is written again.

use std::net::Ipv4Addr;

use svckit_scmr::mapper::{Lookup, MapAnswer, MapRequest, Mapper, Step, Tower};

pub(crate) fn check(data: &[u8]) {
    if let Ok(request) = MapRequest::decode(data) {
        assert_eq!(MapRequest::decode(&request.encode()), Ok(request));
    }
    if let Ok(answer) = MapAnswer::decode(data) {
        assert_eq!(MapAnswer::decode(&answer.encode(16)), Ok(answer));
    }
    let mut mapper = Mapper::new(Tower::of_scm(1, Ipv4Addr::LOCALHOST));
    let (mut lookup, hello) = Lookup::start();
    let _ = Mapper::new(Tower::of_scm(1, Ipv4Addr::LOCALHOST)).receive(data);
    if mapper.receive(&hello).is_ok() {
        let _ = mapper.receive(data);
    }
    for piece in data.chunks(100) {
        match lookup.receive(piece) {
            Ok(Step::More(more, _)) => lookup = more,
            _ => return,
        }
    }
}
