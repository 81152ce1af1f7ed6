use crate::{
    environment::{Environment, PackageView},
    fact::{ImageRole, Standing},
    finding::{Impact, Severity, Verdicts},
    knowledge::{Knowledge, image::Reference, packages::Role},
    rules::{Check, Context, listed_up_to},
};

rule! {
    /// Serving lacks a package that training has.
    ///
    /// ## Why it matters
    ///
    /// A model that is stored as a Python object (pickle, joblib, cloudpickle) imports the packages of its classes while it
    /// is loaded. Where no such model is declared, packages that only training has are listed once, as drift: a model that
    /// was exported does not need its trainer. Development tools do not count. Above a base image of which nothing is known,
    /// a missing package is no more than a remark: the image may bring it.
    ///
    /// ## Example
    ///
    /// ```text
    /// train.lock: [[model]] format = "pickle", classes = ["sklearn.pipeline.Pipeline", "category_encoders.TargetEncoder"]
    /// serve/requirements.txt: scikit-learn==1.4.2
    /// ```
    ///
    /// ## How to fix
    ///
    /// Add the package to serving, at the version that training used.
    pub(crate) static RULE {
        code: "EC102",
        name: "missing-in-serving",
        impact: Impact::LoadFailure,
        severity: Severity::Error,
        since: "0.1.0",
        check: Check::Pair(check),
    }
}

/// Formats that import the packages of what they hold.
const OBJECTS: [&str; 5] = ["pickle", "joblib", "cloudpickle", "dill", "skops"];

fn check(ctx: &Context<'_>, training: &Environment, serving: &Environment, out: &mut Verdicts) {
    // Another version of what is there takes nothing away.
    if serving.is_settled(&[]) && training.is_settled(&[]) {
        return;
    }
    // An image brings more than the packages that it is known for.
    if serving.packages().all(|view| view.standing == Standing::Implied) {
        return; // Nothing says which packages serving has.
    }
    let known = ctx.knowledge;
    let missing: Vec<&PackageView> = training
        .packages()
        .filter(|view| view.present.holds() && !offered(serving, view.name.as_str(), known))
        .filter(|view| known.role(&view.name) != Some(Role::Development))
        .collect();
    let mut rest = Vec::new();
    for view in missing {
        let needed = ctx.models().into_iter().find(|(_, model)| {
            let object = model.value.format.as_deref().is_some_and(|format| OBJECTS.contains(&format));
            object && model.value.classes.iter().any(|class| module_of(class) == import_name(view.name.as_str()))
        });
        let Some((side, model)) = needed else {
            rest.push(view);
            continue;
        };
        // A list of what is asked for is not a list of what ends up installed, least of all above an image of one's own.
        let severity = if closed(serving) {
            Severity::Error
        } else if above_the_unknown(serving, known) {
            Severity::Info
        } else {
            Severity::Warning
        };
        let name = &view.name;
        let finding = RULE
            .finding(format!("{name} is missing in serving, and {} needs it to load", model.value.path))
            .severity(severity)
            .primary(&side.name, model.place, format!("holds objects of {name}"))
            .label(&training.name, view.place(), format!("{} in training", view.shown()))
            .about([name.as_str(), "model"])
            .help(view.pin().map_or_else(|| format!("add {name} to serving"), |it| format!("add {name}=={it} to serving")));
        out.findings.push(finding);
    }
    folded(ctx, training, serving, &rest, out);
}

fn folded(ctx: &Context<'_>, training: &Environment, serving: &Environment, rest: &[&PackageView], out: &mut Verdicts) {
    // What pip installed for others is only comparable with another list of that kind.
    if closed(training) && !closed(serving) {
        return;
    }
    // An exported model does not need what trained and wrote it.
    let exported = only_exported_models(ctx);
    let role = |view: &PackageView| ctx.knowledge.role(&view.name);
    let counts = |view: &&&PackageView| !(exported && matches!(role(view), Some(Role::Framework | Role::Serialiser)));
    let rest: Vec<&PackageView> = rest.iter().filter(counts).copied().collect();
    let touching: Vec<&&PackageView> = rest
        .iter()
        .filter(|view| matches!(role(view), Some(Role::Framework | Role::Serialiser | Role::Preprocessing | Role::Runtime)))
        .collect();
    let Some(first) = touching.first() else { return };
    let names: Vec<&str> = touching.iter().map(|view| view.name.as_str()).collect();
    let others = rest.len() - touching.len();
    let tail = match others {
        0 => String::new(),
        1 => " (1 other package as well)".to_owned(),
        _ => format!(" ({others} other packages as well)"),
    };
    let finding = RULE
        .finding(format!("serving does not have {}, which training uses{tail}", listed_up_to(&names, 6)))
        .severity(Severity::Info)
        .impact(Impact::Drift)
        .primary(&training.name, first.place(), format!("{} {} in training", first.name, first.shown()))
        .about(names.iter().copied())
        .help("check whether the model or its preprocessing needs them in serving");
    let finding = touching.iter().skip(1).take(2).fold(finding, |finding, view| {
        finding.label(&training.name, view.place(), format!("{} {} in training", view.name, view.shown()))
    });
    out.findings.push(finding);
}

/// Whether models are declared, and all of them are in a format that no framework has to read.
fn only_exported_models(ctx: &Context<'_>) -> bool {
    let models = ctx.models();
    let exported = |format: &str| ["onnx", "ort", "tensorrt-plan", "openvino", "tflite"].contains(&format);
    !models.is_empty() && models.iter().all(|(_, model)| model.value.format.as_deref().is_some_and(exported))
}

/// Whether everything that is installed is listed.
fn closed(side: &Environment) -> bool {
    side.packages().all(|view| view.standing == Standing::Observed)
}

/// What readers call the stage of a Dockerfile that runs.
const FINAL: &str = "final";

/// Whether serving is built on an image of which nothing is known: it may bring what no list says. An image that a manifest
/// names is mostly the one that the Dockerfile beside it makes.
fn above_the_unknown(serving: &Environment, knowledge: &Knowledge) -> bool {
    let images = serving.images();
    let mut running = images.iter().filter(|seen| {
        seen.value.role == ImageRole::Runs && seen.value.stage.as_deref() == Some(FINAL)
    });
    running.any(|seen| knowledge.shipped(&Reference::parse(&seen.value.reference)).is_empty())
}

fn offered(serving: &Environment, name: &str, knowledge: &Knowledge) -> bool {
    knowledge.family(name).any(|member| serving.package(member).is_some())
}

fn module_of(class: &str) -> &str {
    class.split('.').next().unwrap_or(class)
}

/// The import package of a distribution, where the two names differ.
fn import_name(name: &str) -> String {
    match name {
        "scikit-learn" => "sklearn".into(),
        "scikit-image" => "skimage".into(),
        "pillow" => "PIL".into(),
        "opencv-python" | "opencv-python-headless" => "cv2".into(),
        "pyyaml" => "yaml".into(),
        "imbalanced-learn" => "imblearn".into(),
        _ => name.replace('-', "_"),
    }
}
