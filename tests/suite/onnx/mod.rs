//! The ONNX reader: against an independent decoder, on hostile bytes, and on the models of the `onnx` package.

mod build;
mod corpus;
mod fixtures;
mod fuzz;
mod hostile;
mod memory;
mod oracle;
mod tree;

use envcheck::{
    fact::{FactKind, Model, Standing},
    input::{Content, Defines, FORMATS, Files, Format, Reading},
    text::{Form, Sources, Span},
};

/// What the reader said about one file.
struct Read {
    reading: Reading,
    view: String,
}

impl Read {
    fn model(&self) -> &Model {
        assert_eq!(self.reading.fault, None);
        assert_eq!(self.reading.facts.len(), 1);
        let fact = &self.reading.facts[0];
        assert_eq!(fact.standing, Standing::Observed);
        let FactKind::Model(model) = &fact.kind else { panic!("not a model: {fact:?}") };
        model
    }

    fn fault(&self) -> &str {
        &self.reading.fault.as_ref().expect("a fault").message
    }

    fn reasons(&self) -> Vec<&str> {
        self.reading.skipped.iter().map(|it| it.reason.as_str()).collect()
    }

    fn at(&self, span: Option<Span>) -> &str {
        let span = span.expect("a span");
        &self.view[span.start..span.end]
    }

    /// Every place lies in the text that the reader left behind, and nothing in a view can harm a terminal.
    fn check_places(&self) {
        let inside = |span: Span| {
            assert!(self.view.get(span.start..span.end).is_some(), "{span:?} is no place in {:?}", self.view);
        };
        self.reading.facts.iter().for_each(|fact| inside(fact.place.span));
        self.reading.skipped.iter().for_each(|skipped| inside(skipped.place.span));
        self.reading.fault.iter().filter_map(|fault| fault.place).for_each(|place| inside(place.span));
        for fact in &self.reading.facts {
            let FactKind::Model(model) = &fact.kind else { continue };
            model.ir_span.into_iter().chain(model.producer_span).for_each(inside);
            model.opset_spans.values().copied().for_each(inside);
            assert!(model.opset_spans.keys().eq(model.opsets.keys()));
            model.inputs.iter().chain(&model.outputs).for_each(|it| inside(it.span.expect("a span")));
            model.operators.values().flat_map(|it| it.values()).for_each(|it| inside(it.span.expect("a span")));
            assert!(!self.view.chars().any(|it| it != '\n' && envcheck::text::is_hidden(it)), "{:?}", self.view);
        }
    }
}

fn format() -> &'static Format {
    FORMATS.iter().find(|it| it.name == "onnx").expect("the format is registered")
}

fn read(bytes: &[u8]) -> Read {
    read_content(Content::Owned(bytes.into()))
}

fn read_content(content: Content) -> Read {
    let mut sources = Sources::default();
    let defines = Defines::new();
    let mut files = Files::new(&mut sources, &defines);
    let file = files.add("models/model.onnx".to_owned(), content, None, None);
    let reading = (format().read)(&mut files, file);
    if reading.fault.is_none() {
        assert_eq!(sources.get(file).form, Form::View);
    }
    let view = sources.get(file).text().to_owned();
    Read { reading, view }
}
