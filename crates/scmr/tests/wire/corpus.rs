//! Replays the corpora of the fuzz targets, whose seeds are the vectors of impacket and sessions of our own machines.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use svckit_core::Win32Error;
use svckit_core::config::Config2;
use svckit_core::control::Control;
use svckit_core::failure::FailureActions;
use svckit_core::native::{Reply, Request};
use svckit_core::reason::StopReason;
use svckit_core::status::NotifyMask;
use svckit_scmr::auth::{Initiate, ntlm, spnego};
use svckit_scmr::client::{Binding, Progress};
use svckit_scmr::mapper::{Lookup, MapAnswer, MapRequest, Mapper, Step, Tower};
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{Answer, Call, ControlParams, Handle, NotifyParams, buffers};
use svckit_scmr::server::{Incoming, Server};

use crate::{impacket, kerberos, sealed};

#[path = "../../../../fuzz/checks/ntlm.rs"]
mod ntlm_check;
#[path = "../../../../fuzz/checks/scmr_answer.rs"]
mod scmr_answer;
#[path = "../../../../fuzz/checks/scmr_call.rs"]
mod scmr_call;
#[path = "../../../../fuzz/checks/scmr_mapper.rs"]
mod scmr_mapper;
#[path = "../../../../fuzz/checks/scmr_pdu.rs"]
mod scmr_pdu;
#[path = "../../../../fuzz/checks/scmr_sealed.rs"]
mod scmr_sealed;
#[path = "../../../../fuzz/checks/smb.rs"]
pub(crate) mod smb_check;
#[path = "../../../../fuzz/checks/spnego.rs"]
mod spnego_check;

pub(crate) fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

fn replay(target: &str, check: fn(&[u8])) {
    let folder = folder(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        std::panic::catch_unwind(|| check(&input)).unwrap_or_else(|_| panic!("on {}", path.display()));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn calls() {
    replay("scmr_call", scmr_call::check);
}

#[test]
fn answers() {
    replay("scmr_answer", scmr_answer::check);
}

#[test]
fn units() {
    replay("scmr_pdu", scmr_pdu::check);
}

#[test]
fn messages_of_ntlm() {
    replay("ntlm", ntlm_check::check);
}

#[test]
fn tokens_of_spnego() {
    replay("spnego", spnego_check::check);
}

#[test]
fn sealed_connections() {
    replay("scmr_sealed", scmr_sealed::check);
}

#[test]
fn endpoint_mappers() {
    replay("scmr_mapper", scmr_mapper::check);
}

/// The seeds are sessions with Samba, see `smb.rs`.
#[test]
fn servers_of_smb() {
    replay("smb", smb_check::check);
}

/// The seeds are in the corpora. To write them: `UPDATE_SEEDS=1 cargo test -p svckit-scmr seeds`.
#[test]
fn the_seeds_are_there() {
    let update = std::env::var_os("UPDATE_SEEDS").is_some();
    for (target, seeds) in [
        ("scmr_call", call_seeds()),
        ("scmr_answer", answer_seeds()),
        ("scmr_pdu", unit_seeds()),
        ("ntlm", ntlm_seeds()),
        ("spnego", spnego_seeds()),
        ("scmr_sealed", sealed_seeds()),
        ("scmr_mapper", mapper_seeds()),
    ] {
        for (name, seed) in seeds {
            let path = folder(target).join(name);
            if update {
                std::fs::write(&path, &seed).unwrap();
            }
            assert!(std::fs::read(&path).is_ok_and(|found| found == seed), "{}", path.display());
        }
    }
}

fn with_opnum(opnum: u16, stub: Vec<u8>) -> Vec<u8> {
    [opnum.to_le_bytes().to_vec(), stub].concat()
}

fn call_seeds() -> BTreeMap<String, Vec<u8>> {
    let calls = impacket::calls();
    impacket::vectors()
        .into_iter()
        .map(|(name, stub)| {
            let seed = with_opnum(calls[name.as_str()].opnum().0, stub);
            (name, seed)
        })
        .chain(
            own_calls()
                .into_iter()
                .map(|(name, call)| (name.to_owned(), with_opnum(call.opnum().0, call.encode()))),
        )
        .collect()
}

/// Calls that impacket can't write.
fn own_calls() -> BTreeMap<&'static str, Call> {
    let reason = StopReason { code: 0x4005_0004, comment: Some("new".to_owned()) };
    let service = Handle::from_number(2);
    let stop = |params| Call::ControlServiceEx { service, control: Control::STOP, params };
    let ansi = |name| Call::Ansi(Box::new(impacket::calls()[name].clone()));
    BTreeMap::from([
        ("ansi-create", ansi("create")),
        ("ansi-change", ansi("change")),
        ("ansi-list", ansi("list-ex")),
        ("ansi-start", ansi("start")),
        ("ansi-failure-actions", ansi("failure-actions")),
        ("stop-reason", stop(ControlParams::Reason(Some(reason)))),
        ("stop-reason-null", stop(ControlParams::Reason(None))),
        ("stop-level", stop(ControlParams::Other(7))),
    ])
}

fn answer_seeds() -> BTreeMap<String, Vec<u8>> {
    let code = Win32Error::SUCCESS;
    let status = impacket::status();
    let entry = buffers::Entry { name: "web", display_name: "The wéb", status };
    let listed = buffers::enum_services_status_ex(&[entry; 3], 0, 200, Text::Wide);
    let failure =
        buffers::query_service_config2(&Config2::FailureActions(FailureActions::default()), 64, Text::Wide)
            .unwrap();
    let told =
        NotifyParams { triggered: NotifyMask::RUNNING, status, ..NotifyParams::request(NotifyMask::SERVICE) };
    let of_calls = impacket::calls()
        .into_iter()
        .map(|(name, call)| (format!("refused-{name}"), call.refuse(Win32Error::MORE_DATA)));
    let triggers = match &impacket::calls()["triggers"] {
        Call::ChangeServiceConfig2 { info, .. } => Answer::QueryServiceConfigEx { info: info.clone(), code },
        other => panic!("not triggers: {other:?}"),
    };
    let filled = [
        (
            "list-ex",
            Answer::EnumServicesStatusEx {
                buffer: listed.buffer,
                needed: listed.needed,
                returned: listed.returned,
                resume: Some(listed.resume),
                code: listed.code,
            },
        ),
        ("config", buffers::query_service_config(&impacket::config(), 8192, Text::Wide)),
        ("config2", Answer::QueryServiceConfig2 { buffer: failure.buffer, needed: failure.needed, code }),
        ("notify", Answer::GetNotifyResults { results: Some(vec![told.clone(), told]), code }),
        ("config-ex", triggers),
        ("lock-status", buffers::query_service_lock_status(&impacket::locked(), 4096, Text::Wide)),
        ("stop-reason", Answer::ControlServiceEx { level: 1, status: Some(status), code }),
        ("display-name", Answer::GetServiceDisplayName { name: "The web".to_owned(), size: 7, code }),
        ("create", Answer::CreateService { tag: Some(1), service: Handle::from_number(1), code }),
    ];
    // Buffers of hundreds of kilobytes would be no help to a fuzzer.
    filled
        .map(|(name, answer)| (name.to_owned(), answer))
        .into_iter()
        .chain(of_calls)
        .map(|(name, answer)| (name, with_opnum(answer.opnum().0, answer.encode())))
        .filter(|(_, seed)| seed.len() < 2000)
        .collect()
}

/// What goes over a connection each way.
fn unit_seeds() -> BTreeMap<String, Vec<u8>> {
    let mut server = Server::new(4096);
    let (binding, mut to_server) = Binding::start();
    server.receive(&to_server).unwrap();
    let mut to_client = server.take_output();
    let Progress::Ready(mut client) = binding.receive(&to_client).unwrap() else { panic!("not bound") };
    for call in impacket::calls().into_values() {
        let (call_id, bytes) = client.call(&call);
        server.receive(&bytes).unwrap();
        to_server.extend_from_slice(&bytes);
        server.answer(call_id, &call.refuse(Win32Error::ACCESS_DENIED));
    }
    let (call_id, bytes) = client.native(&Request::ScmStatus).unwrap();
    let asked = server.receive(&bytes).unwrap();
    assert_eq!(asked, [Incoming::Native { call_id, request: Request::ScmStatus }]);
    to_server.extend_from_slice(&bytes);
    server.reply(call_id, &Reply::Done);
    to_client.extend(server.take_output());
    let seed = |bytes: &[u8]| [&[255], bytes].concat();
    BTreeMap::from([
        ("to-server".to_owned(), seed(&to_server)),
        ("to-client".to_owned(), seed(&to_client[..8000])),
        ("half".to_owned(), seed(&to_server[..200])),
        ("http".to_owned(), seed(b"GET / HTTP/1.1\r\n\r\n")),
    ])
}

fn named<const N: usize>(seeds: [(&str, Vec<u8>); N]) -> BTreeMap<String, Vec<u8>> {
    seeds.map(|(name, seed)| (name.to_owned(), seed)).into()
}

fn acceptor() -> ntlm::Acceptor {
    ntlm::Acceptor::new(ntlm::Identity { computer: "DB1".into(), domain: "DB1".into() }, *b"8 random", 1)
}

/// The three messages of a logon.
fn ntlm_seeds() -> BTreeMap<String, Vec<u8>> {
    let mut client = ntlm::Initiator::new(sealed::credentials("pw"));
    let negotiate = client.negotiate();
    let (challenge, _) = acceptor().challenge(&negotiate).unwrap();
    let (authenticate, _) = client.authenticate(&challenge).unwrap();
    named([("negotiate", negotiate), ("challenge", challenge), ("authenticate", authenticate)])
}

/// The tokens of a logon, both ways, and those of tickets; what Samba says of them is there as it was recorded.
fn spnego_seeds() -> BTreeMap<String, Vec<u8>> {
    let mut client = spnego::Initiator::new(sealed::credentials("pw"));
    let offer = client.start();
    let accepted = spnego::Acceptor::new(acceptor()).step(&offer, &sealed::Ann).unwrap();
    let spnego::Step::More(challenge, server) = accepted else { panic!("{accepted:?}") };
    let proof = client.step(&challenge).unwrap().token;
    let accepted = server.step(&proof, &sealed::Ann).unwrap();
    let spnego::Step::Done(completed, ..) = accepted else { panic!("{accepted:?}") };
    named([
        ("offer", offer),
        ("challenge", challenge),
        ("proof", proof),
        ("completed", completed),
        ("ticket", kerberos::offer()),
        ("ticket-refused", kerberos::refusal(true)),
        ("ticket-refused-alone", kerberos::refusal(false)),
        ("ticket-refused-bare", kerberos::refusal(false)[15..].to_vec()),
    ])
}

/// What goes over a sealed connection each way, of a logon with NTLM alone.
fn sealed_seeds() -> BTreeMap<String, Vec<u8>> {
    let mut server = sealed::server(4096);
    let initiator = ntlm::Initiator::new(sealed::credentials("pw"));
    let (binding, mut to_server) = Binding::start_sealed(Box::new(initiator));
    server.receive(&to_server).unwrap();
    let mut to_client = server.take_output();
    let Progress::Ready(mut client) = binding.receive(&to_client).unwrap() else { panic!("not bound") };
    let call = Call::DeleteService { service: Handle::from_number(2) };
    let (call_id, bytes) = client.call(&call);
    to_server.extend_from_slice(&bytes);
    assert_eq!(server.receive(&bytes).unwrap().len(), 2);
    server.answer(call_id, &call.refuse(Win32Error::ACCESS_DENIED));
    to_client.extend(server.take_output());
    let spnego = Binding::start_sealed(Box::new(spnego::Initiator::new(sealed::credentials("pw")))).1;
    let seed = |bytes: &[u8]| [&[255], bytes].concat();
    named([("to-server", seed(&to_server)), ("to-client", seed(&to_client)), ("spnego", seed(&spnego))])
}

/// A question and its answer, with and without what is around them.
fn mapper_seeds() -> BTreeMap<String, Vec<u8>> {
    let tower = Tower::of_scm(49_152, Ipv4Addr::LOCALHOST);
    let mut mapper = Mapper::new(tower);
    let (lookup, hello) = Lookup::start();
    let bound = mapper.receive(&hello).unwrap();
    let step = lookup.receive(&bound).unwrap();
    let Step::More(_, asked) = step else { panic!("{step:?}") };
    let answered = mapper.receive(&asked).unwrap();
    let request = MapRequest { tower, entry: [0; 20], max_towers: 4 }.encode();
    let answer = MapAnswer { towers: vec![tower; 2], status: 0 }.encode(4);
    named([
        ("to-server", [hello, asked.clone()].concat()),
        ("asked", asked),
        ("to-client", [bound, answered].concat()),
        ("request", request),
        ("answer", answer),
    ])
}
