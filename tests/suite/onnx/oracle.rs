//! The reader says what an independent decoder of the same bytes says.

use std::collections::{BTreeMap, BTreeSet};

use envcheck::{
    fact::{Dimension, Model},
    version::Opset,
};
use onnx_protobuf::{
    AttributeProto, GraphProto, Message, ModelProto, NodeProto, OperatorSetIdProto, SparseTensorProto, TensorProto,
    TypeProto, ValueInfoProto, tensor_proto::DataLocation, tensor_shape_proto::dimension, type_proto::Value,
};
use proptest::prelude::*;
use protobuf::Enum;

use super::{build, read};

type Imports = BTreeMap<String, i64>;

/// Name, element type and shape.
type Described = (String, Option<String>, Option<Vec<String>>);

/// Number of nodes, and the smallest and the largest version.
type Use = (u64, Option<(i64, i64)>);

/// The parts of a model that both sides tell.
#[derive(Debug, PartialEq, Default)]
struct Summary {
    ir: i64,
    producer: Option<(String, Option<String>)>,
    opsets: Imports,
    /// By domain and name.
    operators: BTreeMap<(String, String), Use>,
    functions: BTreeSet<String>,
    types: BTreeSet<String>,
    inputs: Vec<Described>,
    outputs: Vec<Described>,
    external: BTreeMap<String, (u64, Option<u64>)>,
}

impl Summary {
    fn of(model: &Model) -> Self {
        let values = |list: &[envcheck::fact::Signature]| {
            list.iter()
                .map(|it| {
                    let spell = |size: &Dimension| match size {
                        Dimension::Fixed(size) => size.to_string(),
                        Dimension::Symbol(name) => name.clone(),
                        Dimension::Unknown => "?".to_owned(),
                    };
                    (it.name.clone(), it.dtype.clone(), it.shape.as_ref().map(|it| it.iter().map(spell).collect()))
                })
                .collect()
        };
        let mut operators = BTreeMap::new();
        for (domain, named) in &model.operators {
            for (name, found) in named {
                let opset = found.opset.map(|(Opset(low), Opset(high))| (low, high));
                operators.insert((domain.clone(), name.clone()), (found.count, opset));
            }
        }
        Summary {
            ir: model.ir_version.unwrap().0,
            producer: model.producer.as_ref().map(|it| (it.name.clone(), it.version.clone())),
            opsets: model.opsets.iter().map(|(domain, version)| (domain.clone(), version.0)).collect(),
            operators,
            functions: model.functions.clone(),
            types: model.element_types.clone(),
            inputs: values(&model.inputs),
            outputs: values(&model.outputs),
            external: model
                .external_data
                .iter()
                .map(|it| (it.location.clone(), (it.tensors, it.needed_bytes)))
                .collect(),
        }
    }
}

const WORDS: [&str; 29] = [
    "",
    "float32",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "int32",
    "int64",
    "string",
    "bool",
    "float16",
    "float64",
    "uint32",
    "uint64",
    "complex64",
    "complex128",
    "bfloat16",
    "float8e4m3fn",
    "float8e4m3fnuz",
    "float8e5m2",
    "float8e5m2fnuz",
    "uint4",
    "int4",
    "float4e2m1",
    "float8e8m0",
    "uint2",
    "int2",
    "float6e2m3",
    "float6e3m2",
];

fn word(number: i64) -> Option<String> {
    match usize::try_from(number).ok().and_then(|at| WORDS.get(at)) {
        Some(&"") => None,
        Some(word) => Some((*word).to_owned()),
        None => Some(format!("type-{number}")),
    }
}

fn domain(name: &str) -> String {
    if name.is_empty() { "ai.onnx".to_owned() } else { name.to_owned() }
}

/// Gathers a summary from the decoded tree.
#[derive(Default)]
struct Gather {
    summary: Summary,
    functions: BTreeSet<(String, String, String)>,
}

impl Gather {
    fn imports(list: &[OperatorSetIdProto]) -> Imports {
        let mut found = Imports::new();
        for set in list.iter().filter(|it| it.version > 0) {
            let version = found.entry(domain(&set.domain)).or_insert(set.version);
            *version = set.version.max(*version);
        }
        found
    }

    fn model(mut self, model: &ModelProto) -> Summary {
        let imports = Self::imports(&model.opset_import);
        for function in &model.functions {
            self.functions.insert((domain(&function.domain), function.name.clone(), function.overload.clone()));
            let overload =
                if function.overload.is_empty() { String::new() } else { format!("::{}", function.overload) };
            let spelled = format!("{}::{}{overload}", domain(&function.domain), function.name);
            self.summary.functions.insert(spelled);
        }
        self.graph(&model.graph, &imports);
        for training in &model.training_info {
            self.graph(&training.initialization, &imports);
            self.graph(&training.algorithm, &imports);
        }
        for function in &model.functions {
            let own = Self::imports(&function.opset_import);
            function.node.iter().for_each(|node| self.node(node, &own));
            function.attribute_proto.iter().for_each(|it| self.attribute(it, &own));
            function.value_info.iter().for_each(|it| self.kind(&it.type_));
        }
        let initialised: BTreeSet<&str> = model
            .graph
            .initializer
            .iter()
            .chain(model.graph.sparse_initializer.iter().filter_map(|it| it.values.as_ref()))
            .map(|it| it.name.as_str())
            .collect();
        let value = |it: &ValueInfoProto| (it.name.clone(), spelled(&it.type_), sizes(&it.type_));
        self.summary.ir = model.ir_version;
        let version = Some(model.producer_version.clone()).filter(|it| !it.is_empty());
        self.summary.producer = (!model.producer_name.is_empty()).then(|| (model.producer_name.clone(), version));
        self.summary.opsets = imports;
        self.summary.inputs =
            model.graph.input.iter().filter(|it| !initialised.contains(it.name.as_str())).map(value).collect();
        self.summary.outputs = model.graph.output.iter().map(value).collect();
        self.summary
    }

    fn graph(&mut self, graph: &GraphProto, imports: &Imports) {
        graph.node.iter().for_each(|it| self.node(it, imports));
        graph.initializer.iter().for_each(|it| self.tensor(it));
        graph.sparse_initializer.iter().for_each(|it| self.sparse(it));
        graph.input.iter().chain(&graph.output).chain(&graph.value_info).for_each(|it| self.kind(&it.type_));
    }

    fn node(&mut self, node: &NodeProto, imports: &Imports) {
        node.attribute.iter().for_each(|it| self.attribute(it, imports));
        let domain = domain(&node.domain);
        let is_local = self.functions.contains(&(domain.clone(), node.op_type.clone(), node.overload.clone()));
        if is_local || node.op_type.is_empty() {
            return;
        }
        if domain == "ai.onnx" {
            // Of two attributes of one name the reader takes the last; arbitrary models have such.
            let stated = node.attribute.iter().rev().find(|it| {
                it.i != 0 && matches!(it.name.as_str(), "to" | "dtype" | "output_dtype" | "output_datatype")
            });
            self.summary.types.extend(stated.and_then(|it| word(it.i)));
        }
        let version = imports.get(&domain).copied();
        let found = self.summary.operators.entry((domain, node.op_type.clone())).or_default();
        found.0 += 1;
        if let Some(version) = version {
            let (low, high) = found.1.unwrap_or((version, version));
            found.1 = Some((low.min(version), high.max(version)));
        }
    }

    fn attribute(&mut self, attribute: &AttributeProto, imports: &Imports) {
        attribute.g.iter().chain(&attribute.graphs).for_each(|it| self.graph(it, imports));
        attribute.t.iter().chain(&attribute.tensors).for_each(|it| self.tensor(it));
        attribute.sparse_tensor.iter().chain(&attribute.sparse_tensors).for_each(|it| self.sparse(it));
        attribute.tp.iter().chain(&attribute.type_protos).for_each(|it| self.kind(it));
    }

    fn sparse(&mut self, sparse: &SparseTensorProto) {
        sparse.values.iter().chain(sparse.indices.as_ref()).for_each(|it| self.tensor(it));
    }

    fn tensor(&mut self, tensor: &TensorProto) {
        self.summary.types.extend(word(tensor.data_type.into()));
        let entry = |key: &str| tensor.external_data.iter().rev().find(|it| it.key == key).map(|it| it.value.as_str());
        let is_external = tensor.data_location.value() == DataLocation::EXTERNAL.value();
        let Some(location) = entry("location").filter(|it| is_external && !it.is_empty()) else { return };
        let bits = match tensor.data_type {
            1 | 6 | 12 => 32,
            2 | 3 | 9 | 17..=20 | 24 => 8,
            4 | 5 | 10 | 16 => 16,
            7 | 11 | 13 | 14 => 64,
            15 => 128,
            21..=23 => 4,
            25 | 26 => 2,
            _ => 0_u128,
        };
        let elements = tensor.dims.iter().try_fold(1_u128, |all, it| Some(all * u128::try_from(*it).ok()?));
        let own = elements.filter(|_| bits > 0).map(|it| (it * bits).div_ceil(8));
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text.parse::<u64>().map(|it| Some(u128::from(it))).map_err(|_| ()),
        };
        let needed = match (number("offset"), number("length")) {
            (Ok(offset), Ok(length)) => {
                length.or(own).and_then(|length| u64::try_from(length + offset.unwrap_or(0)).ok())
            }
            _ => None,
        };
        let found = self.summary.external.entry(location.to_owned()).or_default();
        found.0 += 1;
        found.1 = found.1.max(needed);
    }

    fn kind(&mut self, kind: &TypeProto) {
        match &kind.value {
            Some(Value::TensorType(it)) => self.summary.types.extend(word(it.elem_type.into())),
            Some(Value::SparseTensorType(it)) => self.summary.types.extend(word(it.elem_type.into())),
            Some(Value::SequenceType(it)) => self.kind(&it.elem_type),
            Some(Value::OptionalType(it)) => self.kind(&it.elem_type),
            Some(Value::MapType(it)) => {
                self.summary.types.extend(word(it.key_type.into()));
                self.kind(&it.value_type);
            }
            _ => {}
        }
    }
}

fn spelled(kind: &TypeProto) -> Option<String> {
    let known = |it: Option<String>| it.unwrap_or_else(|| "?".to_owned());
    match kind.value.as_ref()? {
        Value::TensorType(it) => word(it.elem_type.into()),
        Value::SparseTensorType(it) => Some(format!("sparse({})", known(word(it.elem_type.into())))),
        Value::SequenceType(it) => Some(format!("sequence({})", known(spelled(&it.elem_type)))),
        Value::OptionalType(it) => Some(format!("optional({})", known(spelled(&it.elem_type)))),
        Value::MapType(it) => {
            Some(format!("map({},{})", known(word(it.key_type.into())), known(spelled(&it.value_type))))
        }
        _ => None,
    }
}

fn sizes(kind: &TypeProto) -> Option<Vec<String>> {
    let shape = match kind.value.as_ref()? {
        Value::TensorType(it) => it.shape.as_ref()?,
        Value::SparseTensorType(it) => it.shape.as_ref()?,
        _ => return None,
    };
    let spell = |size: &onnx_protobuf::tensor_shape_proto::Dimension| match &size.value {
        Some(dimension::Value::DimValue(size)) if *size >= 0 => size.to_string(),
        Some(dimension::Value::DimParam(name)) if !name.is_empty() => name.clone(),
        _ => "?".to_owned(),
    };
    Some(shape.dim.iter().map(spell).collect())
}

fn agree(bytes: &[u8]) {
    let expected = Gather::default().model(&ModelProto::parse_from_bytes(bytes).unwrap());
    let found = read(bytes);
    found.check_places();
    assert_eq!(Summary::of(found.model()), expected, "{}", found.view);
}

#[test]
fn named_models_read_alike() {
    for model in [build::classifier(), build::nested(), build::external_weights(), build::sequences()] {
        agree(&build::bytes(&model));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_models_read_alike(tape in proptest::collection::vec(any::<u8>(), 0..600)) {
        agree(&build::bytes(&build::Tape::new(&tape).model()));
    }
}
