//! A judge of how packets are sealed with Kerberos in the style of DCE: Samba's `smbd` with a keytab, whose Kerberos is Heimdal's. Its service control manager isn't to be had over TCP; but at the end of its pipe, too,
//! it lets a client log on to RPC itself, as if SMB had shown nobody.

use std::sync::{Arc, Mutex};

use svckit_core::access::ManagerAccess;
use svckit_core::kerberos::{Context, Style};
use svckit_core::kind::ServiceType;
use svckit_core::status::StateFilter;
use svckit_os::gssapi::{self, Credentials};
use svckit_scmr::auth::{AuthError, Initiate, Leg, kerberos, spnego};
use svckit_scmr::client::{Binding, Client, Outcome, Progress};
use svckit_scmr::ops::{Answer, Call};
use svckit_testkit::kdc::Kdc;
use svckit_testkit::samba::{ADMINISTRATOR, Samba};
use svckit_testkit::{capture, role};

use crate::impacket::hex;
use crate::smb::WithTicket;
use crate::smb_pipe::Open;

/// What a process of this program does that is in the realm.
pub(crate) const SEALS: &str = "seals with tickets";
/// See [`SEALS`].
pub(crate) const RECORDS: &str = "records a session with a ticket";

const HOST: &str = "localhost";

/// The client's side by the ticket cache of the process, and its first token.
fn begin(class: &str, style: Style) -> (Box<dyn Context>, Vec<u8>) {
    let credentials = Arc::new(Credentials::from_cache(None).unwrap());
    let mut context = gssapi::initiate(&credentials, class, HOST, style).unwrap();
    let first = context.step(&[]).unwrap().token;
    (context, first)
}

fn initiate(class: &str, style: Style) -> kerberos::Initiator {
    let (context, first) = begin(class, style);
    kerberos::Initiator::new(context, first)
}

/// Binds sealed, within a pipe that is open.
fn bind(pipe: &mut Open, security: Box<dyn Initiate>) -> Client {
    let (mut binding, mut bytes) = Binding::start_sealed(security);
    loop {
        pipe.write(&bytes);
        match binding.receive(&pipe.read()).unwrap() {
            Progress::Ready(client) => return client,
            Progress::Binding(more) => binding = more,
        }
        bytes = binding.take_output();
    }
}

fn ask(pipe: &mut Open, client: &mut Client, call: &Call) -> Answer {
    let (_, bytes) = client.call(call);
    pipe.write(&bytes);
    loop {
        if let Some(returned) = client.receive(&pipe.read()).unwrap().pop() {
            let Outcome::Answer(answer) = returned.outcome else {
                panic!("{call:?}: {:?}", returned.outcome)
            };
            return answer;
        }
    }
}

/// What the process in the realm does with the server at this port.
pub(crate) fn seal(port: &str) {
    for with_spnego in [true, false] {
        let smb = spnego::Initiator::kerberos(initiate("cifs", Style::Plain));
        let mut pipe = Open::new(port.parse().unwrap(), HOST, "svcctl", Box::new(smb));
        let rpc = initiate("host", Style::Dce);
        let rpc: Box<dyn Initiate> =
            if with_spnego { Box::new(spnego::Initiator::kerberos(rpc)) } else { Box::new(rpc) };
        let mut client = bind(&mut pipe, rpc);
        assert!(client.is_sealed());
        let access = ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE;
        // More than a fragment there, and more than a few bytes back.
        let database = Some("x".repeat(3500));
        let opened = ask(&mut pipe, &mut client, &Call::OpenScManager { machine: None, database, access });
        let Answer::OpenScManager { manager, code } = opened else { panic!("{opened:?}") };
        code.check().unwrap();
        for _ in 0..3 {
            let (types, states) = (ServiceType::WIN32, StateFilter::ALL);
            let call = Call::EnumServicesStatus { manager, types, states, size: 2000, resume: None };
            let listed = ask(&mut pipe, &mut client, &call);
            let Answer::EnumServicesStatus { returned, code, .. } = listed else { panic!("{listed:?}") };
            code.check().unwrap();
            assert_eq!(returned, 4);
        }
        assert!(client.is_proven());
    }
}

/// A logon whose key is remembered.
#[derive(Debug)]
struct Telling {
    inner: spnego::Initiator,
    key: Arc<Mutex<Vec<u8>>>,
}

impl Initiate for Telling {
    fn provider(&self) -> u8 {
        self.inner.provider()
    }

    fn start(&mut self) -> Vec<u8> {
        self.inner.start()
    }

    fn step(&mut self, token: &[u8]) -> Result<Leg, AuthError> {
        let leg = self.inner.step(token)?;
        if let Some(key) = leg.done.as_ref().and_then(|done| done.session_key()) {
            *self.key.lock().unwrap() = key.to_vec();
        }
        Ok(leg)
    }
}

/// What the process in the realm does with the server at this port, and prints.
pub(crate) fn record(port: &str) {
    let (context, request) = begin("cifs", Style::Plain);
    let inner = spnego::Initiator::kerberos(kerberos::Initiator::new(context, request.clone()));
    let key = Arc::default();
    let security = Telling { inner, key: Arc::clone(&key) };
    let mut pipe = Open::new(port.parse().unwrap(), HOST, "svcctl", Box::new(security));
    pipe.write(&Binding::start().1);
    pipe.read();
    let key = key.lock().unwrap().clone();
    for bytes in [request, key, pipe.heard] {
        eprintln!("{}", hex(&bytes));
    }
}

/// A realm with an administrator who has a ticket, and a server with these settings; what such a process prints.
fn run(settings: &str, what: &str) -> Option<String> {
    let kdc = Kdc::start()?;
    kdc.add_user(ADMINISTRATOR, "pw");
    for server in ["cifs", "host"].map(|class| format!("{class}/{HOST}")) {
        kdc.add_server(&server, Some("smb.keytab"));
        kdc.without_groups(&server);
    }
    let keytab = kdc.add_server("another/name", Some("smb.keytab"));
    let samba = Samba::start_in(&kdc, &keytab, settings)?;
    kdc.kinit(ADMINISTRATOR, "pw", "cache");
    let mut process = role::command(what, &samba.port().to_string());
    let output = process.envs(kdc.environment("cache")).output().unwrap();
    let [said, told] = [output.stdout, output.stderr].map(|said| String::from_utf8(said).unwrap());
    assert!(output.status.success(), "{said}{told}\n{}", samba.log());
    Some(told)
}

#[test]
fn samba_opens_what_is_sealed_with_a_ticket_and_seals_its_answers() {
    run("log level = 3\n", SEALS);
}

/// `UPDATE_CAPTURES=1` writes it down anew.
#[test]
fn a_session_with_a_ticket_is_recorded() {
    let settings = "server smb encrypt = required\nserver smb3 encryption algorithms = AES-256-GCM\n";
    let Some(text) = run(settings, RECORDS) else { return };
    WithTicket::from_text(&text).check();
    if std::env::var_os("UPDATE_CAPTURES").is_some() {
        let said = "# A session with Samba's smbd by a ticket: AP-REQ, the key that came of it, what the server sent.\n";
        std::fs::write(capture::path("smb-ticket"), said.to_owned() + &text).unwrap();
    }
}
