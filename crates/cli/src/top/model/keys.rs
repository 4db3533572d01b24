//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Deed, Errand, Model, Pane, Prompt};

impl Deed {
    /// What is asked before, and told: `stop`.
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

impl Model {
    /// Takes a key.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Option<Errand> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Some(Errand::Quit);
        }
        match std::mem::replace(&mut self.prompt, Prompt::None) {
            Prompt::None => self.order_key(key.code),
            Prompt::Filter => {
                self.filter_key(key.code);
                None
            }
            Prompt::Confirm(deed, service) => match key.code {
                KeyCode::Char('y' | 'Y') => Some(Errand::Do(deed, service)),
                _ => {
                    self.say(format!("{service} is left as it is"));
                    None
                }
            },
            // Any key ends it.
            Prompt::Help => None,
        }
    }

    fn filter_key(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => return,
            KeyCode::Esc => return self.filter.clear(),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
        self.prompt = Prompt::Filter;
    }

    fn order_key(&mut self, key: KeyCode) -> Option<Errand> {
        self.said = None;
        // From the first key on it is the one that is meant, whatever becomes of the order.
        self.selected = self.selected_service().map(|service| service.folded());
        match key {
            KeyCode::Char('q') => return Some(Errand::Quit),
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.prompt = Prompt::Help,
            KeyCode::Char('/') => self.prompt = Prompt::Filter,
            KeyCode::Char('<') => self.order.move_on(true),
            KeyCode::Char('>') => self.order.move_on(false),
            KeyCode::Char('i') => self.order.is_reversed = !self.order.is_reversed,
            KeyCode::Char('d') => self.toggle(Pane::Details),
            KeyCode::Char('l') => self.toggle(Pane::Logs),
            KeyCode::Char('e') => self.toggle(Pane::Events),
            KeyCode::Enter if self.pane.is_none() => self.pane = Some(Pane::Details),
            KeyCode::Tab => self.pane = Some(next(self.pane)),
            KeyCode::Enter => self.pane = None,
            KeyCode::Esc if self.pane.is_some() => self.pane = None,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('s') => return self.ask(Deed::Start),
            KeyCode::Char('S') => return self.ask(Deed::Stop),
            KeyCode::Char('r') => return self.ask(Deed::Restart),
            other => self.go(other),
        }
        None
    }

    fn toggle(&mut self, pane: Pane) {
        self.pane = if self.pane == Some(pane) { None } else { Some(pane) };
    }

    /// Selects another service.
    fn go(&mut self, key: KeyCode) {
        let shown = self.shown();
        let Some(at) = self.selected(&shown) else { return };
        let last = shown.len() - 1;
        let to = match key {
            KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => at + 1,
            KeyCode::PageUp => at.saturating_sub(self.page.max(1)),
            KeyCode::PageDown => at + self.page.max(1),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => last,
            _ => return,
        };
        let key = shown[to.min(last)].service.folded();
        self.selected = Some(key);
    }

    /// What takes a service from those who use it is asked about before.
    fn ask(&mut self, deed: Deed) -> Option<Errand> {
        let service = self.selected_service()?;
        if self.is_read_only {
            self.complain(format!("--read-only: {service} is left as it is"));
            return None;
        }
        if deed == Deed::Start {
            return Some(Errand::Do(deed, service));
        }
        self.prompt = Prompt::Confirm(deed, service);
        None
    }
}

fn next(pane: Option<Pane>) -> Pane {
    match pane {
        None | Some(Pane::Events) => Pane::Details,
        Some(Pane::Details) => Pane::Logs,
        Some(Pane::Logs) => Pane::Events,
    }
}
