//! Machines that are none: servers of MS-SCMR at ports of the loopback interface, each with a few services, as Windows has them and not more.
//!
//! `machines COUNT SERVICES USER`, with the user's password as the first line of standard input; it prints an address a line and ends when standard input does.

#![forbid(unsafe_code)]

#[cfg(unix)]
fn main() -> Result<(), String> {
    simulated::run(std::env::args().skip(1).collect())
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod simulated {
    use std::io::{BufRead, Read, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use svckit_core::Win32Error;
    use svckit_core::kind::ServiceType;
    use svckit_core::native::Reply;
    use svckit_core::secret::Secret;
    use svckit_core::status::{ServiceState, ServiceStatus};
    use svckit_scmr::auth::ntlm::{Acceptor, Identity};
    use svckit_scmr::auth::{Account, Accounts, NtHash};
    use svckit_scmr::ndr::Text;
    use svckit_scmr::ops::buffers::{Entry, enum_services_status_ex};
    use svckit_scmr::ops::{Answer, Call, Handle};
    use svckit_scmr::pdu::{MAX_FRAGMENT, Status};
    use svckit_scmr::server::{Incoming, Server};

    /// What a thread needs that answers one client after the other.
    const STACK: usize = 256 * 1024;

    /// 1.1.2026 in units of 100 ns since 1601: nobody compares it.
    const TIME: u64 = 134_116_992_000_000_000;

    /// The only account that machines know.
    #[derive(Clone)]
    struct Only {
        user: Arc<str>,
        hash: NtHash,
    }

    impl Accounts for Only {
        fn verifier(&self, account: &Account) -> Option<NtHash> {
            (*account.user == *self.user).then(|| self.hash.clone())
        }
    }

    /// Serves until standard input ends.
    pub(crate) fn run(arguments: Vec<String>) -> Result<(), String> {
        let [machines, services, user] = arguments.as_slice() else {
            return Err("machines COUNT SERVICES USER".to_owned());
        };
        let number = |text: &String| text.parse().map_err(|_| format!("{text:?} is no number"));
        let mut lines = std::io::stdin().lock().lines();
        let password = lines.next().and_then(Result::ok).ok_or("there is no password on standard input")?;
        let accounts = Only { user: user.as_str().into(), hash: NtHash::of(&Secret::from(password)) };
        let addresses = start(number(machines)?, number(services)?, &accounts)?;
        let text: String = addresses.iter().map(|address| format!("{address}\n")).collect();
        let mut output = std::io::stdout().lock();
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(|error| error.to_string())?;
        drop(output);
        lines.for_each(drop);
        Ok(())
    }

    /// Starts so many machines with so many services each; they end with this process.
    fn start(machines: usize, services: usize, accounts: &Only) -> Result<Vec<SocketAddr>, String> {
        let names: Arc<[String]> = (0..services).map(|number| format!("Service{number:02}")).collect();
        (0..machines)
            .map(|_| {
                let failed = |error: std::io::Error| format!("a simulated machine: {error}");
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                let (names, accounts) = (Arc::clone(&names), accounts.clone());
                let serve = move || {
                    for client in listener.incoming().flatten() {
                        // A client that goes away, or says something else, is the client's matter.
                        let _ = answer(client, &names, accounts.clone());
                    }
                };
                thread::Builder::new().stack_size(STACK).spawn(serve).map_err(failed)?;
                Ok(address)
            })
            .collect()
    }

    /// Answers one client until it goes.
    fn answer(mut client: TcpStream, names: &[String], accounts: Only) -> std::io::Result<()> {
        static CHALLENGE: AtomicU64 = AtomicU64::new(1);
        client.set_nodelay(true)?;
        let challenge =
            CHALLENGE.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        let identity = Identity { computer: "SIMULATED".to_owned(), domain: "SIMULATED".to_owned() };
        let mut server =
            Server::sealed(MAX_FRAGMENT, Acceptor::new(identity, challenge, TIME), Box::new(accounts));
        let mut buffer = [0; 8192];
        loop {
            let count = client.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let incoming = server.receive(&buffer[..count]).map_err(|_| std::io::ErrorKind::InvalidData)?;
            for incoming in incoming {
                match incoming {
                    Incoming::Call { call_id, call } => match to_call(&call, names) {
                        Some(answer) => server.answer(call_id, &answer),
                        None => server.fault(call_id, Status::OPERATION),
                    },
                    Incoming::Native { call_id, .. } => {
                        let message = "a machine has no native interface".to_owned();
                        server.reply(call_id, &Reply::Error { code: Win32Error::NOT_SUPPORTED, message });
                    }
                    Incoming::LoggedOn(_) | Incoming::LogonFailed { .. } => {}
                }
            }
            client.write_all(&server.take_output())?;
        }
    }

    fn to_call(call: &Call, names: &[String]) -> Option<Answer> {
        let code = Win32Error::SUCCESS;
        Some(match call {
            Call::OpenScManager { .. } => Answer::OpenScManager { manager: Handle([1; 20]), code },
            Call::CloseServiceHandle { .. } => Answer::CloseServiceHandle { handle: Handle::NULL, code },
            Call::EnumServicesStatusEx { size, resume, .. } => {
                let status = ServiceStatus {
                    state: ServiceState::RUNNING,
                    ..ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS)
                };
                let entries: Vec<_> =
                    names.iter().map(|name| Entry { name, display_name: name, status }).collect();
                let filled = enum_services_status_ex(&entries, resume.unwrap_or(0), *size, Text::Wide);
                Answer::EnumServicesStatusEx {
                    buffer: filled.buffer,
                    needed: filled.needed,
                    returned: filled.returned,
                    resume: resume.map(|_| filled.resume),
                    code: filled.code,
                }
            }
            _ => return None,
        })
    }
}
