//! XML for `JUnit` and Checkstyle: elements with their attributes, in which no text can end an element or begin another.
//!
//! Characters that XML 1.0 forbids are spelled out like other control characters.

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use crate::text::{escape, is_hidden};

/// Attributes in their order.
pub(super) type Attributes<'a> = [(&'a str, String)];

/// A document that is written from the top to the bottom.
pub(super) struct Document(Writer<Vec<u8>>);

impl Document {
    pub(super) fn new() -> Self {
        let mut document = Document(Writer::new_with_indent(Vec::new(), b' ', 2));
        document.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        document
    }

    pub(super) fn open(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.event(Event::Start(element(name, attributes)));
    }

    pub(super) fn close(&mut self, name: &str) {
        self.event(Event::End(BytesEnd::new(name)));
    }

    pub(super) fn empty(&mut self, name: &str, attributes: &Attributes<'_>) {
        self.event(Event::Empty(element(name, attributes)));
    }

    /// An element with lines of text.
    pub(super) fn lines(&mut self, name: &str, attributes: &Attributes<'_>, lines: &[String]) {
        self.open(name, attributes);
        let lines: Vec<String> = lines.iter().map(|line| clean(line)).collect();
        self.event(Event::Text(BytesText::new(&lines.join("\n"))));
        self.close(name);
    }

    pub(super) fn finish(self) -> String {
        let mut bytes = self.0.into_inner();
        bytes.push(b'\n');
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn event(&mut self, event: Event<'_>) {
        // Writing into memory cannot fail.
        let _ = self.0.write_event(event);
    }
}

fn element<'a>(name: &'a str, attributes: &Attributes<'_>) -> BytesStart<'a> {
    let mut start = BytesStart::new(name);
    for (key, value) in attributes {
        start.push_attribute((*key, clean(value).as_str()));
    }
    start
}

/// The text without characters that are hidden or that XML has no way to write.
fn clean(text: &str) -> String {
    let forbidden = |character: char| matches!(character, '\u{fffe}' | '\u{ffff}');
    if !text.chars().any(|it| is_hidden(it) || forbidden(it)) {
        return text.to_owned();
    }
    let spell =
        |character: char| if forbidden(character) { character.escape_unicode().to_string() } else { character.into() };
    escape(text).chars().map(spell).collect()
}
