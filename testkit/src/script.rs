//! The words that tell a scripted service what to do.
//!
//! A script is a list of words `KEY=VALUE`, given as arguments in the image path and, over them, as start arguments; words of another
//! form are left to the program.
//!
//! | word | |
//! |---|---|
//! | `accept=STOP,PAUSE_CONTINUE,…` | the controls accepted while it runs; without it `STOP` |
//! | `connect=ACTION` | done before the service control manager is answered: `never` doesn't answer at all |
//! | `start=ACTION` | done when a service is started, in place of reporting `RUNNING` |
//! | `on-N=ACTION` | done when control N comes, in place of the usual |
//! | `services=NAME,NAME,…` | the services that the process can be: needed where several share it |
//! | `alive=ADDRESS` | stands at this gate from the start of a service to the end of the process |
//! | `report=ADDRESS` | every start and control is told to this address |
//! | `program=ACTION,ACTION,…` | it is no service but an ordinary program that does these things one after the other; it reports `program` first |
//! | `note=ADDRESS:TEXT` | tells the text and ends at once: for failure commands |
//!
//! An action is `ok`, `hang` (nothing is reported or answered), `never`, `exit:CODE`, `abort`, `stop:CODE` (reports `STOPPED` with a Win32 code),
//! `specific:CODE` (the same with a code of its own), `code:CODE` (the handler returns it), `gate:ADDRESS` (stays pending until the gate opens), or, of a
//! program only, `answer:N` (accepts a connection from the N-th inherited socket and writes a line: its process id and the name of the socket), `lines:FIRST-LAST`, `endless:COUNT`,
//! `every-byte:COUNT` (writes what [`crate::output`] calls so), `say:TEXT` and `complain:TEXT` (writes a text as it is to its output, or as an error).

use std::collections::BTreeMap;

use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::win32::Win32Error;

/// What a scripted service does at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The usual.
    Ok,
    /// Nothing, for ever.
    Hang,
    /// The process ends with an exit code.
    Exit(i32),
    /// The process is ended by a signal.
    Abort,
    /// The service stops with a Win32 code.
    Stop(Win32Error),
    /// The service stops with a code of its own.
    Specific(u32),
    /// The handler returns a code.
    Code(Win32Error),
    /// The service stays pending until a gate opens.
    Gate(String),
    /// The program answers a connection to a socket that it inherited.
    Answer(u32),
    /// The program writes numbered lines.
    Lines(u32, u32),
    /// The program writes so many bytes without a newline.
    Endless(u64),
    /// The program writes so many bytes of every value.
    EveryByte(u64),
    /// The program writes a text to its output.
    Say(String),
    /// The program writes a text as an error.
    Complain(String),
}

/// What a scripted service does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The controls accepted while it runs.
    pub accept: ControlsAccepted,
    /// Done before the service control manager is answered.
    pub connect: Action,
    /// Done when a service is started.
    pub start: Action,
    /// Done when a control comes.
    pub on: BTreeMap<u32, Action>,
    /// The services that share the process.
    pub services: Vec<String>,
    /// The gate that sees the process end.
    pub alive: Option<String>,
    /// Where starts and controls are told.
    pub report: Option<String>,
    /// What is done in place of being a service.
    pub program: Option<Vec<Action>>,
    /// Where a text is told at once.
    pub note: Option<(String, String)>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            accept: ControlsAccepted::STOP,
            connect: Action::Ok,
            start: Action::Ok,
            on: BTreeMap::new(),
            services: Vec::new(),
            alive: None,
            report: None,
            program: None,
            note: None,
        }
    }
}

impl Script {
    /// The script with more words over it.
    pub fn with<S: AsRef<str>>(mut self, words: &[S]) -> Result<Self, String> {
        for word in words.iter().map(AsRef::as_ref) {
            let Some((key, value)) = word.split_once('=') else { continue };
            match key {
                "accept" => self.accept = accepted(value)?,
                "connect" => self.connect = action(value)?,
                "start" => self.start = action(value)?,
                "services" => self.services = value.split(',').map(str::to_owned).collect(),
                "alive" => self.alive = Some(value.to_owned()),
                "report" => self.report = Some(value.to_owned()),
                "program" => self.program = Some(value.split(',').map(action).collect::<Result<_, _>>()?),
                "note" => {
                    let (address, text) = value.rsplit_once(':').ok_or("note=ADDRESS:TEXT")?;
                    self.note = Some((address.to_owned(), text.to_owned()));
                }
                _ => {
                    if let Some(control) = key.strip_prefix("on-") {
                        let control = control.parse().map_err(|_| format!("no control: {key}"))?;
                        self.on.insert(control, action(value)?);
                    }
                }
            }
        }
        Ok(self)
    }

    /// What is done when a control comes.
    pub fn on(&self, control: Control) -> &Action {
        self.on.get(&control.0).unwrap_or(&Action::Ok)
    }
}

fn accepted(names: &str) -> Result<ControlsAccepted, String> {
    names.split(',').filter(|name| !name.is_empty()).try_fold(ControlsAccepted::empty(), |all, name| {
        ControlsAccepted::NAMED
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(flag, _)| all | *flag)
            .ok_or_else(|| format!("no such control to accept: {name}"))
    })
}

fn action(text: &str) -> Result<Action, String> {
    let (verb, value) = text.split_once(':').unwrap_or((text, ""));
    let number = || value.parse::<u32>().map_err(|_| format!("{verb} needs a number, not {value:?}"));
    Ok(match verb {
        "ok" => Action::Ok,
        "hang" | "never" => Action::Hang,
        "exit" => Action::Exit(value.parse().map_err(|_| format!("exit needs a number, not {value:?}"))?),
        "abort" => Action::Abort,
        "stop" => Action::Stop(Win32Error(number()?)),
        "specific" => Action::Specific(number()?),
        "code" => Action::Code(Win32Error(number()?)),
        "gate" => Action::Gate(value.to_owned()),
        "answer" => Action::Answer(number()?),
        "lines" => lines(value).ok_or_else(|| format!("lines needs FIRST-LAST, not {value:?}"))?,
        "endless" => Action::Endless(number()?.into()),
        "every-byte" => Action::EveryByte(number()?.into()),
        "say" => Action::Say(value.to_owned()),
        "complain" => Action::Complain(value.to_owned()),
        _ => return Err(format!("no such action: {text}")),
    })
}

fn lines(value: &str) -> Option<Action> {
    let (first, last) = value.split_once('-')?;
    Some(Action::Lines(first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_words_win_and_others_are_left_alone() {
        let script = Script::default().with(&["accept=STOP,SHUTDOWN", "start=hang", "free"]).unwrap();
        let script = script.with(&["start=gate:127.0.0.1:9", "on-128=exit:3"]).unwrap();
        assert_eq!(script.accept, ControlsAccepted::STOP | ControlsAccepted::SHUTDOWN);
        assert_eq!(script.start, Action::Gate("127.0.0.1:9".to_owned()));
        assert_eq!(script.on(Control(128)), &Action::Exit(3));
        assert_eq!(script.on(Control::STOP), &Action::Ok);
    }

    #[test]
    fn a_misspelt_script_is_refused() {
        assert!(Script::default().with(&["start=hangs"]).is_err());
        assert!(Script::default().with(&["accept=STOPP"]).is_err());
        assert!(Script::default().with(&["on-x=ok"]).is_err());
    }
}
