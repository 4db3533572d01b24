//! The program of a service's image path.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use svckit_core::native::Configured;
use svckit_host::program;
use svckit_recipe::Platform;
use svckit_recipe::doctor::Image;

use crate::builtin::PLATFORM;

/// Looks whether the program can be run, and for a hosted service whether it is this one.
pub(super) fn look(configured: &Configured) -> Image {
    let words = configured.config.image_path.arguments();
    let Some(first) = words.first() else { return Image::Unknown };
    let is_quoted = configured.config.image_path.as_str().trim_start().starts_with('"');
    let longer = (2..=words.len()).map(|count| PathBuf::from(words[..count].join(" ")));
    let meant = longer.take_while(|_| !is_quoted).find(|path| program::check(path).is_ok());
    let search = std::env::var_os("PATH").unwrap_or_default();
    match program::find(first, &search) {
        Ok(path) if configured.definition.is_some() => match is_this(&path) {
            Ok(false) => Image::OtherBuild(path),
            _ => Image::Runnable,
        },
        Ok(_) => Image::Runnable,
        // Windows tries longer and longer pieces of a path that isn't quoted.
        Err(_) if PLATFORM == Platform::Windows && meant.is_some() => Image::Runnable,
        Err(_) if PLATFORM == Platform::Windows && !Path::new(first).is_absolute() => Image::Unknown,
        Err(error) => Image::Broken { reason: error.to_string(), meant },
    }
}

/// Whether a program is the same as this one, byte for byte.
fn is_this(path: &Path) -> io::Result<bool> {
    let own = std::env::current_exe()?;
    if own == path || own.canonicalize()? == path.canonicalize()? {
        return Ok(true);
    }
    let (one, other) = (File::open(own)?, File::open(path)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let length = left.len().min(right.len());
        if length == 0 {
            return Ok(left.len() == right.len());
        }
        if left[..length] != right[..length] {
            return Ok(false);
        }
        one.consume(length);
        other.consume(length);
    }
}
