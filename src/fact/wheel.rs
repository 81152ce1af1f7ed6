//! What the file name of a wheel or of a source archive says: name, version and tags.
//!
//! Specification: <https://packaging.python.org/en/latest/specifications/binary-distribution-format/>

use pep440_rs::Version;

use super::{PackageName, specifier::parse_version};

/// Tags are combined by multiplication; a hostile name must not make millions of them.
const TAG_LIMIT: usize = 64;

/// The parts of a wheel's file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// The name, normalised.
    pub name: PackageName,
    /// The name as written.
    pub spelled: String,
    /// The version.
    pub version: Version,
    /// The tags, one an entry even where the file name combines them (`py2.py3-none-any` gives two).
    pub tags: Vec<String>,
}

impl WheelName {
    /// Reads a file name such as `torch-2.3.1+cu121-cp311-cp311-linux_x86_64.whl`, not percent-encoded.
    #[must_use]
    pub fn parse(file_name: &str) -> Option<WheelName> {
        let stem = file_name.strip_suffix(".whl")?;
        let parts: Vec<&str> = stem.split('-').collect();
        let (spelled, version, tags) = match parts.as_slice() {
            [name, version, python, abi, platform] => (*name, *version, [*python, *abi, *platform]),
            [name, version, build, python, abi, platform] if build.starts_with(|it: char| it.is_ascii_digit()) => {
                (*name, *version, [*python, *abi, *platform])
            }
            _ => return None,
        };
        let interpreter = |tag: &str| {
            !tag.starts_with(|it: char| it.is_ascii_digit()) && tag.chars().all(|it| it.is_alphanumeric() || it == '_')
        };
        if spelled.contains("__")
            || tags.iter().any(|tag| tag.split('.').any(str::is_empty))
            || !tags[0].split('.').all(interpreter)
        {
            return None;
        }
        let name = PackageName::new(spelled).ok()?;
        Some(WheelName { name, spelled: spelled.to_owned(), version: parse_version(version)?, tags: expand(tags) })
    }

    /// Reads the last part of a URL or path, percent-decoded.
    #[must_use]
    pub fn of_url(url: &str) -> Option<WheelName> {
        WheelName::parse(&file_name(url))
    }
}

/// The version of a source archive whose file name is `{name}-{version}.tar.gz` for the name that is known.
#[must_use]
pub fn archive_version(url: &str, name: &PackageName) -> Option<Version> {
    let file = file_name(url);
    let stem = [".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz"].iter().find_map(|end| file.strip_suffix(end))?;
    let (written, version) = stem.rsplit_once('-')?;
    (PackageName::new(written).as_ref() == Ok(name)).then(|| parse_version(version))?
}

/// The last part of a URL's or path's path, percent-decoded, without query and fragment.
#[must_use]
pub fn file_name(url: &str) -> String {
    let path = url.split(['#', '?']).next().unwrap_or(url).trim_end_matches('/');
    percent_decoded(path.rsplit(['/', '\\']).next().unwrap_or(path))
}

/// Whether a URL or path ends in the name of a wheel.
#[must_use]
pub fn is_wheel(url: &str) -> bool {
    file_name(url).strip_suffix(".whl").is_some()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digit = |at: usize| tail.get(at).and_then(|it| char::from(*it).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (first, digit(0), digit(1)) {
            bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn expand([python, abi, platform]: [&str; 3]) -> Vec<String> {
    let mut tags = Vec::new();
    for python in python.split('.') {
        for abi in abi.split('.') {
            for platform in platform.split('.') {
                if tags.len() < TAG_LIMIT {
                    tags.push(format!("{python}-{abi}-{platform}"));
                }
            }
        }
    }
    tags
}

/// Whether a tag such as `cp310-cp310-linux_x86_64` or `cp37-abi3-any` is for Python 3.`minor`.
#[must_use]
pub fn runs_on_python(tag: &str, minor: u32) -> bool {
    let mut parts = tag.splitn(3, '-');
    let (Some(pythons), Some(abi)) = (parts.next(), parts.next()) else { return true };
    pythons.split('.').any(|python| {
        let number = |prefix: &str| python.strip_prefix(prefix).and_then(|digits| digits.parse::<u32>().ok());
        match (number("cp3"), number("py3")) {
            (Some(built), _) if abi.split('.').any(|it| it == "abi3") => minor >= built,
            (Some(built), _) => minor == built,
            (None, Some(from)) => minor >= from,
            // `py3`, `cp3`, and what is not understood.
            (None, None) => {
                !python.starts_with("pp") && !python.starts_with("cp2") && python != "py2" && !python.starts_with("py2")
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheel_names_give_name_version_and_tags() {
        let wheel = WheelName::of_url(
            "https://packages.example/simple/torch-2.3.1%2Bcu121-cp311-cp311-linux_x86_64.whl#sha256=ab?x",
        )
        .unwrap();
        assert_eq!((wheel.name.as_str(), wheel.version.to_string().as_str()), ("torch", "2.3.1+cu121"));
        assert_eq!(wheel.tags, ["cp311-cp311-linux_x86_64"]);
        let wheel = WheelName::parse("Foo_Bar-1.0-2b-py2.py3-none-any.whl").unwrap();
        assert_eq!((wheel.name.as_str(), wheel.tags.len()), ("foo-bar", 2));
        for bad in [
            "foo-1.0.whl",
            "foo-x-py3-none-any.whl",
            "foo-1.0-b1-py3-none-any.whl",
            "foo__a-1-py3-none-any.whl",
            "foo-1-p y3-none-any.whl",
            ".whl",
            "é.whl",
        ] {
            assert!(WheelName::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn archives_give_a_version_only_to_their_own_name() {
        let name = PackageName::new("scikit-learn").unwrap();
        let version = |url| archive_version(url, &name).map(|it| it.to_string());
        assert_eq!(version("https://packages.example/scikit_learn-1.4.2.tar.gz"), Some("1.4.2".to_owned()));
        assert_eq!(version("https://packages.example/v1.4.2.tar.gz"), None);
        assert_eq!(version("https://packages.example/scikit-learn-main.zip"), None);
    }

    #[test]
    fn tags_are_for_one_python_or_for_all_from_one_on() {
        for (tag, minor, fits) in [
            ("cp310-cp310-linux_x86_64", 10, true),
            ("cp310-cp310-linux_x86_64", 11, false),
            ("cp37-abi3-manylinux2014_x86_64", 12, true),
            ("cp312-abi3-manylinux2014_x86_64", 11, false),
            ("py3-none-any", 9, true),
            ("py2.py3-none-any", 9, true),
            ("py310-none-any", 9, false),
            ("py2-none-any", 9, false),
        ] {
            assert_eq!(runs_on_python(tag, minor), fits, "{tag} on 3.{minor}");
        }
    }
}
