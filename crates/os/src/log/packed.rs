//! Rotated logs that are compressed ([RFC 1952]). An extra field in the header holds the identity of the file that was compressed, so that a place in that
//! file is one in this too.
//!
//! [RFC 1952]: https://www.rfc-editor.org/rfc/rfc1952

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::read::{GzDecoder, MultiGzDecoder};
use flate2::{Compression, GzBuilder};
use svckit_core::log::name::{self, Form, Place};

use crate::file;

/// The identification of our subfield of the extra field (section 2.3.1.1).
const MARK: [u8; 2] = *b"sk";

/// The length of the identity in it.
const LENGTH: u8 = 8;

/// How much is compressed at once.
const BLOCK: usize = 64 * 1024;

/// Compresses the rotated file of `current` at a place, and deletes it: first under a name of its own, then as a whole under the right one. A process that is killed in
/// the middle leaves a file that is still to be compressed or deleted, and perhaps one with the name of its own, which the next attempt replaces.
pub fn pack(current: &Path, place: Place) -> io::Result<()> {
    let at = |form| current.with_file_name(name::rotated(current, place, form));
    let (plain, packed, partial) = (at(Form::Plain), at(Form::Gzip), at(Form::Partial));
    let source = File::open(&plain)?;
    let id = file::identity(&source)?;
    match File::open(&packed) {
        Ok(there) if origin(&there) == Some(id) => return std::fs::remove_file(&plain),
        // Somebody else's, perhaps not whole.
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let done = write(&source, id, &partial).and_then(|()| {
        if file::is_at(&source, &plain).unwrap_or(false) {
            file::rename_new(&partial, &packed)?;
            file::sync_folder(&packed)?;
            std::fs::remove_file(&plain)
        } else {
            // It was deleted meanwhile, as too old.
            std::fs::remove_file(&partial)
        }
    });
    if done.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    done
}

pub(super) fn write(source: &File, id: u64, partial: &Path) -> io::Result<()> {
    let target = file::open_log(partial)?;
    target.set_len(0)?;
    let mut field = Vec::from(MARK);
    field.extend([LENGTH, 0]);
    field.extend(id.to_le_bytes());
    let mut encoder = GzBuilder::new().extra(field).write(&target, Compression::default());
    io::copy(&mut BufReader::with_capacity(BLOCK, source), &mut encoder)?;
    encoder.finish()?;
    target.sync_all()
}

/// The identity of the file that was compressed into this one; `None` if it wasn't by us.
pub(super) fn origin(packed: &File) -> Option<u64> {
    // Read from the begin wherever the file is read at: it is another's copy of the place.
    let mut start = [0; 64];
    let count = file::read_at(packed, &mut start, 0).ok()?;
    let decoder = GzDecoder::new(start.get(..count)?);
    let field = decoder.header()?.extra()?;
    let rest = field.strip_prefix(&MARK)?.strip_prefix(&[LENGTH, 0])?;
    Some(u64::from_le_bytes(rest.get(..usize::from(LENGTH))?.try_into().ok()?))
}

/// Up to `most` bytes of what was compressed, from a place on.
pub(super) fn read_at(packed: &File, offset: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut decoder = decoder(packed);
    io::copy(&mut (&mut decoder).take(offset), &mut io::sink())?;
    let mut data = Vec::new();
    decoder.take(most as u64).read_to_end(&mut data)?;
    Ok(data)
}

/// The last bytes of what was compressed: all of it, or at least `most`.
pub(super) fn read_end(packed: &File, most: usize) -> io::Result<Vec<u8>> {
    let mut decoder = decoder(packed);
    let mut data = Vec::new();
    loop {
        let before = data.len();
        (&mut decoder).take(most as u64).read_to_end(&mut data)?;
        if data.len() == before {
            return Ok(data);
        }
        // Two of these pieces are kept at most, so each byte is moved once.
        data.drain(..before.saturating_sub(most));
    }
}

fn decoder(packed: &File) -> MultiGzDecoder<BufReader<At<'_>>> {
    MultiGzDecoder::new(BufReader::with_capacity(BLOCK, At { file: packed, offset: 0 }))
}

/// Reads a file from its begin on, whatever place it is at.
struct At<'a> {
    file: &'a File,
    offset: u64,
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = file::read_at(self.file, buffer, self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use svckit_core::time::WallTime;

    use super::*;

    const PLACE: Place = (WallTime(1_767_225_600_000), 0);

    struct Bed(tempfile::TempDir);

    impl Bed {
        fn new(text: &[u8]) -> Self {
            let bed = Self(tempfile::tempdir().unwrap());
            std::fs::write(bed.at(Form::Plain), text).unwrap();
            bed
        }

        fn current(&self) -> PathBuf {
            self.0.path().join("x.log")
        }

        fn at(&self, form: Form) -> PathBuf {
            self.0.path().join(name::rotated(&self.current(), PLACE, form))
        }

        fn id(&self) -> u64 {
            file::identity(&File::open(self.at(Form::Plain)).unwrap()).unwrap()
        }

        fn forms(&self) -> Vec<Form> {
            [Form::Plain, Form::Gzip, Form::Partial]
                .into_iter()
                .filter(|form| self.at(*form).exists())
                .collect()
        }
    }

    fn text() -> Vec<u8> {
        (0..200_000).flat_map(|n| format!("{n}\n").into_bytes()).collect()
    }

    #[test]
    fn a_packed_file_is_the_same_wherever_it_is_read() {
        let (bed, text) = (Bed::new(&text()), text());
        let id = bed.id();
        pack(&bed.current(), PLACE).unwrap();
        assert_eq!(bed.forms(), [Form::Gzip]);
        let packed = File::open(bed.at(Form::Gzip)).unwrap();
        assert!(packed.metadata().unwrap().len() < text.len() as u64 / 2);
        assert_eq!(origin(&packed), Some(id));
        for offset in [0, 1, 70_000, text.len() - 1, text.len(), text.len() + 1] {
            let end = text.len().min(offset + 1000);
            assert_eq!(
                read_at(&packed, offset as u64, 1000).unwrap(),
                text.get(offset..end).unwrap_or_default()
            );
        }
        for most in [1, 1000, 300_000, text.len(), text.len() * 2] {
            let end = read_end(&packed, most).unwrap();
            assert!(
                end.len() >= most.min(text.len()) && end.len() <= 2 * most && text.ends_with(&end),
                "{most}"
            );
        }
    }

    #[test]
    fn what_a_killed_process_left_is_finished() {
        // In the middle of it.
        let bed = Bed::new(b"abc");
        std::fs::write(bed.at(Form::Partial), "half of something that is longer than the whole, much longer")
            .unwrap();
        pack(&bed.current(), PLACE).unwrap();
        assert_eq!(bed.forms(), [Form::Gzip]);
        assert_eq!(read_at(&File::open(bed.at(Form::Gzip)).unwrap(), 0, 9).unwrap(), b"abc");
        // When the compressed one was there and the other not deleted yet.
        let bed = Bed::new(b"abc");
        write(&File::open(bed.at(Form::Plain)).unwrap(), bed.id(), &bed.at(Form::Gzip)).unwrap();
        pack(&bed.current(), PLACE).unwrap();
        assert_eq!(bed.forms(), [Form::Gzip]);
    }

    #[test]
    fn a_packed_file_of_somebody_else_is_left_alone_and_nothing_deleted() {
        let bed = Bed::new(b"abc");
        for theirs in [&b""[..], b"\x1f\x8b\x08\0", b"\x1f\x8b\x08\x04\0\0\0\0\0\x03\x04\0sk\x08\0"] {
            std::fs::write(bed.at(Form::Gzip), theirs).unwrap();
            assert_eq!(pack(&bed.current(), PLACE).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(bed.forms(), [Form::Plain, Form::Gzip]);
            assert_eq!(std::fs::read(bed.at(Form::Gzip)).unwrap(), theirs);
        }
    }
}
