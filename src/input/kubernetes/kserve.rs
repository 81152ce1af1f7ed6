//! `KServe`'s inference services and Seldon's deployments: predictors that name a framework instead of an image.
//!
//! Documentation: <https://kserve.github.io/website/latest/modelserving/servingruntimes/>,
//! <https://docs.seldon.io/projects/seldon-core/en/latest/servers/overview.html>

use super::pod;
use crate::{
    fact::{FactKind, NamedVersion},
    input::{manifest::Manifest, workload::Phase, yaml::Node},
};

/// Frameworks of a predictor and the server that runs them.
const FRAMEWORKS: [(&str, &str); 10] = [
    ("sklearn", "kserve-sklearn"),
    ("xgboost", "kserve-xgboost"),
    ("lightgbm", "kserve-lightgbm"),
    ("paddle", "kserve-paddle"),
    ("pmml", "kserve-pmml"),
    ("huggingface", "kserve-huggingface"),
    ("onnx", "kserve-onnx"),
    ("tensorflow", "tensorflow-serving"),
    ("pytorch", "torchserve"),
    ("triton", "triton"),
];

/// The runtimes that `KServe` comes with.
const RUNTIMES: [(&str, &str); 10] = [
    ("kserve-sklearnserver", "kserve-sklearn"),
    ("kserve-xgbserver", "kserve-xgboost"),
    ("kserve-lgbserver", "kserve-lightgbm"),
    ("kserve-paddleserver", "kserve-paddle"),
    ("kserve-pmmlserver", "kserve-pmml"),
    ("kserve-huggingfaceserver", "kserve-huggingface"),
    ("kserve-tensorflow-serving", "tensorflow-serving"),
    ("kserve-torchserve", "torchserve"),
    ("kserve-tritonserver", "triton"),
    ("kserve-mlserver", "mlserver"),
];

fn named<'w>(list: &[(&str, &'w str)], word: &str) -> Option<&'w str> {
    list.iter().find(|(name, _)| *name == word).map(|(_, server)| *server)
}

/// States what an inference service says.
pub(super) fn inference_service(manifest: &mut Manifest<'_>, object: &Node<'_>, label: &str) {
    let Some(spec) = object.get("spec") else { return };
    // v1beta1 has the components below `spec`, v1alpha2 below `default` and `canary`.
    for part in [Some(spec), spec.get("default"), spec.get("canary")].into_iter().flatten() {
        for component in ["predictor", "transformer", "explainer"] {
            let Some(node) = part.get(component) else { continue };
            let helps = component != "predictor";
            let label = if helps { format!("{label}{component}, ") } else { label.to_owned() };
            let mut containers = Vec::new();
            for (key, framework) in node.entries() {
                let key_text = key.text().unwrap_or_default();
                let server = named(&FRAMEWORKS, key_text);
                let custom = key_text == "custom" && framework.get("container").is_some();
                if !(server.is_some() || key_text == "model" || custom) || (helps && !custom) {
                    if !helps && framework.get("storageUri").is_some() {
                        let reason = format!("which server runs the framework `{key_text}` is not known");
                        manifest.skip(key.span, reason);
                    }
                    continue;
                }
                let framework = if custom { framework.get("container").unwrap_or(framework) } else { framework };
                if !helps && !custom {
                    predictor(manifest, key, framework, server);
                }
                let mut container = pod::container(manifest, node, framework, Phase::Main, &format!("{label}container"));
                container.helps = helps;
                if container.image.is_none() {
                    // The image is the server's own; whatever this container says, it says about what serves the model.
                    container.name.clear();
                }
                containers.push(container);
            }
            pod::with(manifest, node, containers, &label, helps);
        }
    }
}

/// States server and model of one framework of a predictor.
fn predictor(manifest: &mut Manifest<'_>, key: &Node<'_>, framework: &Node<'_>, server: Option<&'static str>) {
    for storage in ["storageUri", "modelUri"] {
        if let Some(address) = framework.get(storage)
            && let Some(text) = manifest.value(address)
        {
            manifest.model_source(&text, storage, address.span);
        }
    }
    if let Some(path) = framework.at(&["storage", "path"])
        && let Some(text) = manifest.value(path)
    {
        let by = framework.at(&["storage", "key"]).and_then(Node::text);
        manifest.model_source(&text, by.map_or("storage".to_owned(), |key| format!("storage {key}")), path.span);
    }
    let version = framework.get("runtimeVersion").and_then(|node| Some((manifest.value(node)?, node.span)));
    let format = framework.at(&["modelFormat", "name"]);
    let (server, span) = match (server, framework.get("runtime"), format) {
        (Some(server), _, _) => (server, key.span),
        (None, Some(runtime), _) => {
            let Some(text) = manifest.value(runtime) else { return };
            let Some(server) = named(&RUNTIMES, &text) else {
                let reason = format!("the runtime `{text}` is defined elsewhere: name the file of its ServingRuntime too");
                return manifest.skip(runtime.span, reason);
            };
            (server, runtime.span)
        }
        (None, None, Some(format)) => {
            let Some(text) = manifest.value(format) else { return };
            let Some(server) = named(&FRAMEWORKS, &text.to_ascii_lowercase()) else {
                return manifest.skip(format.span, format!("which server runs the format `{text}` is not said: name a `runtime`"));
            };
            let second = framework.text_of("protocolVersion").is_some_and(|it| it.eq_ignore_ascii_case("v2"));
            if second && matches!(server, "kserve-sklearn" | "kserve-xgboost" | "kserve-lightgbm") {
                let reason = "with protocol v2 MLServer or KServe's own server may run this: name a `runtime`";
                return manifest.skip(format.span, reason);
            }
            (server, format.span)
        }
        (None, None, None) => return,
    };
    let span = version.as_ref().map_or(span, |(_, span)| *span);
    let version = version.map(|(text, _)| text);
    manifest.state(FactKind::Server(NamedVersion { name: server.to_owned(), version }), span);
}

/// Seldon's prepackaged servers, and what they are with its second protocol.
const SELDON: [(&str, &str, &str); 6] = [
    ("SKLEARN_SERVER", "seldon-sklearn", "mlserver"),
    ("XGBOOST_SERVER", "seldon-xgboost", "mlserver"),
    ("MLFLOW_SERVER", "seldon-mlflow", "mlserver"),
    ("HUGGINGFACE_SERVER", "mlserver", "mlserver"),
    ("TENSORFLOW_SERVER", "tensorflow-serving", "tensorflow-serving"),
    ("TRITON_SERVER", "triton", "triton"),
];

/// States what a Seldon deployment says.
pub(super) fn seldon(manifest: &mut Manifest<'_>, object: &Node<'_>, label: &str) {
    let Some(spec) = object.get("spec") else { return };
    for predictor in spec.get("predictors").map_or(&[][..], Node::items) {
        let protocol = predictor.text_of("protocol").or_else(|| spec.text_of("protocol"));
        let second = protocol.is_some_and(|it| matches!(it, "v2" | "kfserving"));
        if let Some(graph) = predictor.get("graph") {
            unit(manifest, graph, second);
        }
        for component in predictor.get("componentSpecs").map_or(&[][..], Node::items) {
            if let Some(pod) = component.get("spec") {
                pod::state(manifest, pod, label, false);
            }
        }
    }
}

/// One node of the graph and those below it.
fn unit(manifest: &mut Manifest<'_>, node: &Node<'_>, second: bool) {
    if let Some(implementation) = node.get("implementation") {
        let text = implementation.text().unwrap_or_default();
        match SELDON.iter().find(|(name, ..)| *name == text) {
            Some((_, first_server, second_server)) => {
                let name = if second { second_server } else { first_server };
                let server = NamedVersion { name: (*name).to_owned(), version: None };
                manifest.state(FactKind::Server(server), implementation.span);
            }
            None if text.ends_with("_SERVER") => {
                manifest.skip(implementation.span, format!("the server `{text}` is defined in the cluster"));
            }
            None => {}
        }
    }
    if let Some(address) = node.get("modelUri")
        && let Some(text) = manifest.value(address)
    {
        manifest.model_source(&text, "modelUri", address.span);
    }
    for child in node.get("children").map_or(&[][..], Node::items) {
        unit(manifest, child, second);
    }
}
