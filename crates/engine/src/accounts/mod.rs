//! The accounts that may come over the network: names, who is an administrator, and what their passwords are verified with.
//!
//! They are a file of the state directory, which is read at every logon: a change counts from the next one on. What NTLM verifies a password with is as good as the password to whoever speaks
//! NTLM, and no protocol without Kerberos could do with less. So the file is only for its owner, and each verifier is masked by what HMAC-SHA-256 makes of a salt of its own, with a key in a second
//! file: a copy of one of them tells nothing, not even that two accounts have the same password. Whoever reads both can come in; that is root and the owner, who need not.

mod file;

use std::path::{Path, PathBuf};

use svckit_core::secret::Secret;
use svckit_core::security::check::Token;
use svckit_core::sid::Sid;
use svckit_os::lock::Lock;
use svckit_os::{errno, private, random};
use svckit_scmr::auth::NtHash;

use crate::directory::StateDirectory;
use crate::error::ServeError;
use file::{Content, Entry, Key};

/// The longest name that Windows gives an account.
const LONGEST_NAME: usize = 20;

/// The shortest password: whoever sees a logon can try passwords at home.
const SHORTEST_PASSWORD: usize = 8;

/// The longest password, in UTF-16 code units, as Windows has it.
const LONGEST_PASSWORD: usize = 256;

/// The first number of an account, below which Windows has its own.
const FIRST_NUMBER: u32 = 1000;

/// An account, to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// Whether it may change anything.
    pub is_administrator: bool,
    /// The security identifier, for access lists.
    pub sid: Sid,
    /// Who it is for Kerberos, if it may come in with a ticket.
    pub principal: Option<String>,
}

/// Why an account can't be looked up or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The state directory can't be used.
    #[error(transparent)]
    Directory(#[from] ServeError),
    /// A file can't be used.
    #[error("cannot use {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The name can't be one.
    #[error(
        "an account has a name of 1 to {LONGEST_NAME} characters, none of them a control character or one of \"/\\[]:;|=,+*?<>@, and not only dots and blanks; {0:?} is none"
    )]
    Name(String),
    /// The password can't be one.
    #[error("a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, and this has {0}")]
    Password(usize),
    /// That is no principal.
    #[error("a principal of Kerberos is NAME@REALM, such as ann@SHOP.EXAMPLE; {0:?} is none")]
    Principal(String),
    /// Another account has it.
    #[error("account {1:?} has the principal {0:?}")]
    PrincipalTaken(String, String),
    /// There is one of that name.
    #[error("account {0:?} exists")]
    Exists(String),
    /// There is none of that name.
    #[error("account {0:?} does not exist")]
    Missing(String),
}

/// The accounts of a state directory.
#[derive(Debug, Clone)]
pub struct Accounts {
    file: PathBuf,
    key: PathBuf,
    lock: PathBuf,
}

/// Somebody who may come in with the right password.
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) verifier: NtHash,
    pub(crate) token: Token,
}

impl Accounts {
    /// Those of this state directory, which is made if it isn't there.
    pub fn open(directory: &Path) -> Result<Self, AccountError> {
        Ok(Self::of(&StateDirectory::open(directory)?))
    }

    pub(crate) fn of(directory: &StateDirectory) -> Self {
        let at = |name: &str| directory.path().join(name);
        Self { file: at("accounts.json"), key: at("accounts.key"), lock: at("accounts.lock") }
    }

    /// All, in the order of their names.
    pub fn list(&self) -> Result<Vec<Account>, AccountError> {
        let Some(content) = self.read()? else { return Ok(Vec::new()) };
        let mut all: Vec<Account> = content.accounts.iter().map(|entry| content.account(entry)).collect();
        all.sort_by_key(|account| fold(&account.name));
        Ok(all)
    }

    /// Adds an account.
    pub fn add(
        &self,
        name: &str,
        password: &Secret,
        is_administrator: bool,
    ) -> Result<Account, AccountError> {
        self.add_by(name, NtHash::of(Self::long_enough(password)?), None, is_administrator)
    }

    /// Adds an account that comes in with tickets alone, until it gets a password.
    pub fn add_principal(
        &self,
        name: &str,
        principal: &str,
        is_administrator: bool,
    ) -> Result<Account, AccountError> {
        check_principal(principal)?;
        // Nobody has this password.
        let verifier = NtHash::from(self.random()?);
        self.add_by(name, verifier, Some(principal), is_administrator)
    }

    fn add_by(
        &self,
        name: &str,
        verifier: NtHash,
        principal: Option<&str>,
        is_administrator: bool,
    ) -> Result<Account, AccountError> {
        check_name(name)?;
        let _lock = self.lock()?;
        let mut content = match self.read()? {
            Some(content) => content,
            None => Content::new(self.machine()?),
        };
        if content.find(name).is_some() {
            return Err(AccountError::Exists(name.to_owned()));
        }
        let taken = principal.and_then(|principal| Some((principal, content.find_principal(principal)?)));
        if let Some((principal, other)) = taken {
            return Err(AccountError::PrincipalTaken(
                principal.to_owned(),
                content.accounts[other].name.clone(),
            ));
        }
        let (salt, verifier) = self.mask(name, &verifier)?;
        let number = content.next;
        content.next += 1;
        let principal = principal.map(str::to_owned);
        let entry = Entry { name: name.to_owned(), number, is_administrator, salt, verifier, principal };
        let added = content.account(&entry);
        content.accounts.push(entry);
        self.write(&content)?;
        Ok(added)
    }

    /// Gives an account another password.
    pub fn set_password(&self, name: &str, password: &Secret) -> Result<(), AccountError> {
        let verifier = NtHash::of(Self::long_enough(password)?);
        self.change(name, |accounts, content, index| {
            let name = content.accounts[index].name.clone();
            let (salt, verifier) = accounts.mask(&name, &verifier)?;
            content.accounts[index].salt = salt;
            content.accounts[index].verifier = verifier;
            Ok(())
        })
    }

    /// Removes an account. Who is connected stays so until the connection ends.
    pub fn remove(&self, name: &str) -> Result<(), AccountError> {
        self.change(name, |_, content, index| {
            content.accounts.remove(index);
            Ok(())
        })
    }

    /// The account of this name, in any case of its letters. That there is none is found out no faster.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Known>, AccountError> {
        let Some(content) = self.read()? else { return Ok(None) };
        let Some(key) = self.key()? else {
            return Err(self.failed(
                &self.key,
                "it is missing, and without it nobody's password can be verified: set the passwords anew",
            ));
        };
        let entry = content.find(name).map(|index| &content.accounts[index]);
        let (salt, masked) = entry.map_or(([0; 16], [0; 16]), |entry| (entry.salt, entry.verifier));
        let verifier = key.mask(&salt, &entry.map_or_else(|| fold(name), |entry| fold(&entry.name)), &masked);
        Ok(entry.map(|entry| Known {
            name: entry.name.clone(),
            verifier: NtHash::from(*verifier),
            token: Token::network(content.sid(entry.number), entry.is_administrator),
        }))
    }

    /// The name and the token of the account of a principal, which Kerberos has shown.
    pub(crate) fn find_principal(&self, principal: &str) -> Result<Option<(String, Token)>, AccountError> {
        let Some(content) = self.read()? else { return Ok(None) };
        Ok(content.find_principal(principal).map(|index| {
            let entry = &content.accounts[index];
            (entry.name.clone(), Token::network(content.sid(entry.number), entry.is_administrator))
        }))
    }

    fn change(
        &self,
        name: &str,
        change: impl FnOnce(&Self, &mut Content, usize) -> Result<(), AccountError>,
    ) -> Result<(), AccountError> {
        let _lock = self.lock()?;
        let missing = || AccountError::Missing(name.to_owned());
        let mut content = self.read()?.ok_or_else(missing)?;
        let index = content.find(name).ok_or_else(missing)?;
        change(self, &mut content, index)?;
        self.write(&content)
    }

    fn long_enough(password: &Secret) -> Result<&Secret, AccountError> {
        let length = password.as_str().encode_utf16().count();
        match (SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) {
            true => Ok(password),
            false => Err(AccountError::Password(length)),
        }
    }

    /// A salt, and a verifier under its mask.
    fn mask(&self, name: &str, verifier: &NtHash) -> Result<([u8; 16], [u8; 16]), AccountError> {
        let key = match self.key()? {
            Some(key) => key,
            None => {
                let key = Key::new(self.random()?);
                private::replace(&self.key, key.as_bytes()).map_err(|error| self.io(&self.key, &error))?;
                key
            }
        };
        let salt = self.random()?;
        Ok((salt, *key.mask(&salt, &fold(name), verifier.as_bytes())))
    }

    fn machine(&self) -> Result<[u32; 3], AccountError> {
        let bytes: [u8; 12] = self.random()?;
        let (words, _) = bytes.as_chunks::<4>();
        Ok(std::array::from_fn(|index| u32::from_le_bytes(words[index])))
    }

    fn random<const N: usize>(&self) -> Result<[u8; N], AccountError> {
        let mut bytes = [0; N];
        random::fill(&mut bytes).map_err(|error| self.io(&self.file, &error))?;
        Ok(bytes)
    }

    fn lock(&self) -> Result<Lock, AccountError> {
        Lock::take(&self.lock).map_err(|error| self.io(&self.lock, &error))
    }

    fn read(&self) -> Result<Option<Content>, AccountError> {
        match private::read(&self.file).map_err(|error| self.io(&self.file, &error))? {
            Some(bytes) => Content::read(&bytes).map(Some).map_err(|reason| self.failed(&self.file, &reason)),
            None => Ok(None),
        }
    }

    fn write(&self, content: &Content) -> Result<(), AccountError> {
        let bytes = content.to_bytes().map_err(|reason| self.failed(&self.file, &reason))?;
        private::replace(&self.file, &bytes).map_err(|error| self.io(&self.file, &error))
    }

    fn key(&self) -> Result<Option<Key>, AccountError> {
        let Some(bytes) = private::read(&self.key).map_err(|error| self.io(&self.key, &error))? else {
            return Ok(None);
        };
        match Key::read(&bytes) {
            Some(key) => Ok(Some(key)),
            None => Err(self.failed(&self.key, "it does not have the 32 bytes of a key")),
        }
    }

    fn io(&self, path: &Path, error: &std::io::Error) -> AccountError {
        self.failed(path, &errno::describe(error))
    }

    fn failed(&self, path: &Path, reason: &str) -> AccountError {
        AccountError::File { path: path.to_owned(), reason: reason.to_owned() }
    }
}

/// What Windows takes as the name of a user (the rules of `NetUserAdd`).
fn check_name(name: &str) -> Result<(), AccountError> {
    let length = name.encode_utf16().count();
    let is_bad = |character: char| character.is_control() || "\"/\\[]:;|=,+*?<>@".contains(character);
    let is_empty = name.chars().all(|character| character == '.' || character.is_whitespace());
    match is_empty || length > LONGEST_NAME || name.chars().any(is_bad) || name.trim() != name {
        true => Err(AccountError::Name(name.to_owned())),
        false => Ok(()),
    }
}

/// What Kerberos calls somebody: a name and a realm (RFC 1964 2.1.1).
fn check_principal(principal: &str) -> Result<(), AccountError> {
    let is_good =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_control() || c.is_whitespace());
    match principal.rsplit_once('@') {
        Some((name, realm)) if is_good(name) && is_good(realm) => Ok(()),
        _ => Err(AccountError::Principal(principal.to_owned())),
    }
}

/// Names that are the same to Windows are the same here.
fn fold(name: &str) -> String {
    name.to_uppercase()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn accounts() -> (tempfile::TempDir, Accounts) {
        let folder = tempfile::tempdir().unwrap();
        let accounts = Accounts::open(&folder.path().join("state")).unwrap();
        (folder, accounts)
    }

    fn secret(text: &str) -> Secret {
        Secret::from(text)
    }

    #[test]
    fn an_account_of_a_principal_comes_in_with_tickets_and_has_no_password() {
        let (_folder, accounts) = accounts();
        assert!(accounts.find_principal("ann@SHOP").unwrap().is_none());
        let ann = accounts.add_principal("ann", "ann@SHOP", true).unwrap();
        let bob = accounts.add("bob", &secret("correct horse"), false).unwrap();
        assert_eq!((ann.principal.as_deref(), bob.principal), (Some("ann@SHOP"), None));
        let (name, token) = accounts.find_principal("ann@SHOP").unwrap().unwrap();
        assert_eq!((name.as_str(), token), ("ann", Token::network(ann.sid, true)));
        assert!(accounts.find_principal("Ann@SHOP").unwrap().is_none(), "another one, for Kerberos");
        let before = accounts.find("ann").unwrap().unwrap().verifier;
        let carl = accounts.add_principal("carl", "carl@SHOP", false).unwrap();
        assert_ne!(before, accounts.find("carl").unwrap().unwrap().verifier, "nobody's password");
        let taken = accounts.add_principal("dan", "ann@SHOP", false).unwrap_err().to_string();
        assert_eq!(taken, "account \"ann\" has the principal \"ann@SHOP\"");
        for text in ["ann", "@SHOP", "ann@", "ann @SHOP", "ann@SHOP\n"] {
            let error = accounts.add_principal("dan", text, false).unwrap_err();
            assert!(matches!(error, AccountError::Principal(_)), "{error}");
        }
        accounts.set_password("ann", &secret("battery staple")).unwrap();
        assert_eq!(accounts.find("ann").unwrap().unwrap().verifier, NtHash::of(&secret("battery staple")));
        assert_eq!(accounts.list().unwrap()[2], carl);
        assert!(accounts.find_principal("ann@SHOP").unwrap().is_some(), "it stays one");
    }

    #[test]
    fn accounts_are_added_found_changed_and_removed() {
        let (_folder, accounts) = accounts();
        assert_eq!(accounts.list().unwrap(), []);
        assert!(accounts.find("ann").unwrap().is_none());
        let ann = accounts.add("Ann", &secret("correct horse"), true).unwrap();
        let bob = accounts.add("bob", &secret("correct horse"), false).unwrap();
        assert_eq!(accounts.list().unwrap(), [ann.clone(), bob.clone()]);
        assert_ne!(ann.sid, bob.sid);
        let found = accounts.find("aNN").unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.token.clone()), ("Ann", Token::network(ann.sid, true)));
        assert_eq!(found.verifier, NtHash::of(&secret("correct horse")));
        assert!(
            !found.token.is_remote_user() && accounts.find("BOB").unwrap().unwrap().token.is_remote_user()
        );
        accounts.set_password("ANN", &secret("battery staple")).unwrap();
        assert_eq!(accounts.find("ann").unwrap().unwrap().verifier, NtHash::of(&secret("battery staple")));
        accounts.remove("ann").unwrap();
        assert_eq!(accounts.list().unwrap(), std::slice::from_ref(&bob));
        let again = accounts.add("ann", &secret("correct horse"), false).unwrap();
        assert!(again.sid != ann.sid && again.sid != bob.sid, "an identifier is never used again");
    }

    #[test]
    fn mistakes_are_told() {
        let (_folder, accounts) = accounts();
        let said = |result: Result<(), AccountError>| result.unwrap_err().to_string();
        let add = |name: &str, password: &str| accounts.add(name, &secret(password), false).map(drop);
        for name in ["", ".. ", "a\\b", "a@b", "twenty-one-characters", "a\nb", " a"] {
            assert!(matches!(add(name, "correct horse"), Err(AccountError::Name(_))), "{name:?}");
        }
        assert_eq!(said(add("ann", "seven77")), "a password has 8 to 256 characters, and this has 7");
        assert_eq!(
            said(add("ann", &"x".repeat(257))),
            "a password has 8 to 256 characters, and this has 257"
        );
        add("ann", "correct horse").unwrap();
        assert_eq!(said(add("ANN", "correct horse")), "account \"ANN\" exists");
        assert_eq!(said(accounts.remove("bob")), "account \"bob\" does not exist");
        assert_eq!(
            said(accounts.set_password("bob", &secret("correct horse"))),
            "account \"bob\" does not exist"
        );
    }

    #[test]
    fn neither_file_alone_tells_a_password_or_that_two_are_the_same() {
        let (folder, accounts) = accounts();
        for name in ["ann", "bob"] {
            accounts.add(name, &secret("correct horse"), false).unwrap();
        }
        let content = accounts.read().unwrap().unwrap();
        let [ann, bob] = content.accounts.as_slice() else { panic!("two accounts") };
        assert!(ann.salt != bob.salt && ann.verifier != bob.verifier);
        let hash = *NtHash::of(&secret("correct horse")).as_bytes();
        assert!(ann.verifier != hash && bob.verifier != hash);
        for entry in std::fs::read_dir(folder.path().join("state")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(16).any(|window| window == hash), "{}", path.display());
                assert!(!String::from_utf8_lossy(&bytes).contains("correct"), "{}", path.display());
            }
        }
    }

    #[test]
    fn files_that_others_can_reach_or_that_are_damaged_are_refused() {
        let (_folder, accounts) = accounts();
        accounts.add("ann", &secret("correct horse"), false).unwrap();
        for path in [&accounts.file, &accounts.key] {
            let mode = |mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            mode(0o640);
            let error = accounts.find("ann").err().unwrap().to_string();
            assert!(error.contains("its mode is 0640") && error.contains("accounts."), "{error}");
            mode(0o600);
            assert!(accounts.find("ann").unwrap().is_some());
            let good = std::fs::read(path).unwrap();
            std::fs::write(path, "nonsense").unwrap();
            assert!(matches!(accounts.find("ann"), Err(AccountError::File { .. })), "{}", path.display());
            std::fs::write(path, good).unwrap();
        }
        std::fs::remove_file(&accounts.key).unwrap();
        let error = accounts.find("ann").err().unwrap().to_string();
        assert!(error.contains("set the passwords anew"), "{error}");
    }
}
