//! A program in a terminal of its own: a pseudo-terminal whose screen can be read.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use svckit_os::clock;
use svckit_os::pidfd::PidFd;
use svckit_testkit::PATIENCE;

/// A program and its terminal; the program is ended when this is dropped.
pub(crate) struct Terminal {
    keyboard: File,
    /// Kept open, so that the terminal is there when the program is not any more.
    line: OwnedFd,
    output: Receiver<Vec<u8>>,
    parser: vt100::Parser,
    child: Child,
}

impl Terminal {
    /// Runs a command in a new terminal of that many lines and columns.
    pub(crate) fn run(command: &Command, lines: u16, columns: u16) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        set_size(&keyboard, lines, columns);
        let path = ptsname(&keyboard, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let line = rustix::fs::open(path, flags, Mode::empty()).unwrap();
        let end = || Stdio::from(line.try_clone().unwrap());
        // Makes the terminal that of a new session, which is what a program is told through that it has another size.
        let mut leader = Command::new("setsid");
        leader.arg("--ctty").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            leader.env(name, value.unwrap());
        }
        leader.env("TERM", "xterm-256color").current_dir(command.get_current_dir().unwrap());
        let child = leader.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let keyboard = File::from(keyboard);
        let mut reader = keyboard.try_clone().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keyboard, line, output, parser: vt100::Parser::new(lines, columns, 0), child }
    }

    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Gives the terminal another size.
    pub(crate) fn resize(&mut self, lines: u16, columns: u16) {
        self.parser.screen_mut().set_size(lines, columns);
        set_size(&self.keyboard, lines, columns);
    }

    /// What is on the screen.
    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        // What is drawn again and again is no reason to wait longer.
        let end = clock::now().tick + PATIENCE;
        loop {
            let text = self.text();
            if wanted(&text) {
                return text;
            }
            match self.output.recv_timeout(end.since(clock::now().tick)) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(_) => panic!("the screen doesn't become as wanted:\n{text}"),
            }
        }
    }

    /// Waits until the screen has this text.
    #[track_caller]
    pub(crate) fn shows(&mut self, wanted: &str) -> String {
        self.until(|text| text.contains(wanted))
    }

    /// The program's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program's end, after which the terminal has to be as it was.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let process = PidFd::open(self.child.id()).unwrap();
        assert!(process.wait(PATIENCE).unwrap(), "it does not end:\n{}", self.text());
        while self.parser.screen().alternate_screen() || self.parser.screen().hide_cursor() {
            match self.output.recv_timeout(PATIENCE) {
                Ok(bytes) => self.parser.process(&bytes),
                Err(_) => panic!("the screen was not given back:\n{}", self.text()),
            }
        }
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "{modes:?}");
        self.child.wait().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn set_size(terminal: &impl std::os::fd::AsFd, lines: u16, columns: u16) {
    let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}
