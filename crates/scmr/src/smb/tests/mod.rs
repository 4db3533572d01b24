//! The client against a server for tests, in every dialect and with every cipher, and what it must not put up with.

mod server;
mod tickets;
mod vectors;

use svckit_core::secret::Secret;
use zeroize::Zeroizing;

use self::server::{Server, Twist};
use super::crypto::{Algorithm, Cipher};
use super::frame::{NtStatus, command};
use super::negotiate::Dialect;
use super::{Connecting, During, Pipe, Progress, Request, SmbError};
use crate::auth::{Account, Initiate, NtHash, ntlm, spnego};
use crate::ops::Password;
use crate::secret;

/// A fragment of RPC, as far as a pipe looks at it.
fn fragment(length: u16, fill: u8) -> Vec<u8> {
    let mut fragment = vec![fill; length.into()];
    fragment[8..10].copy_from_slice(&length.to_le_bytes());
    fragment
}

fn initiate(password: &str) -> Box<dyn Initiate> {
    Box::new(spnego::Initiator::new(ntlm::Credentials {
        account: Account { user: "ann".into(), domain: "SHOP".into(), workstation: String::new() },
        hash: NtHash::of(&Secret::from(password)),
        service: "cifs/db1".into(),
        random: Zeroizing::new([0x5a; 24]),
        time: 133_000_000_000_000_000,
    }))
}

/// Connects; what the server sends comes in pieces of this size.
fn connect(server: &mut Server, password: &str, piece: usize) -> Result<Pipe, SmbError> {
    connect_by(server, initiate(password), piece)
}

/// The same, with another logon.
fn connect_by(server: &mut Server, security: Box<dyn Initiate>, piece: usize) -> Result<Pipe, SmbError> {
    let request = Request { host: "db1".into(), pipe: "svcctl".into(), random: [7; 48] };
    let (mut connecting, mut bytes) = Connecting::start(request, security)?;
    loop {
        let output = server.receive(&bytes);
        assert!(!output.is_empty(), "nobody has anything to say");
        for piece in output.chunks(piece) {
            match connecting.receive(piece)? {
                Progress::Connecting(more) => connecting = more,
                Progress::Open(pipe) => return Ok(pipe),
            }
        }
        bytes = connecting.take_output();
    }
}

/// Lets both sides speak until neither has anything to say.
fn talk(pipe: &mut Pipe, server: &mut Server) -> Result<(), SmbError> {
    loop {
        let output = pipe.take_output();
        if output.is_empty() {
            return Ok(());
        }
        pipe.receive(&server.receive(&output))?;
    }
}

/// Everything that can be agreed upon.
fn agreements() -> Vec<(Dialect, Algorithm, Option<Cipher>)> {
    use Algorithm::{Cmac, Gmac};
    let ciphers = [Cipher::Aes128Ccm, Cipher::Aes128Gcm, Cipher::Aes256Ccm, Cipher::Aes256Gcm];
    let mut all = Vec::new();
    for dialect in [Dialect::V3_0, Dialect::V3_0_2] {
        all.extend([(dialect, Cmac, None), (dialect, Cmac, Some(Cipher::Aes128Ccm))]);
    }
    for algorithm in [Cmac, Gmac] {
        all.push((Dialect::V3_1_1, algorithm, None));
        all.extend(ciphers.map(|cipher| (Dialect::V3_1_1, algorithm, Some(cipher))));
    }
    all
}

#[test]
fn what_is_written_comes_back_however_it_is_protected() {
    for (dialect, algorithm, cipher) in agreements() {
        for (twist, piece) in [(Twist::Nothing, 4096), (Twist::Later, 1), (Twist::Stingy, 100)] {
            let mut server = Server::new(dialect, algorithm, cipher, twist);
            let mut pipe = connect(&mut server, "pw", piece).unwrap();
            assert_eq!(pipe.cipher(), cipher);
            let (one, two) = (fragment(300, 1), fragment(20, 2));
            pipe.write(&[one.clone(), two.clone()].concat()).unwrap();
            talk(&mut pipe, &mut server).unwrap();
            assert_eq!(server.writes, [one.clone(), two.clone()], "a fragment for each write");
            assert_eq!(pipe.take_data(), one);
            pipe.want().unwrap();
            talk(&mut pipe, &mut server).unwrap();
            assert_eq!((pipe.take_data(), pipe.has_ended()), (two, false));
            let is_confirmed = server.commands.contains(&command::IOCTL);
            assert_eq!(is_confirmed, dialect != Dialect::V3_1_1, "{dialect:?}");
        }
    }
}

#[test]
fn a_password_goes_with_the_key_of_the_session_and_only_if_everything_is_encrypted() {
    for (dialect, algorithm, cipher) in agreements() {
        let mut server = Server::new(dialect, algorithm, cipher, Twist::Nothing);
        let pipe = connect(&mut server, "pw", 4096).unwrap();
        for text in ["", "secret", "ein längeres, für vier Blöcke 🔑"] {
            let sent = pipe.password(&Secret::from(text));
            assert_eq!(sent.is_some(), cipher.is_some(), "{dialect:?}, {cipher:?}");
            let (Some(sent), Some(key)) = (sent, server.application_key()) else { continue };
            let clear = secret::decrypt(key, sent.as_bytes()).unwrap();
            assert_eq!(*clear, Password::new(text).as_bytes(), "with its terminator");
        }
    }
}

#[test]
fn a_read_waits_while_something_else_is_written() {
    let mut server = Server::new(Dialect::V3_1_1, Algorithm::Gmac, Some(Cipher::Aes128Gcm), Twist::Nothing);
    let mut pipe = connect(&mut server, "pw", 4096).unwrap();
    pipe.want().unwrap();
    talk(&mut pipe, &mut server).unwrap();
    assert_eq!((pipe.take_data(), pipe.has_ended()), (Vec::new(), false));
    pipe.write(&fragment(40, 3)).unwrap();
    talk(&mut pipe, &mut server).unwrap();
    assert_eq!(pipe.take_data(), fragment(40, 3));
    assert_eq!(server.commands.iter().filter(|command| **command == command::READ).count(), 1);
    pipe.close().unwrap();
    talk(&mut pipe, &mut server).unwrap();
    assert!(pipe.has_ended());
    assert_eq!(server.commands[server.commands.len() - 2..], [command::CLOSE, command::LOGOFF]);
}

#[test]
fn what_is_less_than_signed_by_somebody_who_is_known_is_left() {
    let old = (Dialect::V3_0, Algorithm::Cmac, None);
    for (dialect, algorithm, cipher) in agreements() {
        for (twist, expected) in [
            (Twist::Guest, SmbError::Guest),
            (Twist::Unsigned, SmbError::Unsigned),
            (Twist::WrongSignature, SmbError::Altered),
            (Twist::Plain, SmbError::Unsigned),
            (Twist::Old, SmbError::Dialect),
        ] {
            let mut server = Server::new(dialect, algorithm, cipher, twist);
            assert_eq!(connect(&mut server, "pw", 4096).err(), Some(expected), "{twist:?}, {dialect:?}");
        }
    }
    let mut server = Server::new(old.0, old.1, old.2, Twist::Downgraded);
    assert_eq!(connect(&mut server, "pw", 4096).err(), Some(SmbError::Downgraded));
    let mut server = Server::new(old.0, old.1, old.2, Twist::KnowsNoValidation);
    connect(&mut server, "pw", 4096).unwrap();
}

#[test]
fn who_is_refused_hears_why() {
    let server = |twist| Server::new(Dialect::V3_1_1, Algorithm::Cmac, None, twist);
    let error = connect(&mut server(Twist::Nothing), "wrong", 4096).unwrap_err();
    assert_eq!(error, SmbError::Refused { during: During::Logon, status: NtStatus::LOGON_FAILURE });
    let error = connect(&mut server(Twist::NoPipe), "pw", 4096).unwrap_err();
    assert_eq!(error, SmbError::Refused { during: During::Open, status: NtStatus::OBJECT_NAME_NOT_FOUND });
    assert_eq!(error.to_string(), "it refuses the pipe: STATUS_OBJECT_NAME_NOT_FOUND");
}

#[test]
fn what_changes_on_its_way_is_noticed() {
    for cipher in [None, Some(Cipher::Aes128Gcm)] {
        let mut server = Server::new(Dialect::V3_1_1, Algorithm::Cmac, cipher, Twist::Nothing);
        let mut pipe = connect(&mut server, "pw", 4096).unwrap();
        pipe.write(&fragment(40, 3)).unwrap();
        let mut answers = server.receive(&pipe.take_output());
        *answers.last_mut().unwrap() ^= 1;
        assert_eq!(pipe.receive(&answers), Err(SmbError::Altered));
    }
}

#[test]
fn answers_that_nobody_waits_for_are_errors() {
    let mut server = Server::new(Dialect::V3_1_1, Algorithm::Cmac, Some(Cipher::Aes128Ccm), Twist::Nothing);
    let mut pipe = connect(&mut server, "pw", 4096).unwrap();
    pipe.write(&fragment(40, 3)).unwrap();
    let answers = server.receive(&pipe.take_output());
    pipe.receive(&answers).unwrap();
    assert_eq!(pipe.receive(&answers), Err(SmbError::OutOfTurn { command: command::WRITE }));

    let (connecting, _) =
        Connecting::start(Request { host: "db1".into(), pipe: "p".into(), random: [0; 48] }, initiate("pw"))
            .unwrap();
    let error = connecting.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap_err();
    assert_eq!(error, SmbError::Malformed { what: "the length of a message" });
}
