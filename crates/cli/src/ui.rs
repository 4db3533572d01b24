//! What people see: standard output and error, colours, width, and the line of progress.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use svckit_core::native::Level;
use svckit_core::status::ServiceState;

use crate::args::Global;
use crate::failure::Failure;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    Quiet,
    Normal,
    Verbose,
}

/// How results look that somebody else prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    json: bool,
    detail: Detail,
    out_colour: bool,
    err_colour: bool,
    width: Option<usize>,
}

impl Look {
    /// The same with less room in a line.
    #[must_use]
    pub(crate) fn narrower(self, columns: usize) -> Self {
        Self { width: self.width.map(|width| width.saturating_sub(columns)), ..self }
    }
}

/// The two streams and how they are written to.
pub(crate) struct Ui {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    pub(crate) json: bool,
    /// Whether errors and warnings are lines as Microsoft DSC reads them.
    pub(crate) traces: bool,
    pub(crate) detail: Detail,
    out_colour: bool,
    err_colour: bool,
    /// Whether progress is shown.
    live: bool,
    progress_shown: bool,
    width: Option<usize>,
    /// Whether standard output is a terminal that can be drawn on.
    has_screen: bool,
}

impl Ui {
    /// The process's own streams.
    pub(crate) fn new(global: &Global) -> Self {
        let out_terminal = io::stdout().is_terminal();
        let err_terminal = io::stderr().is_terminal();
        // Old consoles of Windows have to be told that what comes are not only letters; some can't be.
        let takes_codes =
            !(out_terminal || err_terminal) || anstyle_query::windows::enable_ansi_colors() != Some(false);
        let colour = !global.no_color
            && takes_codes
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let detail = match (global.quiet, global.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        Self {
            out: Box::new(io::BufWriter::with_capacity(1 << 16, io::stdout().lock())),
            err: Box::new(io::stderr()),
            json: global.json,
            traces: false,
            detail,
            out_colour: colour && out_terminal && !global.json,
            err_colour: colour && err_terminal && !global.json,
            live: takes_codes && err_terminal && out_terminal && !global.json && detail >= Detail::Normal,
            progress_shown: false,
            width: out_terminal
                .then(|| terminal_size::terminal_size().map(|(width, _)| width.0.into()))
                .flatten(),
            has_screen: takes_codes
                && out_terminal
                && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        }
    }

    /// Says nothing to anybody: for what is done in the background.
    pub(crate) fn silent() -> Self {
        let look =
            Look { json: false, detail: Detail::Quiet, out_colour: false, err_colour: false, width: None };
        Self::with_look(Box::new(io::sink()), Box::new(io::sink()), look)
    }

    /// Streams that nobody sees while something is done.
    pub(crate) fn with_look(out: Box<dyn Write>, err: Box<dyn Write>, look: Look) -> Self {
        let Look { json, detail, out_colour, err_colour, width } = look;
        let (traces, live, progress_shown, has_screen) = (false, false, false, false);
        Self {
            out,
            err,
            json,
            traces,
            detail,
            out_colour,
            err_colour,
            live,
            progress_shown,
            width,
            has_screen,
        }
    }

    /// How its results look.
    pub(crate) fn look(&self) -> Look {
        let Self { json, detail, out_colour, err_colour, width, .. } = *self;
        Look { json, detail, out_colour, err_colour, width }
    }

    /// Streams of a test: plain, or in colour and of a width as on a terminal.
    #[cfg(test)]
    pub(crate) fn captured(
        out: Box<dyn Write>,
        err: Box<dyn Write>,
        json: bool,
        terminal: Option<usize>,
    ) -> Self {
        let colour = terminal.is_some();
        let look =
            Look { json, detail: Detail::Normal, out_colour: colour, err_colour: colour, width: terminal };
        Self::with_look(out, err, look)
    }

    /// Standard output, for results.
    pub(crate) fn out(&mut self) -> &mut dyn Write {
        &mut *self.out
    }

    /// Whether standard output is a terminal that can be drawn on.
    pub(crate) fn has_screen(&self) -> bool {
        self.has_screen
    }

    /// Whether standard output is in colour.
    pub(crate) fn colour(&self) -> bool {
        self.out_colour
    }

    /// The terminal's width, if standard output is one.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// A line of results on standard output, unless only JSON or nothing is wanted there.
    pub(crate) fn say(&mut self, line: impl AsRef<str>) -> Result<(), Failure> {
        if !self.json && self.detail >= Detail::Normal {
            self.clear_progress()?;
            writeln!(self.out, "{}", line.as_ref())?;
        }
        Ok(())
    }

    /// A line about what is being done, on standard error, if more is wanted.
    pub(crate) fn detail(&mut self, line: impl AsRef<str>) -> Result<(), Failure> {
        if self.detail == Detail::Verbose {
            self.clear_progress()?;
            writeln!(self.err, "{}", line.as_ref())?;
        }
        Ok(())
    }

    /// A line about how it went, on standard error, so that results are alone on standard output.
    pub(crate) fn note(&mut self, line: impl AsRef<str>) -> Result<(), Failure> {
        if !self.json && self.detail >= Detail::Normal {
            self.clear_progress()?;
            writeln!(self.err, "{}", line.as_ref())?;
        }
        Ok(())
    }

    /// Something to think about, on standard error.
    pub(crate) fn warn(&mut self, message: impl AsRef<str>) -> Result<(), Failure> {
        self.clear_progress()?;
        if self.traces {
            return Ok(self.trace("warn", message.as_ref())?);
        }
        let heading = self.err_paint(AnsiColor::Yellow.on_default().bold(), "warning:");
        writeln!(self.err, "{heading} {}", message.as_ref())?;
        Ok(())
    }

    /// A line that Microsoft DSC takes into its own messages, with a level that it knows (`error`, `warn`).
    pub(crate) fn trace(&mut self, level: &str, message: &str) -> io::Result<()> {
        writeln!(self.err, "{}", serde_json::json!({ level: message }))
    }

    /// JSON on standard output, one line.
    pub(crate) fn print_json<T: Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.out, value).map_err(io::Error::from)?;
        writeln!(self.out)?;
        Ok(())
    }

    /// Shows what is being waited for, in one line that the next replaces; only on a terminal.
    pub(crate) fn progress(&mut self, line: impl AsRef<str>) -> Result<(), Failure> {
        if self.live {
            self.out.flush()?;
            let text: String =
                line.as_ref().chars().take(self.width.unwrap_or(80).saturating_sub(1)).collect();
            write!(self.err, "\r\x1b[K{text}")?;
            self.err.flush()?;
            self.progress_shown = true;
        }
        Ok(())
    }

    /// Takes the line of progress away.
    pub(crate) fn clear_progress(&mut self) -> io::Result<()> {
        if self.progress_shown {
            write!(self.err, "\r\x1b[K")?;
            self.err.flush()?;
            self.progress_shown = false;
        }
        Ok(())
    }

    /// Writes everything out.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.clear_progress()?;
        self.out.flush()
    }

    /// Standard error, for errors.
    pub(crate) fn err(&mut self) -> &mut dyn Write {
        &mut *self.err
    }

    /// A text in a style, for standard output.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        if self.out_colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// The same at the end of a line that is put together.
    pub(crate) fn paint_onto(&self, line: &mut String, style: Style, text: &str) {
        if self.out_colour {
            line.push_str(&self.paint(style, text));
        } else {
            line.push_str(text);
        }
    }

    /// A text in a style, for standard error.
    pub(crate) fn err_paint(&self, style: Style, text: &str) -> String {
        if self.err_colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The style of a state.
pub(crate) fn state_style(state: ServiceState) -> Style {
    match state {
        ServiceState::RUNNING => AnsiColor::Green.on_default(),
        ServiceState::STOPPED => Style::new().dimmed(),
        ServiceState::PAUSED => AnsiColor::Blue.on_default(),
        _ => AnsiColor::Yellow.on_default(),
    }
}

/// The style of something that is not as it should be.
pub(crate) fn trouble_style() -> Style {
    AnsiColor::Red.on_default()
}

/// The style of an event's level.
pub(crate) fn level_style(level: Level) -> Style {
    match level {
        Level::Information => Style::new(),
        Level::Warning => AnsiColor::Yellow.on_default(),
        Level::Error => AnsiColor::Red.on_default(),
    }
}

/// The style of headings.
pub(crate) fn heading_style() -> Style {
    Style::new().bold()
}
