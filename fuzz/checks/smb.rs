//! Any bytes can come from a server of SMB: at the first word, and in the middle of a logon. Of a session that was recorded some bytes are changed, too.

use svckit_core::secret::Secret;
use svckit_scmr::auth::{Account, NtHash, ntlm, spnego};
use svckit_scmr::smb::{Connecting, Progress, Request, SmbError, read_as_anything};

pub(crate) fn check(data: &[u8]) {
    read_as_anything(data);
    let Ok(mut connecting) = connecting() else { return };
    let mut pieces = data.chunks(100);
    let mut pipe = loop {
        let Some(piece) = pieces.next() else { return };
        match connecting.receive(piece) {
            Ok(Progress::Connecting(more)) => connecting = more,
            Ok(Progress::Open(pipe)) => break pipe,
            Err(_) => return,
        }
    };
    // Something was said, as whoever opens a pipe would.
    let _ = pipe.write(&[0; 64]);
    for piece in pieces {
        if pipe.receive(piece).is_err() {
            return;
        }
        assert!(pipe.take_data().len() <= 128 * 1024, "more than a message");
    }
}

/// The client of the recorded sessions: nothing of it may change, or they lead nowhere.
pub(crate) fn connecting() -> Result<Connecting, SmbError> {
    let request = Request { host: "127.0.0.1".to_owned(), pipe: "svcctl".to_owned(), random: [7; 48] };
    let security = spnego::Initiator::new(ntlm::Credentials {
        account: Account { user: "root".to_owned(), ..Account::default() },
        hash: NtHash::of(&Secret::from("a password")),
        service: "cifs/127.0.0.1".to_owned(),
        random: [0x5a; 24].into(),
        time: 133_000_000_000_000_000,
    });
    Ok(Connecting::start(request, Box::new(security))?.0)
}
