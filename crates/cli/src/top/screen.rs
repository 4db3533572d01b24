//! The terminal while it is ours, and as it was before when it isn't any more, however that comes about.

use std::io::{self, Stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::top::model::Model;
use crate::top::view::{self, Painter};

/// The whole terminal; given back when this is dropped.
pub(crate) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    painter: Painter,
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn take(painter: Painter) -> io::Result<Self> {
        give_back_on_panic();
        enable_raw_mode()?;
        IS_TAKEN.store(true, Ordering::Release);
        let taken = execute!(io::stdout(), EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        match taken {
            Ok(terminal) => Ok(Self { terminal, painter }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Shows the model.
    pub(crate) fn draw(&mut self, model: &mut Model) -> io::Result<()> {
        let (painter, now) = (self.painter, svckit_host::clock::now().wall);
        let drawn = self.terminal.draw(|frame| {
            model.page = view::page(frame.area(), model);
            view::draw(frame.buffer_mut(), model, now, painter);
        });
        drawn.map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether there is something to give back.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal that is gone needs nothing back; and what was written after it was given back is not to be written over.
fn give_back() {
    if !IS_TAKEN.swap(false, Ordering::AcqRel) {
        return;
    }
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

/// What a panic says is to be read on the terminal as it was before. Those of other threads come as news, since this one has the terminal, unless each panic ends the program.
fn give_back_on_panic() {
    let before = panic::take_hook();
    let own = thread::current().id();
    panic::set_hook(Box::new(move |what| {
        if cfg!(panic = "abort") || thread::current().id() == own {
            give_back();
            before(what);
        }
    }));
}
