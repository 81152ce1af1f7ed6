use std::fmt::Write as _;

use super::*;

fn shown(text: &str, node: &Node<'_>) -> String {
    let raw = text[node.span.start..node.span.end].trim_end();
    match &node.value {
        Value::Scalar { text, .. } if raw == text => format!("<{text}>"),
        Value::Scalar { text, .. } => format!("<{text}|{raw}>"),
        Value::List(items) => format!("[{}]", items.iter().map(|it| shown(text, it)).collect::<String>()),
        Value::Map(_) => {
            let entry = |(key, value): &(&Node<'_>, &Node<'_>)| format!("{}={}", shown(text, key), shown(text, value));
            format!("{{{}}}", node.entries().iter().map(entry).collect::<String>())
        }
    }
}

fn all(text: &str) -> Vec<String> {
    documents(text).unwrap().iter().map(|it| shown(text, it)).collect()
}

#[test]
fn scalars_stay_text_and_know_their_bytes() {
    assert_eq!(all("ä: 3.10 # ü\n\"q é\": 'it''s'\n"), ["{<ä>=<3.10><q é>=<it's|it''s>}"]);
    assert_eq!(all("---\na: 1\n---\n# nothing\n---\n- ß\n-   x  \n...\n"), ["{<a>=<1>}", "[<ß><x>]"]);
    assert_eq!(all("{\"a\": [1, \"ö\"], \"b\": {}}"), ["{<a>=[<1><ö>]<b>={}}"]);
    assert_eq!(all("a: |\n  one\n  two\nb: >-\n  x\n  y\n"), ["{<a>=<one\ntwo\n|one\n  two><b>=<x y|x\n  y>}"]);
}

#[test]
fn aliases_and_merge_keys_bring_what_was_named() {
    let text = "x: &x\n  a: 1\n  b: 2\ny:\n  <<: *x\n  b: 3\nz:\n  <<: [*x, {c: 4}]\nw: *x\n";
    assert_eq!(
        all(text),
        ["{<x>={<a>=<1><b>=<2>}<y>={<b>=<3><a>=<1>}<z>={<a>=<1><b>=<2><c>=<4>}<w>={<a>=<1><b>=<2>}}"]
    );
    let tree = documents(text).unwrap();
    assert_eq!(tree[0].at(&["y", "a"]).unwrap().text(), Some("1"));
    assert_eq!(tree[0].at(&["y", "b"]).unwrap().text(), Some("3"));
    assert_eq!(tree[0].at(&["z", "c"]).unwrap().text(), Some("4"));
    assert!(tree[0].at(&["z", "d"]).is_none());
}

#[test]
fn limits_are_said() {
    let fault = |text: &str| documents(text).unwrap_err().message;
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let before = level - 1;
        let nine = vec![format!("*a{before}"); 9].join(", ");
        let _ = writeln!(bomb, "a{level}: &a{level} [{nine}]");
    }
    assert_eq!(fault(&bomb), "aliases bring more than 100000 values");
    let mut chain = "- &a0 x\n".to_owned();
    for level in 1..200 {
        let _ = writeln!(chain, "- &a{level} [*a{}]", level - 1);
    }
    assert_eq!(fault(&chain), "values stand inside each other more than 100 times");
    for opening in ["[", "{a: ", "- "] {
        let message = fault(&opening.repeat(100_000));
        assert!(message.contains("limit") || message.contains("more than 100 times"), "{message}");
    }
    assert!(fault("a: &a [*a]").contains("inside"));
    assert!(!fault("a: [1, 2\nb: c\n").is_empty());
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_every_span_lies_inside(text in "([a-c]{1,3}: |- |\n {0,4}|&a |\\*a|<<: |[\"'|>#{}\\[\\],]|---\n|\\PC|x){0,40}") {
        fn check(text: &str, node: &Node<'_>) {
            assert!(text.get(node.span.start..node.span.end).is_some());
            node.items().iter().for_each(|it| check(text, it));
            node.entries().iter().for_each(|(key, value)| { check(text, key); check(text, value); });
        }
        match documents(&text) {
            Ok(trees) => trees.iter().for_each(|it| check(&text, it)),
            Err(fault) => assert!(text.get(fault.span.start..fault.span.end).is_some()),
        }
    }
}
