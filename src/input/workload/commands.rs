//! What the commands of a container say: which server they start, and where models come from.

use crate::{input::manifest::Word, text::Span};

/// A model that a command names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) address: String,
    pub(super) by: &'static str,
    pub(super) span: Span,
}

/// The server that a command starts.
pub(super) fn server(words: &[Word<'_>]) -> Option<(&'static str, Span)> {
    words.iter().enumerate().find_map(|(at, word)| {
        let next = words.get(at + 1).map_or("", |it| it.text);
        let before = at.checked_sub(1).map_or("", |at| words[at].text);
        let program = word.text.rsplit('/').next().unwrap_or_default();
        let name = match program {
            "tritonserver" if word.leads => "triton",
            "tensorflow_model_server" if word.leads => "tensorflow-serving",
            "torchserve" if word.leads => "torchserve",
            "mlserver" if word.leads => "mlserver",
            "bentoml" if word.leads => "bentoml",
            "vllm" if word.leads && next == "serve" => "vllm",
            "mlflow" if word.leads && next == "models" => "mlflow",
            "text-generation-launcher" if word.leads => "text-generation-inference",
            "seldon-core-microservice" if word.leads => "seldon",
            _ if before != "-m" => return None,
            "vllm" => "vllm",
            "mlserver" => "mlserver",
            "sklearnserver" => "kserve-sklearn",
            "xgbserver" => "kserve-xgboost",
            "lgbserver" => "kserve-lightgbm",
            _ if program.starts_with("vllm.entrypoints") => "vllm",
            _ if program.starts_with("sglang.") => "sglang",
            _ => return None,
        };
        Some((name, word.span))
    })
}

/// Whether a text is the address of something that can be fetched or mounted.
pub(super) fn is_address(text: &str) -> bool {
    const SCHEMES: [&str; 15] = [
        "s3",
        "gs",
        "abfs",
        "abfss",
        "wasb",
        "wasbs",
        "az",
        "azureml",
        "http",
        "https",
        "hf",
        "pvc",
        "oci",
        "hdfs",
        "mlflow-artifacts",
    ];
    match text.split_once("://") {
        Some((scheme, rest)) => SCHEMES.contains(&scheme) && !rest.is_empty() && !is_local(rest),
        None => ["models:/", "runs:/"].iter().any(|start| text.starts_with(start)),
    }
}

/// A service of the machine or of the cluster is asked, not fetched from.
fn is_local(rest: &str) -> bool {
    let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
    matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0")
}

/// Whether a text is the name of a model on a hub, such as `org/name`.
pub(super) fn is_hub_name(text: &str) -> bool {
    let good = |part: &str| {
        part.starts_with(|it: char| it.is_ascii_alphanumeric())
            && part.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it))
    };
    text.split_once('/').is_some_and(|(owner, name)| good(owner) && good(name))
}

/// Whether a variable says where a model comes from. The address of a server that holds models is none.
pub(super) fn is_model_setting(name: &str, value: &str) -> bool {
    let plain = matches!(name, "MODEL_URI" | "MODEL_URL" | "STORAGE_URI" | "MODEL_PATH" | "MODEL_LOCATION");
    if !plain && (!name.contains("MODEL") || name.contains("TRACKING")) {
        return false;
    }
    if !is_address(value) {
        return matches!(name, "MODEL_ID" | "HF_MODEL_ID") && is_hub_name(value);
    }
    let Some((_, rest)) = value.split_once("://").filter(|(scheme, _)| scheme.starts_with("http")) else { return true };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    is_model_file(path) || (plain && host.contains('.') && !path.is_empty())
}

fn is_model_file(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ENDINGS.iter().any(|end| path.ends_with(end))
}

/// Options that name models.
const OPTIONS: [&str; 17] = [
    "--model-repository",
    "--model-store",
    "--model_store",
    "--model_base_path",
    "--model-base-path",
    "--model-path",
    "--model_path",
    "--model",
    "--model-id",
    "--model_id",
    "--model-dir",
    "--model_dir",
    "--models",
    "--model-uri",
    "--model_uri",
    "--model-name-or-path",
    "-m",
];

/// The models that the arguments of a server name.
pub(super) fn arguments(words: &[Word<'_>]) -> Vec<Source> {
    let mut out = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let (option, value, start) = match word.text.split_once('=') {
            Some((option, value)) => (option, value, word.span.start + option.len() + 1),
            None => match words.get(at + 1) {
                Some(next) => (word.text, next.text, next.span.start),
                None => continue,
            },
        };
        let hub = matches!(option, "--model" | "--model-id" | "--model_id" | "--model-name-or-path");
        let served = word.text == "serve" && at > 0 && words[at - 1].text.ends_with("vllm");
        let named = OPTIONS.contains(&option) && (is_address(value) || hub && is_hub_name(value));
        if named || served && (is_address(value) || is_hub_name(value)) {
            let span = Span::new(start, start + value.len());
            out.push(Source { address: value.to_owned(), by: "argument", span });
        }
    }
    out
}

/// Programs that bring files.
const FETCHERS: [&str; 18] = [
    "aws",
    "gsutil",
    "gcloud",
    "wget",
    "curl",
    "huggingface-cli",
    "hf",
    "git",
    "rclone",
    "s5cmd",
    "mc",
    "azcopy",
    "az",
    "dvc",
    "mlflow",
    "aria2c",
    "s3cmd",
    "oras",
];

/// Ends of names that model files have.
const ENDINGS: [&str; 24] = [
    ".onnx",
    ".ort",
    ".pt",
    ".pth",
    ".pkl",
    ".pickle",
    ".joblib",
    ".bin",
    ".safetensors",
    ".gguf",
    ".h5",
    ".hdf5",
    ".keras",
    ".pb",
    ".tflite",
    ".mar",
    ".plan",
    ".engine",
    ".ubj",
    ".cbm",
    ".tar.gz",
    ".tgz",
    ".tar",
    ".zip",
];

/// The models that a command fetches.
pub(super) fn fetched(container: &str, words: &[Word<'_>], initializer: bool) -> Vec<Source> {
    let mut out: Vec<Source> = Vec::new();
    let mut fetcher = initializer.then_some("storage-initializer");
    let mut upload = false;
    for (at, word) in words.iter().enumerate() {
        if word.leads && !initializer {
            let program = word.text.rsplit('/').next().unwrap_or_default();
            fetcher = FETCHERS.into_iter().find(|known| *known == program);
            upload = false;
            continue;
        }
        let Some(program) = fetcher else { continue };
        let before = at.checked_sub(1).map_or("", |at| words[at].text);
        let address = is_address(word.text);
        let hub = matches!(program, "huggingface-cli" | "hf") && before == "download" && is_hub_name(word.text);
        if !address && !hub {
            // The first thing that is no address and no option is where an upload comes from.
            upload |= word.text.starts_with(['/', '.']) && matches!(before, "cp" | "sync" | "copy" | "mv");
            continue;
        }
        let lower = word.text.to_ascii_lowercase();
        let path = lower.split(['?', '#']).next().unwrap_or_default();
        let web = lower.starts_with("http") && !initializer;
        let model = is_model_file(path) || lower.contains("model") || container.contains("model");
        let endpoint =
            before.starts_with("--endpoint") || program == "dvc" || (web && matches!(program, "aws" | "mc" | "s5cmd"));
        if !upload && !endpoint && (!web || model) {
            out.push(Source { address: word.text.to_owned(), by: "container", span: word.span });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Word<'_>> {
        let base = text.as_ptr() as usize;
        let mut leads = true;
        let mut out = Vec::new();
        for word in text.split_whitespace() {
            let at = word.as_ptr() as usize - base;
            if word == "&&" {
                leads = true;
                continue;
            }
            out.push(Word { text: word, span: Span::new(at, at + word.len()), leads });
            leads = false;
        }
        out
    }

    #[test]
    fn servers_are_known_by_their_program() {
        let server = |text: &str| server(&words(text)).map(|(name, _)| name);
        assert_eq!(server("/opt/tritonserver/bin/tritonserver --http-port=1"), Some("triton"));
        assert_eq!(server("cd /x && vllm serve org/name"), Some("vllm"));
        assert_eq!(server("python3 -m vllm.entrypoints.openai.api_server --model x"), Some("vllm"));
        assert_eq!(server("pip install torchserve mlserver"), None);
        assert_eq!(server("vllm bench"), None);
        assert_eq!(server("gunicorn -m app"), None);
    }

    #[test]
    fn models_are_named_by_arguments() {
        let addresses = |text: &str| arguments(&words(text)).into_iter().map(|it| it.address).collect::<Vec<_>>();
        assert_eq!(addresses("tritonserver --model-repository=s3://bucket/repo --log=1"), ["s3://bucket/repo"]);
        assert_eq!(addresses("x --model_base_path gs://b/m"), ["gs://b/m"]);
        assert_eq!(addresses("x --model org/name-7B --model-path /models/x"), ["org/name-7B"]);
        assert_eq!(addresses("vllm serve org/name --port 1"), ["org/name"]);
        assert!(addresses("tritonserver --model-repository=/models --model ./a/b").is_empty());
    }

    #[test]
    fn fetches_bring_models_and_nothing_else() {
        let addresses =
            |text: &str| fetched("fetch", &words(text), false).into_iter().map(|it| it.address).collect::<Vec<_>>();
        assert_eq!(addresses("aws s3 cp s3://b/m.onnx /models/ && true"), ["s3://b/m.onnx"]);
        assert!(addresses("aws s3 cp /out s3://b/results").is_empty());
        assert!(addresses("aws --endpoint-url http://minio:9000/models s3 ls").is_empty());
        assert!(addresses("curl http://db:5432/health").is_empty());
        assert!(addresses("curl http://localhost:8080/v1/models/x").is_empty());
        assert_eq!(addresses("wget -O /m.pt https://files.example/a/m.pt?x=1"), ["https://files.example/a/m.pt?x=1"]);
        assert_eq!(addresses("huggingface-cli download org/name --local-dir /m"), ["org/name"]);
        assert!(addresses("echo s3://b/m").is_empty());
    }
}
