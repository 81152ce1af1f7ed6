use super::*;
use crate::{
    input::{Content, Defines},
    text::Sources,
};

fn reading(text: &str) -> Reading {
    let (mut sources, defines) = (Sources::default(), Defines::new());
    let mut files = Files::new(&mut sources, &defines);
    let file = files.add("config.pbtxt".to_owned(), Content::Owned(text.as_bytes().into()), None, None);
    read(&mut files, file)
}

fn fault(text: &str) -> String {
    let fault = reading(text).fault.unwrap();
    format!("{} {}", fault.place.unwrap().span.start, fault.message)
}

#[test]
fn broken_text_is_a_fault_with_a_place() {
    assert_eq!(fault("platform \"x\""), "9 broken text format: expected `:` or `{` after the name of a field");
    assert_eq!(fault("input [ { name: 'a' }"), "21 broken text format: expected `,` or `]`");
    assert_eq!(fault("input { name: 'a'"), "17 broken text format: expected a closing `}`");
    assert_eq!(fault("name: \"a\nb: 1"), "7 broken text format: expected a closing quote on the same line");
    assert!(fault(&"a {".repeat(100_000)).contains("fewer messages"));
    assert!(reading("backend: {{ backend }}").fault.is_none());
}

#[test]
fn only_configurations_are_claimed() {
    let claim = |name: &str, text: &str| claims(&Probe { name, bytes: text.as_bytes(), text: Some(text) });
    assert_eq!(claim("config.pbtxt", "name: \"x\"\nplatform: \"onnxruntime_onnx\"\n"), Claim::Certain);
    assert_eq!(claim("config.pbtxt.j2", "backend: \"{{ x }}\"\n"), Claim::Likely);
    assert_eq!(claim("config.pbtxt", "input [\n]\n"), Claim::Likely);
    assert_eq!(claim("label_map.pbtxt", "item {\n  id: 1\n}\n"), Claim::No);
    assert_eq!(claim("graph.pbtxt", "node {\n  name: \"x\"\n}\n"), Claim::No);
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_every_span_lies_inside(
        text in "(name|input|dims|platform|backend|instance_group|kind|KIND_GPU|: ?| |\\{|\\}|\\[|\\]|<|>|,|\"|'|\\\\|\\$\\{|-?[0-9]|#|\n|\\PC){0,40}"
    ) {
        let reading = reading(&text);
        let inside = |place: Place| text.get(place.span.start..place.span.end).is_some();
        proptest::prop_assert!(reading.facts.iter().all(|it| inside(it.place)));
        proptest::prop_assert!(reading.skipped.iter().all(|it| inside(it.place)));
        proptest::prop_assert!(reading.fault.iter().filter_map(|it| it.place).all(inside));
    }
}
