//! Files that are no model, broken, or made to harm.

use proptest::prelude::*;

use super::{build, memory::Peak, read};

fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
    out
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

/// A model around the fields of a graph.
fn with_graph(graph: &[u8]) -> Vec<u8> {
    [number(1, 8), bytes(7, graph), bytes(8, &number(2, 17))].concat()
}

fn fault(bytes: &[u8]) -> String {
    let read = read(bytes);
    read.check_places();
    assert!(read.reading.facts.is_empty());
    let fault = read.fault().to_owned();
    assert!(fault.starts_with("expected "), "{fault}");
    fault
}

#[test]
fn what_is_no_model_says_what_it_is() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1234\n";
    let tar = [vec![1; 257], b"ustar".to_vec()].concat();
    let cases: [(&[u8], &str); 19] = [
        (b"", "an empty file"),
        (pointer, "a Git LFS pointer to 1234 bytes"),
        (b"\n<!DOCTYPE html><html>", "an HTML page"),
        (b"\xef\xbb\xbf<HTML lang=en>", "an HTML page"),
        (b"<?xml version='1.0'?><Error>", "an XML document"),
        (b"{\"error\": \"not found\"}", "a JSON document"),
        (b"\x1f\x8b\x08\x00rest", "a gzip archive"),
        (b"PK\x03\x04rest", "a zip archive"),
        (b"\x18\0\0\0ORTMrest", "ONNX Runtime's own format"),
        (b"\x20\0\0\0TFL3rest", "a TensorFlow Lite model"),
        (b"\x80\x04\x95rest", "a Python pickle"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (&tar, "a tar archive"),
        (&[0; 9000], "zero bytes"),
        (b"\x10\0\0\0\0\0\0\0{\"a\": 1}", "a safetensors file"),
        (b"ir_version: 8\ngraph {\n", "text format"),
        (b"<ir_version: 8, opset_import: [\"\" : 17]>\n", "text syntax"),
        ("Anmeldung nötig\n".as_bytes(), "found text"),
        (b"\xff\xfe\xfd\x01\x02\x03\x04\x05\x06\x07\x08\x09", "something else"),
    ];
    for (bytes, expected) in cases {
        let said = fault(bytes);
        assert!(said.contains(expected), "{said}, but not {expected}");
    }
}

#[test]
fn a_model_needs_an_ir_version_and_a_graph() {
    assert!(fault(&number(1, 8)).ends_with("found `ir_version` 8 but no graph"));
    assert!(fault(&bytes(7, b"")).ends_with("found a graph without an `ir_version`"));
    assert!(fault(&[number(1, 1_001), bytes(7, b"")].concat()).ends_with("from 1 to 1000, found 1001"));
    // ONNX Runtime reads these.
    for ir in [0, u64::MAX] {
        assert_eq!(read(&[number(1, ir), bytes(7, b"")].concat()).model().ir_version.unwrap().0, ir.cast_signed());
    }
    assert!(fault(&bytes(2, b"\x01")).ends_with("without `ir_version` and graph"));
    let least = read(&[number(1, 8), bytes(7, b"")].concat());
    assert!(least.model().opsets.is_empty());
    assert_eq!(least.view, "ir_version: 8\n");
}

#[test]
fn a_cut_off_file_says_where_and_in_what() {
    let whole = build::bytes(&build::classifier());
    let said = fault(&whole[..whole.len() / 2]);
    assert!(said.contains("cut off: `graph` of the model begins at byte "), "{said}");
    assert!(said.ends_with(&format!("the file ends at byte {}", whole.len() / 2)), "{said}");
}

#[test]
fn lengths_that_lie_are_errors_with_their_byte() {
    let huge = [&number(1, 7)[..], &[0x3a], &varint(1 << 62)].concat();
    assert!(fault(&huge).contains("`graph` of the model begins at byte 2 and claims 4611686018427387904 bytes"));
    let node = [&[0x1a][..], &varint((1 << 31) - 1)].concat();
    let said = fault(&with_graph(&bytes(1, &node)));
    assert!(said.contains("a broken one: `name` of a node begins at byte 6 and claims 2147483647 bytes"), "{said}");
    assert!(said.contains("a node ends at byte 12"), "{said}");
    let said = fault(&with_graph(&bytes(5, &[0x4a, 0x7f])));
    assert!(said.contains("`raw_data` of a tensor begins at byte 6 and claims 127 bytes"), "{said}");
    // A known field of another wire type is an unknown field, as protobuf has it; in a small message it is an error.
    assert!(read(&[number(1, 8), number(7, 1), bytes(7, b"")].concat()).reading.fault.is_none());
    assert!(fault(&[number(1, 8), bytes(7, b""), bytes(8, &bytes(2, b"x"))].concat()).contains("import at byte 6"));
}

#[test]
fn groups_are_refused() {
    let groups = [number(1, 8), vec![0x0b; 3_000_000]].concat();
    assert!(fault(&groups).contains("`ir_version` of the model at byte 2 is a group"));
    assert!(fault(&with_graph(&[0x0b; 1000])).contains("`node` of a graph at byte 5 is a group"));
    // Inside a message that is decoded whole.
    let entry = [number(1, 8), bytes(7, b""), bytes(14, &vec![0x1b; 100_000])].concat();
    assert!(fault(&entry).contains("a key and value at byte"));
}

#[test]
fn deep_nesting_ends_and_is_said() {
    let mut graph = bytes(1, &bytes(4, b"Deepest"));
    for _ in 0..20_000 {
        let node = [bytes(4, b"If"), bytes(5, &[bytes(1, b"g"), bytes(6, &graph)].concat())].concat();
        graph = bytes(1, &node);
    }
    let found = read(&with_graph(&graph));
    let operators = &found.model().operators["ai.onnx"];
    assert_eq!(operators["If"].count, 64);
    assert!(!operators.contains_key("Deepest"));
    assert_eq!(found.reasons(), ["graphs lie more than 64 deep inside each other; deeper ones are not read"]);
    assert_eq!(operators["If"].first_node, "graph.node[0]".replace("graph", "...g.node[0].g.node[0].g.node[0].g"));

    let mut kind = bytes(1, &number(1, 1));
    for _ in 0..10_000 {
        kind = bytes(4, &bytes(1, &kind));
    }
    let found = read(&with_graph(&bytes(11, &[bytes(1, b"x"), bytes(2, &kind)].concat())));
    assert!(found.model().inputs[0].dtype.as_deref().unwrap().starts_with("sequence(sequence("));
    assert!(found.reasons()[0].starts_with("types lie more than 64 deep inside each other"));
}

#[test]
fn what_is_stored_is_bounded() {
    // Ten million packed dimensions of a tensor, one million of a value.
    let tensor = [number(2, 1), bytes(1, &vec![1; 10_000_000])].concat();
    let dimensions = bytes(1, b"").repeat(1_000_000);
    let kind = bytes(1, &[number(1, 1), bytes(2, &dimensions)].concat());
    let value = [bytes(1, b"x"), bytes(2, &kind)].concat();
    let found = read(&with_graph(&[bytes(5, &tensor), bytes(11, &value)].concat()));
    assert_eq!(found.model().inputs[0].shape, None);
    assert_eq!(found.model().inputs[0].dtype.as_deref(), Some("float32"));
    assert_eq!(found.reasons(), ["`x` has more than 64 dimensions"]);

    let nodes: Vec<u8> = (0..20_000).flat_map(|at| bytes(1, &bytes(4, format!("Op{at}").as_bytes()))).collect();
    let inputs = bytes(11, &bytes(1, b"\x1b[2J")).repeat(9_000);
    let external = [number(14, 1), bytes(13, &[bytes(1, b"location"), bytes(2, b"/etc/passwd")].concat())].concat();
    let found = read(&with_graph(&[nodes, inputs, bytes(5, &external)].concat()));
    found.check_places();
    let model = found.model();
    assert_eq!(model.operators["ai.onnx"].len(), 10_000);
    assert_eq!(model.inputs.len(), 4_096);
    assert_eq!(model.external_data[0].location, "/etc/passwd");
    assert_eq!(found.at(model.inputs[4_000].span), "... and 3896 more");
    assert_eq!(
        found.reasons(),
        [
            "more than 10000 different operators (and 9999 more of this kind)",
            "more than 4096 inputs or outputs (and 4903 more of this kind)"
        ]
    );
    assert!(found.view.lines().count() < 2_000);
}

/// A node that calls a function of the model.
fn call(name: &str) -> Vec<u8> {
    [bytes(4, name.as_bytes()), bytes(7, b"local")].concat()
}

/// A function with these nodes.
fn function(name: &str, nodes: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let nodes: Vec<u8> = nodes.into_iter().flat_map(|node| bytes(7, &node)).collect();
    bytes(25, &[bytes(1, name.as_bytes()), nodes, bytes(10, b"local")].concat())
}

#[test]
fn a_chain_of_functions_is_followed_in_any_order() {
    // The first one stands last, so that a walk through the file finds one more each time.
    const COUNT: usize = 20_000;
    let mut model = with_graph(&bytes(1, &call("f0")));
    for at in (0..COUNT).rev() {
        let next = if at + 1 < COUNT { call(&format!("f{}", at + 1)) } else { bytes(4, b"Add") };
        model.extend(function(&format!("f{at}"), [next]));
    }
    model.extend(function("idle", [bytes(4, b"Sub")]));
    let found = read(&model);
    let operators = &found.model().operators["ai.onnx"];
    assert_eq!(operators["Add"].resolved.map(|(low, high)| (low.0, high.0)), Some((17, 17)));
    assert_eq!(operators["Sub"].resolved, None);
    assert_eq!(found.model().functions.len(), COUNT + 1);
}

#[test]
fn functions_may_call_each_other_many_times() {
    let calls = |name: &str| vec![call(name); 50_000];
    let model = [with_graph(&bytes(1, &call("A"))), function("A", calls("B")), function("B", calls("A"))].concat();
    let found = read(&model);
    assert!(found.model().operators.is_empty());
    assert_eq!(found.model().functions.len(), 2);
}

#[test]
fn a_weight_in_many_pieces_is_not_read_anew_for_every_node() {
    // Its size comes last, after 50,000 single elements.
    let pieces = [number(2, 1), [0x25, 0, 0, 0, 0].repeat(50_000), bytes(8, b"w"), number(1, 50_000)].concat();
    let add = [bytes(1, b"w"), bytes(1, b"w"), bytes(2, b""), bytes(4, b"Add")].concat();
    let model = with_graph(&[bytes(5, &pieces), bytes(1, &add).repeat(50_000)].concat());
    let found = read(&model);
    assert_eq!(found.model().operators["ai.onnx"]["Add"].count, 50_000);
}

#[test]
fn functions_share_the_imports_of_their_model() {
    let imports: Vec<u8> =
        (0..1_000).flat_map(|at| bytes(8, &[bytes(1, format!("d{at}").as_bytes()), number(2, 3)].concat())).collect();
    let names: Vec<String> = (0..5_000).map(|at| format!("f{at}")).collect();
    let calls: Vec<u8> = names.iter().flat_map(|name| bytes(1, &call(name))).collect();
    let node = [bytes(4, b"Own"), bytes(7, b"d7")].concat();
    let bodies: Vec<u8> = names.iter().flat_map(|name| function(name, [node.clone()])).collect();
    let model = [with_graph(&calls), imports, bodies].concat();
    let peak = Peak::start();
    let found = read(&model);
    assert!(peak.bytes() < model.len() * 8, "{} of {}", peak.bytes(), model.len());
    assert_eq!(found.model().operators["d7"]["Own"].resolved.map(|(low, high)| (low.0, high.0)), Some((3, 3)));
}

#[test]
fn functions_beyond_the_limit_take_no_memory() {
    let model = [with_graph(b""), bytes(25, b"").repeat(300_000)].concat();
    let peak = Peak::start();
    let found = read(&model);
    assert!(peak.bytes() < model.len() * 8, "{} of {}", peak.bytes(), model.len());
    assert_eq!(found.reasons(), ["more than 100000 local functions (and 199999 more of this kind)"]);
}

#[test]
fn functions_that_call_each_other_are_read_once() {
    let function = |name: &[u8], calls: &[u8]| {
        let node = [bytes(4, calls), bytes(7, b"local")].concat();
        bytes(25, &[bytes(1, name), bytes(7, &node), bytes(10, b"local")].concat())
    };
    let model = [with_graph(b""), function(b"A", b"B"), function(b"B", b"A")].concat();
    let found = read(&model);
    assert!(found.model().operators.is_empty());
    assert_eq!(found.model().functions.len(), 2);
}

#[test]
fn names_need_not_be_text() {
    let node = [bytes(3, b"n\xffode\n"), bytes(4, b"\xc3\x28")].concat();
    let model = [with_graph(&bytes(1, &node)), bytes(2, b"py\xfftorch\x1b[31m")].concat();
    let found = read(&model);
    found.check_places();
    assert_eq!(found.at(found.model().producer_span), "py\u{fffd}torch\\u{1b}[31m");
    assert_eq!(found.model().operators["ai.onnx"]["\u{fffd}("].first_node, "n\u{fffd}ode\n");
    assert!(
        found.view.contains("operator: ai.onnx \u{fffd}( (1 node, first \"n\u{fffd}ode\\u{a}\")"),
        "{}",
        found.view
    );
}

#[test]
fn what_is_odd_but_readable_is_said() {
    let sets = [number(2, 13), number(2, 0), [bytes(1, b"ai.onnx"), number(2, 17)].concat(), bytes(1, b"custom")];
    let sets: Vec<u8> = sets.iter().flat_map(|set| bytes(8, set)).collect();
    let nameless = bytes(5, &number(14, 1));
    let entry = |key: &[u8], value: &[u8]| bytes(13, &[bytes(1, key), bytes(2, value)].concat());
    let wrong = bytes(5, &[number(14, 1), entry(b"location", b"w"), entry(b"offset", b"1k")].concat());
    let model = [number(1, 8), bytes(7, &[bytes(1, b""), nameless, wrong].concat()), sets].concat();
    let found = read(&model);
    assert_eq!(found.model().opsets["ai.onnx"].0, 17);
    assert_eq!(found.model().external_data[0].needed_bytes, None);
    assert_eq!(
        found.reasons(),
        [
            "`ai.onnx` is imported at version 0, which is none (and 2 more of this kind)",
            "graph.node[0] does not say its operator",
            "tensor `` is stored outside the model, but in no named file (and 1 more of this kind)",
        ]
    );
}

#[test]
fn every_truncation_of_a_model_is_a_fault_or_a_smaller_model() {
    for model in [build::classifier(), build::nested(), build::external_weights(), build::sequences()] {
        let whole = build::bytes(&model);
        let mut faults = 0;
        for end in 0..whole.len() {
            let found = read(&whole[..end]);
            found.check_places();
            if let Some(fault) = &found.reading.fault {
                faults += 1;
                assert!(fault.message.starts_with("expected "), "{}", fault.message);
            } else {
                found.model();
            }
        }
        assert!(faults > whole.len() * 2 / 3, "{faults} of {}", whole.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes).check_places();
        read(&[&[0x08, 0x08, 0x3a, 0x00][..], &bytes].concat()).check_places();
        read(&with_graph(&bytes)).check_places();
    }

    #[test]
    fn flipped_bits_are_survived(
        which in 0..4_usize,
        flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..12),
    ) {
        let all = [build::classifier(), build::nested(), build::external_weights(), build::sequences()];
        let mut bytes = build::bytes(&all[which]);
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        let found = read(&bytes);
        found.check_places();
        prop_assert!(found.reading.fault.is_some() || found.reading.facts.len() == 1);
    }

    #[test]
    fn only_functions_that_are_reached_count(
        calls in proptest::collection::vec(proptest::collection::vec(0..12_usize, 0..4), 1..12),
        first in proptest::collection::vec(0..12_usize, 0..3),
    ) {
        let name = |at: &usize| format!("f{at}");
        let graph: Vec<u8> = first.iter().flat_map(|at| bytes(1, &call(&name(at)))).collect();
        let mut model = with_graph(&graph);
        for (at, calls) in calls.iter().enumerate() {
            let own = bytes(4, format!("Op{at}").as_bytes());
            model.extend(function(&name(&at), calls.iter().map(|at| call(&name(at))).chain([own])));
        }
        let mut reached = std::collections::BTreeSet::new();
        let mut waiting = first;
        while let Some(at) = waiting.pop() {
            if at < calls.len() && reached.insert(at) {
                waiting.extend(&calls[at]);
            }
        }
        let found = read(&model);
        let operators = &found.model().operators["ai.onnx"];
        for at in 0..calls.len() {
            prop_assert_eq!(operators[&format!("Op{at}")].resolved.is_some(), reached.contains(&at));
        }
    }

    #[test]
    fn spliced_models_are_survived(
        tape in proptest::collection::vec(any::<u8>(), 0..300),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        junk in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let whole = build::bytes(&build::Tape::new(&tape).model());
        let (from, to) = (from.index(whole.len()), to.index(whole.len()));
        read(&[&whole[..from], &junk, &whole[to..]].concat()).check_places();
    }
}
