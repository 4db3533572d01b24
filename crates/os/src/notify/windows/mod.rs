mod place;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;
use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::hash::BuildHasher;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::event::{Bell, Interest, Source};
use crate::process::Children;
use crate::security::{self, Descriptor};
use crate::text::wide;
use place::{Place, Step};

/// A message isn't longer than this; what is, is cut.
const LONGEST: usize = 4 << 10;

/// So many can be connected at once. All places are made at the beginning, and none beside them: nobody else can offer one under the same name.
const PLACES: usize = 16;

/// How many things are passed over in search of a message until others have their turn.
const TURN: usize = 64;

/// Where a program says how it is: a named pipe of messages, one for each write.
pub struct Inbox {
    name: String,
    places: Vec<Place>,
    /// The place at which is looked next, so that one who says much doesn't keep others from being heard.
    turn: usize,
    bell: OnceCell<Bell>,
}

impl Inbox {
    /// An empty one. Its name can't be guessed, and who gets at it all the same has to be of this process's account, an administrator or the system, on this machine.
    pub fn new() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        // Keys from the system's generator.
        let unguessable = RandomState::new().hash_one(count);
        let name = format!(r"\\.\pipe\svckit-notify.{}.{count}.{unguessable:016x}", std::process::id());
        let descriptor = Descriptor::from_sddl(&security::own_pipe()?)?;
        let place = |number| Place::new(&wide(&name), &descriptor, number == 0);
        let places = (0..PLACES).map(place).collect::<io::Result<_>>()?;
        Ok(Self { name, places, turn: 0, bell: OnceCell::new() })
    }

    /// The variable by which a program knows where it is.
    pub fn variable(&self) -> (OsString, OsString) {
        ("SVCKIT_NOTIFY".into(), (&self.name).into())
    }

    /// Takes the next message from a program, or another process in its job; `None` if there is none now. What others send is thrown away.
    pub fn next(&mut self, children: &Children, program: u32, _: &OsStr) -> io::Result<Option<Vec<u8>>> {
        self.take(&|sender| children.is_of(program, sender))
    }

    fn take(&mut self, is_of: &dyn Fn(u32) -> bool) -> io::Result<Option<Vec<u8>>> {
        let mut silent = 0;
        for _ in 0..TURN {
            let Some(place) = self.places.get_mut(self.turn) else { return Ok(None) };
            match place.step(is_of) {
                Step::Message(message) => {
                    self.ring()?;
                    return Ok(Some(message));
                }
                Step::Other => silent = 0,
                Step::Nothing => {
                    self.turn = (self.turn + 1) % PLACES;
                    silent += 1;
                    if silent == PLACES {
                        return Ok(None);
                    }
                }
            }
        }
        self.ring()?;
        Ok(None)
    }

    /// There may be more, of which the system tells no more.
    fn ring(&self) -> io::Result<()> {
        self.bell.get().map_or(Ok(()), Bell::more)
    }
}

impl Source for Inbox {
    fn attach(&self, bell: &Bell, _: Interest) -> io::Result<()> {
        self.places.iter().try_for_each(|place| place.follow(bell))?;
        // A second poller is refused by the system: a handle has one.
        let _ = self.bell.set(bell.clone());
        // The first look begins to wait for clients.
        self.ring()
    }
}

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inbox({})", self.name)
    }
}
