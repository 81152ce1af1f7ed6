//! Makes text from files harmless on a terminal.

/// Whether a character may move the cursor, hide or reorder what a terminal shows.
#[must_use]
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What continuous integration takes for a command wherever it stands in a line of a log.
const COMMANDS: [&str; 2] = ["##[", "##vso["];

/// Whether a log with this text would give commands to the machine that runs it.
#[must_use]
pub fn has_command(text: &str) -> bool {
    text.contains("##") && COMMANDS.iter().any(|command| text.contains(command))
}

/// The text with the bracket of each such command replaced.
#[must_use]
pub fn without_commands(text: &str, bracket: &str) -> String {
    let spoiled = |text: String, command: &&str| text.replace(command, &command.replace('[', bracket));
    COMMANDS.iter().fold(text.to_owned(), spoiled)
}

/// The text with every control, invisible and direction-changing character written as `\u{..}`, and without commands for
/// the machine that runs a build.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    if has_command(&out) { without_commands(&out, "\\u{5b}") } else { out }
}

#[cfg(test)]
mod tests {
    #[test]
    fn escape_sequences_and_direction_marks_become_visible() {
        assert_eq!(super::escape("a\u{1b}[31mb\u{202e}c\n"), "a\\u{1b}[31mb\\u{202e}c\\u{a}");
        assert_eq!(super::escape("größe 数"), "größe 数");
        assert_eq!(super::escape("## a[0] ##[error]b ##vso[x]"), "## a[0] ##\\u{5b}error]b ##vso\\u{5b}x]");
    }
}
