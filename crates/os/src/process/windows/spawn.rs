//! The start of a program: suspended, put into its job, and only then let run.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle, RawHandle};
use std::path::{Path, PathBuf};
use std::ptr;

use svckit_core::command_line;
use svckit_core::sort;
use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, ERROR_BAD_EXE_FORMAT, ERROR_DIRECTORY, ERROR_ELEVATION_REQUIRED,
    ERROR_EXE_MACHINE_TYPE_MISMATCH, MAX_PATH,
};
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE, STD_OUTPUT_HANDLE};
use windows_sys::Win32::System::SystemInformation::GetSystemDirectoryW;
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, CREATE_SUSPENDED, CREATE_UNICODE_ENVIRONMENT, CreateProcessW,
    DeleteProcThreadAttributeList, EXTENDED_STARTUPINFO_PRESENT, GetCurrentProcess,
    InitializeProcThreadAttributeList, LPPROC_THREAD_ATTRIBUTE_LIST, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
    PROCESS_INFORMATION, ResumeThread, STARTF_USESTDHANDLES, STARTUPINFOEXW, TerminateProcess,
    UpdateProcThreadAttribute,
};
use zeroize::Zeroizing;

use super::job::Job;
use super::limits;
use crate::event::Bell;
use crate::pipe::ProgramEnd;
use crate::process::{Command, SpawnError, Stage, Stdio};
use crate::program;
use crate::text::wide;

/// What a program gets as a standard stream.
#[derive(Debug, Clone, Copy)]
pub struct End<'a>(Stream<'a>);

#[derive(Debug, Clone, Copy)]
enum Stream<'a> {
    Handle(BorrowedHandle<'a>),
    /// The one of this process with this number.
    Own(u32),
}

impl End<'static> {
    /// This process's own standard output.
    pub fn own_output() -> Self {
        Self(Stream::Own(STD_OUTPUT_HANDLE))
    }

    /// This process's own standard error.
    pub fn own_error() -> Self {
        Self(Stream::Own(STD_ERROR_HANDLE))
    }
}

impl<'a> From<&'a ProgramEnd> for End<'a> {
    fn from(end: &'a ProgramEnd) -> Self {
        Self(Stream::Handle(end.as_handle()))
    }
}

impl<'a> From<&'a File> for End<'a> {
    fn from(file: &'a File) -> Self {
        Self(Stream::Handle(file.as_handle()))
    }
}

impl End<'_> {
    fn is_own(&self) -> bool {
        matches!(self.0, Stream::Own(_))
    }

    /// A copy that a program can inherit; `None` if this process has no such stream.
    fn inheritable(&self) -> io::Result<Option<OwnedHandle>> {
        let source = match self.0 {
            Stream::Handle(handle) => handle.as_raw_handle(),
            // SAFETY: a plain number is passed.
            Stream::Own(number) => unsafe { GetStdHandle(number) },
        };
        if source.is_null() || source.addr() == usize::MAX {
            return Ok(None);
        }
        let mut copy = ptr::null_mut();
        // SAFETY: the source is an open handle of this process; the copy is written on success.
        let done = unsafe {
            let this = GetCurrentProcess();
            DuplicateHandle(this, source, this, &raw mut copy, 0, 1, DUPLICATE_SAME_ACCESS)
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle is new, and nobody else's.
        Ok(Some(unsafe { OwnedHandle::from_raw_handle(copy) }))
    }
}

/// A program that runs, in its job.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: u32,
    pub(super) process: OwnedHandle,
    pub(super) job: Job,
    /// Whether it is at the console of this process.
    pub(super) at_console: bool,
}

/// Starts a program in a job of its own, with the three streams and no other handle; `bell` tells of the ends of its processes.
pub(super) fn start(command: &Command, stdio: Stdio<'_>, bell: &Bell) -> Result<Started, SpawnError> {
    let program = resolve(command)?;
    let fail = |stage, error: io::Error| failure(command, &program, stage, error);
    if let Some(directory) = &command.directory {
        match crate::path::is_folder(directory) {
            Ok(true) => {}
            Ok(false) => {
                let error = io::Error::from_raw_os_error(ERROR_DIRECTORY.cast_signed());
                return Err(fail(Stage::Directory, error));
            }
            Err(error) => return Err(fail(Stage::Directory, error)),
        }
    }
    let line = command_line(&program, command)
        .map_err(|why| fail(Stage::Program, io::Error::new(io::ErrorKind::InvalidInput, why)))?;
    let mut job = Job::new(bell, command).map_err(|error| fail(Stage::Process, error))?;
    job.confine(&command.limits)?;
    let at_console = stdio.output.is_own();
    let created =
        Plan { line, directory: command.directory.as_deref(), environment: block(&command.environment) }
            .carry_out(stdio, at_console);
    let (pid, process, thread) = created.map_err(|error| {
        let at_directory = error.raw_os_error() == Some(ERROR_DIRECTORY.cast_signed());
        fail(if at_directory { Stage::Directory } else { Stage::Program }, error)
    })?;
    let limited = limits::set(&command.limits, process.as_raw_handle());
    let begun = limited
        .and_then(|()| begin(&mut job, &process, &thread, pid).map_err(|error| fail(Stage::Process, error)));
    match begun {
        Ok(()) => Ok(Started { pid, process, job, at_console }),
        Err(error) => {
            // SAFETY: the process's handle is open. It has not run anything yet.
            unsafe { TerminateProcess(process.as_raw_handle(), 1) };
            Err(error)
        }
    }
}

/// Puts a process into its job and lets it run.
fn begin(job: &mut Job, process: &OwnedHandle, thread: &OwnedHandle, pid: u32) -> io::Result<()> {
    job.assign(process.as_raw_handle(), pid)?;
    // SAFETY: the thread's handle is open.
    if unsafe { ResumeThread(thread.as_raw_handle()) } == u32::MAX {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The file that is to be run. A relative path is below the working directory, a bare name is looked up in the program's `PATH`.
fn resolve(command: &Command) -> Result<PathBuf, SpawnError> {
    let name = command.command.first().cloned().unwrap_or_default();
    let fail = |kind: io::ErrorKind, detail: Option<String>| SpawnError {
        stage: Stage::Program,
        error: kind.into(),
        subject: name.to_string_lossy().into_owned(),
        detail,
    };
    let Some(text) = name.to_str().filter(|text| !text.is_empty()) else {
        return Err(fail(io::ErrorKind::InvalidInput, Some("its name is no text".to_owned())));
    };
    let path = |name: &str| {
        let found = command.environment.iter().rfind(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let wanted = match &command.directory {
        Some(directory) if text.contains(['\\', '/']) => directory.join(text),
        _ => PathBuf::from(text),
    };
    let search = path("PATH");
    program::find(&wanted.to_string_lossy(), &search).map_err(|error| match error {
        program::ProgramError::NotFound(_) => fail(
            io::ErrorKind::NotFound,
            Some(format!("it is in no folder of PATH ({})", search.to_string_lossy())),
        ),
        program::ProgramError::Missing(_) => fail(io::ErrorKind::NotFound, None),
        program::ProgramError::Folder(_) => {
            fail(io::ErrorKind::PermissionDenied, Some("it is a folder".to_owned()))
        }
        program::ProgramError::NotExecutable(_) => {
            fail(io::ErrorKind::PermissionDenied, Some("the file may not be executed".to_owned()))
        }
    })
}

/// The application that is run, and its command line.
struct Line {
    application: Vec<u16>,
    words: Vec<u16>,
}

fn command_line(program: &Path, command: &Command) -> Result<Line, String> {
    let text = |word: &OsStr| {
        word.to_str().map(str::to_owned).ok_or_else(|| format!("{word:?} is no valid Unicode"))
    };
    let arguments: Vec<String> =
        command.command.iter().skip(1).map(|word| text(word)).collect::<Result<_, _>>()?;
    let path = text(program.as_os_str())?;
    if !command_line::is_batch(&path) {
        let words = command_line::join(&path, &arguments).map_err(|error| error.to_string())?;
        return Ok(Line { application: crate::path::wide(program), words: wide(&words) });
    }
    let processor =
        system_file("cmd.exe").map_err(|error| format!("the system's folder is unknown: {error}"))?;
    let words = command_line::batch(&processor, &path, &arguments).map_err(|error| error.to_string())?;
    Ok(Line { application: wide(&processor), words: wide(&words) })
}

/// A file in the system's folder, wherever variables say that it is.
pub(super) fn system_file(name: &str) -> io::Result<String> {
    let mut space = [0; MAX_PATH as usize];
    // SAFETY: there is room for as many units as is said.
    let length = unsafe { GetSystemDirectoryW(space.as_mut_ptr(), MAX_PATH) };
    let length = usize::try_from(length).ok().filter(|length| *length > 0);
    let folder = length.and_then(|length| space.get(..length)).ok_or_else(io::Error::last_os_error)?;
    Ok(format!(r"{}\{name}", String::from_utf16_lossy(folder)))
}

/// The variables in the form that the system wants: `NAME=value`, each with a NUL, one more at the end. Overwritten when it goes: secrets may be among them.
fn block(environment: &[(OsString, OsString)]) -> Zeroizing<Vec<u16>> {
    let mut sorted: Vec<_> = environment.iter().collect();
    sort::by_key(&mut sorted, |(name, _)| crate::variable::key(name));
    // No text has more units than bytes. A block that grew would leave a copy behind.
    let most = sorted.iter().map(|(name, value)| name.len() + value.len() + 2).sum::<usize>() + 2;
    let mut units = Zeroizing::new(Vec::with_capacity(most));
    for (name, value) in sorted {
        units.extend(name.encode_wide().filter(|unit| *unit != 0));
        units.push(u16::from(b'='));
        units.extend(value.encode_wide().filter(|unit| *unit != 0));
        units.push(0);
    }
    if units.is_empty() {
        units.push(0);
    }
    units.push(0);
    units
}

struct Plan<'a> {
    line: Line,
    directory: Option<&'a Path>,
    environment: Zeroizing<Vec<u16>>,
}

impl Plan<'_> {
    /// Makes the process, suspended: its id, its handle and that of its first thread.
    fn carry_out(
        mut self,
        stdio: Stdio<'_>,
        at_console: bool,
    ) -> io::Result<(u32, OwnedHandle, OwnedHandle)> {
        let streams = [stdio.input, stdio.output, stdio.error];
        let copies = streams.iter().map(End::inheritable).collect::<io::Result<Vec<_>>>()?;
        let raw = |index: usize| {
            let copy = copies.get(index).and_then(Option::as_ref);
            copy.map_or(ptr::null_mut(), AsRawHandle::as_raw_handle)
        };
        let mut listed: Vec<RawHandle> = (0..3).map(raw).filter(|handle| !handle.is_null()).collect();
        let mut attributes = Attributes::new(&mut listed)?;
        let mut startup = STARTUPINFOEXW::default();
        startup.StartupInfo.cb = u32::try_from(size_of::<STARTUPINFOEXW>()).unwrap_or(0);
        startup.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
        (startup.StartupInfo.hStdInput, startup.StartupInfo.hStdOutput, startup.StartupInfo.hStdError) =
            (raw(0), raw(1), raw(2));
        startup.lpAttributeList = attributes.list();
        // Without a window there is a console all the same, at which Ctrl+C reaches the program. At the console of this process it is one of a group of its own,
        // so that what somebody types comes to us only, who passes it on.
        let own = if at_console { CREATE_NEW_PROCESS_GROUP } else { CREATE_NO_WINDOW };
        let flags = CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT | own;
        let directory: Option<Vec<u16>> =
            self.directory.map(|path| path.as_os_str().encode_wide().chain([0]).collect());
        let mut made = PROCESS_INFORMATION::default();
        // SAFETY: every string ends with NUL and lives during the call, the command line is ours to be written to, the block of variables ends with two NULs, and
        // the startup information with its list and the handles in that live during the call. Only handles in the list are inherited.
        let done = unsafe {
            CreateProcessW(
                self.line.application.as_ptr(),
                self.line.words.as_mut_ptr(),
                ptr::null(),
                ptr::null(),
                i32::from(!copies.iter().all(Option::is_none)),
                flags,
                self.environment.as_ptr().cast(),
                directory.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
                (&raw const startup).cast(),
                &raw mut made,
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handles are new, and nobody else's.
        unsafe {
            let process = OwnedHandle::from_raw_handle(made.hProcess);
            Ok((made.dwProcessId, process, OwnedHandle::from_raw_handle(made.hThread)))
        }
    }
}

/// Which handles a process inherits.
struct Attributes<'a> {
    /// INVARIANT: an initialised list, which points to `_handles`.
    space: Vec<usize>,
    _handles: &'a mut [RawHandle],
}

impl<'a> Attributes<'a> {
    fn new(handles: &'a mut [RawHandle]) -> io::Result<Self> {
        let mut bytes = 0;
        // SAFETY: without a list the call only tells the size of one with one attribute.
        unsafe { InitializeProcThreadAttributeList(ptr::null_mut(), 1, 0, &raw mut bytes) };
        let mut space = vec![0usize; bytes.div_ceil(size_of::<usize>())];
        // SAFETY: the space has the size that the system asked for.
        let done =
            unsafe { InitializeProcThreadAttributeList(space.as_mut_ptr().cast(), 1, 0, &raw mut bytes) };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        let mut attributes = Self { space, _handles: handles };
        let (first, size) = (attributes._handles.as_ptr(), size_of_val(attributes._handles));
        // A list of no handles is none.
        if size > 0 {
            // SAFETY: the list is initialised and has room for one attribute; the handles live as long as it does.
            let done = unsafe {
                UpdateProcThreadAttribute(
                    attributes.list(),
                    0,
                    PROC_THREAD_ATTRIBUTE_HANDLE_LIST as usize,
                    first.cast(),
                    size,
                    ptr::null_mut(),
                    ptr::null(),
                )
            };
            if done == 0 {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(attributes)
    }

    fn list(&mut self) -> LPPROC_THREAD_ATTRIBUTE_LIST {
        self.space.as_mut_ptr().cast()
    }
}

impl Drop for Attributes<'_> {
    fn drop(&mut self) {
        // SAFETY: the list is initialised, and not used after this.
        unsafe { DeleteProcThreadAttributeList(self.list()) };
    }
}

fn failure(command: &Command, program: &Path, stage: Stage, error: io::Error) -> SpawnError {
    let subject = match (stage, &command.directory) {
        (Stage::Directory, Some(directory)) => directory.to_string_lossy().into_owned(),
        _ => program.to_string_lossy().into_owned(),
    };
    let code = error.raw_os_error().map(i32::cast_unsigned);
    let detail = match code {
        Some(ERROR_BAD_EXE_FORMAT | ERROR_EXE_MACHINE_TYPE_MISMATCH) => {
            Some("it is no program for this kind of Windows".to_owned())
        }
        Some(ERROR_ELEVATION_REQUIRED) => {
            Some("it asks for administrator rights, which the account of the service doesn't have".to_owned())
        }
        None if error.kind() == io::ErrorKind::InvalidInput => Some(error.to_string()),
        _ => None,
    };
    SpawnError { stage, error, subject, detail }
}
