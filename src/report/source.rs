//! All sources as one text for miette, so that one finding can show lines of several files.
//!
//! File `i` begins at the sum of the lengths before it plus a gap, which keeps the contexts of two files apart. Lines are
//! found through the index of [`crate::text::Source`], since miette's own sources scan from the start for every label.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::text::{FileId, Form, Place, Sources};

/// Bytes between two files.
const GAP: usize = 2;

/// The sources, laid one after the other.
#[derive(Debug)]
pub(super) struct JointSource<'a> {
    sources: &'a Sources,
    bases: Vec<usize>,
}

impl<'a> JointSource<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        let mut base = 0;
        let bases = sources
            .iter()
            .map(|(_, source)| {
                let own = base;
                base += source.text().len() + GAP;
                own
            })
            .collect();
        JointSource { sources, bases }
    }

    /// A place in the joint text; clamped, since a span past the end would spoil the report.
    pub(super) fn span(&self, place: Place) -> SourceSpan {
        let length = self.sources.get(place.file).text().len();
        let start = place.span.start.min(length);
        let end = place.span.end.min(length);
        (self.bases[place.file.index()] + start, end - start).into()
    }

    fn file_at(&self, offset: usize) -> Option<(FileId, usize)> {
        let index = self.bases.partition_point(|base| *base <= offset).checked_sub(1)?;
        self.sources.iter().nth(index).map(|(file, _)| (file, self.bases[index]))
    }
}

impl SourceCode for JointSource<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        let (file, base) = self.file_at(span.offset()).ok_or(MietteError::OutOfBounds)?;
        let source = self.sources.get(file);
        let (start, end) = (span.offset() - base, span.offset() - base + span.len());
        if end > source.text().len() {
            return Err(MietteError::OutOfBounds);
        }
        let last_line = source.line_count();
        let first = source.position(start).line.min(last_line);
        // An exclusive end at the start of a line belongs to the line before.
        let last = source.position(if end > start { end - 1 } else { end }).line.min(last_line);
        let from = first.saturating_sub(before).max(1);
        let to = (last + after).min(last_line);
        let low = source.line_span(from).start;
        let high = source.line_span(to).end.max(end);
        let data = &source.text().as_bytes()[low..high];
        let name = match source.form {
            Form::Text => crate::text::escape(&source.path),
            Form::View => format!("{} (as read)", crate::text::escape(&source.path)),
        };
        let column = if from == first { source.position(start).column - 1 } else { 0 };
        Ok(Box::new(MietteSpanContents::new_named(
            name,
            data,
            (base + low, high - low).into(),
            from - 1,
            column,
            to - from + 1,
        )))
    }
}
