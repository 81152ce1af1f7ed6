//! Manifests that are templates (Helm, Go, Jinja): what stands in them literally can be read, the rest is not expanded.
//!
//! Go templates: <https://helm.sh/docs/chart_template_guide/>; Jinja: <https://jinja.palletsprojects.com/en/stable/templates/>

use crate::text::Span;

/// Where a text is a template.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Template {
    /// Every `{{ ... }}`, `{% ... %}` and `{# ... #}` outside of comment lines.
    marks: Vec<Span>,
    /// From `if`, `range`, `with`, `define` or `for` to its end.
    conditions: Vec<Span>,
}

const PAIRS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

impl Template {
    pub(super) fn of(text: &str) -> Template {
        let mut out = Template::default();
        let mut open: Vec<usize> = Vec::new();
        let mut at = 0;
        while let Some(found) = text[at..].find('{') {
            let start = at + found;
            let Some((_, close)) = PAIRS.iter().find(|(open, _)| text[start..].starts_with(open)) else {
                at = start + 1;
                continue;
            };
            let line = &text[text[..start].rfind('\n').map_or(0, |end| end + 1)..start];
            let Some(length) = text[start + 2..].find(close) else { break };
            let end = start + 2 + length + 2;
            at = end;
            // `{{a: 1}: 2}` is YAML as well, but nobody writes it; `{#` and `}}` are common in other places.
            if line.trim_start().starts_with('#') || (*close == "#}" && !line.trim().is_empty()) {
                continue;
            }
            out.marks.push(Span::new(start, end));
            let inside = text[start + 2..end - 2].trim_start_matches(['-', '+']).trim_start();
            match inside.split(|it: char| !it.is_ascii_alphabetic()).next().unwrap_or_default() {
                "if" | "range" | "with" | "define" | "block" | "for" | "macro" => open.push(start),
                "end" | "endif" | "endfor" | "endmacro" | "endblock" => {
                    if let Some(start) = open.pop() {
                        out.conditions.push(Span::new(start, end));
                    }
                }
                _ => {}
            }
        }
        out.conditions.extend(open.into_iter().map(|start| Span::new(start, text.len())));
        out
    }

    /// The first mark, if there is one.
    pub(super) fn first(&self) -> Option<Span> {
        self.marks.first().copied()
    }

    /// Whether a part of the text is not what will stand there.
    pub(super) fn touches(&self, span: Span) -> bool {
        let after = self.marks.partition_point(|mark| mark.end <= span.start);
        self.marks.get(after).is_some_and(|mark| mark.start < span.end)
    }

    /// Whether a part of the text will be there only under a condition.
    pub(super) fn is_conditional(&self, span: Span) -> bool {
        self.conditions.iter().any(|part| part.start <= span.start && span.end <= part.end)
    }

    /// The text with every mark replaced, byte by byte: blanks for a line of marks alone, which makes structure; a word
    /// where marks are part of a value.
    pub(super) fn masked(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let mut alone = text.as_bytes().to_vec();
        for mark in &self.marks {
            alone[mark.start..mark.end].fill(b' ');
        }
        for mark in &self.marks {
            let start = text[..mark.start].rfind('\n').map_or(0, |at| at + 1);
            let end = text[mark.end..].find('\n').map_or(text.len(), |at| mark.end + at);
            let blank = alone[start..end].iter().all(u8::is_ascii_whitespace);
            for byte in &mut bytes[mark.start..mark.end] {
                if !(blank && matches!(byte, b'\n' | b'\r')) {
                    *byte = if blank { b' ' } else { b'T' };
                }
            }
        }
        String::from_utf8(bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_replaced_byte_by_byte() {
        let text = "# {{ no }}\na: {{ .é }}\n{{- if .b }}\nb: \"x{{ \"q\" }}\"\n{{- end }}\nc: 1\n{{/*\n two */}}\nd: [{# x #}]\n";
        let template = Template::of(text);
        let masked = template.masked(text);
        assert_eq!(masked.len(), text.len());
        assert_eq!(
            masked,
            "# {{ no }}\na: TTTTTTTTT\n            \nb: \"xTTTTTTTTT\"\n          \nc: 1\n    \n         \nd: [{# x #}]\n"
        );
        let at = |word: &str| Span::new(text.find(word).unwrap(), text.find(word).unwrap() + word.len());
        assert!(template.is_conditional(at("b: ")) && !template.is_conditional(at("c: 1")));
        assert!(template.touches(at("x{{")) && !template.touches(at("c: 1")));
        assert_eq!(template.first().map(|it| &text[it.start..it.end]), Some("{{ .é }}"));
        assert_eq!(Template::of("a: {b: {c: 1}}\n# {{ x }}\n"), Template::default());
    }

    proptest::proptest! {
        #[test]
        fn masking_never_panics(text in "(\\{\\{|\\}\\}|\\{%|%\\}|if|end|\n| |é|#|a: ){0,40}") {
            let template = Template::of(&text);
            proptest::prop_assert_eq!(template.masked(&text).len(), text.len());
        }
    }
}
