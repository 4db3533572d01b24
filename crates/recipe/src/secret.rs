//! Which variables seem to hold a secret, by what people call such ones and by what secrets look like.
//!
//! This is a guess, for warnings and for what is not shown unasked. Where nothing may be wrong, as in listings, no value is shown at all.

/// Words in names of secrets, wherever they stand in the name.
const TELLING: &[&str] = &["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "APIKEY"];

/// The last part of a name, if there is another before it.
const TELLING_ENDS: &[&str] = &["PASS", "PWD", "PW"];

/// What makes a key a secret one.
const SECRET_KEYS: &[&str] =
    &["API", "ACCESS", "PRIVATE", "SIGNING", "ENCRYPTION", "AUTH", "MASTER", "LICENSE"];

/// What a variable has in its name that tells where a secret is, not what it is.
const ELSEWHERE: &[&str] = &["FILE", "PATH", "DIR", "COMMAND"];

/// Whether a variable seems to hold a secret.
///
/// ```
/// use svckit_recipe::secret::seems_secret;
/// assert!(seems_secret("DB_PASSWORD", "s3cr3t"));
/// assert!(seems_secret("DATABASE_URL", "postgres://shop:s3cr3t@db/shop"));
/// assert!(!seems_secret("DB_PASSWORD_FILE", "/run/secrets/db"));
/// assert!(!seems_secret("PORT", "8080"));
/// ```
pub fn seems_secret(name: &str, value: &str) -> bool {
    !value.is_empty() && (has_secret_name(name) || is_key(value) || has_password(value))
}

fn has_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let parts: Vec<&str> =
        name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let (last, before) = match parts.split_last() {
        Some((last, before)) => (*last, before),
        None => return false,
    };
    if ELSEWHERE.contains(&last) {
        return false;
    }
    let ends = !before.is_empty() && TELLING_ENDS.contains(&last);
    let is_key = last == "KEY" && before.last().is_some_and(|kind| SECRET_KEYS.contains(kind));
    ends || is_key || TELLING.iter().any(|word| name.contains(word))
}

/// Whether it is a private key in the form that files have (PEM).
fn is_key(value: &str) -> bool {
    value.contains("PRIVATE KEY-----")
}

/// Whether it is an address with a password: `scheme://user:password@host`.
fn has_password(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_tell() {
        for (name, value) in [
            ("password", "x"),
            ("PGPASSWORD", "x"),
            ("GITHUB_TOKEN", "x"),
            ("Django-Secret-Key", "x"),
            ("API_KEY", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("SMTP_PASS", "x"),
            ("URL", "https://:x@host"),
            ("PEM", "-----BEGIN RSA PRIVATE KEY-----\nMII"),
        ] {
            assert!(seems_secret(name, value), "{name}");
        }
    }

    #[test]
    fn what_only_sounds_like_one_is_none() {
        for (name, value) in [
            ("", "x"),
            ("PWD", "/home/ann"),
            ("PASS", "1"),
            ("PUBLIC_KEY", "x"),
            ("KEY", "x"),
            ("TOKEN_FILE", "/run/token"),
            ("DB_PASSWORD", ""),
            ("URL", "http://ann@host:80/a:b@c"),
            ("URL", "http://host:80/"),
            ("ZMANAGED", "1"),
        ] {
            assert!(!seems_secret(name, value), "{name}={value}");
        }
    }
}
