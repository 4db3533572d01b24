//! A service control manager with two services and no processes: enough for a client to talk to.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use svckit_core::Win32Error;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{Answer, Call, Handle, buffers};
use svckit_scmr::server::{Incoming, Server};

use crate::impacket::{config, status};

/// Serves one connection until it ends; the arguments of the last start.
pub(crate) fn serve(mut stream: UnixStream) -> Vec<String> {
    let mut server = Server::default();
    let mut buffer = [0; 4096];
    let mut started = Vec::new();
    loop {
        let count = stream.read(&mut buffer).unwrap();
        if count == 0 {
            return started;
        }
        for incoming in server.receive(&buffer[..count]).unwrap() {
            let Incoming::Call { call_id, call } = incoming else { panic!("{incoming:?}") };
            if let Call::StartService { arguments, .. } = &call {
                started.clone_from(arguments);
            }
            server.answer(call_id, &answer(&call));
        }
        stream.write_all(&server.take_output()).unwrap();
    }
}

pub(crate) fn answer(call: &Call) -> Answer {
    let code = Win32Error::SUCCESS;
    let service = Handle::from_number(2);
    match call {
        Call::OpenScManager { .. } => Answer::OpenScManager { manager: Handle::from_number(1), code },
        Call::OpenService { name, .. } if name == "web" => Answer::OpenService { service, code },
        Call::OpenService { .. } => call.refuse(Win32Error::SERVICE_DOES_NOT_EXIST),
        Call::EnumServicesStatus { size, resume, .. } => list(*size, *resume),
        Call::QueryServiceStatus { .. } => Answer::QueryServiceStatus { status: status(), code },
        Call::QueryServiceConfig { size, .. } => buffers::query_service_config(&config(), *size, Text::Wide),
        Call::StartService { .. } => Answer::StartService { code },
        Call::ControlService { .. } => {
            let status = ServiceStatus { state: ServiceState::STOP_PENDING, ..status() };
            Answer::ControlService { status, code }
        }
        Call::CloseServiceHandle { .. } => Answer::CloseServiceHandle { handle: Handle::NULL, code },
        other => other.refuse(Win32Error::INVALID_FUNCTION),
    }
}

fn list(size: u32, resume: Option<u32>) -> Answer {
    let entries =
        ["web", "db"].map(|name| buffers::Entry { name, display_name: "The wéb", status: status() });
    let filled = buffers::enum_services_status(&entries, resume.unwrap_or(0), size, Text::Wide);
    Answer::EnumServicesStatus {
        buffer: filled.buffer,
        needed: filled.needed,
        returned: filled.returned,
        resume: resume.map(|_| filled.resume),
        code: filled.code,
    }
}
