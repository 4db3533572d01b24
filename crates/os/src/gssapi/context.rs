use std::ffi::c_int;
use std::ops::Range;
use std::sync::Arc;
use std::{fmt, ptr};

use svckit_core::kerberos::{Context, Failure, Step, Style};
use zeroize::Zeroizing;

use super::Credentials;
use super::library::{
    Buffer, BufferSet, COMPLETE, CONTINUE, Functions, KERBEROS, Name, Opaque, Part, SESSION_KEY,
};

/// What both sides have to agree to (RFC 2744 5.19, [MS-KILE] 3.4.5): each knows the other, nothing is repeated or left out, packets are sealed and signed, in the style of DCE.
const NEEDED: [(u32, &str); 6] = [
    (0x0002, "that both sides show who they are"),
    (0x0004, "that nothing is repeated"),
    (0x0008, "that nothing is left out"),
    (0x0020, "signing"),
    (0x0010, "sealing"),
    (0x1000, "the style of DCE"),
];

/// How many of these there are where somebody else seals, who has a style of its own.
const NEEDED_TO_SIGN: usize = 4;

/// One side of a connection.
pub(super) struct Security {
    credentials: Arc<Credentials>,
    handle: Opaque,
    side: Side,
    style: Style,
    signature: usize,
}

enum Side {
    /// Ours is the client's; the server is this.
    Client(Name),
    /// Ours is the server's; the client is this.
    Server(Option<Name>),
}

// SAFETY: a context is used by one thread at a time, whichever that is.
unsafe impl Send for Security {}

impl Security {
    pub(super) fn initiator(
        credentials: Arc<Credentials>,
        service: &str,
        host: &str,
        style: Style,
    ) -> Result<Self, Failure> {
        let side = Side::Client(credentials.service(service, host)?);
        Ok(Self { credentials, handle: ptr::null_mut(), side, style, signature: 0 })
    }

    pub(super) fn acceptor(credentials: Arc<Credentials>) -> Self {
        let side = Side::Server(None);
        Self { credentials, handle: ptr::null_mut(), side, style: Style::Dce, signature: 0 }
    }

    /// What the other side has to agree to.
    fn needed(&self) -> &'static [(u32, &'static str)] {
        match self.style {
            Style::Dce => &NEEDED,
            Style::Plain => &NEEDED[..NEEDED_TO_SIGN],
        }
    }

    fn functions(&self) -> &'static Functions {
        self.credentials.functions()
    }

    /// One step of the client: status, token and what was agreed.
    fn initiate(&mut self, server: Opaque, token: &[u8]) -> (Status, Vec<u8>, u32) {
        let functions = self.functions();
        let wanted = self.needed().iter().fold(0, |wanted, (flag, _)| wanted | flag);
        let (mut status, mut agreed) = (Status::default(), 0);
        let (input, mut output) = (Buffer::read(token), Buffer::empty());
        // SAFETY: context, credentials and name are this library's and alive; the buffers live here; what isn't asked for is null.
        status.major = unsafe {
            (functions.init_sec_context)(
                &raw mut status.minor,
                self.credentials.handle(),
                &raw mut self.handle,
                server,
                &raw const KERBEROS,
                wanted,
                0,
                ptr::null(),
                &raw const input,
                ptr::null_mut(),
                &raw mut output,
                &raw mut agreed,
                ptr::null_mut(),
            )
        };
        status.failure = status.failed(functions);
        (status, functions.take(output), agreed)
    }

    /// One step of the server, and who the client is if that is known.
    fn accept(&mut self, token: &[u8]) -> (Status, Vec<u8>, u32, Option<Name>) {
        let functions = self.functions();
        let (mut status, mut agreed, mut client) = (Status::default(), 0, ptr::null_mut());
        let (input, mut output) = (Buffer::read(token), Buffer::empty());
        // SAFETY: as above.
        status.major = unsafe {
            (functions.accept_sec_context)(
                &raw mut status.minor,
                &raw mut self.handle,
                self.credentials.handle(),
                &raw const input,
                ptr::null(),
                &raw mut client,
                ptr::null_mut(),
                &raw mut output,
                &raw mut agreed,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        status.failure = status.failed(functions);
        let client = (!client.is_null()).then(|| Name::of(functions, client));
        (status, functions.take(output), agreed, client)
    }

    /// How long signatures are: that of any packet whose sealed part is filled up to blocks.
    fn measure(&self) -> Result<usize, Failure> {
        let (mut minor, mut sealed, mut packet) = (0, 0, [0; 48]);
        let mut parts = parts(&mut [], &mut packet, 24..40);
        let functions = self.functions();
        // SAFETY: the context is alive; the parts are so many.
        let major = unsafe {
            (functions.wrap_iov_length)(
                &raw mut minor,
                self.handle,
                1,
                0,
                &raw mut sealed,
                parts.as_mut_ptr(),
                parts.len() as c_int,
            )
        };
        functions.check(major, minor)?;
        Ok(parts[0].len())
    }
}

/// A packet as the library takes it: the signature, what is signed before the sealed part, that part, and what is signed after it.
fn parts<'a>(signature: &'a mut [u8], packet: &'a mut [u8], sealed: Range<usize>) -> [Part<'a>; 4] {
    let (before, rest) = packet.split_at_mut(sealed.start);
    let (middle, after) = rest.split_at_mut(sealed.len());
    [Part::signature(signature), Part::signed(before), Part::sealed(middle), Part::signed(after)]
}

/// What a step says.
#[derive(Default)]
struct Status {
    major: u32,
    minor: u32,
    failure: Option<Failure>,
}

impl Status {
    /// The failure, asked for before the library does anything else.
    fn failed(&self, functions: &Functions) -> Option<Failure> {
        (!matches!(self.major, COMPLETE | CONTINUE)).then(|| functions.failure(self.major, self.minor))
    }
}

impl Context for Security {
    fn step(&mut self, token: &[u8]) -> Result<Step, Failure> {
        let (status, token, agreed) = match &self.side {
            Side::Client(server) => {
                let server = server.handle();
                self.initiate(server, token)
            }
            Side::Server(_) => {
                let (status, token, agreed, client) = self.accept(token);
                if client.is_some() {
                    self.side = Side::Server(client);
                }
                (status, token, agreed)
            }
        };
        if let Some(failure) = status.failure {
            return Err(failure);
        }
        let is_done = status.major == COMPLETE;
        if is_done {
            if let Some((_, what)) = self.needed().iter().find(|(flag, _)| agreed & flag == 0) {
                return Err(Failure::other(format!("the other side does not agree to {what}")));
            }
            if self.style == Style::Dce {
                self.signature = self.measure()?;
            }
        }
        Ok(Step { token, is_done })
    }

    fn peer(&self) -> Result<String, Failure> {
        match &self.side {
            Side::Client(name) | Side::Server(Some(name)) => name.text(),
            Side::Server(None) => Err(Failure::other("the client has not said who it is")),
        }
    }

    fn signature_length(&self) -> usize {
        self.signature
    }

    fn seal(&mut self, packet: &mut [u8], part: Range<usize>) -> Result<Vec<u8>, Failure> {
        let (mut minor, mut sealed) = (0, 0);
        let mut signature = vec![0; self.signature];
        let mut parts = parts(&mut signature, packet, part);
        let functions = self.functions();
        // SAFETY: the context is alive; the parts are so many, and none is in another.
        let major = unsafe {
            (functions.wrap_iov)(
                &raw mut minor,
                self.handle,
                1,
                0,
                &raw mut sealed,
                parts.as_mut_ptr(),
                parts.len() as c_int,
            )
        };
        functions.check(major, minor)?;
        if sealed == 0 || parts[0].len() != self.signature {
            return Err(Failure::other("the system's GSSAPI did not seal a packet as it was agreed"));
        }
        Ok(signature)
    }

    fn open(&mut self, packet: &mut [u8], part: Range<usize>, signature: &[u8]) -> Result<(), Failure> {
        let (mut minor, mut sealed, mut quality) = (0, 0, 0);
        // It is decrypted in place, too.
        let mut signature = signature.to_vec();
        let mut parts = parts(&mut signature, packet, part);
        let functions = self.functions();
        // SAFETY: as above.
        let major = unsafe {
            (functions.unwrap_iov)(
                &raw mut minor,
                self.handle,
                &raw mut sealed,
                &raw mut quality,
                parts.as_mut_ptr(),
                parts.len() as c_int,
            )
        };
        functions.check(major, minor)?;
        if sealed == 0 {
            return Err(Failure::other("a packet is signed and not sealed"));
        }
        Ok(())
    }

    fn session_key(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (mut minor, mut found) = (0, ptr::null_mut::<BufferSet>());
        let functions = self.functions();
        // SAFETY: the context is alive or null, the identifier is a constant, the set lives here.
        let major = unsafe {
            (functions.inquire_sec_context_by_oid)(
                &raw mut minor,
                self.handle,
                &raw const SESSION_KEY,
                &raw mut found,
            )
        };
        // First, since the texts of an error are gone after the next call.
        let checked = functions.check(major, minor);
        let key = functions.take_first(found);
        checked?;
        if key.is_empty() {
            return Err(Failure::other("the system's GSSAPI does not tell the key of the session"));
        }
        Ok(key)
    }

    fn sign(&mut self, text: &[u8]) -> Result<Vec<u8>, Failure> {
        let (mut minor, mut signature) = (0, Buffer::empty());
        let functions = self.functions();
        let text = Buffer::read(text);
        // SAFETY: the context is alive, the buffers live here.
        let major = unsafe {
            (functions.get_mic)(&raw mut minor, self.handle, 0, &raw const text, &raw mut signature)
        };
        functions.check(major, minor)?;
        Ok(functions.take(signature))
    }

    fn verify(&mut self, text: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let (mut minor, mut quality) = (0, 0);
        let functions = self.functions();
        let (text, signature) = (Buffer::read(text), Buffer::read(signature));
        // SAFETY: as above.
        let major = unsafe {
            (functions.verify_mic)(
                &raw mut minor,
                self.handle,
                &raw const text,
                &raw const signature,
                &raw mut quality,
            )
        };
        functions.check(major, minor)
    }
}

impl fmt::Debug for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Security(***)")
    }
}

impl Drop for Security {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            let mut minor = 0;
            // SAFETY: nobody uses it after this.
            unsafe {
                (self.functions().delete_sec_context)(&raw mut minor, &raw mut self.handle, ptr::null_mut())
            };
        }
    }
}
