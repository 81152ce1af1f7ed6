use crate::{
    environment::{Environment, PackageView, Seen},
    fact::{Model, PackageName},
    finding::{Impact, Severity, Verdicts},
    knowledge::{Grounds, Reason},
    rules::{Check, Context},
    text::Place,
    version::Version,
};

rule! {
    /// A model file was written by another version of its library than the one that reads it in serving.
    ///
    /// ## Why it matters
    ///
    /// Pickles of scikit-learn, XGBoost or spaCy carry the inner state of one release. Their makers do not promise that
    /// another minor reads them: it may fail, lack an attribute at the first prediction, or answer differently. Formats that
    /// are made for exchange promise more, mostly that newer releases read older files.
    ///
    /// ## Example
    ///
    /// ```text
    /// train.lock: [[model]] format = "pickle", producer = "scikit-learn 1.3.2"
    /// serve/requirements.txt: scikit-learn==1.7.0
    /// ```
    ///
    /// ## How to fix
    ///
    /// Pin the version that wrote the file, and change the pin and the file in one commit.
    pub(crate) static RULE {
        code: "EC205",
        name: "written-by-another-version",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Model(check),
    }
}

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let (Some(format), Some(producer)) = (model.value.format.as_deref(), &model.value.producer) else { return };
    let Ok(name) = PackageName::new(&producer.name) else { return };
    let Some((row, provenance)) = ctx.knowledge.artifact_promise(format, name.as_str()) else { return };
    let Some(reader) = reader(ctx.serving, &name) else { return };
    let place = model.value.producer_span.map_or(model.place, |span| Place { file: model.place.file, span });
    let writer = producer.version.as_deref().and_then(|text| text.parse::<Version>().ok());
    let (Some(writer), Some(version)) = (writer, reader.pin()) else {
        out.undecided.push(RULE.undecided(
            format!("{} was written by {name}, and one of the versions is not known", model.value.path),
            format!("pin {name} in serving to the version that wrote the file"),
        ));
        return;
    };
    if row.kept(&writer, version) {
        return;
    }
    let severity = if provenance.grounds == Grounds::Error { Severity::Error } else { Severity::Warning };
    out.findings.push(
        RULE.finding(format!("{} was written by {name} {writer}, serving reads it with {version}", model.value.path))
            .severity(severity)
            .primary(&side.name, place, format!("written by {name} {writer}"))
            .label(&ctx.serving.name, reader.place(), format!("read with {version}"))
            .about([name.as_str(), "model"])
            .because(Reason { claim: row.claim.clone(), provenance })
            .help(format!("pin {name}=={writer} in serving, or write the model again with {version}")),
    );
}

/// The package that reads the file; TensorFlow brings the Keras of its own version up to 2.15.
fn reader<'a>(serving: &'a Environment, name: &PackageName) -> Option<&'a PackageView> {
    serving.package(name.as_str())
}
