//! A plan: the edits of several fixes together, at most one fix a finding, none that another one contradicts.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    finding::{Finding, Fix, IrEdit},
    text::{Sources, Span},
};

/// Changes to one text, in its order; they do not overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextChange {
    /// What is replaced, and by what.
    pub edits: BTreeMap<(usize, usize), String>,
}

impl TextChange {
    /// The text with all edits.
    #[must_use]
    pub fn applied(&self, text: &str) -> String {
        let mut changed = text.to_owned();
        for ((start, end), replacement) in self.edits.iter().rev() {
            changed.replace_range(*start..*end, replacement);
        }
        changed
    }

    /// Whether an edit fits beside the others; the very same one does.
    fn admits(&self, span: Span, replacement: &str) -> bool {
        self.edits.iter().all(|((start, end), other)| {
            let same = (*start, *end) == (span.start, span.end);
            if same { other == replacement } else { span.end <= *start || *end <= span.start }
        })
    }
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// Changes by the path of the text as shown.
    pub texts: BTreeMap<String, TextChange>,
    /// Models whose IR version is lowered, by path as shown.
    pub models: BTreeMap<String, IrEdit>,
    /// What is done, in the order of the findings: code and title.
    pub steps: Vec<(String, String)>,
    /// Commands that change what tools wrote: code and command.
    pub commands: BTreeSet<(String, String)>,
    /// Fixes that a person has to look at first and nobody asked for: code and title.
    pub unsafe_steps: Vec<(String, String)>,
    /// Findings whose fix would have changed the same place in another way.
    pub contradicted: Vec<String>,
}

impl Plan {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.models.is_empty()
    }

    /// The fix of a finding that a plan takes: one that nobody has to look at, else the first that is an edit.
    #[must_use]
    pub fn chosen(finding: &Finding) -> Option<&Fix> {
        let mut usable = finding.fixes.iter().filter(|fix| !fix.edits.is_empty() || fix.lowering.is_some());
        usable.clone().find(|fix| fix.safe).or_else(|| usable.next())
    }

    /// Whether the fix of a finding is among the steps.
    #[must_use]
    pub fn takes(&self, finding: &Finding) -> bool {
        let step = |fix: &Fix| self.steps.iter().any(|(code, title)| code == finding.code && *title == fix.title);
        Plan::chosen(finding).is_some_and(step)
    }

    /// Adds the fixes of findings, the worst first.
    pub fn add(&mut self, findings: &[Finding], sources: &Sources, with_unsafe: bool) {
        let mut order: Vec<&Finding> = findings.iter().collect();
        order.sort_by_key(|finding| Reverse(finding.severity));
        for finding in order {
            let code = finding.code.to_owned();
            let Some(fix) = Plan::chosen(finding) else {
                let command = finding.fixes.iter().find_map(|fix| fix.command.clone());
                self.commands.extend(command.map(|command| (code, command)));
                continue;
            };
            let step = (code, fix.title.clone());
            if !fix.safe && !with_unsafe {
                if !self.unsafe_steps.contains(&step) {
                    self.unsafe_steps.push(step);
                }
                continue;
            }
            let path = |file| sources.get(file).path.clone();
            let fits = fix.edits.iter().all(|edit| {
                let text = self.texts.get(&path(edit.place.file));
                text.is_none_or(|text| text.admits(edit.place.span, &edit.replacement))
            });
            let same_model =
                fix.lowering.is_none_or(|it| self.models.get(&path(it.file)).is_none_or(|other| other.to == it.to));
            if !fits || !same_model {
                self.contradicted.push(step.0);
                continue;
            }
            for edit in &fix.edits {
                let key = (edit.place.span.start, edit.place.span.end);
                self.texts.entry(path(edit.place.file)).or_default().edits.insert(key, edit.replacement.clone());
            }
            if let Some(lowering) = fix.lowering {
                self.models.insert(path(lowering.file), lowering);
            }
            if !self.steps.contains(&step) {
                self.steps.push(step);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_applied_together_and_do_not_overlap() {
        let mut change = TextChange::default();
        for (start, end, replacement) in [(5, 8, "==2"), (14, 14, "==1.4"), (0, 0, "# x\n")] {
            assert!(change.admits(Span::new(start, end), replacement));
            change.edits.insert((start, end), replacement.to_owned());
        }
        assert_eq!(change.applied("numpy==1\nscipy\n"), "# x\nnumpy==2\nscipy==1.4\n");
        assert!(change.admits(Span::new(5, 8), "==2"), "the same edit twice");
        assert!(!change.admits(Span::new(5, 8), "==3"));
        assert!(!change.admits(Span::new(6, 9), "x"));
    }
}
