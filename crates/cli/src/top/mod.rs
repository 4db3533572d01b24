//! `svc top`: services in the terminal, live.
//!
//! [`model`] and [`view`] are functions; [`feed`] brings the news, [`screen`] has the terminal, and what is here lets one follow from the other.

mod feed;
mod lines;
mod model;
mod once;
mod screen;
mod sort;
mod view;

use std::io::{self, IsTerminal};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use svckit_core::time::Tick;
use svckit_host::clock;

use crate::app::{self, App, all_named};
use crate::args::Top;
use crate::failure::{Failure, Status};
use crate::top::feed::{Feed, News};
use crate::top::model::{Errand, Model};
use crate::top::screen::Screen;
use crate::top::view::Painter;
use crate::verbs::scm::Place;

/// How much news is taken before it is shown.
const AT_ONCE: usize = 256;

/// Shows services until told to end.
pub(crate) fn run(app: &mut App, place: &Place, arguments: &Top) -> Result<(), Failure> {
    let only = all_named(app, &arguments.services)?;
    if arguments.once {
        return once::print(app, &only);
    }
    if app.ui.json || !app.ui.has_screen() || !io::stdin().is_terminal() {
        let hint = "svc top --once prints what it would show, once; svc status tells the states";
        return Err(Failure::usage("svc top needs a terminal to draw on").hint(hint));
    }
    let overview = app::overview(app.backend()?, None)?;
    for name in &only {
        // One that isn't there is told of before the terminal is taken.
        if !overview.services.iter().any(|view| view.service == *name) {
            crate::report::one(app, name)?;
        }
    }
    let mut model = Model::new(app.backend()?.target(), &only, arguments.read_only);
    let revision = overview.revision;
    model.overview(overview);
    let painter = Painter { colour: app.ui.colour() };
    let fail = |error| Failure::io("cannot start svc top", error);
    let (feed, inbox) = Feed::start(place, app.wait, revision).map_err(fail)?;
    let screen = Screen::take(painter).map_err(|error| Failure::io("cannot use the terminal", error))?;
    Session { model, feed, screen, interval: arguments.interval, next_sample: Tick::default() }.run(&inbox)
}

/// In builds for tests: fails at the place that a variable names, as what can't happen would.
fn fail_if_told(place: &str) {
    if cfg!(debug_assertions) && std::env::var_os("SVCKIT_TEST_PANIC").is_some_and(|told| told == place) {
        panic!("told to fail at {place}");
    }
}

struct Session {
    model: Model,
    feed: Feed,
    screen: Screen,
    interval: Duration,
    next_sample: Tick,
}

impl Session {
    fn run(mut self, inbox: &Receiver<News>) -> Result<(), Failure> {
        loop {
            self.sample();
            self.follow()?;
            fail_if_told("draw");
            self.screen.draw(&mut self.model).map_err(|error| Failure::io("cannot draw", error))?;
            let first = match self.model.needs_clock() {
                true => inbox.recv_timeout(self.next_sample.since(clock::now().tick)),
                false => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let first = match first {
                Ok(news) => news,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            for news in std::iter::once(first).chain(inbox.try_iter().take(AT_ONCE)) {
                if self.take(news)? {
                    return Ok(());
                }
            }
        }
    }

    /// The one clock: asks what services use when it is time, as long as there is something to see.
    fn sample(&mut self) {
        let now = clock::now().tick;
        if self.model.needs_clock() && now >= self.next_sample {
            self.feed.sample();
            self.next_sample = now + self.interval;
        }
    }

    fn follow(&mut self) -> Result<(), Failure> {
        let followed = self.feed.follow(self.model.following());
        if followed.map_err(|error| Failure::io("cannot follow", error))? {
            self.model.forget_followed();
        }
        Ok(())
    }

    /// Takes news; whether it is the end.
    fn take(&mut self, news: News) -> Result<bool, Failure> {
        let current = self.feed.generation;
        match news {
            News::End => return Ok(true),
            News::Broken(what) => {
                let message = format!("a part of svc top failed: {what}");
                return Err(Failure::Other { message, status: Status::Failure });
            }
            News::Key(key) => match self.model.key(key) {
                Some(Errand::Quit) => return Ok(true),
                Some(Errand::Do(deed, service)) => {
                    self.model.say(format!("{} {service}: under way", deed.verb()));
                    self.feed.act(deed, service).map_err(|error| Failure::io("cannot act", error))?;
                }
                None => {}
            },
            News::Resized => {}
            News::Overview(overview) => self.model.overview(overview),
            News::Lost(why) => self.model.lost(why),
            News::Usage(at, services) => self.model.usage(at, services),
            News::NoUsage(why) => self.model.no_usage(&why),
            News::Output(of, bytes) if of == current => self.model.lines.add(&bytes),
            News::Happened(of, events) if of == current => self.model.happened(events),
            News::NotFollowed(of, why) if of == current => self.model.complain(why),
            News::Output(..) | News::Happened(..) | News::NotFollowed(..) => {}
            News::Done(deed, service, Ok(())) => self.model.say(format!("{} {service}: done", deed.verb())),
            News::Done(_, _, Err(why)) => self.model.complain(why),
        }
        Ok(false)
    }
}
