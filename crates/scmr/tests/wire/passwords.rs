//! Judges of how passwords go through a pipe: impacket of the cipher, Samba's `smbd` of the key as well. Its service control manager takes no passwords, but its LSA takes secrets in the same form ([MS-LSAD] 3.1.4.6.3), decrypts
//! them with the key that it has of the session, and keeps them where they can be read.

use svckit_core::secret::Secret;
use svckit_scmr::auth::{Account, NtHash, ntlm, spnego};
use svckit_scmr::ops::Password;
use svckit_testkit::samba::{ADMINISTRATOR, PASSWORD, Samba};

use crate::impacket::{hex, impacket};
use crate::smb_pipe::Open;

/// `12345778-1234-abcd-ef00-0123456789ab`, version 0.0 ([MS-LSAD] 1.9), and NDR32.
const LSA: [u8; 20] = *b"\x78\x57\x34\x12\x34\x12\xcd\xab\xef\x00\x01\x23\x45\x67\x89\xab\0\0\0\0";
const NDR: [u8; 20] = *b"\x04\x5d\x88\x8a\xeb\x1c\xc9\x11\x9f\xe8\x08\x00\x2b\x10\x48\x60\x02\0\0\0";

const OPEN_POLICY: u16 = 44;
const CREATE_SECRET: u16 = 16;
const SET_SECRET: u16 = 29;

/// `MAXIMUM_ALLOWED`.
const ALL: [u8; 4] = 0x0200_0000_u32.to_le_bytes();

/// What a secret of another key is refused with: the version is no version.
const UNKNOWN_REVISION: u32 = 0xC000_0058;

/// Samba's LSA at the end of a pipe.
struct Lsa(Open);

impl Lsa {
    fn open(samba: &Samba) -> Self {
        let security = spnego::Initiator::new(ntlm::Credentials {
            account: Account { user: ADMINISTRATOR.into(), ..Account::default() },
            hash: NtHash::of(&Secret::from(PASSWORD)),
            service: "cifs/127.0.0.1".into(),
            random: [0x5a; 24].into(),
            time: 133_000_000_000_000_000,
        });
        Self(Open::new(samba.port(), "127.0.0.1", "lsarpc", Box::new(security)))
    }

    /// Sends a unit of RPC (C706 12.6.3) and takes the one that answers it.
    fn exchange(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(16 + body.len()).unwrap().to_le_bytes();
        let header = [&[5, 0, kind, 3, 0x10, 0, 0, 0][..], &length, &[0, 0, 1, 0, 0, 0]].concat();
        self.0.write(&[&header, body].concat());
        let mut answer = Vec::new();
        while answer.len() < 16 || answer.len() < usize::from(u16::from_le_bytes([answer[8], answer[9]])) {
            answer.extend(self.0.read());
        }
        answer
    }

    fn bind(&mut self) {
        let sizes = [0xb8, 0x10, 0xb8, 0x10, 0, 0, 0, 0];
        let answer = self.exchange(11, &[&sizes[..], &[1, 0, 0, 0, 0, 0, 1, 0], &LSA, &NDR].concat());
        assert_eq!(answer[2], 12, "bound");
    }

    /// Makes a call: what its answer has, and its status.
    fn call(&mut self, opnum: u16, stub: &[u8]) -> (Vec<u8>, u32) {
        let answer = self.exchange(0, &[&[0; 6][..], &opnum.to_le_bytes(), stub].concat());
        assert_eq!(answer[2], 2, "no fault");
        let (stub, status) = answer[24..].split_last_chunk::<4>().unwrap();
        (stub.to_vec(), u32::from_le_bytes(*status))
    }

    /// A secret of that name, as `LsarCreateSecret` gives it.
    fn secret(&mut self, name: &str) -> Vec<u8> {
        self.bind();
        let attributes = [24_u32, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
        let (policy, status) = self.call(OPEN_POLICY, &[&[0; 4], &attributes[..], &ALL].concat());
        assert_eq!((policy.len(), status), (20, 0));
        let (secret, status) = self.call(CREATE_SECRET, &[&policy[..], &string(name), &ALL].concat());
        assert_eq!((secret.len(), status), (20, 0));
        secret
    }

    fn set(&mut self, secret: &[u8], encrypted: &Password) -> u32 {
        let none = [0; 4];
        self.call(SET_SECRET, &[secret, &blob(encrypted.as_bytes()), &none].concat()).1
    }
}

/// An `RPC_UNICODE_STRING`.
fn string(text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = u16::try_from(units.len()).unwrap().to_le_bytes();
    let count = u32::try_from(units.len() / 2).unwrap().to_le_bytes();
    aligned([&length[..], &length, &[0, 0, 2, 0], &count, &[0; 4], &count, &units].concat())
}

/// A pointer to an `LSAPR_CR_CIPHER_VALUE`.
fn blob(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let [referent, inner] = [[0, 0, 2, 0], [4, 0, 2, 0]];
    aligned([&referent[..], &length, &length, &inner, &length, &[0; 4], &length, bytes].concat())
}

fn aligned(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// Everything that can be agreed upon and is encrypted, as Samba is told to demand it.
fn encrypted() -> Vec<String> {
    let ciphers = ["AES-128-CCM", "AES-128-GCM", "AES-256-CCM", "AES-256-GCM"].map(|cipher| {
        format!("server smb encrypt = required\nserver smb3 encryption algorithms = {cipher}\n")
    });
    let old = ["SMB3_00", "SMB3_02"]
        .map(|dialect| format!("server smb encrypt = desired\nserver max protocol = {dialect}\n"));
    ciphers.into_iter().chain(old).collect()
}

#[test]
fn impacket_decrypts_and_encrypts_as_we_do() {
    let keys = [[0; 16], [0xff; 16], std::array::from_fn(|at| 17 * at as u8), *b"\x80sixteen bytes!\x01"];
    let texts =
        ["", "a", "abc", "abcdefg", "correct horse", "päßwörd of several blocks 🔑", &"x".repeat(251)];
    let (mut lines, mut expected) = (String::new(), String::new());
    for (key, text) in keys.iter().flat_map(|key| texts.iter().map(move |text| (key, text))) {
        let encrypted = Password::encrypted(text, key);
        assert!(encrypted.fits());
        let encrypted = hex(encrypted.as_bytes());
        lines += &format!("{} {encrypted}\n", hex(key));
        expected += &format!("{} {encrypted}\n", hex(Password::new(text).as_bytes()));
    }
    let Some(said) = impacket(&["secrets"], &lines) else { return };
    assert_eq!(said, expected);
    assert!(!Password::encrypted(&"x".repeat(252), &keys[0]).fits());
}

#[test]
fn samba_decrypts_them_with_its_key_of_the_session() {
    for settings in encrypted() {
        let Some(samba) = Samba::start(&format!("server signing = mandatory\n{settings}")) else { return };
        let mut lsa = Lsa::open(&samba);
        let secret = lsa.secret("G$svckit");
        let wrong = Password::encrypted("of another session", &[7; 16]);
        assert_eq!(lsa.set(&secret, &wrong), UNKNOWN_REVISION, "{settings}");
        for text in ["correct horse", "päßwörd of a length that takes several keys 🔑"] {
            let clear = Password::new(text);
            let is_kept = || samba.secrets().windows(clear.as_bytes().len()).any(|at| at == clear.as_bytes());
            assert!(!is_kept(), "{settings}");
            let sent = lsa.0.pipe.password(&Secret::from(text)).expect("the pipe is encrypted");
            assert_eq!(lsa.set(&secret, &sent), 0, "{settings}\n{}", samba.log());
            assert!(is_kept(), "{settings}");
        }
    }
}

#[test]
fn a_pipe_that_is_only_signed_takes_none() {
    let Some(samba) = Samba::start("server signing = mandatory\nserver smb encrypt = off\n") else { return };
    let mut lsa = Lsa::open(&samba);
    lsa.secret("G$svckit");
    assert_eq!(lsa.0.pipe.password(&Secret::from("correct horse")), None);
}
