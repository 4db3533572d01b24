//! Paths as text, by the rules of the platform that they are for, which needn't be the one this runs on.

use crate::platform::Platform;

/// The path of `path`, seen from the absolute folder `base`, without `.`, `..` and doubled separators.
pub(crate) fn absolute(platform: Platform, base: &str, path: &str) -> String {
    let (root, rest) = rooted(platform, path);
    match root {
        Some(root) if root.ends_with(':') => {
            let (base_root, base_rest) = rooted(platform, base);
            match base_root {
                Some(base_root) if base_root.starts_with(root) => {
                    normal(platform, base_root, [base_rest, rest])
                }
                _ => normal(platform, &format!(r"{root}\"), ["", rest]),
            }
        }
        Some(r"\") => {
            let (base_root, _) = rooted(platform, base);
            normal(platform, base_root.unwrap_or(r"\"), ["", rest])
        }
        Some(root) => normal(platform, &root.replace('/', separator(platform)), ["", rest]),
        None => {
            let (base_root, base_rest) = rooted(platform, base);
            normal(platform, base_root.unwrap_or_default(), [base_rest, rest])
        }
    }
}

/// Whether a path says the same wherever it is seen from.
pub(crate) fn is_absolute(platform: Platform, path: &str) -> bool {
    let (root, _) = rooted(platform, path);
    root.is_some_and(|root| !root.ends_with(':') && (platform == Platform::Unix || root.len() > 1))
}

/// A path of names below a folder.
pub(crate) fn below(platform: Platform, folder: &str, names: &[&str]) -> String {
    let separator = separator(platform);
    let folder = folder.strip_suffix(separator).unwrap_or(folder);
    names.iter().fold(folder.to_owned(), |path, name| path + separator + name)
}

/// The folder and the name of a file.
pub(crate) fn split(platform: Platform, path: &str) -> (&str, &str) {
    match path.rfind(|c| is_separator(platform, c)) {
        Some(0) => path.split_at(1),
        Some(at) => (&path[..at], &path[at + 1..]),
        None => ("", path),
    }
}

/// Whether a character stands between the names of a path.
pub(crate) fn is_separator(platform: Platform, c: char) -> bool {
    c == '/' || c == '\\' && platform == Platform::Windows
}

fn separator(platform: Platform) -> &'static str {
    match platform {
        Platform::Unix => "/",
        Platform::Windows => r"\",
    }
}

/// A path taken apart into its root and the rest. On Windows a root is `C:\`, `\\server\share\`, `\` (of the current drive), or `C:` (of the current folder
/// there).
fn rooted(platform: Platform, path: &str) -> (Option<&str>, &str) {
    let is_separator = |c| is_separator(platform, c);
    if platform == Platform::Unix {
        return path.strip_prefix('/').map_or((None, path), |rest| (Some("/"), rest));
    }
    if path.starts_with(is_separator) && path[1..].starts_with(is_separator) {
        let ends = path.char_indices().skip(2).filter(|(_, c)| is_separator(*c)).map(|(at, _)| at + 1);
        let end = ends.take(2).last().unwrap_or(path.len());
        let whole = path[2..end].matches(is_separator).count() == 2;
        return path.split_at_checked(if whole { end } else { path.len() }).map_or((None, path), some_first);
    }
    if path.starts_with(is_separator) {
        return (Some(r"\"), &path[1..]);
    }
    let has_drive =
        path.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && path[1..].starts_with(':');
    match (has_drive, path.get(2..)) {
        (true, Some(rest)) if rest.starts_with(is_separator) => some_first(path.split_at(3)),
        (true, Some(_)) => some_first(path.split_at(2)),
        _ => (None, path),
    }
}

fn some_first<'a>((root, rest): (&'a str, &'a str)) -> (Option<&'a str>, &'a str) {
    (Some(root), rest)
}

fn normal(platform: Platform, root: &str, parts: [&str; 2]) -> String {
    let mut names = Vec::new();
    for name in parts.iter().flat_map(|part| part.split(|c| is_separator(platform, c))) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    let separator = separator(platform);
    let gap = if root.ends_with(separator) || root.is_empty() || names.is_empty() { "" } else { separator };
    format!("{root}{gap}{}", names.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_unix() {
        let absolute = |path| absolute(Platform::Unix, "/site/one", path);
        assert_eq!(absolute("bin/app"), "/site/one/bin/app");
        assert_eq!(absolute("../two//./app"), "/site/two/app");
        assert_eq!(absolute("/opt/../../app"), "/app");
        assert_eq!(absolute(r"bin\app"), r"/site/one/bin\app");
        assert!(is_absolute(Platform::Unix, "/app") && !is_absolute(Platform::Unix, r"C:\app"));
    }

    #[test]
    fn paths_of_windows() {
        let absolute = |path| absolute(Platform::Windows, r"C:\site\one", path);
        assert_eq!(absolute("bin/app"), r"C:\site\one\bin\app");
        assert_eq!(absolute(r"..\two\\.\app"), r"C:\site\two\app");
        assert_eq!(absolute("D:/x/app"), r"D:\x\app");
        assert_eq!(absolute(r"\x\app"), r"C:\x\app");
        assert_eq!(absolute(r"C:bin\app"), r"C:\site\one\bin\app");
        assert_eq!(absolute(r"D:bin\app"), r"D:\bin\app");
        assert_eq!(absolute(r"\\server\share\x\..\app"), r"\\server\share\app");
        assert_eq!(absolute("//server/share/app"), r"\\server\share\app");
        assert_eq!(absolute(r"\\server"), r"\\server");
        for path in [r"C:\app", r"\\server\share\app", "c:/app"] {
            assert!(is_absolute(Platform::Windows, path), "{path}");
        }
        for path in [r"\app", "C:app", "app", "/opt/app", ""] {
            assert!(!is_absolute(Platform::Windows, path), "{path}");
        }
    }

    #[test]
    fn names_below_and_above() {
        assert_eq!(below(Platform::Windows, r"C:\", &["Lib", "x"]), r"C:\Lib\x");
        assert_eq!(below(Platform::Unix, "/usr/bin", &["Lib"]), "/usr/bin/Lib");
        assert_eq!(split(Platform::Windows, r"C:\x\app.py"), (r"C:\x", "app.py"));
        assert_eq!(split(Platform::Unix, "/app.py"), ("/", "app.py"));
        assert_eq!(split(Platform::Unix, "app.py"), ("", "app.py"));
    }
}
