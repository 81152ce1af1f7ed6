use std::collections::BTreeSet;

use crate::{
    environment::{Environment, PackageView, Seen, Side},
    fact::{Model, NamedVersion, PackageName, format_word},
    finding::{Finding, Impact, Severity, Verdicts},
    knowledge::{
        Grounds, Provenance, Reason,
        artifact_break::{ArtifactBreak, Effect},
    },
    rules::{Check, Context, listed_up_to},
    text::Place,
    version::{Version, VersionSet},
};

rule! {
    /// A model file was written by another version of its library than the one that reads it in serving.
    ///
    /// ## Why it matters
    ///
    /// Pickles of scikit-learn, XGBoost or pandas carry the inner state of one release. Another release may refuse them, lack
    /// an attribute at the first prediction, or answer differently without an error. Breaks that were measured for what the
    /// file holds are errors. Where nothing was measured, the maker's promise counts: most promise nothing across minor
    /// releases of pickles, and that newer releases read older files of formats made for exchange. Patch releases are left in
    /// peace unless a break between them was measured. Where TensorFlow Serving runs, it reads the models that are saved for it.
    ///
    /// ## Example
    ///
    /// ```text
    /// train.lock: [[model]] format = "pickle", producer = "scikit-learn 1.3.2"
    ///                       classes = ["sklearn.ensemble._forest.RandomForestClassifier"]
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

/// A package that had a part in writing the file.
struct Writer<'a> {
    name: &'a str,
    version: Option<Version>,
    place: Place,
    environment: &'a str,
    /// It is the file's producer.
    named: bool,
    /// The file surely holds something of it; otherwise only rows that name the producer as a holder count.
    held: bool,
}

/// What reads it in serving.
struct Reader<'a> {
    versions: VersionSet,
    pin: Option<Version>,
    /// For a sentence: `1.7.0`, or `the Keras of tensorflow 2.16.1`.
    shown: String,
    component: &'a str,
    place: Place,
}

impl<'a> Reader<'a> {
    fn package(view: &'a PackageView, versions: VersionSet, pin: Option<Version>, shown: String) -> Reader<'a> {
        Reader { versions, pin, shown, component: view.name.as_str(), place: view.place() }
    }
}

const TF_SERVING: &str = "tensorflow-serving";

/// The interpreter alone, which has the numbers of TensorFlow.
const TFLITE: &str = "tflite-runtime";

/// The components that findings of this rule speak about.
pub(crate) fn reported(ctx: &Context<'_>) -> BTreeSet<String> {
    let mut out = Verdicts::default();
    for (side, model) in ctx.models() {
        check(ctx, side, model, &mut out);
    }
    out.findings.into_iter().flat_map(|finding| finding.components).collect()
}

type Known<'k> = (&'k ArtifactBreak, Provenance, Vec<&'k str>);

fn check(ctx: &Context<'_>, side: &Environment, model: Seen<'_, Model>, out: &mut Verdicts) {
    let Some(format) = model.value.format.as_deref() else { return };
    if format_word(format).is_none() {
        out.undecided.push(RULE.undecided(
            format!("nothing is known of the format `{format}` of {}", model.value.path),
            "name the format as the documentation of locks does, such as `saved-model` or `torchscript`",
        ));
    }
    let producer = model.value.producer.as_ref().and_then(|it| distribution(&it.name));
    let knowledge = ctx.knowledge;
    let of_format = |formats: &[String]| formats.iter().any(|it| it == format);
    let breaking = knowledge.artifact_break.rows_with(format).into_iter();
    let breaking = breaking.filter(|row| of_format(&row.formats)).map(|row| &row.producer);
    let promised = knowledge.artifact.rows_with(format).into_iter();
    let promised = promised.filter(|row| of_format(&row.formats)).map(|row| &row.producer);
    let parts: BTreeSet<&String> = breaking.chain(promised).collect();
    for part in parts {
        let Some(writer) = writer(side, model, part, producer.as_ref()) else { continue };
        let Some(reader) = reader(ctx.serving, part, format) else { continue };
        let undecided = || {
            RULE.undecided(
                format!("{} was written by {part}, and one of the versions is not known", model.value.path),
                match &writer.version {
                    Some(version) => format!("pin {part}=={version} in serving, which wrote the file"),
                    None => format!("pin {part} in serving to the version that wrote the file"),
                },
            )
        };
        let Some(version) = &writer.version else {
            if writer.named {
                out.undecided.push(undecided());
            }
            continue;
        };
        let holds = |row: &ArtifactBreak| {
            let holders = row.holders.as_deref().unwrap_or_default();
            writer.held || producer.as_ref().is_some_and(|it| holders.iter().any(|holder| holder == it.as_str()))
        };
        let breaks: Vec<Known<'_>> = knowledge
            .artifact_breaks(format, part)
            // What is known to break was loaded in Python, with Keras; the server does without.
            .filter(|(row, _)| reader.component != TF_SERVING && row.covers(version, &reader.versions) && holds(row))
            .filter_map(|(row, provenance)| row.hits(&model.value.classes).map(|hits| (row, provenance, hits)))
            .collect();
        if let Some(finding) = broken(ctx, model, &writer, version, &reader, breaks) {
            out.findings.push(finding);
            continue;
        }
        let Some(pin) = &reader.pin else {
            if writer.named {
                out.undecided.push(undecided());
            }
            continue;
        };
        if writer.held
            && let Some((row, provenance)) =
                knowledge.artifact_promises(format, part).find(|(row, _)| !row.kept(version, pin))
        {
            let path = &model.value.path;
            let sure = provenance.grounds == Grounds::Error && !spared(ctx.serving, part, version);
            let finding = RULE
                .finding(format!("{path} was written by {part} {version}, serving reads it with {}", reader.shown))
                .severity(if sure { Severity::Error } else { Severity::Warning })
                .because(Reason { claim: row.claim.clone(), provenance });
            out.findings.push(placed(finding, ctx, model, &writer, version, &reader, ""));
        }
    }
}

/// The finding about known breaks: one, however many of them apply.
fn broken(
    ctx: &Context<'_>,
    model: Seen<'_, Model>,
    writer: &Writer<'_>,
    version: &Version,
    reader: &Reader<'_>,
    mut breaks: Vec<Known<'_>>,
) -> Option<Finding> {
    let weight = |row: &ArtifactBreak, provenance: &Provenance| {
        let spared = row.spared_by.as_deref().is_some_and(|name| ctx.serving.package(name).is_some());
        if spared { provenance.grounds.min(Grounds::Warning) } else { provenance.grounds }
    };
    // What stops the service is said before what changes its answers.
    breaks.sort_by_key(|(row, provenance, _)| (std::cmp::Reverse(weight(row, provenance)), row.effect == Effect::Result));
    let (row, provenance, _) = breaks.first()?;
    let sure = weight(row, provenance) == Grounds::Error;
    let (path, name, shown) = (&model.value.path, writer.name, &reader.shown);
    let message = match (row.effect, sure) {
        (Effect::Load, true) => format!("{path} was written by {name} {version}, and {shown} does not load it"),
        (Effect::Load, false) => format!("{path} was written by {name} {version}, and {shown} may not load it"),
        (Effect::Use, true) => {
            format!("{path} was written by {name} {version}; {shown} loads it and fails at the first use")
        }
        (Effect::Use, false) => {
            format!("{path} was written by {name} {version}; {shown} loads it and may fail at the first use")
        }
        (Effect::Result, true) => {
            format!("{path} was written by {name} {version}; {shown} answers differently, without an error")
        }
        (Effect::Result, false) => {
            format!("{path} was written by {name} {version}; {shown} may answer differently, without an error")
        }
    };
    let impact = if row.effect == Effect::Result { Impact::WrongResult } else { Impact::LoadFailure };
    let held: BTreeSet<&str> =
        breaks.iter().flat_map(|(.., hits)| hits).map(|class| class.rsplit('.').next().unwrap_or(class)).collect();
    let held: Vec<&str> = held.into_iter().collect();
    let holds = if held.is_empty() { String::new() } else { format!(", holds {}", listed_up_to(&held, 3)) };
    let finding = RULE
        .finding(message)
        .severity(if sure { Severity::Error } else { Severity::Warning })
        .impact(impact);
    let finding = placed(finding, ctx, model, writer, version, reader, &holds);
    Some(breaks.into_iter().take(4).fold(finding, |finding, (row, provenance, _)| {
        finding.because(Reason { claim: row.claim.clone(), provenance })
    }))
}

fn placed(
    finding: Finding,
    ctx: &Context<'_>,
    model: Seen<'_, Model>,
    writer: &Writer<'_>,
    version: &Version,
    reader: &Reader<'_>,
    holds: &str,
) -> Finding {
    let name = writer.name;
    let tensorflow = ["tensorflow", "tensorflow-cpu"].iter().find_map(|it| ctx.serving.package(it));
    let finding = finding.primary(writer.environment, writer.place, format!("written by {name} {version}{holds}"));
    let finding = if writer.place.file == model.place.file && writer.named {
        finding
    } else {
        finding.label(writer.environment, model.place, "the file")
    };
    finding
        .label(&ctx.serving.name, reader.place, format!("read with {}", reader.shown))
        .about([name, reader.component, "model"])
        .help(match reader.component {
            TF_SERVING => {
                format!("serve with {TF_SERVING} {version} or newer, or write the model again with {name} of its version")
            }
            TFLITE => format!("take {TFLITE} {version} or newer in serving, or convert the model again with {name} of its version"),
            // TensorFlow and its Keras go together.
            _ if name == "keras" && tensorflow.is_some() => {
                let which = if version.release()[0] >= 3 { "2.16 or newer" } else { "2.15 or older" };
                let tensorflow = tensorflow.map_or("tensorflow", |view| view.name.as_str());
                format!("take {tensorflow} {which} in serving, or write the model again with {}", reader.shown)
            }
            _ => format!("pin {name}=={version} in serving, or write the model again with {}", reader.shown),
        })
}

/// The version of a package that wrote its part of the file; `None` if the file is not known to hold anything of it.
fn writer<'a>(
    side: &'a Environment,
    model: Seen<'a, Model>,
    name: &'a str,
    producer: Option<&PackageName>,
) -> Option<Writer<'a>> {
    let value = model.value;
    let named = producer.is_some_and(|it| it.as_str() == name);
    let place = value.producer_span.map_or(model.place, |span| Place { file: model.place.file, span });
    let stated = |text: &str| text.parse::<Version>().ok();
    let whole = Writer { name, version: None, place, environment: &side.name, named, held: true };
    if named {
        let version = value.producer.as_ref().and_then(|it| it.version.as_deref()).and_then(stated);
        return Some(Writer { version, ..whole });
    }
    let own = PackageName::new(name).ok()?;
    if let Some(version) = value.written_with.get(&own) {
        return Some(Writer { version: stated(version), place: model.place, ..whole });
    }
    // The environment that names the file wrote it, unless the file says that another one did.
    if side.side != Side::Training || !same_environment(side, value, producer) {
        return None;
    }
    let view = side.package(name)?;
    let version = view.pin()?.clone();
    if name == "numpy" && value.classes.iter().any(|class| class.starts_with("numpy.core.")) && version.release()[0] > 1 {
        return None; // The file itself says that NumPy 1 wrote it.
    }
    let module = import_name(name);
    let held = value.classes.iter().any(|class| class.split('.').next() == Some(module));
    Some(Writer { version: Some(version), place: view.place(), held, ..whole })
}

/// Whether the environment has the producer in the version that the file names, as far as both are known.
fn same_environment(side: &Environment, model: &Model, producer: Option<&PackageName>) -> bool {
    let version = model.producer.as_ref().and_then(|it| it.version.as_deref()).and_then(|it| it.parse::<Version>().ok());
    let (Some(name), Some(version)) = (producer, version) else { return true };
    side.package(name.as_str()).and_then(PackageView::pin).is_none_or(|pin| pin.clone().without_local() == version)
}

/// The package that reads the file. TensorFlow brings the Keras of its own version up to 2.15, and Keras 3 from 2.16 on.
///
/// Where TensorFlow Serving runs, it reads what is saved for it.
fn reader<'a>(serving: &'a Environment, name: &str, format: &str) -> Option<Reader<'a>> {
    if name == "tensorflow" && format == "saved-model" {
        let server = serving.servers().into_iter().find(|seen| seen.value.name == TF_SERVING);
        let version = |seen: &Seen<'_, NamedVersion>| seen.value.version.as_deref()?.parse::<Version>().ok();
        if let Some((seen, version)) = server.and_then(|seen| Some((seen, version(&seen)?))) {
            return Some(Reader {
                versions: VersionSet::exactly(&version),
                shown: format!("{TF_SERVING} {version}"),
                pin: Some(version),
                component: TF_SERVING,
                place: seen.place,
            });
        }
    }
    if name == "tensorflow"
        && format == "tflite"
        && let Some(view) = serving.package(TFLITE)
    {
        let pin = view.pin().cloned();
        let shown = format!("{} {}", view.name, view.shown());
        return Some(Reader::package(view, view.versions.clone(), pin, shown));
    }
    let builds: &[&str] = match name {
        "tensorflow" => &["tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tensorflow-intel", "tensorflow-macos"],
        "xgboost" => &["xgboost", "xgboost-cpu"],
        _ => &[],
    };
    let found = |names: &[&str]| names.iter().find_map(|it| serving.package(it));
    if let Some(view) = serving.package(name).or_else(|| found(builds)) {
        let pin = view.pin().cloned();
        return Some(Reader::package(view, view.versions.clone(), pin, view.shown()));
    }
    if name != "keras" {
        return None;
    }
    let view = found(&["tensorflow", "tensorflow-cpu"])?;
    let release = view.pin().filter(|pin| pin.release()[0] >= 2)?;
    let third = release.only_release() >= Version::new([2, 16]);
    let keras = if third { Version::new([3]) } else { release.only_release() };
    let shown = format!("the Keras of {} {release}", view.name);
    Some(Reader::package(view, VersionSet::exactly(&keras), Some(keras), shown))
}

/// Whether Keras 2 stands beside Keras 3 to read its files.
fn spared(serving: &Environment, name: &str, writer: &Version) -> bool {
    name == "keras" && writer.release()[0] < 3 && serving.package("tf-keras").is_some()
}

/// The distribution that a producer's name means.
fn distribution(name: &str) -> Option<PackageName> {
    let known = match name.to_ascii_lowercase().as_str() {
        "pytorch" => "torch",
        "sklearn" => "scikit-learn",
        _ => name,
    };
    PackageName::new(known).ok()
}

/// The import package of a distribution.
fn import_name(name: &str) -> &str {
    if name == "scikit-learn" { "sklearn" } else { name }
}
