//! Where news come from: threads that wait for what the service control manager, the terminal and the system tell, each on a connection of its own. The view never waits for them.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{Event as Input, KeyEvent};
use svckit_core::Result;
use svckit_core::backend::Backend;
use svckit_core::name::ServiceName;
use svckit_core::native::{Event, LogCursor, LogFrom, Overview, Reply, Request, ServiceUsage};
use svckit_core::win32::Win32Error;
use svckit_host::keyboard::Keyboard;
use svckit_manager::local::{self, Interrupt};

use crate::app::{self, App};
use crate::failure::Failure;
use crate::top::model::{Deed, MOST_EVENTS, Pane};
use crate::ui::Ui;
use crate::verbs::control;
use crate::verbs::logs::{Texts, decode};
use crate::verbs::scm::Place;

/// How many lines a log begins with.
const FIRST_LINES: u32 = 200;

/// How often in a row somebody may be there who then doesn't answer.
const FRUITLESS: u32 = 10;

/// Something to be shown, or done.
pub(crate) enum News {
    Key(KeyEvent),
    Resized,
    /// This process is to end.
    End,
    /// A thread failed as none may.
    Broken(String),
    Overview(Overview),
    /// Nobody answers any more, and why.
    Lost(String),
    Usage(u64, Vec<ServiceUsage>),
    NoUsage(String),
    Output(u64, Vec<u8>),
    Happened(u64, Vec<Event>),
    /// What was to be followed can't be.
    NotFollowed(u64, String),
    Done(Deed, ServiceName, std::result::Result<(), String>),
}

/// The threads.
pub(crate) struct Feed {
    place: Place,
    /// The limit of each wait of a deed.
    wait: Option<Duration>,
    news: SyncSender<News>,
    samples: SyncSender<()>,
    followed: Option<(ServiceName, Pane)>,
    follower: Option<Follower>,
    /// The number of what is followed, to tell its news from those of what was before.
    pub(crate) generation: u64,
}

struct Follower {
    is_over: Arc<AtomicBool>,
    interrupt: Interrupt,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        self.interrupt.interrupt();
    }
}

impl Feed {
    /// Begins to wait for the keyboard, the system, and for what comes after `revision`.
    pub(crate) fn start(
        place: &Place,
        wait: Option<Duration>,
        revision: u64,
    ) -> io::Result<(Self, Receiver<News>)> {
        // Bounded, so that a program that floods its log is read as fast as its lines can be shown.
        let (news, inbox) = sync_channel(64);
        let (samples, asked) = sync_channel(1);
        let end = news.clone();
        svckit_host::on_end(move || drop(end.send(News::End)))?;
        spawn(&news, "keys", keys)?;
        let watched = place.clone();
        spawn(&news, "overview", move |news| watch(&watched, revision, news))?;
        let measured = place.clone();
        spawn(&news, "usage", move |news| measure(&measured, &asked, news))?;
        let place = place.clone();
        let feed = Self { place, wait, news, samples, followed: None, follower: None, generation: 0 };
        Ok((feed, inbox))
    }

    /// Asks for a sample of what services use; not while one is being taken.
    pub(crate) fn sample(&self) {
        let _ = self.samples.try_send(());
    }

    /// Follows this from now on, and nothing else; whether it is another than before.
    pub(crate) fn follow(&mut self, wanted: Option<(ServiceName, Pane)>) -> io::Result<bool> {
        if self.followed == wanted {
            return Ok(false);
        }
        self.follower = None;
        self.generation += 1;
        self.followed.clone_from(&wanted);
        let Some((service, pane)) = wanted else { return Ok(true) };
        let follower = Follower { is_over: Arc::default(), interrupt: Interrupt::new()? };
        let following = Following {
            service,
            generation: self.generation,
            is_over: Arc::clone(&follower.is_over),
            news: self.news.clone(),
        };
        let (place, interrupt) = (self.place.clone(), follower.interrupt.clone());
        self.follower = Some(follower);
        spawn(&self.news, "follower", move |_| {
            let outcome = place.connect_until(&interrupt).and_then(|backend| match pane {
                Pane::Logs => following.logs(&*backend),
                _ => following.events(&*backend),
            });
            if let Err(error) = outcome {
                following.tell(News::NotFollowed(following.generation, error.to_string()));
            }
        })?;
        Ok(true)
    }

    /// Does something to a service.
    pub(crate) fn act(&self, deed: Deed, service: ServiceName) -> io::Result<()> {
        let (place, wait) = (self.place.clone(), self.wait);
        spawn(&self.news, "deed", move |news| {
            let connector = place.clone();
            let connect = Arc::new(move || connector.connect_running());
            let mut app = App::new(Ui::silent(), connect, place.surroundings(), wait);
            let outcome = carry_out(&mut app, deed, &service).map_err(|failure| failure.line());
            // With nobody to be told, there is nothing more to do; so with all of these.
            let _ = news.send(News::Done(deed, service, outcome));
        })
    }
}

fn carry_out(app: &mut App, deed: Deed, service: &ServiceName) -> std::result::Result<(), Failure> {
    if deed != Deed::Start {
        control::stop_one(app, service)?;
    }
    if deed == Deed::Stop { Ok(()) } else { control::start_one(app, service) }
}

/// Runs a thread. One that panics is told of as news.
fn spawn(
    news: &SyncSender<News>,
    name: &str,
    work: impl FnOnce(&SyncSender<News>) + Send + 'static,
) -> io::Result<()> {
    let news = news.clone();
    let named = name.to_owned();
    let run = move || {
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(&news))) else { return };
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
        let _ = news.send(News::Broken(format!("{named}: {text}")));
    };
    thread::Builder::new().name(name.to_owned()).spawn(run).map(drop)
}

/// What comes from the terminal, until it is gone.
fn keys(news: &SyncSender<News>) {
    let mut keyboard = Keyboard::open();
    loop {
        let read = keyboard.as_mut().map_or(Err(()), |keyboard| keyboard.read().map_err(drop));
        let told = match read {
            Ok(Input::Key(key)) => News::Key(key),
            Ok(Input::Resize(..)) => News::Resized,
            Ok(_) => continue,
            Err(()) => News::End,
        };
        let is_end = matches!(told, News::End);
        if news.send(told).is_err() || is_end {
            return;
        }
    }
}

/// What services do, from one service control manager to the next.
fn watch(place: &Place, revision: u64, news: &SyncSender<News>) {
    let mut after = Some(revision);
    let mut fruitless = 0;
    loop {
        let error = match changes(place, &mut after, &mut fruitless, news) {
            Ok(()) => return,
            Err(error) => error,
        };
        let lost = matches!(error.code, Win32Error::RPC_S_CALL_FAILED | Win32Error::RPC_S_SERVER_UNAVAILABLE);
        fruitless += 1;
        if news.send(News::Lost(error.to_string())).is_err() || !lost || fruitless > FRUITLESS {
            return;
        }
        after = None;
        if let Err(error) = local::wait_until_served(place.target()) {
            let _ = news.send(News::Lost(error.to_string()));
            return;
        }
    }
}

/// Tells of changes until nobody listens or nobody answers.
fn changes(
    place: &Place,
    after: &mut Option<u64>,
    fruitless: &mut u32,
    news: &SyncSender<News>,
) -> Result<()> {
    let backend = place.connect_running()?;
    loop {
        let overview = app::overview(&*backend, *after)?;
        *after = Some(overview.revision);
        *fruitless = 0;
        if news.send(News::Overview(overview)).is_err() {
            return Ok(());
        }
    }
}

/// Takes a sample each time that one is asked for.
fn measure(place: &Place, asked: &Receiver<()>, news: &SyncSender<News>) {
    let mut backend: Option<Box<dyn Backend>> = None;
    while asked.recv().is_ok() {
        super::fail_if_told("usage");
        let connected = backend.take().map_or_else(|| place.connect_running(), Ok);
        let sample = connected.and_then(|connected| app::usage(&**backend.insert(connected)));
        let told = match sample {
            Ok((at, services)) => News::Usage(at, services),
            Err(error) => News::NoUsage(error.to_string()),
        };
        if news.send(told).is_err() {
            return;
        }
    }
}

/// What a thread needs that follows a service.
struct Following {
    service: ServiceName,
    generation: u64,
    is_over: Arc<AtomicBool>,
    news: SyncSender<News>,
}

impl Following {
    /// Whether to go on.
    fn tell(&self, news: News) -> bool {
        !self.is_over.load(Ordering::Acquire) && self.news.send(news).is_ok()
    }

    fn ask(&self, backend: &dyn Backend, operation: &'static str, request: Request) -> Result<Reply> {
        app::native(backend, operation, Some(&self.service), request)
    }

    fn logs(&self, backend: &dyn Backend) -> Result<()> {
        let (mut data, mut cursor) = self.piece(backend, LogFrom::Tail { lines: FIRST_LINES }, false)?;
        let mut texts = Texts::default();
        while self.tell(News::Output(self.generation, texts.take(&data))) {
            (data, cursor) = self.piece(backend, LogFrom::Cursor(cursor), true)?;
        }
        Ok(())
    }

    fn piece(&self, backend: &dyn Backend, from: LogFrom, wait: bool) -> Result<(Vec<u8>, LogCursor)> {
        const OPERATION: &str = "read log of service";
        let request = Request::Log { service: self.service.clone(), from, wait };
        match self.ask(backend, OPERATION, request)? {
            Reply::Log { data, cursor } => {
                let data = decode(&data).ok_or_else(|| app::unexpected(backend, OPERATION))?;
                Ok((data, cursor))
            }
            _ => Err(app::unexpected(backend, OPERATION)),
        }
    }

    fn events(&self, backend: &dyn Backend) -> Result<()> {
        const OPERATION: &str = "read events";
        let mut last = 0;
        let (mut limit, mut wait) = (u32::try_from(MOST_EVENTS).ok(), false);
        loop {
            let service = Some(self.service.clone());
            let request = Request::Events { service, after: Some(last), limit, wait };
            let Reply::Events { events } = self.ask(backend, OPERATION, request)? else {
                return Err(app::unexpected(backend, OPERATION));
            };
            last = events.last().map_or(last, |event| event.sequence);
            (limit, wait) = (None, true);
            if !self.tell(News::Happened(self.generation, events)) {
                return Ok(());
            }
        }
    }
}
