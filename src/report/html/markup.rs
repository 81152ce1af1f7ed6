//! Text that becomes part of the page: the only way in for anything that was read, and it leaves nothing alive.
//!
//! The page is XML as well as HTML: every attribute is quoted and every element closed.

use std::fmt;

use crate::text::is_hidden;

/// Writes to the page; writing into a `String` cannot fail.
macro_rules! put {
    ($out:expr, $($part:tt)*) => {{
        let _ = std::fmt::Write::write_fmt($out, format_args!($($part)*));
    }};
}

pub(super) use put;

/// A text between tags or in a quoted attribute.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0, |_| false)
    }
}

/// The same for a line of a file: tabs stay.
pub(super) struct Code<'a>(pub(super) &'a str);

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0, |character| character == '\t')
    }
}

/// A sentence, in which what stands between backticks is code.
pub(super) struct Prose<'a>(pub(super) &'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.matches('`').count() % 2 == 1 {
            return Text(self.0).fmt(f);
        }
        for (at, part) in self.0.split('`').enumerate() {
            match (at % 2, part) {
                (1, part) => write!(f, "<code>{}</code>", Text(part))?,
                (_, part) => Text(part).fmt(f)?,
            }
        }
        Ok(())
    }
}

/// A path, which may break where it goes deeper.
pub(super) struct Path<'a>(pub(super) &'a str);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive('/') {
            let end = if part.ends_with('/') { "<wbr />" } else { "" };
            write!(f, "{}{end}", Text(part))?;
        }
        Ok(())
    }
}

/// Where a statement comes from: a link if it is one that a browser may follow, else words.
pub(super) struct Source<'a>(pub(super) &'a str);

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let web =
            ["https://", "http://"].iter().any(|scheme| self.0.starts_with(scheme) && self.0.len() > scheme.len());
        if web && self.0.chars().all(|character| !is_hidden(character) && !character.is_whitespace()) {
            write!(f, "<a href=\"{0}\" rel=\"noopener noreferrer\">{0}</a>", Text(self.0))
        } else {
            Text(self.0).fmt(f)
        }
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str, kept: impl Fn(char) -> bool) -> fmt::Result {
    for character in text.chars() {
        match character {
            '&' => f.write_str("&amp;")?,
            '<' => f.write_str("&lt;")?,
            '>' => f.write_str("&gt;")?,
            '"' => f.write_str("&quot;")?,
            '\'' => f.write_str("&#39;")?,
            // These two are no characters, and XML refuses them.
            '\u{fffe}' | '\u{ffff}' => write!(f, "{}", character.escape_unicode())?,
            _ if is_hidden(character) && !kept(character) => write!(f, "{}", character.escape_unicode())?,
            _ => fmt::Write::write_char(f, character)?,
        }
    }
    Ok(())
}

/// `1 package`, `2 packages`.
pub(super) fn counted(count: usize, one: &str) -> String {
    super::super::counted(count, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_through_alive() {
        assert_eq!(Text("</script><b a='\"'>&").to_string(), "&lt;/script&gt;&lt;b a=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(Text("a\u{202e}b\u{1b}[1m\t\n\u{ffff}").to_string(), "a\\u{202e}b\\u{1b}[1m\\u{9}\\u{a}\\u{ffff}");
        assert_eq!(Code("a\tb\r").to_string(), "a\tb\\u{d}");
        assert_eq!(Prose("`<a>` and b").to_string(), "<code>&lt;a&gt;</code> and b");
        assert_eq!(Path("a/<b>").to_string(), "a/<wbr />&lt;b&gt;");
        assert_eq!(Prose("one ` alone").to_string(), "one ` alone");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(
            Source("https://a.example/?b=1&c=\"").to_string(),
            "<a href=\"https://a.example/?b=1&amp;c=&quot;\" rel=\"noopener noreferrer\">https://a.example/?b=1&amp;c=&quot;</a>"
        );
        for text in
            ["javascript:alert(1)", "https://", "https://a b", "https://a\u{202e}b", " https://a", "data:text/html,x"]
        {
            assert!(!Source(text).to_string().contains("<a"), "{text}");
        }
    }
}
