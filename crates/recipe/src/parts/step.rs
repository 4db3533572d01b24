//! What is done, in what order, so that nothing is half-done that the next run doesn't know of.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::winservice::Problem;

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is for.
    pub action: Action,
    /// What is done to files, in this order.
    pub operations: Vec<Operation>,
    /// What people should know about it.
    pub warnings: Vec<String>,
    /// Why it fails in spite of that, after all operations; it is the last step then.
    pub failure: Option<Problem>,
    /// What puts the record right when an operation fails; what was written is removed before.
    pub undo: Vec<Operation>,
}

/// What a step is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Removing what a run left behind that did not come to its end.
    CleanUp,
    /// Making the folders of the buildout.
    Prepare,
    /// Linking a project.
    Develop(PathBuf),
    /// Removing links to projects that are developed no more.
    Forget,
    /// Removing what a part installed.
    Uninstall(String),
    /// Installing a part.
    Install(String),
    /// Looking after a part that is installed.
    Update(String),
    /// Recording the order of the parts.
    Record,
}

/// Something that is done to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Makes a folder, and those above it.
    MakeFolder(PathBuf),
    /// Puts a file in its place as a whole.
    Write {
        /// Where.
        path: PathBuf,
        /// What is in it then.
        content: Vec<u8>,
        /// Whether it has to outlast a power failure; what every run looks at and mends need not.
        is_lasting: bool,
    },
    /// Removes a file, or a folder that is empty, if it is there.
    Remove(PathBuf),
    /// Brings the record of what is installed up to date; without a content there is none.
    Record {
        /// Where it is.
        path: PathBuf,
        /// What is in it then.
        content: Option<Vec<u8>>,
    },
}

/// What changes files. Each call is whole or not there when the next run looks, but for [`Disk::write`].
pub trait Disk {
    /// Makes a folder, and those above it; one that is there is fine.
    fn make_folder(&mut self, path: &Path) -> io::Result<()>;

    /// Makes a file with this content, in place of one that is there. If it is to last, it is on the disk when this returns.
    fn write(&mut self, path: &Path, content: &[u8], is_lasting: bool) -> io::Result<()>;

    /// Gives a file another name, in place of what has that.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file, or a folder that is empty. That nothing is there is fine, and a folder with something in it stays.
    fn remove(&mut self, path: &Path) -> io::Result<()>;
}

/// An operation that did not succeed.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}", path.display())]
pub struct StepError {
    /// What it was about to do.
    pub doing: &'static str,
    /// To which file.
    pub path: PathBuf,
    /// Why it could not.
    #[source]
    pub cause: io::Error,
}

impl Step {
    /// A step that does this and nothing else.
    pub(super) fn new(action: Action, operations: Vec<Operation>) -> Self {
        Self { action, operations, warnings: Vec::new(), failure: None, undo: Vec::new() }
    }

    /// Carries it out. If an operation fails, what the step has written is removed, and the record says so; the error is that of the operation.
    pub fn carry_out(&self, disk: &mut dyn Disk) -> Result<(), StepError> {
        let mut written = Vec::new();
        for operation in &self.operations {
            if let Err(error) = operation.carry_out(disk) {
                if !self.undo.is_empty() {
                    // What can't be undone stays recorded as unfinished, for the next run; the error is still the first.
                    let _ = take_back(disk, &written).and_then(|()| all(disk, &self.undo));
                }
                return Err(error);
            }
            written.extend(operation.written());
        }
        Ok(())
    }

    /// The files that it makes or changes, except for the record.
    pub fn writes(&self) -> impl Iterator<Item = &Path> {
        self.operations.iter().filter_map(Operation::written)
    }

    /// The files that it removes.
    pub fn removes(&self) -> impl Iterator<Item = &Path> {
        self.operations.iter().filter_map(|operation| match operation {
            Operation::Remove(path) => Some(path.as_path()),
            _ => None,
        })
    }

    /// The folders that it makes.
    pub fn makes(&self) -> impl Iterator<Item = &Path> {
        self.operations.iter().filter_map(|operation| match operation {
            Operation::MakeFolder(path) => Some(path.as_path()),
            _ => None,
        })
    }
}

impl Action {
    /// The part that it is about.
    pub fn part(&self) -> Option<&str> {
        match self {
            Self::Uninstall(part) | Self::Install(part) | Self::Update(part) => Some(part),
            _ => None,
        }
    }

    /// The line that tells it; steps without one are not worth telling.
    pub fn line(&self) -> Option<String> {
        match self {
            Self::Develop(path) => Some(format!("Develop: '{}'", path.display())),
            Self::Uninstall(part) => Some(format!("Uninstalling {part}.")),
            Self::Install(part) => Some(format!("Installing {part}.")),
            Self::Update(part) => Some(format!("Updating {part}.")),
            Self::CleanUp | Self::Prepare | Self::Forget | Self::Record => None,
        }
    }
}

impl Operation {
    fn carry_out(&self, disk: &mut dyn Disk) -> Result<(), StepError> {
        match self {
            Self::MakeFolder(path) => {
                disk.make_folder(path).map_err(StepError::about("cannot make the folder", path))
            }
            Self::Remove(path) => remove(disk, path),
            Self::Write { path, content, is_lasting } => write(disk, path, content, *is_lasting),
            Self::Record { path, content: Some(content) } => write(disk, path, content, true),
            Self::Record { path, content: None } => remove(disk, path),
        }
    }

    fn written(&self) -> Option<&Path> {
        match self {
            Self::Write { path, .. } => Some(path),
            _ => None,
        }
    }
}

impl StepError {
    fn about(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self { doing, path, cause }
    }
}

/// The name that a file has until it is whole. Whoever finds one removes it.
pub fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".svc-new");
    name.into()
}

fn all(disk: &mut dyn Disk, operations: &[Operation]) -> Result<(), StepError> {
    operations.iter().try_for_each(|operation| operation.carry_out(disk))
}

fn take_back(disk: &mut dyn Disk, written: &[&Path]) -> Result<(), StepError> {
    written.iter().rev().try_for_each(|path| remove(disk, path))
}

/// Removes a file and what a run left that was about to write it.
fn remove(disk: &mut dyn Disk, path: &Path) -> Result<(), StepError> {
    let removed = disk.remove(&temporary(path)).and_then(|()| disk.remove(path));
    removed.map_err(StepError::about("cannot remove", path))
}

fn write(disk: &mut dyn Disk, path: &Path, content: &[u8], is_lasting: bool) -> Result<(), StepError> {
    let new = temporary(path);
    let done = disk.write(&new, content, is_lasting).and_then(|()| disk.rename(&new, path));
    done.map_err(|cause| {
        // Whether it succeeds or not, what is told is why the file could not be written.
        let _ = disk.remove(&new);
        StepError::about("cannot write", path)(cause)
    })
}
