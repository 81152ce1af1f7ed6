use super::*;

#[test]
fn variables_are_replaced_where_they_are_known() {
    let define = |name: &str| (name == "TAG").then(|| "2.1".to_owned());
    let compose = |text: &str| expand(text, Dialect::Compose, &define, 0).unwrap_or_else(|it| it);
    assert_eq!(compose("a:${TAG}-$TAG-$$x"), "a:2.1-2.1-$x");
    assert_eq!(compose("a:${NO:-${TAG}}"), "a:2.1");
    assert_eq!(compose("a:${NO-1.0}${TAG:+-gpu}"), "a:1.0-gpu");
    assert_eq!(compose("a:${NO}"), "`${NO}` has no value; `--define NO=VALUE` gives one");
    assert_eq!(compose("a:${NO:?must be set}"), "`${NO}` has no value; `--define NO=VALUE` gives one");
    assert_eq!(compose("a:${NO"), "expected `}` after `${`");
    let kubernetes = |text: &str| expand(text, Dialect::Kubernetes, &define, 0).unwrap_or_else(|it| it);
    assert_eq!(kubernetes("a:${TAG}-$x"), "a:2.1-$x");
    assert_eq!(kubernetes("a:$TAG"), "a:2.1");
    assert_eq!(kubernetes("a:$(TAG)"), "`$(TAG)` is replaced by something else than this file");
}

#[test]
fn addresses_keep_no_secret() {
    assert_eq!(clean("https://me:pw@models.example/a.onnx?token=1#x"), "https://models.example/a.onnx");
    assert_eq!(clean("s3://bucket/model"), "s3://bucket/model");
    assert_eq!(clean("org/name"), "org/name");
}

/// Manifests with every trick, damaged further by the strategy below.
const STARTS: [(&str, &str); 7] = [
    ("environment.yml", include_str!("../../../fixtures/inputs/conda-environment/environment.yml")),
    ("a.yaml", include_str!("../../../fixtures/inputs/kubernetes/deployment-gpu.yaml")),
    ("b.yaml", include_str!("../../../fixtures/inputs/kubernetes/triton-statefulset.yml")),
    ("c.yaml", include_str!("../../../fixtures/inputs/kubernetes/kserve-frameworks.yaml")),
    ("d.yaml", include_str!("../../../fixtures/inputs/kubernetes/helm-partly.yaml")),
    ("compose.yaml", include_str!("../../../fixtures/inputs/compose/docker-compose.anchors.yml")),
    ("compose.yml", include_str!("../../../fixtures/inputs/compose/docker-compose.yml")),
];

/// The facts and notes of a manifest, each with what its place covers.
fn said(name: &str, text: &str, defines: &crate::input::Defines) -> Vec<String> {
    use crate::input::{Content, FORMATS, Files};
    use crate::text::Sources;

    let mut sources = Sources::default();
    let mut files = Files::new(&mut sources, defines);
    let file = files.add(name.to_owned(), Content::Owned(text.as_bytes().into()), None, None);
    let format = FORMATS.iter().find(|it| it.name == "kubernetes").unwrap();
    let reading = (format.read)(&mut files, file);
    let covered = |place: Place| &text[place.span.start..place.span.end];
    let facts = reading.facts.iter().map(|it| format!("{} `{}`", it.kind.word(), covered(it.place)));
    facts.chain(reading.skipped.iter().map(|it| format!("{} `{}`", it.reason, covered(it.place)))).collect()
}

#[test]
fn images_that_are_place_holders_are_none() {
    let pod = |image: &str| {
        format!("apiVersion: v1\r\nkind: Pod\r\nspec:\r\n  containers:\r\n  - image: {image}\r\n    name: é\r\n")
    };
    let none = crate::input::Defines::new();
    let one = |image: &str| said("a.yaml", &pod(image), &none).join("; ");
    assert_eq!(one("a/b:1"), "image `a/b:1`");
    assert_eq!(one("'a/b:1' # x"), "image `a/b:1`");
    assert_eq!(one("<IMAGE>"), "`<IMAGE>` is no reference of an image: something has to take its place `<IMAGE>`");
    assert_eq!(one("$IMAGE"), "`$IMAGE` is no reference of an image: something has to take its place `$IMAGE`");
    assert_eq!(one("${IMAGE}"), "`${IMAGE}` has no value; `--define IMAGE=VALUE` gives one `${IMAGE}`");
    assert_eq!(one("{{ .Values.image }}"), "the template puts a value here that is not known `{{ .Values.image }}`");
    assert_eq!(
        one("\"{{ .Values.image }}:1\""),
        "the template puts a value here that is not known `{{ .Values.image }}:1`"
    );
    let defines = [("IMAGE".to_owned(), "a/b".to_owned())].into();
    assert_eq!(said("a.yaml", &pod("${IMAGE}:1"), &defines), ["image `${IMAGE}:1`"]);
}

proptest::proptest! {
    #[test]
    fn no_manifest_panics_and_every_span_lies_inside(
        start in 0..STARTS.len(), at in 0..2500_usize, cut in 0..40_usize,
        junk in "([a-z0-9.=/_-]{0,4}|[ \n{}\\[\\]\":,#$&*|-]|: |\\{\\{|\\}\\}|\\$\\{A|\\PC){0,5}"
    ) {
        use crate::input::{Content, Defines, FORMATS, Files, Probe};
        use crate::text::{Sources, floor_char_boundary};

        let (name, sample) = STARTS[start];
        let from = floor_char_boundary(sample, at % sample.len());
        let to = floor_char_boundary(sample, from + cut).max(from);
        let text = format!("{}{junk}{}", &sample[..from], &sample[to..]);
        for format in FORMATS.iter().filter(|it| matches!(it.name, "kubernetes" | "compose" | "conda-environment")) {
            let (mut sources, defines) = (Sources::default(), Defines::new());
            let reading = {
                let mut files = Files::new(&mut sources, &defines);
                let file = files.add(name.to_owned(), Content::Owned(text.as_bytes().into()), None, None);
                (format.claims)(&Probe { name, bytes: text.as_bytes(), text: Some(&text) });
                (format.read)(&mut files, file)
            };
            let inside = |place: Place| text.get(place.span.start..place.span.end).is_some();
            proptest::prop_assert!(reading.facts.iter().all(|it| inside(it.place)));
            proptest::prop_assert!(reading.skipped.iter().all(|it| inside(it.place)));
            proptest::prop_assert!(reading.fault.iter().filter_map(|it| it.place).all(inside));
        }
    }
}
