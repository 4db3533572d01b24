use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

/// The terminal of the session, which shows nothing of what is typed.
pub(super) struct Terminal {
    file: File,
    before: Termios,
}

/// Silences the terminal of the session. Keys come one by one, also those that would interrupt: else an interrupted prompt would leave a silent terminal behind.
pub(super) fn open() -> io::Result<Terminal> {
    let none = |_| io::Error::new(io::ErrorKind::NotFound, "there is no terminal");
    let file = File::options().read(true).write(true).open("/dev/tty").map_err(none)?;
    let before = tcgetattr(&file)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
    silent.special_codes[SpecialCodeIndex::VMIN] = 1;
    silent.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(&file, OptionalActions::Flush, &silent)?;
    Ok(Terminal { file, before })
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The terminal may be gone.
        let _ = tcsetattr(&self.file, OptionalActions::Flush, &self.before);
    }
}

impl Read for &Terminal {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.file).read(buffer)
    }
}

impl Write for &Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&self.file).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
