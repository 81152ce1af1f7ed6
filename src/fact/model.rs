//! What is known about a model file, read from it or declared about it.

use std::collections::{BTreeMap, BTreeSet};

use super::{NamedVersion, PackageName};
use crate::{
    text::Span,
    version::{ComputeCapability, IrVersion, Opset, PythonVersion, Version},
};

/// The words for formats of model files, each with other names that files give it.
const FORMATS: [(&str, &[&str]); 31] = [
    ("onnx", &[]),
    ("ort", &["onnxruntime"]),
    (
        "pickle",
        &[
            "pkl",
            "sklearn",
            "scikit-learn",
            "sklearn-estimator",
            "sklearn-pickle",
            "pandas-pickle",
            "xgboost-pickle",
            "lightgbm-pickle",
        ],
    ),
    ("joblib", &["sklearn-joblib"]),
    ("cloudpickle", &[]),
    ("dill", &[]),
    ("skops", &[]),
    ("torch", &["pytorch", "pt", "pth", "state-dict", "pytorch-state-dict", "torch-zip", "torch-legacy"]),
    ("torchscript", &["torch-script", "jit", "torch-jit"]),
    ("torch-export", &["pt2", "torch-export-pt2", "exported-program"]),
    ("safetensors", &[]),
    ("transformers", &["hf-transformers", "huggingface", "hf"]),
    ("sentence-transformers", &[]),
    ("tokenizer-json", &["tokenizer.json"]),
    ("tokenizer-config", &["tokenizer-config.json"]),
    (
        "saved-model",
        &["savedmodel", "tf-savedmodel", "tf-saved-model", "tensorflow-savedmodel", "tensorflow-saved-model"],
    ),
    ("keras", &["keras-v3", "keras-zip"]),
    ("h5", &["hdf5", "keras-h5", "keras-hdf5"]),
    ("tflite", &["tf-lite", "tensorflow-lite", "litert"]),
    ("xgboost-json", &[]),
    ("xgboost-ubj", &["ubj", "ubjson"]),
    ("xgboost-binary", &["xgboost-binary-old", "xgboost-bin"]),
    ("lightgbm-text", &["lightgbm", "lightgbm-txt"]),
    ("catboost", &["catboost-cbm", "cbm"]),
    ("tensorrt-plan", &["tensorrt-engine", "tensorrt", "trt"]),
    ("spacy", &["spacy-pipeline"]),
    ("rds", &[]),
    ("mlflow", &["mlflow-model"]),
    ("openvino", &["openvino-ir"]),
    ("gguf", &[]),
    ("numpy", &["npy", "npz", "numpy-npy"]),
];

/// Formats that are known by name, and of which nothing else is.
const OTHER_FORMATS: [&str; 13] = [
    "coreml",
    "pmml",
    "paddle",
    "bentoml",
    "bento",
    "triton-repository",
    "mxnet",
    "h2o-mojo",
    "graph-def",
    "python",
    "tensorrt-llm",
    "dali",
    "vllm",
];

/// The lock's word for a format of model files, however it is spelled: `tf-savedmodel` and `SavedModel` are `saved-model`.
/// `None` for a word that nobody knows.
#[must_use]
pub fn format_word(text: &str) -> Option<&'static str> {
    let plain = text.trim().trim_start_matches('.').to_ascii_lowercase().replace(['_', ' '], "-");
    let known =
        FORMATS.iter().find(|(word, others)| *word == plain || others.contains(&plain.as_str())).map(|(word, _)| *word);
    known.or_else(|| OTHER_FORMATS.iter().copied().find(|word| *word == plain))
}

/// The format that the ending of a path certainly stands for. `.pt`, `.bin`, `.model` and `.json` stand for several.
#[must_use]
pub fn format_of_path(path: &str) -> Option<&'static str> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
    if name == "tokenizer.json" {
        return Some("tokenizer-json");
    }
    Some(match name.rsplit_once('.')?.1 {
        "onnx" => "onnx",
        "ort" => "ort",
        "pkl" | "pickle" => "pickle",
        "joblib" => "joblib",
        "skops" => "skops",
        "pt2" => "torch-export",
        "safetensors" => "safetensors",
        "keras" => "keras",
        "h5" | "hdf5" => "h5",
        "tflite" => "tflite",
        "ubj" => "xgboost-ubj",
        "cbm" => "catboost",
        "plan" | "engine" | "trt" => "tensorrt-plan",
        "gguf" => "gguf",
        _ => return None,
    })
}

/// A model, as far as a file tells.
///
/// The spans point into the text of the fact's own file: the model's view, or the lock that declares it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Model {
    /// Its path as the user or the lock writes it.
    pub path: String,
    /// Who says what is said here.
    pub witness: Witness,
    /// The format, in the lock's words: `onnx`, `pickle`, `cloudpickle`, `tensorrt-plan`, ...
    pub format: Option<String>,
    /// The library that wrote it.
    pub producer: Option<NamedVersion>,
    /// The span of the producer.
    pub producer_span: Option<Span>,
    /// The model's own namespace, such as `com.example.vision`.
    pub domain: Option<String>,
    /// The version that its makers gave it.
    pub model_version: Option<i64>,
    /// The Python that wrote it, where the format depends on it.
    pub python: Option<PythonVersion>,
    /// Requirements that the file itself states, as written.
    pub requires: Vec<String>,
    /// Classes that a pickle refers to.
    pub classes: Vec<String>,
    /// The content's digest, as written.
    pub sha256: Option<String>,
    /// The version of the file format.
    pub ir_version: Option<IrVersion>,
    /// The span of the IR version.
    pub ir_span: Option<Span>,
    /// Operator sets that the model imports. The default domain is called `ai.onnx` here.
    pub opsets: BTreeMap<String, Opset>,
    /// The span of each import.
    pub opset_spans: BTreeMap<String, Span>,
    /// Operators used anywhere in the model (subgraphs and local functions included), by domain (`ai.onnx` for the default).
    ///
    /// Nodes that call a function of the model itself are not here.
    pub operators: BTreeMap<String, BTreeMap<String, OperatorUse>>,
    /// Functions that the model itself defines, as `domain::name`.
    pub functions: BTreeSet<String>,
    /// Operator sets that local functions import, where they differ from the model's, by function and domain.
    pub function_opsets: BTreeMap<String, BTreeMap<String, Opset>>,
    /// Element types of initialisers, inputs, outputs, value infos and constant tensors, and those that attributes such
    /// as `to` of `Cast` name, in ONNX's words (`float32`, `bfloat16`, ...).
    pub element_types: BTreeSet<String>,
    /// Inputs without the initialisers that old models list among them.
    pub inputs: Vec<Signature>,
    /// Outputs.
    pub outputs: Vec<Signature>,
    /// Where the model breaks the rules of ONNX.
    pub faults: Vec<String>,
    /// Where it breaks rules that only some releases of ONNX Runtime insist on.
    pub lesser_faults: Vec<(Insistence, String)>,
    /// What is wrong with nodes for some releases of ONNX Runtime, and not for others.
    pub dated_faults: Vec<RefusedForm>,
    /// Nodes of ONNX Runtime's own operators in a form that some of its releases do not know.
    pub refused_forms: Vec<RefusedForm>,
    /// Files that hold tensors outside the model.
    pub external_data: Vec<ExternalData>,
    /// What is wrong with the description of tensors outside the model.
    pub external_faults: Vec<String>,
    /// Key and value pairs of the model's own metadata, in file order.
    pub metadata: Vec<(String, String)>,
    /// The compute capability a TensorRT plan was built on.
    pub gpu: Option<ComputeCapability>,
    /// Packages whose version the file carries, as a pickle does.
    pub written_with: BTreeMap<PackageName, String>,
}

/// What is wrong with a node for some releases of ONNX Runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedForm {
    /// In words.
    pub text: String,
    /// The first release that refuses it; `None` for all from the beginning.
    pub from: Option<Version>,
    /// The first one after it that does not.
    pub before: Option<Version>,
}

impl RefusedForm {
    /// Whether a release refuses it.
    #[must_use]
    pub fn is_refused_by(&self, release: &Version) -> bool {
        self.from.as_ref().is_none_or(|from| from <= release)
            && self.before.as_ref().is_none_or(|before| release < before)
    }
}

/// Who says something about a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Witness {
    /// A person or a tool in `[[model]]`.
    #[default]
    Declaration,
    /// The model file itself.
    File,
    /// Triton's configuration; the path is that of the configuration.
    Triton(TritonConfig),
    /// `MLmodel` of `MLflow`; the path is that of the file that it names.
    Mlflow,
}

/// What Triton's configuration says beside the signature.
///
/// Optional inputs are not in the signature: they overwrite values that the model holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TritonConfig {
    /// The name of the model, if it is written.
    pub name: Option<String>,
    /// The name of the model file, if it is written.
    pub file_name: Option<String>,
    /// Which versions are loaded.
    pub versions: TritonVersions,
    /// `max_batch_size` adds a batch dimension to what is written.
    pub batches: bool,
    /// The model may have more inputs than are known: names of controls and states of sequences that could not be read.
    pub more_inputs: bool,
    /// Inputs that a request may leave out, since the model holds a value.
    pub optional: Vec<String>,
    /// A backend that nothing is known of loads the model.
    pub foreign: bool,
}

/// The versions that Triton loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TritonVersions {
    /// So many of the highest numbers.
    Latest(u64),
    /// These.
    Specific(Vec<u64>),
    /// All, or nobody knows which.
    All,
}

impl Default for TritonVersions {
    fn default() -> Self {
        TritonVersions::Latest(1)
    }
}

/// How an operator is used in a model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OperatorUse {
    /// Number of nodes.
    pub count: u64,
    /// The name of the first node that has one, or where the first stands (`graph.node[4]`).
    pub first_node: String,
    /// The span in the model's view.
    pub span: Option<Span>,
    /// The smallest and the largest version of its domain under which it is used (a function may import another one).
    pub opset: Option<(Opset, Opset)>,
    /// The smallest and the largest version under which it is resolved when the model is loaded: a function's nodes take the
    /// model's imports. `None` if it only stands where nothing is resolved (training graphs, functions that nobody calls);
    /// version 0 where its domain is not imported.
    pub resolved: Option<(Opset, Opset)>,
    /// ONNX Runtime's own domain does not have it, as far as the reader's table goes.
    pub is_unlisted: bool,
    /// Number of nodes with the attribute `layout` set, whose inputs have the batch first.
    pub batchwise: u64,
    /// Number of nodes without the attribute `hidden_size`.
    pub unsized_nodes: u64,
    /// Whether some node leaves out the attribute `axis`, and so takes the default of its operator set.
    pub lacks_axis: bool,
    /// The element types that it is used with, outside of local functions, as far as the file tells.
    pub typings: Vec<Typing>,
}

/// Element types that an operator is used with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typing {
    /// The operator set that brought the operator's version.
    pub since: Opset,
    /// Whether the specification also defines it by other operators.
    pub is_function: bool,
    /// Type constraints of the operator and the element types that stand for them (`T`, `float32`), where they are known.
    pub types: Vec<(String, String)>,
    /// Number of nodes.
    pub count: u64,
    /// The name of the first of them, or where it stands.
    pub first_node: String,
}

/// One input or output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// The name.
    pub name: String,
    /// The element type (`float32`), or `sequence(...)`, `map(...)`, `optional(...)`; `None` if the file does not say.
    pub dtype: Option<String>,
    /// The shape; `None` if the rank is not known.
    pub shape: Option<Vec<Dimension>>,
    /// The span in the fact's file.
    pub span: Option<Span>,
}

/// One dimension of a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dimension {
    /// A number of elements.
    Fixed(i64),
    /// A named size that is known only at run time.
    Symbol(String),
    /// Not stated.
    Unknown,
}

/// A rule that some releases of ONNX Runtime insist on and others do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Insistence {
    /// A node has an attribute once only.
    AttributeOnce,
    /// A function is defined once only.
    FunctionOnce,
    /// A call finds the function of just its overload.
    FunctionOverload,
    /// Nodes of functions that nobody calls have as many inputs and outputs as their operators.
    FunctionCounts,
    /// The operator sets of functions are checked like those of the model.
    FunctionOpset,
    /// What `Gemm` multiplies has sizes that fit.
    GemmSizes,
    /// `Conv` takes an image or something with even more dimensions.
    ConvRank,
    /// Constants of subgraphs have only attributes that their operator set knows.
    BranchConstant,
    /// Words in attributes of models of `ai.onnx.ml` are known ones.
    LearnedWords,
    /// `Pad` does not know the mode `wrap`.
    PadWrap,
    /// A call gives all inputs of its function.
    FunctionInputs,
    /// A call leaves no input of its function empty.
    FunctionInputsNamed,
    /// Nodes of functions take each input of theirs.
    FunctionInputsUsed,
    /// Functions that nobody calls make their outputs.
    FunctionOutputs,
    /// Nodes of a function stand before those that use them.
    FunctionOrder,
    /// Nodes of functions do not take any number of inputs.
    FunctionVariadic,
    /// What an operator insists on is not left to the caller of a function.
    FunctionAttributes,
    /// What an operator insists on is not left to the default of a function.
    FunctionDefaults,
}

/// A tensor that is stored in another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalData {
    /// The path relative to the model, as written.
    pub location: String,
    /// How many tensors are there.
    pub tensors: u64,
    /// Whether a node uses one of them; ONNX Runtime drops the others before it looks for them.
    pub is_used: bool,
    /// Of those that are used, the greatest `offset + length` asked for.
    pub used_bytes: Option<u64>,
    /// The greatest `offset + length` asked for, in bytes; a length that is not stated follows from type and shape.
    pub needed_bytes: Option<u64>,
    /// What lies there.
    pub found: ExternalFile,
}

/// What lies at the place of external data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExternalFile {
    /// Nobody looked: it is not known where the model lies.
    #[default]
    Unknown,
    /// Nothing.
    Missing,
    /// A folder or a device.
    NoFile,
    /// The path leaves the folder of the model; what lies there was not looked at.
    Outside,
    /// A file of so many bytes.
    Bytes(u64),
}

#[cfg(test)]
mod tests {
    use super::{format_of_path, format_word};

    #[test]
    fn formats_have_one_word() {
        for (spelled, word) in [
            ("SavedModel", "saved-model"),
            ("tf_savedmodel", "saved-model"),
            (".keras", "keras"),
            ("Keras-v3", "keras"),
            ("tensorrt-engine", "tensorrt-plan"),
            ("onnx", "onnx"),
        ] {
            assert_eq!(format_word(spelled), Some(word), "{spelled}");
        }
        assert_eq!(format_word("blob"), None);
    }

    #[test]
    fn only_endings_of_one_format_tell_it() {
        assert_eq!(format_of_path("s3://models/1/Scorer.PKL"), Some("pickle"));
        assert_eq!(format_of_path("bert/tokenizer.json"), Some("tokenizer-json"));
        assert_eq!(format_of_path("model.pt"), None);
        assert_eq!(format_of_path("model.json"), None);
        assert_eq!(format_of_path("model.v2/weights"), None);
        assert_eq!(format_of_path("model"), None);
    }
}
