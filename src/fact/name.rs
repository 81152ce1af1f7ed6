//! Names of Python distributions, normalised as the packaging specification says.

use std::fmt;

/// Text that cannot be the name of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName(String);

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no package name: expected letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
            self.0
        )
    }
}

impl std::error::Error for InvalidName {}

/// A distribution name in its normal form: lower case, runs of `-`, `_` and `.` as one `-`.
///
/// Source: <https://packaging.python.org/en/latest/specifications/name-normalization/>
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

impl PackageName {
    /// Checks and normalises a name.
    ///
    /// # Errors
    ///
    /// When the text is no valid name.
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let bytes = text.as_bytes();
        let inner = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        if !(edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(inner)) {
            return Err(InvalidName(text.to_owned()));
        }
        let as_is = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        if bytes.iter().all(as_is) && !text.contains("--") {
            return Ok(PackageName(text.to_owned()));
        }
        let mut normal = String::with_capacity(text.len());
        for character in text.chars() {
            if matches!(character, '-' | '_' | '.') {
                if !normal.ends_with('-') {
                    normal.push('-');
                }
            } else {
                normal.push(character.to_ascii_lowercase());
            }
        }
        Ok(PackageName(normal))
    }

    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for PackageName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::PackageName;

    #[test]
    fn names_are_compared_in_their_normal_form() {
        assert_eq!(PackageName::new("Ruamel.__Yaml").unwrap().as_str(), "ruamel-yaml");
        for bad in ["", "-a", "a_", "a b", "é", "a."] {
            assert!(PackageName::new(bad).is_err(), "{bad}");
        }
    }
}
