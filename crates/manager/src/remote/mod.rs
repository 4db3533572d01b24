//! The service control manager of another machine. How it is reached is in [`crate::local`]: over TCP, or over SMB, or by what Windows has for that.

mod trial;

use std::fmt;
use std::net::Ipv6Addr;
use std::time::Duration;

use svckit_core::secret::Secret;

use crate::local;

pub(crate) use trial::Ticket;
pub use trial::Trial;

/// How long each step of connecting may take, if nothing else is asked for.
pub const LIMIT: Duration = Duration::from_secs(10);

/// The port of endpoint mappers.
pub const MAPPER: u16 = 135;

/// The port of SMB.
pub const SMB: u16 = 445;

/// The service control manager of another machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// A name or an address; one of IPv6 without brackets.
    host: String,
    port: Option<u16>,
    way: Way,
    mapper: u16,
    smb: u16,
    logon: Option<Logon>,
    ticket: Option<local::Ticket>,
    trial: Trial,
    limit: Duration,
}

/// How a machine is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// Over TCP; over SMB where that leads to no service control manager. With a port: TCP.
    #[default]
    Any,
    /// Over TCP (`ncacn_ip_tcp`): `tcp://HOST`.
    Tcp,
    /// Over SMB (`ncacn_np`): `smb://HOST`.
    Smb,
}

/// Who wants to come in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logon {
    /// The name of the user.
    pub user: String,
    /// The domain or machine that knows the user; empty: the machine decides.
    pub domain: String,
    /// The password.
    pub password: Secret,
}

impl Remote {
    /// Reads `HOST`, `HOST:PORT`, and addresses of IPv6, in brackets where a port follows; before it may be `tcp://` or `smb://`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (way, text) = match text.split_once("://") {
            None => (Way::Any, text),
            Some(("tcp", text)) => (Way::Tcp, text),
            Some(("smb", text)) => (Way::Smb, text),
            Some(_) => return None,
        };
        let (host, port) = split(text)?;
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
            None => None,
        };
        Some(Self {
            host: host.to_owned(),
            port,
            way,
            mapper: MAPPER,
            smb: SMB,
            logon: None,
            ticket: None,
            trial: Trial::default(),
            limit: LIMIT,
        })
    }

    /// The same, with who wants to come in.
    #[must_use]
    pub fn log_on(mut self, logon: Logon) -> Self {
        self.logon = Some(logon);
        self
    }

    /// The same, as one of several machines where the same logon is tried.
    #[must_use]
    pub fn on_trial(mut self, trial: &Trial) -> Self {
        self.trial = trial.clone();
        self
    }

    /// The same, with a ticket that is shown, whoever else wants to come in.
    #[must_use]
    pub fn show(mut self, ticket: local::Ticket) -> Self {
        self.ticket = Some(ticket);
        self
    }

    /// The same, with a limit for each step of connecting.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The same, with an endpoint mapper at another port than all others.
    #[must_use]
    pub fn with_mapper(mut self, port: u16) -> Self {
        self.mapper = port;
        self
    }

    /// The same, with SMB at another port than all others.
    #[must_use]
    pub fn with_smb(mut self, port: u16) -> Self {
        self.smb = port;
        self
    }

    /// How it is reached.
    pub fn way(&self) -> Way {
        self.way
    }

    /// As it is written after `--scm`.
    pub fn target(&self) -> String {
        match self.way {
            Way::Any => format!(r"\\{self}"),
            Way::Tcp => format!("tcp://{self}"),
            Way::Smb => format!("smb://{self}"),
        }
    }

    /// The name or address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port that was named; over TCP the endpoint mapper is not asked then.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The port of the endpoint mapper.
    pub fn mapper(&self) -> u16 {
        self.mapper
    }

    /// The port of SMB.
    pub fn smb(&self) -> u16 {
        match (self.way, self.port) {
            (Way::Smb, Some(port)) => port,
            _ => self.smb,
        }
    }

    /// Who wants to come in, if that was said.
    pub fn logon(&self) -> Option<&Logon> {
        self.logon.as_ref()
    }

    /// What other machines said of who wants to come in.
    pub fn trial(&self) -> &Trial {
        &self.trial
    }

    /// The ticket that is shown, if there is one.
    pub fn ticket(&self) -> Option<&local::Ticket> {
        self.ticket.as_ref()
    }

    /// How long each step of connecting may take.
    pub fn limit(&self) -> Duration {
        self.limit
    }
}

impl Logon {
    /// Takes a user as it is written: `DOMAIN\NAME`, `NAME`, or `NAME@DOMAIN`, which is one name.
    pub fn new(user: &str, password: Secret) -> Self {
        let (domain, user) = user.split_once('\\').unwrap_or(("", user));
        // What stands for the machine itself says nothing to it.
        let domain = if domain == "." { "" } else { domain };
        Self { user: user.to_owned(), domain: domain.to_owned(), password }
    }

    /// Reads what other tools' files of credentials have: a line each of `username`, `password` and perhaps `domain`, with `=` and the value; empty lines, and such as begin with `#` or `;`, say nothing.
    /// Errors name the line, and never a value.
    pub fn from_lines(text: &str) -> Result<Self, String> {
        const KEYS: [&str; 3] = ["username", "password", "domain"];
        let mut found: [Option<&str>; 3] = [None; 3];
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let line = line.trim_start();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| format!("line {number} has no =; a line is such as: username = ann"))?;
            let key = key.trim().to_lowercase();
            let place = KEYS
                .iter()
                .position(|known| *known == key)
                .ok_or_else(|| format!("line {number}: {key:?} is none of username, password and domain"))?;
            if found[place].replace(value.trim_start()).is_some() {
                return Err(format!("line {number}: {key} was said before"));
            }
        }
        let [user, password, domain] = found;
        let user =
            user.map(str::trim_end).filter(|user| !user.is_empty()).ok_or("there is no line username = …")?;
        let password = password.ok_or("there is no line password = …")?;
        let mut logon = Self::new(user, Secret::from(password));
        if let Some(domain) = domain.map(str::trim_end).filter(|domain| !domain.is_empty()) {
            if !logon.domain.is_empty() {
                return Err(format!("the domain is said twice: in username, and as {domain:?}"));
            }
            domain.clone_into(&mut logon.domain);
        }
        Ok(logon)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Host and port.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, None)),
            rest => rest.strip_prefix(':').map(|port| (host, Some(port))),
        };
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!host.is_empty() && host.chars().all(allowed)).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_credentials_are_read_and_mistakes_are_placed() {
        let text = "# shop\n\nusername = ann\r\n  Password=  p = w#1 \nDOMAIN=SHOP\n";
        let found = Logon::from_lines(text).unwrap();
        assert_eq!((found.user.as_str(), found.domain.as_str()), ("ann", "SHOP"));
        assert_eq!(
            found.password.as_str(),
            "p = w#1 ",
            "what follows the blanks after =, to the end of the line"
        );
        let found = Logon::from_lines("username=SHOP\\ann\npassword=\n").unwrap();
        assert_eq!((found.user.as_str(), found.domain.as_str()), ("ann", "SHOP"));
        for (text, why) in [
            ("username = ann\nhunter2\n", "line 2 has no ="),
            ("username = ann\npasword = hunter2\n", "line 2: \"pasword\" is none of"),
            ("username = ann\nusername = bob\n", "line 2: username was said before"),
            ("password = hunter2\n", "there is no line username"),
            ("username = ann\n", "there is no line password"),
            ("username = A\\ann\npassword = hunter2\ndomain = B\n", "the domain is said twice"),
        ] {
            let error = Logon::from_lines(text).unwrap_err();
            assert!(error.starts_with(why) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn users_are_taken_apart() {
        for (text, domain, user) in [
            (r"SHOP\ann", "SHOP", "ann"),
            ("ann", "", "ann"),
            (r".\ann", "", "ann"),
            ("ann@shop.example", "", "ann@shop.example"),
        ] {
            let logon = Logon::new(text, Secret::from("pw"));
            assert_eq!((logon.domain.as_str(), logon.user.as_str()), (domain, user));
            assert!(!format!("{logon:?}").contains("pw"));
        }
    }
}
