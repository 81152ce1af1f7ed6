//! What an image does when it starts: its variables, its server, and the models that it fetches.

use super::{
    shell,
    state::State,
    syntax::{Instruction, json_array},
    words::{Value, Word},
};
use crate::{
    fact::{Delivery, FactKind, ModelSource, NamedVersion, Variable},
    text::Span,
};

/// Beginnings of the names of variables that say something about what runs.
const PREFIXES: [&str; 18] = [
    "NVIDIA_", "CUDA_", "CUDNN_", "TF_", "XLA_", "JAX_", "ORT_", "TORCH_", "PYTORCH_", "HF_", "TRANSFORMERS_", "PYTHON", "MODEL_",
    "VLLM_", "TRITON_", "NCCL_", "TENSORRT_", "PROTOCOL_BUFFERS_",
];

const NAMES: [&str; 5] = ["LD_LIBRARY_PATH", "TORCH_CUDA_ARCH_LIST", "OMP_NUM_THREADS", "STORAGE_URI", "LD_PRELOAD"];

/// Variables that only concern the build or the log.
const QUIET: [&str; 6] =
    ["PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONFAULTHANDLER", "PYTHONIOENCODING", "PYTHONHASHSEED", "PYTHONWARNINGS"];

/// The words of `CMD` or `ENTRYPOINT`; those of a script are the words of its commands.
pub(super) fn words(instruction: &Instruction) -> Vec<Word> {
    let Some(words) = json_array(&instruction.body) else {
        let script = shell::parse(instruction.body.clone(), instruction.heredocs.clone());
        return flat(&script);
    };
    let names: Vec<&str> = words.iter().map(|it| it.text.as_str()).collect();
    let is_shell = |it: &str| matches!(it.rsplit('/').next(), Some("sh" | "bash" | "ash" | "dash" | "zsh"));
    if let ([first, ..], Some(at)) = (names.as_slice(), names.iter().position(|it| it.starts_with('-') && it.ends_with('c')))
        && is_shell(first)
        && let Some(script) = words.get(at + 1)
    {
        return flat(&shell::parse(script.clone(), std::collections::VecDeque::new()));
    }
    words.into_iter().map(Word::literal).collect()
}

fn flat(script: &shell::Script) -> Vec<Word> {
    fn walk(node: &shell::Node, out: &mut Vec<Span>) {
        match node {
            shell::Node::Simple(simple) => out.extend(&simple.words),
            shell::Node::Pipe(nodes) => nodes.iter().for_each(|it| walk(it, out)),
            shell::Node::Not(node) => walk(node, out),
            shell::Node::Group(list) | shell::Node::Loop(list) => list.iter().for_each(|(_, it)| walk(it, out)),
            _ => {}
        }
    }
    let mut spans = Vec::new();
    script.list.iter().for_each(|(_, node)| walk(node, &mut spans));
    spans.into_iter().map(|span| Word::literal(script.text.slice(span.start, span.end))).collect()
}

/// What the variables and the last command of a stage say.
pub(super) fn facts(state: &State) -> Vec<(FactKind, Span)> {
    let mut out = Vec::new();
    for (name, variable) in &state.variables {
        let matters = PREFIXES.iter().any(|it| name.starts_with(it)) || NAMES.contains(&name.as_str());
        if !matters || QUIET.contains(&name.as_str()) {
            continue;
        }
        let value = without_credentials(&variable.text);
        let is_model = matches!(name.as_str(), "MODEL_URI" | "MODEL_URL" | "STORAGE_URI" | "MODEL_PATH" | "MODEL_S3_URI");
        if is_model && variable.value != Value::Unknown && value.contains("://") {
            out.push((source(&value, "ENV"), variable.span));
        }
        out.push((FactKind::Variable(Variable { name: name.clone(), value: Some(value) }), variable.span));
    }
    let words: Vec<&Word> = state.entrypoint.iter().chain(&state.command).collect();
    let server = words.iter().enumerate().find_map(|(at, word)| {
        let module = at.checked_sub(1).and_then(|it| words.get(it)).is_some_and(|it| it.text() == "-m");
        Some((server(word.text(), module)?, word))
    });
    if let Some((name, word)) = server {
        out.push((FactKind::Server(NamedVersion { name: name.to_owned(), version: None }), word.span()));
    }
    let on_vllm = server.is_some_and(|(name, _)| name == "vllm");
    for (at, word) in words.iter().enumerate() {
        let text = word.text();
        let value_at = text.find('=').filter(|_| text.starts_with('-')).map_or(0, |it| it + 1);
        let value = &text[value_at..];
        let before = at.checked_sub(1).and_then(|it| words.get(it)).map_or("", |it| it.text());
        let option = if value_at > 0 { text[..value_at].trim_end_matches('=') } else { before };
        let fetched = ["s3://", "gs://", "hf://", "abfs://", "abfss://", "wasbs://", "azureml://", "models:/"];
        let named = matches!(option, "--model" | "--model-id" | "--model-path") || (on_vllm && before == "serve");
        let by_name = named && on_vllm && is_repository(value);
        if fetched.iter().any(|it| value.starts_with(it)) || by_name {
            out.push((source(value, "CMD"), word.slice(value_at, text.len()).span()));
        }
    }
    out
}

fn source(address: &str, by: &str) -> FactKind {
    FactKind::ModelSource(ModelSource { address: self::address(address), delivery: Delivery::AtStart, by: by.to_owned() })
}

/// Whether a text has the form `organisation/name` of a model hub.
fn is_repository(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|it| it.is_ascii_alphanumeric() || "._-".contains(it));
    !text.starts_with('.') && text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name))
}

/// The inference server that a word starts.
fn server(text: &str, module: bool) -> Option<&'static str> {
    Some(match text.rsplit('/').next().unwrap_or(text) {
        "tritonserver" => "triton",
        "tensorflow_model_server" | "tf_serving_entrypoint.sh" => "tensorflow-serving",
        "torchserve" => "torchserve",
        "mlserver" => "mlserver",
        "bentoml" => "bentoml",
        "vllm" => "vllm",
        "text-generation-launcher" => "text-generation-inference",
        "seldon-core-microservice" => "seldon",
        "sklearnserver" if module => "kserve-sklearn",
        "xgbserver" if module => "kserve-xgboost",
        "lgbserver" if module => "kserve-lightgbm",
        name if name.starts_with("vllm.entrypoints.") => "vllm",
        name if module && name.starts_with("sglang.") => "sglang",
        _ => return None,
    })
}

const MODEL_ENDINGS: [&str; 20] = [
    "onnx", "pt", "pth", "pkl", "joblib", "plan", "engine", "trt", "h5", "keras", "pb", "tflite", "safetensors", "bin", "gguf",
    "ubj", "cbm", "mar", "ckpt", "mlmodel",
];

/// Whether a path is called as models are.
pub(super) fn is_model(path: &str) -> bool {
    let path = path.trim_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let first = path.split('/').next().unwrap_or(path).to_lowercase();
    let ending = name.rsplit_once('.').is_some_and(|(_, ending)| MODEL_ENDINGS.contains(&ending));
    let folder = |it: &str| matches!(it, "model" | "models" | "model_repository" | "model-repository" | "saved_model");
    let inside = first != name && name.rsplit_once('.').is_some_and(|(stem, _)| !stem.is_empty());
    ending || folder(&name) || (folder(&first) && !inside)
}

/// An address without its query and fragment.
pub(super) fn without_query(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or(address)
}

fn without_credentials(text: &str) -> String {
    if text.contains("://") && text.contains('@') { crate::input::without_credentials(text) } else { text.to_owned() }
}

/// An address that may be shown: without user name, password and query.
pub(super) fn address(text: &str) -> String {
    if text.contains("://") { without_credentials(without_query(text)) } else { text.to_owned() }
}
