//! Any bytes can be sent to a server and to a client: they end the connection or are understood, and what is held stays within limits. The first
//! byte says in which pieces they come.

use svckit_core::Win32Error;
use svckit_core::native::Reply;
use svckit_scmr::client::{Binding, Progress};
use svckit_scmr::server::{Incoming, MAX_CALLS, Server};

pub(crate) fn check(data: &[u8]) {
    let Some((size, bytes)) = data.split_first() else { return };
    let size = usize::from(*size).max(1) * 16;
    serve(bytes, size);
    let mut progress = Progress::Binding(Binding::start().0);
    for piece in bytes.chunks(size) {
        progress = match progress {
            Progress::Binding(binding) => match binding.receive(piece) {
                Ok(progress) => progress,
                Err(_) => return,
            },
            Progress::Ready(mut client) => match client.receive(piece) {
                Ok(_) => Progress::Ready(client),
                Err(_) => return,
            },
        };
    }
}

fn serve(bytes: &[u8], size: usize) {
    let mut server = Server::new(4096);
    for piece in bytes.chunks(size) {
        let Ok(incoming) = server.receive(piece) else { return };
        assert!(server.calls_under_way() <= MAX_CALLS);
        for (index, incoming) in incoming.into_iter().enumerate() {
            // Some calls stay without an answer, as those that wait do.
            match incoming {
                _ if index % 4 == 3 => {}
                Incoming::Call { call_id, call } => {
                    server.answer(call_id, &call.refuse(Win32Error::ACCESS_DENIED));
                }
                Incoming::Native { call_id, .. } => server.reply(call_id, &Reply::Done),
                Incoming::LoggedOn(_) | Incoming::LogonFailed { .. } => panic!("nobody was asked who it is"),
            }
        }
        drop(server.take_output());
    }
}
