//! A password goes through client and server, and nothing of it stays in memory.

use std::fs::File;
use std::os::unix::fs::FileExt;

use svckit_core::access::ServiceAccess;
use svckit_core::config::{ConfigChange, NewService};
use svckit_core::image_path::ImagePath;
use svckit_core::name::{DisplayName, ServiceName};
use svckit_core::secret::Secret;
use svckit_scmr::client::{Binding, Progress};
use svckit_scmr::ops::{Call, ChangeServiceConfig, CreateService, Handle, Password};
use svckit_scmr::pdu::MIN_FRAGMENT;
use svckit_scmr::secret;
use svckit_scmr::server::{Incoming, Server};

/// The password, masked: the test itself has it nowhere else.
const MASKED: [u8; 24] =
    *b"\x39\x35\x28\x28\x3f\x39\x2e\x77\x32\x35\x28\x29\x3f\x77\x38\x3b\x2e\x2e\x3f\x28\x23\x77\x63\x68";
const MASK: u8 = 0x5a;

fn password() -> Secret {
    let mut text = String::with_capacity(MASKED.len());
    text.extend(MASKED.iter().map(|byte| char::from(byte ^ MASK)));
    text.into()
}

/// How often the password is in the memory of this process, in UTF-8 and in UTF-16, beside what is read of it here.
fn found() -> usize {
    const CHUNK: usize = 1 << 20;
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut chunk = vec![0; CHUNK];
    let own = chunk.as_ptr().addr() as u64;
    let own = own..own + CHUNK as u64;
    let mut count = 0;
    for line in maps.lines().filter(|line| line.contains(" rw") && !line.contains("[v")) {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [mut at, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        while at < end {
            let length = CHUNK.min(usize::try_from(end - at).unwrap());
            // What is gone since has nothing in it.
            if memory.read_exact_at(&mut chunk[..length], at).is_err() {
                break;
            }
            let places = [1, 2].into_iter().flat_map(|step| places(&chunk[..length], step));
            count += places.filter(|place| !own.contains(&(at + *place as u64))).count();
            // One may be at the edge of two chunks.
            let step = if length == CHUNK { length - 2 * MASKED.len() } else { length };
            at += step as u64;
        }
    }
    chunk.fill(0);
    count
}

/// The places where the password is, each of its bytes followed by `step - 1` zeros.
fn places(bytes: &[u8], step: usize) -> Vec<usize> {
    let is_here = |window: &[u8]| {
        MASKED
            .iter()
            .zip(window.chunks(step))
            .all(|(masked, unit)| unit[0] == masked ^ MASK && unit[1..].iter().all(|byte| *byte == 0))
    };
    let windows = bytes.windows(MASKED.len() * step).enumerate();
    windows
        .filter(|(_, window)| window[0] == MASKED[0] ^ MASK && is_here(window))
        .map(|(place, _)| place)
        .collect()
}

fn calls() -> [Call; 2] {
    // Longer than a fragment, so that stubs grow.
    let image = ImagePath::new("/usr/bin/shop ".repeat(400)).unwrap();
    let mut new =
        NewService::own_process(ServiceName::new("shop").unwrap(), DisplayName::new("Shop").unwrap(), image);
    new.password = Some(password());
    let change = ConfigChange {
        account: Some("ann".to_owned()),
        password: new.password.clone(),
        display_name: Some(new.config.display_name.clone()),
        image_path: Some(new.config.image_path.clone()),
        ..ConfigChange::default()
    };
    [
        Call::CreateService(Box::new(CreateService::new(Handle::NULL, &new, ServiceAccess::DELETE))),
        Call::ChangeServiceConfig(Box::new(ChangeServiceConfig::new(Handle::NULL, &change))),
    ]
}

#[test]
fn no_password_stays_in_memory() {
    let (binding, hello) = Binding::start();
    let mut server = Server::new(MIN_FRAGMENT);
    server.receive(&hello).unwrap();
    let Progress::Ready(mut client) = binding.receive(&server.take_output()).unwrap() else { panic!() };
    let kept = password();
    let before = found();
    assert_eq!(before, 1, "what is kept is found");
    for call in calls() {
        let (_, bytes) = client.call(&call);
        // In parts that end in the middle of fragments.
        for part in bytes.chunks(1000) {
            for incoming in server.receive(part).unwrap() {
                let Incoming::Call { call, .. } = incoming else { panic!() };
                let password = match call {
                    Call::CreateService(create) => create.to_new_service().unwrap().password,
                    Call::ChangeServiceConfig(change) => change.to_change().unwrap().password,
                    _ => panic!(),
                };
                assert!(password.as_ref() == Some(&kept));
            }
        }
    }
    drop((client, server));
    let encrypted = Password::encrypted(kept.as_str(), &[MASK; 16]);
    drop(secret::decrypt(&[MASK; 16], encrypted.as_bytes()).unwrap());
    assert_eq!(found(), before);
    drop(kept);
    assert_eq!(found(), 0);
}
