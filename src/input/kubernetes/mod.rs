//! Kubernetes manifests: workloads, `KServe`, Seldon, Ray, Knative and everything else that holds a pod.
//!
//! Specification: <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/>; `KServe`:
//! <https://kserve.github.io/website/latest/reference/api/>; Seldon: <https://docs.seldon.io/projects/seldon-core/en/latest/reference/seldon-deployment.html>
//!
//! Read: images, GPUs that are asked for, the nodes that are chosen, the labels of nodes themselves, variables that matter, known servers, and where models
//! come from. Read over: objects without a pod (services, config maps). Skipped with a note: values that a template, a
//! variable or another file provides. A kustomization is read with the manifests that it names.

mod kserve;
mod kustomize;
mod nodes;
mod pod;

use super::{
    Claim, Format, Probe,
    manifest::{self, Dialect, Manifest},
    ray,
    yaml::{Node, Value},
};
use crate::text::{Span, floor_char_boundary};

pub(super) static FORMAT: Format = Format {
    name: "kubernetes",
    about: "Kubernetes manifests: workloads, KServe and Seldon deployments, Ray services",
    claims,
    read: |files, file| {
        let mut reading = manifest::read(files, file, Dialect::Kubernetes, documents);
        ray::embedded(files, file, &mut reading);
        kustomize::follow(files, file, &mut reading);
        reading
    },
};

/// Files this long are searched for the two keys that every object has.
const PROBE_LIMIT: usize = 1 << 20;

fn claims(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text else { return Claim::No };
    let name = probe.name.to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let manifest = ends(&[".yaml", ".yml", ".yaml.tpl", ".yml.tpl", ".yaml.tmpl", ".yaml.j2", ".yml.j2", ".yaml.in", ".yaml.template"]);
    if !manifest && (ends(&[".md", ".rst", ".txt", ".py", ".ipynb", ".sh", ".go", ".rs", ".tf", ".html"]) || !has_keys(text)) {
        return Claim::No;
    }
    match (manifest, has_keys(text)) {
        (true, true) => Claim::Certain,
        (false, true) => Claim::Likely,
        _ if name.starts_with("kustomization.y") => Claim::Named,
        _ => Claim::No,
    }
}

/// Whether `apiVersion` and `kind` stand at the beginning of lines, or in a JSON object.
fn has_keys(text: &str) -> bool {
    let text = &text[..floor_char_boundary(text, PROBE_LIMIT)];
    if text.trim_start().starts_with('{') && !text.trim_start().starts_with("{{") {
        let head = &text[..floor_char_boundary(text, 4096)];
        return head.contains("\"apiVersion\"") && head.contains("\"kind\"");
    }
    let has = |key: &str| {
        text.lines().any(|line| {
            let rest = line.trim_start_matches(['"', '\'']).strip_prefix(key);
            rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
        })
    };
    has("apiVersion") && has("kind")
}

/// An object of a manifest.
struct Object<'n, 't> {
    kind: &'n str,
    name: &'n str,
    node: &'n Node<'t>,
    kind_span: Span,
}

/// Kinds whose pods run a program.
const WORKLOADS: [&str; 31] = [
    "Configuration", "CronJob", "CronWorkflow", "DaemonSet", "Deployment", "InferenceGraph", "JAXJob", "Job", "JobSet",
    "LLMInferenceService", "LeaderWorkerSet", "MPIJob", "Notebook", "PaddleJob", "Pod", "PodTemplate", "PyTorchJob", "RayCluster", "RayJob",
    "RayService", "ReplicaSet", "ReplicationController", "Revision", "Rollout", "Service", "StatefulSet", "TFJob", "TrainJob",
    "Workflow", "WorkflowTemplate", "XGBoostJob",
];

/// Kinds that describe other objects: what looks like a pod in them is none.
const NO_WORKLOADS: [&str; 6] =
    ["ConfigMap", "Secret", "CustomResourceDefinition", "ClusterStorageContainer", "MutatingWebhookConfiguration", "ClusterPolicy"];

fn documents(manifest: &mut Manifest<'_>, documents: &[std::rc::Rc<Node<'_>>]) {
    let mut objects = Vec::new();
    for document in documents {
        collect(document, &mut objects);
    }
    cluster(manifest, &objects);
    let several = objects.iter().filter(|object| holds_workload(object)).count() > 1;
    for object in &objects {
        let label = several.then(|| format!("{} {}, ", object.kind.to_ascii_lowercase(), object.name));
        let label = label.unwrap_or_default();
        match object.kind {
            "InferenceService" => kserve::inference_service(manifest, object.node, &label),
            "ServingRuntime" | "ClusterServingRuntime" => {
                let Some(spec) = object.node.get("spec") else { continue };
                pod::state(manifest, spec, &label, false);
            }
            "SeldonDeployment" => kserve::seldon(manifest, object.node, &label),
            "Kustomization" | "Node" => {}
            kind if NO_WORKLOADS.contains(&kind) => {}
            kind => {
                let mut pods = Vec::new();
                find_pods(object.node, &mut pods);
                if !pods.is_empty() && !WORKLOADS.contains(&kind) {
                    let reason = format!("the kind `{kind}` is unknown; only the pods in it are read");
                    manifest.skip(object.kind_span, reason);
                }
                for pod in pods {
                    pod::state(manifest, pod, &label, false);
                }
            }
        }
    }
}

/// The nodes of a cluster as `kubectl get nodes -o yaml` prints them. Those of several kinds are several environments.
fn cluster(manifest: &mut Manifest<'_>, objects: &[Object<'_, '_>]) {
    let nodes: Vec<_> = objects.iter().filter(|it| it.kind == "Node").map(|it| (nodes::of_node(manifest, it.node), it)).collect();
    let Some((first, _)) = nodes.first() else { return };
    let differs = |labels: &Vec<nodes::Wanted>| nodes::plain(labels) != nodes::plain(first);
    if let Some((_, other)) = nodes.iter().find(|(labels, _)| differs(labels)) {
        manifest.skip(other.kind_span, "nodes of several kinds are several environments: name a file for each kind");
        return;
    }
    nodes::labels(manifest, first);
}

/// Finds objects, also inside lists of them.
fn collect<'n, 't>(node: &'n Node<'t>, out: &mut Vec<Object<'n, 't>>) {
    if let Value::List(items) = &node.value {
        return items.iter().for_each(|item| collect(item, out));
    }
    let Some(kind) = node.get("kind").filter(|kind| kind.text().is_some()) else { return };
    if kind.text().is_some_and(|kind| kind.ends_with("List"))
        && let Some(items) = node.get("items")
    {
        return collect(items, out);
    }
    out.push(Object {
        kind: kind.text().unwrap_or_default(),
        name: node.at(&["metadata", "name"]).and_then(Node::text).unwrap_or("without name"),
        node,
        kind_span: kind.span,
    });
}

fn holds_workload(object: &Object<'_, '_>) -> bool {
    if NO_WORKLOADS.contains(&object.kind) || object.kind == "Kustomization" {
        return false;
    }
    let mut pods = Vec::new();
    find_pods(object.node, &mut pods);
    !pods.is_empty() || matches!(object.kind, "InferenceService" | "SeldonDeployment")
}

/// Everything that looks like the description of a pod: a list of `containers`, or one `container` with an image.
fn find_pods<'n, 't>(node: &'n Node<'t>, out: &mut Vec<&'n Node<'t>>) {
    match &node.value {
        Value::Scalar { .. } => {}
        Value::List(items) => items.iter().for_each(|item| find_pods(item, out)),
        Value::Map(_) => {
            let listed = node.get("containers").is_some_and(|list| list.items().iter().any(|item| item.is_map()));
            let single = ["container", "script"].iter().any(|key| node.at(&[key, "image"]).is_some());
            if listed || single {
                return out.push(node);
            }
            node.entries().into_iter().for_each(|(_, value)| find_pods(value, out));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(name: &str, text: &str) -> Claim {
        claims(&Probe { name, bytes: text.as_bytes(), text: Some(text) })
    }

    #[test]
    fn only_objects_are_claimed() {
        let pod = "apiVersion: v1\nkind: Pod\n";
        assert_eq!(claim("a.yaml", pod), Claim::Certain);
        assert_eq!(claim("a.yml", &format!("{{{{- if .x }}}}\n{pod}{{{{- end }}}}\n")), Claim::Certain);
        assert_eq!(claim("a.json", "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}"), Claim::Likely);
        assert_eq!(claim("README.md", pod), Claim::No);
        assert_eq!(claim("Chart.yaml", "apiVersion: v2\nname: x\n"), Claim::No);
        assert_eq!(claim("values.yaml", "image:\n  kind: x\n  apiVersion: y\n"), Claim::No);
        assert_eq!(claim("ci.yml", "on: push\njobs:\n  a:\n    container: x\n"), Claim::No);
        assert_eq!(claim("kustomization.yaml", "resources: []\n"), Claim::Named);
    }
}
