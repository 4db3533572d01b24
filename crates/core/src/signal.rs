//! Signals by name; their numbers are the system's business.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! signals {
    ($($(#[$meta:meta])* $variant:ident = $name:literal,)*) => {
        /// A POSIX signal that may be sent to a program.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "UPPERCASE")]
        pub enum Signal {
            $($(#[$meta])* $variant,)*
        }

        impl Signal {
            /// Every signal.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name without `SIG`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

signals! {
    /// Abort.
    Abrt = "ABRT",
    /// Alarm.
    Alrm = "ALRM",
    /// Continue.
    Cont = "CONT",
    /// Hang up; often: read the configuration again.
    Hup = "HUP",
    /// Interrupt, as Ctrl+C sends.
    Int = "INT",
    /// Kill; can't be handled.
    Kill = "KILL",
    /// Quit.
    Quit = "QUIT",
    /// Stop; can't be handled.
    Stop = "STOP",
    /// Terminate.
    Term = "TERM",
    /// Stop from a terminal.
    Tstp = "TSTP",
    /// The program's own.
    Usr1 = "USR1",
    /// The program's own.
    Usr2 = "USR2",
    /// The window changed; for some programs: stop gracefully.
    Winch = "WINCH",
}

impl Signal {
    /// The signal of a name, with or without `SIG`, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        Self::ALL.iter().copied().find(|signal| signal.name() == bare)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
