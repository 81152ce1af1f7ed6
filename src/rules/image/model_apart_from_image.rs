use crate::{
    environment::{Environment, Side},
    fact::{Delivery, ImageRole},
    finding::{Impact, Severity, Verdicts},
    knowledge::image::Reference,
    rules::{Check, Context},
};

rule! {
    /// The model is fetched when serving starts, so that model and image change apart from each other.
    ///
    /// ## Why it matters
    ///
    /// There are two patterns of serving. With *model-in-image* the model file is part of the image, and both are released
    /// and rolled back together. With *model-load* an init container, a `storageUri` or the server itself fetches the model
    /// at the start: then a new model may meet an old image, and an image that is rolled back meets the model of today. That
    /// is safe only if the address names a version, and somebody checks that version against the image.
    ///
    /// ## Example
    ///
    /// ```text
    /// inferenceservice.yaml: storageUri: s3://models/churn
    /// ```
    ///
    /// ## How to fix
    ///
    /// Put the model's version into the address, and release it together with the image's tag.
    pub(crate) static RULE {
        code: "EC405",
        name: "model-apart-from-image",
        impact: Impact::Drift,
        severity: Severity::Info,
        since: "0.1.0",
        check: Check::Side(check),
    }
}

fn check(_: &Context<'_>, side: &Environment, out: &mut Verdicts) {
    if side.side == Side::Training {
        return;
    }
    let sources = side.model_sources();
    let at_start: Vec<_> = sources.iter().filter(|seen| seen.value.delivery == Delivery::AtStart).collect();
    let loose: Vec<_> = at_start.iter().filter(|seen| version_in(&seen.value.address).is_none()).collect();
    let images = side.images();
    let own = images.iter().find(|seen| seen.value.role == ImageRole::Runs);
    if let Some(first) = loose.first() {
        let more = if loose.len() > 1 { format!(" (and {} more)", loose.len() - 1) } else { String::new() };
        let mut finding = RULE
            .finding(format!("the model {}{more} comes from outside the image at the start, and nothing says which version of it goes with the image", first.value.address))
            .primary(&side.name, first.place, format!("brought by {}", first.value.by))
            .about(["model", "image"])
            .help("put the model's version into its address, and roll image and model back together");
        if let Some(image) = own {
            finding = finding.label(&side.name, image.place, "the image it meets");
        }
        out.findings.push(finding);
        return;
    }
    // Versions on both: they should be one.
    let Some(image) = own else { return };
    let Some(tag) = Reference::parse(&image.value.reference).tag.and_then(version_in) else { return };
    for seen in at_start {
        let Some(version) = version_in(&seen.value.address) else { continue };
        let related = shares_name(&seen.value.address, &image.value.reference);
        if related && version != tag {
            out.findings.push(
                RULE.finding(format!("image {} meets the model {}, which has another version", image.value.reference, seen.value.address))
                    .primary(&side.name, seen.place, format!("model {version}"))
                    .label(&side.name, image.place, format!("image {tag}"))
                    .about(["model", "image"])
                    .help("check that this model was tested with this image, and roll both back together"),
            );
        }
    }
}

/// The last part of an address or tag that is a version: `1.4.0`, `v3`, `2024-11-02`, a long digest.
fn version_in(text: &str) -> Option<String> {
    let parts = text.split(['/', ':', '@', '=', '?', '&']).rev();
    parts.filter(|part| !part.is_empty()).find_map(|part| {
        let stem = part.split('.').next().unwrap_or(part);
        let pieces = part.split(['-', '_']).chain([stem]);
        pieces.map(|piece| piece.trim_start_matches(['v', 'V'])).find_map(|piece| {
            let digits = piece.bytes().filter(u8::is_ascii_digit).count();
            let plain = piece.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let hex = piece.len() >= 12 && piece.bytes().all(|byte| byte.is_ascii_hexdigit());
            (digits > 0 && plain || hex).then(|| piece.trim_matches('.').to_owned())
        })
    })
}

/// Whether the last name of an image stands in the address of a model.
fn shares_name(address: &str, reference: &str) -> bool {
    let path = Reference::parse(reference).path;
    let name = path.rsplit('/').next().unwrap_or(path);
    name.len() > 3 && address.split('/').any(|part| part == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_addresses() {
        for (text, version) in [
            ("s3://models/churn/1.4.0/", Some("1.4.0")),
            ("s3://models/churn/v3/model.onnx", Some("3")),
            ("gs://bucket/churn-2024/model.pkl", Some("2024")),
            ("models:/churn/7", Some("7")),
            ("s3://models/churn/model.onnx", None),
            ("mistralai/Mistral-instruct", None),
            ("https://files.example/9f86d081884c7d65/model.pt", Some("9f86d081884c7d65")),
        ] {
            assert_eq!(version_in(text).as_deref(), version, "{text}");
        }
    }
}
