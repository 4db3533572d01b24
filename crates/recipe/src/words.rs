//! Splitting a command line the way a shell does.

/// Why a command line could not be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// A quotation mark is never closed.
    #[error("the quotation mark {0} is never closed")]
    Unclosed(char),
    /// A backslash has nothing after it.
    #[error("a backslash at the end escapes nothing")]
    Backslash,
}

/// Splits a command line into words.
///
/// Blanks separate words. Inside `'…'` everything is literal; inside `"…"` a backslash makes a following `"` or `\` literal, elsewhere
/// any character. Nothing is expanded: no variables, no wildcards, no redirections.
///
/// ```
/// use svckit_recipe::words::split;
/// assert_eq!(split(r#"python -m "my shop" --name='a b'"#).unwrap(), ["python", "-m", "my shop", "--name=a b"]);
/// ```
pub fn split(line: &str) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next().ok_or(WordsError::Unclosed('\''))? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().push(rest.next().ok_or(WordsError::Backslash)?),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), WordsError> {
    const UNCLOSED: WordsError = WordsError::Unclosed('"');
    loop {
        match rest.next().ok_or(UNCLOSED)? {
            '"' => return Ok(()),
            '\\' => match rest.next().ok_or(UNCLOSED)? {
                c @ ('"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_and_backslashes() {
        assert_eq!(
            split(r#"a\ b "c \"d\" \n" 'e\f' "" g"h"'i'"#).unwrap(),
            ["a b", r#"c "d" \n"#, r"e\f", "", "ghi"]
        );
        assert_eq!(split("  ").unwrap(), Vec::<String>::new());
        assert_eq!(split("a 'b"), Err(WordsError::Unclosed('\'')));
        assert_eq!(split(r#"a "b\"#), Err(WordsError::Unclosed('"')));
        assert_eq!(split(r"a \"), Err(WordsError::Backslash));
    }

    proptest! {
        #[test]
        fn single_quoted_words_come_back(words in prop::collection::vec("[^']{0,12}", 0..6)) {
            let line = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
            prop_assert_eq!(split(&line).unwrap(), words);
        }
    }
}
