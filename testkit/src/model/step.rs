//! The steps of a sequence, and what goes in and out with them.

use super::Status;

/// One step. Handles are kept in slots; opening one into a slot that is taken closes what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Step {
    Create {
        slot: usize,
        name: &'static str,
        new: NewService,
    },
    Open {
        slot: usize,
        name: &'static str,
        access: u32,
    },
    /// Opens the service control manager.
    OpenManager {
        slot: usize,
    },
    Close {
        slot: usize,
    },
    /// Registers a wait through what is open in a slot.
    Watch {
        slot: usize,
        mask: u32,
    },
    /// Asks for the result of that wait.
    Ask {
        slot: usize,
    },
    /// Gives that wait up.
    Unwatch {
        slot: usize,
    },
    /// Ends one of the two connections: that of the first half of the slots, or that of the others.
    Disconnect {
        connection: usize,
    },
    Delete {
        slot: usize,
    },
    Start {
        slot: usize,
        arguments: usize,
    },
    Control {
        slot: usize,
        control: u32,
    },
    Change {
        slot: usize,
        change: Change,
    },
    Change2 {
        slot: usize,
        change: Change2,
    },
    /// The process that a service waits for was made.
    Made {
        name: &'static str,
    },
    /// It could not be made.
    NotMade {
        name: &'static str,
        code: u32,
    },
    /// It speaks for the first time.
    Connect {
        name: &'static str,
    },
    /// The process of a service reports its status.
    Report {
        name: &'static str,
        report: Report,
    },
    /// The process of a service answers the first control that it has not answered.
    Answer {
        name: &'static str,
        code: u32,
    },
    /// The process of a service does what it has not done yet, until the service runs and accepts every control.
    Run {
        name: &'static str,
    },
    /// The process of a service ends, whatever it was doing.
    Die {
        name: &'static str,
    },
    /// Time passes.
    Wait {
        seconds: u32,
    },
    /// The service control manager is killed, and another one takes over; the process of a service may have died meanwhile.
    Kill {
        dead: Option<&'static str>,
    },
    /// The machine starts anew.
    Boot,
    /// The service control manager is to stop everything and end, then another one begins; a second time: by force.
    Shutdown,
}

/// What `CreateService` is given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the call")]
pub struct NewService {
    pub kind: u32,
    pub start: u32,
    pub error: u32,
    pub group: Option<&'static str>,
    pub tag: bool,
    pub needs: Vec<&'static str>,
    pub account: Option<&'static str>,
    pub display: Option<&'static str>,
    pub access: u32,
}

/// What `ChangeServiceConfig` is given: one thing, the rest stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the call")]
pub enum Change {
    /// Nothing.
    Nothing,
    /// The image path follows the type, see [`NewService`].
    Kind(u32),
    Start(u32),
    Error(u32),
    Group {
        group: Option<&'static str>,
        tag: bool,
    },
    Tag,
    Needs(Vec<&'static str>),
    Account(&'static str),
    Display(&'static str),
}

/// What `ChangeServiceConfig2` is given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the call")]
pub enum Change2 {
    Description(&'static str),
    /// The reset period and the actions with their delays, in seconds.
    Actions {
        reset: Option<u32>,
        actions: Vec<(u32, u32)>,
    },
    Command(&'static str),
    Delayed(bool),
    Flag(bool),
    Sid(u32),
    Privileges(Vec<&'static str>),
    /// In seconds.
    Preshutdown(u32),
}

/// What `SetServiceStatus` is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the call")]
pub struct Report {
    pub state: u32,
    pub accepted: u32,
    pub exit: (u32, u32),
    pub checkpoint: u32,
    /// In seconds.
    pub hint: u32,
}

/// What is to be put into a service control manager. Processes are named by their image path and their number among those of that path.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Input {
    /// A call of a client: the step itself.
    Call,
    /// The service control manager is killed and another one begins, in the same life of the machine or in a new one.
    Kill {
        boot: bool,
    },
    /// After the service control manager ended by itself another one begins.
    Successor,
    Made {
        process: String,
        pid: u32,
    },
    NotMade {
        process: String,
        code: u32,
    },
    /// It speaks for the first time, with the services that it has.
    Hello {
        process: String,
        pid: u32,
        services: Vec<(String, Report)>,
    },
    Report {
        process: String,
        service: String,
        report: Report,
    },
    /// It answers the first control for the service that it has not answered.
    Answer {
        process: String,
        service: String,
        code: u32,
    },
    Gone {
        process: String,
    },
}

/// What the world sees of a service control manager.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they say what they are")]
pub enum Seen {
    Launched {
        process: String,
    },
    Told {
        process: String,
        service: String,
        arguments: Vec<String>,
    },
    Controlled {
        process: String,
        service: String,
        control: u32,
    },
    Released {
        process: String,
        service: String,
    },
    Killed {
        process: String,
    },
    Ran {
        command: Vec<String>,
    },
    /// Everything has stopped, and the service control manager ends.
    Finished,
    /// The result of a wait, for the step that asked: a status, or the names of services that came and went.
    Notified {
        step: usize,
        what: u32,
        status: Option<Status>,
        names: Vec<String>,
    },
}
