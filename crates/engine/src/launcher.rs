//! Who makes processes: the spawner, kept running.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use svckit_core::image_path::{HostImage, ImagePath};
use svckit_host::spawner::{Image, Launch, Spawner, SpawnerEvent};
use svckit_os::process;
use tokio::io::unix::AsyncFd;

use crate::readable::readable;

/// What came of the orders.
#[derive(Debug)]
pub(crate) enum LauncherEvent {
    /// From the spawner.
    Spawner(SpawnerEvent),
    /// The spawner ended; orders that it had not answered are lost.
    Lost,
}

/// Makes processes through a spawner.
pub(crate) struct Launcher {
    executable: PathBuf,
    running: Option<Running>,
}

impl Drop for Launcher {
    fn drop(&mut self) {
        let Some(Running { readable, mut spawner }) = self.running.take() else { return };
        drop(readable);
        if !spawner.end() {
            tracing::error!("the spawner does not end");
        }
    }
}

struct Running {
    /// A second descriptor of its socket, to wait on. Dropped first: the spawner ends, and is waited for, when the last has gone.
    readable: AsyncFd<OwnedFd>,
    spawner: Spawner,
}

impl Launcher {
    /// Starts the spawner: `executable host spawner`.
    pub(crate) fn start(executable: &Path) -> io::Result<Self> {
        let mut launcher = Self { executable: executable.to_owned(), running: None };
        launcher.running()?;
        Ok(launcher)
    }

    /// Orders a process; the spawner is started anew if it has ended.
    pub(crate) fn launch(&mut self, launch: &Launch) -> io::Result<()> {
        self.running()?.spawner.launch(launch)
    }

    /// The next event. Can be given up and called again.
    pub(crate) async fn next(&mut self) -> LauncherEvent {
        loop {
            let Some(running) = &mut self.running else { return std::future::pending().await };
            let Ok(mut ready) = running.readable.readable().await else {
                self.running = None;
                return LauncherEvent::Lost;
            };
            match running.spawner.try_next() {
                Ok(Some(event)) => return LauncherEvent::Spawner(event),
                Ok(None) => ready.clear_ready(),
                Err(error) => {
                    tracing::error!("the spawner is gone: {error}");
                    self.running = None;
                    return LauncherEvent::Lost;
                }
            }
        }
    }

    /// What the process of an image path is: svckit's own host, or a program to be executed.
    pub(crate) fn image(&self, image_path: &ImagePath) -> Image {
        let is_own = |host: HostImage| {
            process::is_same_file(Path::new(&host.program), &self.executable).unwrap_or(false)
        };
        match HostImage::of(image_path).is_some_and(is_own) {
            true => Image::Host,
            false => Image::Exec { arguments: image_path.arguments() },
        }
    }

    fn running(&mut self) -> io::Result<&mut Running> {
        if self.running.is_none() {
            let spawner = Spawner::start(&self.executable)?;
            let socket = readable(spawner.as_fd().try_clone_to_owned()?)?;
            self.running = Some(Running { readable: socket, spawner });
        }
        self.running.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}
