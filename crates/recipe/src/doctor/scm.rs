//! What ails the service control manager itself, and the disks that services write to.

use std::path::PathBuf;

use svckit_core::sort;
use svckit_core::space::{Room, Space};

use super::Finding;
use crate::lint::Severity;

/// What is known of a service control manager.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScmFacts {
    /// Its state directory, if that isn't private: what is wrong with it, and the command that mends it.
    pub open_directory: Option<OpenDirectory>,
    /// The version that runs, its process, and that of who looks, if they are not the same.
    pub other_version: Option<OtherVersion>,
    /// The disks that it and services write to.
    pub disks: Vec<Disk>,
}

/// A state directory that others may reach into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDirectory {
    /// The directory.
    pub path: PathBuf,
    /// What is wrong with it.
    pub found: String,
    /// The command that puts it right.
    pub remedy: String,
}

/// A service control manager of another version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherVersion {
    /// The version that runs.
    pub running: String,
    /// Its process.
    pub pid: u32,
    /// The version of who looks.
    pub own: String,
}

/// A disk that is written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Its room.
    pub space: Space,
    /// The state directory, if it is on it.
    pub state: Option<PathBuf>,
    /// Folders of logs that are on it.
    pub logs: Vec<PathBuf>,
}

/// Everything that the rules find about a service control manager.
pub fn diagnose_scm(facts: &ScmFacts) -> Vec<Finding> {
    let open = facts.open_directory.as_ref().map(open_directory);
    let other = facts.other_version.as_ref().map(other_version);
    let mut found: Vec<_> =
        open.into_iter().chain(other).chain(facts.disks.iter().filter_map(disk)).collect();
    sort::by_key(&mut found, |finding| std::cmp::Reverse(finding.severity));
    found
}

fn open_directory(open: &OpenDirectory) -> Finding {
    let message = format!("the state directory is not private: {}", open.found);
    Finding::new(Severity::Error, "state-directory", message)
        .at(open.path.display().to_string())
        .help(open.remedy.clone())
}

fn other_version(other: &OtherVersion) -> Finding {
    let OtherVersion { running, pid, own } = other;
    let message = format!("the service control manager that runs is svckit {running}, and this is {own}");
    let help = format!(
        "kill -9 {pid} ends it alone; the services go on, and the next svc command starts one of this version, which takes them over"
    );
    Finding::new(Severity::Warning, "scm-other-version", message).at(format!("process {pid}")).help(help)
}

fn disk(disk: &Disk) -> Option<Finding> {
    let (severity, rule) = match disk.space.room() {
        Room::Enough => return None,
        Room::Little => (Severity::Warning, "disk-low"),
        Room::None => (Severity::Error, "disk-full"),
    };
    let what = match (&disk.state, disk.logs.is_empty()) {
        (Some(_), true) => "the state directory",
        (Some(_), false) => "the state directory and logs",
        (None, _) => "logs",
    };
    let (free, total) = (written(disk.space.free), written(disk.space.total));
    let message = format!("{free} of {total} are left on the disk with {what}");
    let place = disk.state.as_ref().or(disk.logs.first())?.display().to_string();
    let help = "make room there, or let logs be rotated and fewer be kept: [service.NAME.log] rotate, keep";
    let notes: Vec<_> = disk.logs.iter().map(|folder| folder.display().to_string()).collect();
    Some(Finding::new(severity, rule, message).at(place).help(help).noting(&notes))
}

/// A number of bytes for people.
fn written(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mebibytes @ 1..10_240 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::why;

    fn told(facts: &ScmFacts) -> Vec<String> {
        let line = |one: Finding| {
            assert!(why(one.rule).is_some() && one.help.is_some() && one.place.is_some(), "{one:?}");
            format!("{} {}: {}", one.severity.word(), one.rule, one.message)
        };
        diagnose_scm(facts).into_iter().map(line).collect()
    }

    #[test]
    fn one_that_is_well_has_nothing_to_say() {
        let space = Space { free: 1 << 40, total: 1 << 41 };
        let disks = vec![Disk { space, state: Some("/state".into()), logs: Vec::new() }];
        assert_eq!(told(&ScmFacts { disks, ..ScmFacts::default() }), [""; 0]);
    }

    #[test]
    fn everything_is_told_the_heaviest_first() {
        let disk = |free, state: Option<&str>, logs: &[&str]| Disk {
            space: Space { free, total: 1 << 40 },
            state: state.map(PathBuf::from),
            logs: logs.iter().map(PathBuf::from).collect(),
        };
        let facts = ScmFacts {
            open_directory: Some(OpenDirectory {
                path: "/state".into(),
                found: "its mode is 0777".to_owned(),
                remedy: "chmod 0700 /state".to_owned(),
            }),
            other_version: Some(OtherVersion { running: "1.0".to_owned(), pid: 7, own: "1.1".to_owned() }),
            disks: vec![disk(5 << 10, Some("/state"), &["/logs"]), disk(99 << 20, None, &["/var/log"])],
        };
        assert_eq!(
            told(&facts),
            [
                "error state-directory: the state directory is not private: its mode is 0777",
                "error disk-full: 5 KiB of 1024 GiB are left on the disk with the state directory and logs",
                "warning scm-other-version: the service control manager that runs is svckit 1.0, and this is 1.1",
                "warning disk-low: 99 MiB of 1024 GiB are left on the disk with logs",
            ]
        );
        assert_eq!(diagnose_scm(&facts)[0].help.as_deref(), Some("chmod 0700 /state"));
    }
}
