//! The same for several services, as many at a time as may be. Who is next, and who is left out, is decided by [`Schedule`].

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use svckit_core::name::ServiceName;
use svckit_core::order::Order;
use svckit_core::schedule::{Direction, Next, Schedule};
use svckit_core::status::NotifyMask;
use svckit_core::{Error, Result, Win32Error};
use svckit_manager::dependencies;
use svckit_manager::entity::{Deleted, Progress, Service, ServiceManager};

use crate::app::App;
use crate::args::Goal;
use crate::failure::Failure;
use crate::table::printable;
use crate::ui::Detail;
use crate::verbs::control::explained;
use crate::workers::Worker;

/// How many services are acted on at a time, if nothing else is asked for.
pub(crate) const AT_A_TIME: u16 = 8;

/// What is done.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// With these start arguments.
    Start(Vec<String>),
    Stop,
    Pause,
    Continue,
    Remove {
        /// Whether one that runs is stopped.
        stop: bool,
    },
    /// Wait until it is so, whoever brings it about.
    Wait(Goal),
}

/// What came of it for one service.
pub(crate) enum End {
    Done,
    /// It was so before.
    AlreadySo,
    Failed(Failure),
    /// It was not tried.
    LeftOut(Failure),
}

impl Action {
    /// For errors.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Start(_) => "start service",
            Self::Stop => "stop service",
            Self::Pause => "pause service",
            Self::Continue => "continue service",
            Self::Remove { .. } => "delete service",
            Self::Wait(_) => "wait for service",
        }
    }

    fn doing(&self) -> &'static str {
        match self {
            Self::Start(_) => "starting",
            Self::Stop => "stopping",
            Self::Pause => "pausing",
            Self::Continue => "continuing",
            Self::Remove { .. } => "removing",
            Self::Wait(_) => "waiting for",
        }
    }

    pub(crate) fn done(&self) -> &'static str {
        match self {
            Self::Start(_) => "started",
            Self::Stop => "stopped",
            Self::Pause => "paused",
            Self::Continue => "continued",
            Self::Remove { .. } => "removed",
            Self::Wait(Goal::Running) => "running",
            Self::Wait(Goal::Ready) => "ready",
            Self::Wait(Goal::Paused) => "paused",
            Self::Wait(Goal::Stopped) => "stopped",
            Self::Wait(Goal::Gone) => "gone",
        }
    }

    fn direction(&self) -> Direction {
        match self {
            Self::Start(_) => Direction::NeededFirst,
            Self::Stop | Self::Remove { .. } => Direction::NeededLast,
            Self::Pause | Self::Continue | Self::Wait(_) => Direction::Any,
        }
    }

    fn carry_out(&self, service: &Service) -> Result<()> {
        match self {
            Self::Start(arguments) => service.start(arguments).map(drop),
            Self::Stop => service.stop().map(drop),
            Self::Pause => service.pause().map(drop),
            Self::Continue => service.resume().map(drop),
            Self::Wait(Goal::Running) => service.wait_until(NotifyMask::RUNNING).map(drop),
            Self::Wait(Goal::Ready) => service.wait_until_ready(),
            Self::Wait(Goal::Paused) => service.wait_until(NotifyMask::PAUSED).map(drop),
            Self::Wait(Goal::Stopped) => service.wait_until(NotifyMask::STOPPED).map(drop),
            Self::Wait(Goal::Gone) => service.wait_until_absent(),
            Self::Remove { stop } => {
                let deleted = if *stop { service.stop_and_delete() } else { service.delete() };
                match deleted? {
                    Deleted::Gone => Ok(()),
                    Deleted::Marked => service.wait_until_gone(),
                }
            }
        }
    }
}

/// What a worker tells.
enum News {
    AlreadySo,
    /// What it waits for.
    Waiting(String),
    Over(Result<()>),
}

/// The way for news of one service. Its end is told in any case.
struct Teller {
    item: usize,
    news: Sender<(usize, News)>,
    is_over: bool,
}

impl Teller {
    fn over(mut self, result: Result<()>) {
        self.is_over = true;
        // Whoever doesn't listen any more has given up.
        let _ = self.news.send((self.item, News::Over(result)));
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if !self.is_over {
            let lost = Error::new("wait for a thread", Win32Error::GEN_FAILURE).cause("it has ended");
            let _ = self.news.send((self.item, News::Over(Err(Box::new(lost)))));
        }
    }
}

/// Who is told of each when it is over.
pub(crate) type OnEnd<'a> = &'a mut dyn FnMut(&mut App, &ServiceName, &End) -> Result<(), Failure>;

/// Does it for all of them, and tells `on_end` of each when it is over. A failure of one is no reason to leave those that don't need it. When nobody reads any
/// more, the rest is done without a word.
pub(crate) fn run(
    app: &mut App,
    names: &[ServiceName],
    (action, at_a_time): (Action, u16),
    on_end: OnEnd<'_>,
) -> Result<Vec<End>, Failure> {
    Run::of(app, names, (action, at_a_time), false)?.finish(app, on_end)
}

/// The same, but after a failure no more are begun: those are left out.
pub(crate) fn run_until_failure(
    app: &mut App,
    names: &[ServiceName],
    how: (Action, u16),
    on_end: OnEnd<'_>,
) -> Result<Vec<End>, Failure> {
    Run::of(app, names, how, true)?.finish(app, on_end)
}

struct Run<'a> {
    names: &'a [ServiceName],
    action: Arc<Action>,
    schedule: Schedule,
    /// Whether no more are begun after a failure.
    ends_with_failure: bool,
    /// Who failed, if no more are begun for that.
    failed: Option<usize>,
    sender: Sender<(usize, News)>,
    news: Receiver<(usize, News)>,
    /// Who does it.
    workers: Vec<Option<Worker>>,
    already: Vec<bool>,
    /// What was last said of each.
    lines: Vec<String>,
    ends: Vec<Option<End>>,
    /// Whether all could be told.
    told: Result<(), Failure>,
}

impl<'a> Run<'a> {
    fn of(
        app: &mut App,
        names: &'a [ServiceName],
        (action, at_a_time): (Action, u16),
        ends_with_failure: bool,
    ) -> Result<Self, Failure> {
        let order = match names {
            [] | [_] => Order::default(),
            _ => dependencies::order(app.backend()?, names),
        };
        let schedule = Schedule::new(&order, names, action.direction(), at_a_time.into());
        let (sender, news) = channel();
        Ok(Self {
            names,
            action: Arc::new(action),
            schedule,
            ends_with_failure,
            failed: None,
            sender,
            news,
            workers: names.iter().map(|_| None).collect(),
            already: vec![false; names.len()],
            lines: vec![String::new(); names.len()],
            ends: names.iter().map(|_| None).collect(),
            told: Ok(()),
        })
    }

    fn finish(mut self, app: &mut App, on_end: OnEnd<'_>) -> Result<Vec<End>, Failure> {
        self.carry_out(app, on_end)?;
        self.told?;
        Ok(self.ends.into_iter().flatten().collect())
    }

    fn carry_out(&mut self, app: &mut App, on_end: OnEnd<'_>) -> Result<(), Failure> {
        loop {
            while let Some(next) = self.schedule.advance() {
                match (next, self.failed) {
                    (Next::Begin(item), Some(because)) => {
                        self.schedule.over(item, false);
                        let end = End::LeftOut(self.left_out(app, item, because));
                        self.end(app, item, end, on_end);
                    }
                    (Next::Begin(item), None) => self.begin(app, item)?,
                    (Next::LeaveOut { item, because }, _) => {
                        let end = End::LeftOut(self.left_out(app, item, because));
                        self.end(app, item, end, on_end);
                    }
                }
            }
            if self.workers.iter().all(Option::is_none) {
                return Ok(app.ui.clear_progress()?);
            }
            let Ok((item, news)) = self.news.recv() else { return Ok(()) };
            match news {
                News::AlreadySo => self.already[item] = true,
                News::Waiting(line) => self.waits(app, item, line),
                News::Over(result) => {
                    if let Some(worker) = self.workers[item].take() {
                        app.workers.give_back(worker);
                    }
                    self.schedule.over(item, result.is_ok());
                    if result.is_err() && self.ends_with_failure {
                        self.failed.get_or_insert(item);
                    }
                    let end = match result {
                        Ok(()) if self.already[item] => End::AlreadySo,
                        Ok(()) => End::Done,
                        Err(error) => End::Failed(explained(app, &self.action, &self.names[item], error)),
                    };
                    self.end(app, item, end, on_end);
                }
            }
        }
    }

    fn begin(&mut self, app: &mut App, item: usize) -> Result<(), Failure> {
        let name = self.names[item].clone();
        let doing = self.action.doing();
        self.tell(app.ui.detail(format!("{doing} {name}")), app);
        let teller = Teller { item, news: self.sender.clone(), is_over: false };
        let (action, limits) = (Arc::clone(&self.action), app.limits());
        let waits = app.waits();
        let job = move |services: Result<ServiceManager>| {
            let carried_out = services.and_then(|services| {
                let mut service = services.presumed(name.clone());
                service.set_limits(waits.then_some(limits));
                let news = teller.news.clone();
                service.on_progress(move |progress| {
                    // Whoever doesn't listen any more has given up.
                    let _ = news.send((item, told(progress, doing, &name)));
                });
                action.carry_out(&service)
            });
            teller.over(carried_out);
        };
        let worker = app.workers.begin(Box::new(job));
        self.workers[item] = Some(worker.map_err(|error| Failure::io("cannot begin", error))?);
        Ok(())
    }

    fn waits(&mut self, app: &mut App, item: usize, line: String) {
        if self.lines[item] != line {
            self.tell(app.ui.detail(&line), app);
        }
        let over = self.ends.iter().flatten().count();
        let whole = match self.names.len() {
            1 => line.clone(),
            all => format!("{over} of {all} {}, {line}", self.action.done()),
        };
        self.tell(app.ui.progress(whole), app);
        self.lines[item] = line;
    }

    fn end(&mut self, app: &mut App, item: usize, end: End, on_end: OnEnd<'_>) {
        let told = on_end(app, &self.names[item], &end);
        let flushed = app.ui.out().flush().map_err(Failure::from);
        self.tell(told.and(flushed), app);
        self.ends[item] = Some(end);
    }

    /// When something can't be told, no more is.
    fn tell(&mut self, outcome: Result<(), Failure>, app: &mut App) {
        if outcome.is_err() && self.told.is_ok() {
            self.told = outcome;
            app.ui.detail = Detail::Quiet;
        }
    }

    fn left_out(&self, app: &mut App, item: usize, because: usize) -> Failure {
        let (other, done) = (self.names[because].as_str(), self.action.done());
        let (code, cause) = match self.action.direction() {
            Direction::NeededFirst => {
                let cause = format!("it was not tried: it needs {other:?}, which was not {done}");
                (Win32Error::SERVICE_DEPENDENCY_FAIL, cause)
            }
            _ => {
                let cause = format!("it was not tried: {other:?} depends on it and was not {done}");
                (Win32Error::DEPENDENT_SERVICES_RUNNING, cause)
            }
        };
        let mut error = Error::new(self.action.operation(), code).service(self.names[item].as_str());
        error.target = app.backend().map(|backend| backend.target()).ok();
        Failure::from(Box::new(error.cause(cause))).hint(format!("svc status {other} shows how {other} is"))
    }
}

fn told(progress: &Progress<'_>, doing: &str, name: &ServiceName) -> News {
    let name = printable(name.as_str());
    match progress {
        Progress::AlreadySo => News::AlreadySo,
        Progress::OnItsWay(status) if status.checkpoint > 0 => {
            News::Waiting(format!("{doing} {name}: {}, checkpoint {}", status.state, status.checkpoint))
        }
        Progress::OnItsWay(status) => News::Waiting(format!("{doing} {name}: {}", status.state)),
        Progress::Held(hold) => News::Waiting(format!("{doing} {name}: {hold}")),
    }
}

/// How several ended: how many didn't, on standard error, and the failure that counts, which is that of the first in the order in which they were named. Each was told before,
/// except for that of the only one.
pub(crate) fn end(app: &mut App, ends: Vec<End>, is_one: bool, done: &str) -> Result<(), Failure> {
    let all = ends.len();
    let left_out = ends.iter().filter(|end| matches!(end, End::LeftOut(_))).count();
    let failed: Vec<Failure> = ends
        .into_iter()
        .filter_map(|end| match end {
            End::Failed(failure) => Some(failure),
            _ => None,
        })
        .collect();
    if !is_one && !failed.is_empty() && !app.ui.json && app.ui.detail >= Detail::Normal {
        let good = all - failed.len() - left_out;
        let not_tried = if left_out > 0 { format!(", {left_out} not tried") } else { String::new() };
        app.ui.finish()?;
        writeln!(app.ui.err(), "{good} of {all} {done}, {} failed{not_tried}", failed.len())?;
    }
    match failed.into_iter().next() {
        None => Ok(()),
        Some(failure) if is_one => Err(failure),
        Some(failure) => Err(Failure::Told(failure.status())),
    }
}
