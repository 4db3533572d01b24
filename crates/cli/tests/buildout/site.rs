//! A folder with a buildout in it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use svckit_recipe::winservice::{self, Variables};
use svckit_testkit::svc::{Output, Svc, finish};

/// A buildout whose part runs `bin/app-script.py`.
pub(crate) const APP: &str = "[winservice]\n\
recipe = p01.recipe.setup:winservice\n\
name = Zope 3 Windows Service\n\
description = Zope 3 Windows Service description\n\
runzope = app\n";

/// What every run of the specification's buildout begins with.
pub(crate) const BUILDOUT: &str = "[buildout]\ndevelop = demo1 demo2\nparts = winservice\n\n";

pub(crate) struct Site {
    pub(crate) svc: Svc,
}

impl Site {
    /// Two projects, a start script, and the one program on the path: a Python.
    pub(crate) fn new() -> Self {
        let site = Self { svc: Svc::new() };
        site.write("demo1/setup.py", "\nfrom setuptools import setup\nsetup(name = 'demo1')\n");
        site.write(
            "demo2/setup.py",
            "\nfrom setuptools import setup\nsetup(name = 'demo2', install_requires='demo1')\n",
        );
        site.write("bin/app-script.py", "\nprint('started')\n");
        site.write("tools/python3", "");
        let python = site.path("tools/python3");
        std::fs::set_permissions(python, std::fs::Permissions::from_mode(0o755)).unwrap();
        site
    }

    /// The same with a configuration of these sections after `[buildout]`.
    pub(crate) fn with(sections: &str) -> Self {
        let site = Self::new();
        site.configure(sections);
        site
    }

    pub(crate) fn configure(&self, sections: &str) {
        self.write("buildout.cfg", &format!("{BUILDOUT}{sections}"));
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.svc.folder().canonicalize().unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn is_there(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The names in a folder, in their order.
    pub(crate) fn list(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// `svc buildout` with further words.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.svc.command(&[&["buildout"], words].concat());
        command.current_dir(self.path("")).env("PATH", self.path("tools"));
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        finish(self.command(words))
    }

    /// A run that has to succeed; what it prints, with the site's folder as `/site`.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!((output.code(), output.stderr.as_str()), (Some(0), ""), "{}", output.stdout);
        self.normal(&output.stdout)
    }

    /// A run that has to fail; its exit status and what it prints to both streams, with the site's folder as `/site`.
    pub(crate) fn fail(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let output = self.run(words);
        (output.code(), self.normal(&output.stdout), self.normal(&output.stderr))
    }

    pub(crate) fn normal(&self, text: &str) -> String {
        text.replace(self.path("").to_str().unwrap().trim_end_matches('/'), "/site")
    }

    /// The assignments at the beginning of the script, as they are written, with the site's folder as `/site`.
    pub(crate) fn block(&self) -> Vec<String> {
        let script = self.read("bin/winservice.py");
        let lines = script.lines().skip_while(|line| !line.starts_with("PYTHONSERVICE_EXE = "));
        lines.take(Variables::NAMES.len()).map(|line| self.normal(line)).collect()
    }

    /// The same as they are read.
    pub(crate) fn variables(&self) -> Variables {
        let path = self.path("bin/winservice.py");
        winservice::read(&path, &std::fs::read(&path).unwrap()).unwrap().variables
    }

    /// Every file of the site, with its content.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut folders = vec![self.path("")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.clone(), std::fs::read(&path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

/// The name that a service has whose script is this.
pub(crate) fn derived(script: &Path) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_string() } else { "_".to_owned() };
    script.to_str().unwrap().chars().map(|c| if c == '/' { "__".to_owned() } else { letter(c) }).collect()
}
