//! Models built in memory: named ones for the fixtures, and arbitrary ones from a tape of bytes.

use onnx_protobuf::{
    AttributeProto, FunctionProto, GraphProto, Message, ModelProto, NodeProto, OperatorSetIdProto, SparseTensorProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TrainingInfoProto, TypeProto, ValueInfoProto,
    tensor_proto::DataLocation,
    tensor_shape_proto::{Dimension, dimension},
    type_proto::{self, Value},
};
use protobuf::{MessageField, SpecialFields};

pub(super) enum Size {
    Fixed(i64),
    Symbol(&'static str),
    Unknown,
}

pub(super) fn opset(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto { domain: domain.into(), version, ..Default::default() }
}

pub(super) fn node(operator: &str, domain: &str, name: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        op_type: operator.into(),
        domain: domain.into(),
        name: name.into(),
        input: vec!["x".into()],
        output: vec!["y".into()],
        attribute,
        ..Default::default()
    }
}

pub(super) fn shape(sizes: &[Size]) -> MessageField<TensorShapeProto> {
    let dim = sizes
        .iter()
        .map(|size| Dimension {
            value: match size {
                Size::Fixed(size) => Some(dimension::Value::DimValue(*size)),
                Size::Symbol(name) => Some(dimension::Value::DimParam((*name).into())),
                Size::Unknown => None,
            },
            ..Default::default()
        })
        .collect();
    MessageField::some(TensorShapeProto { dim, ..Default::default() })
}

pub(super) fn tensor_type(elem_type: i32, shape: MessageField<TensorShapeProto>) -> TypeProto {
    of(Value::TensorType(type_proto::Tensor { elem_type, shape, special_fields: SpecialFields::default() }))
}

pub(super) fn sparse_type(elem_type: i32, shape: MessageField<TensorShapeProto>) -> TypeProto {
    of(Value::SparseTensorType(type_proto::SparseTensor { elem_type, shape, special_fields: SpecialFields::default() }))
}

pub(super) fn sequence(inner: TypeProto) -> TypeProto {
    of(Value::SequenceType(type_proto::Sequence { elem_type: MessageField::some(inner), ..Default::default() }))
}

pub(super) fn optional(inner: TypeProto) -> TypeProto {
    of(Value::OptionalType(type_proto::Optional { elem_type: MessageField::some(inner), ..Default::default() }))
}

pub(super) fn map(key_type: i32, value: TypeProto) -> TypeProto {
    of(Value::MapType(type_proto::Map { key_type, value_type: MessageField::some(value), ..Default::default() }))
}

fn of(value: Value) -> TypeProto {
    TypeProto { value: Some(value), ..Default::default() }
}

pub(super) fn value(name: &str, kind: TypeProto) -> ValueInfoProto {
    ValueInfoProto { name: name.into(), type_: MessageField::some(kind), ..Default::default() }
}

pub(super) fn tensor(name: &str, data_type: i32, dims: &[i64]) -> TensorProto {
    TensorProto { name: name.into(), data_type, dims: dims.to_vec(), raw_data: vec![7; 9], ..Default::default() }
}

pub(super) fn external(name: &str, data_type: i32, dims: &[i64], entries: &[(&str, &str)]) -> TensorProto {
    TensorProto {
        name: name.into(),
        data_type,
        dims: dims.to_vec(),
        data_location: DataLocation::EXTERNAL.into(),
        external_data: entries.iter().map(|(key, value)| entry(key, value)).collect(),
        ..Default::default()
    }
}

pub(super) fn entry(key: &str, value: &str) -> StringStringEntryProto {
    StringStringEntryProto { key: key.into(), value: value.into(), ..Default::default() }
}

pub(super) fn with_graph(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto { name: name.into(), g: MessageField::some(graph), ..Default::default() }
}

pub(super) fn with_tensor(name: &str, tensor: TensorProto) -> AttributeProto {
    AttributeProto { name: name.into(), t: MessageField::some(tensor), ..Default::default() }
}

pub(super) fn with_number(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i, ..Default::default() }
}

pub(super) fn graph(node: Vec<NodeProto>) -> GraphProto {
    GraphProto { node, name: "g".into(), ..Default::default() }
}

pub(super) fn model(ir_version: i64, opset_import: Vec<OperatorSetIdProto>, graph: GraphProto) -> ModelProto {
    ModelProto { ir_version, opset_import, graph: MessageField::some(graph), ..Default::default() }
}

pub(super) fn bytes(model: &ModelProto) -> Vec<u8> {
    model.write_to_bytes().unwrap()
}

/// An image classifier as PyTorch exports one.
pub(super) fn classifier() -> ModelProto {
    let mut graph = graph(vec![
        node("Conv", "", "/conv1/Conv", vec![]),
        node("Relu", "", "/relu/Relu", vec![]),
        node("Conv", "", "/conv2/Conv", vec![]),
        node("Constant", "", "", vec![with_tensor("value", tensor("", 7, &[1]))]),
        node("Gemm", "", "/fc/Gemm", vec![]),
        node("FusedGelu", "com.microsoft", "", vec![]),
    ]);
    graph.initializer = vec![tensor("conv1.weight", 1, &[1, 2]), tensor("fc.weight", 10, &[3])];
    let image = [Size::Symbol("N"), Size::Fixed(3), Size::Fixed(224), Size::Fixed(224)];
    graph.input = vec![value("image", tensor_type(1, shape(&image)))];
    graph.output = vec![value("logits", tensor_type(1, shape(&[Size::Symbol("N"), Size::Fixed(1000)])))];
    let mut model = model(8, vec![opset("", 17), opset("com.microsoft", 1)], graph);
    model.producer_name = "pytorch".into();
    model.producer_version = "2.1.0".into();
    model.metadata_props = vec![entry("classes", "cat,dog")];
    model
}

/// Subgraphs, local functions with imports of their own and overloads, and training graphs.
pub(super) fn nested() -> ModelProto {
    let inner = graph(vec![node("Mul", "", "inner/mul", vec![]), node("Sigmoid", "ai.onnx", "", vec![])]);
    let scan = node("Scan", "", "scan", vec![with_graph("body", inner.clone())]);
    let branches = vec![with_graph("then_branch", graph(vec![scan])), with_graph("else_branch", inner.clone())];
    let many =
        AttributeProto { name: "graphs".into(), graphs: vec![inner.clone(), inner.clone()], ..Default::default() };
    let mut called = node("Norm", "local", "call", vec![]);
    let mut other = called.clone();
    called.overload = "fast".into();
    other.overload = "none".into();
    let mut main = graph(vec![
        node("If", "", "choice", branches),
        called,
        other,
        node("Many", "custom", "", vec![many]),
        node("LabelEncoder", "ai.onnx.ml", "encode", vec![]),
    ]);
    main.input = vec![value("flag", tensor_type(9, shape(&[])))];
    main.output = vec![value("y", tensor_type(1, MessageField::none()))];
    let function = |overload: &str, version: i64, nodes: Vec<NodeProto>| FunctionProto {
        name: "Norm".into(),
        domain: "local".into(),
        overload: overload.into(),
        node: nodes,
        opset_import: vec![opset("", version), opset("local", 1)],
        ..Default::default()
    };
    let mut recursive = node("Norm", "local", "again", vec![]);
    recursive.overload = "fast".into();
    let mut model = model(10, vec![opset("", 18), opset("ai.onnx.ml", 3), opset("local", 1), opset("custom", 1)], main);
    model.functions = vec![
        function("fast", 20, vec![node("Mul", "", "", vec![]), node("Gelu", "", "", vec![]), recursive]),
        function("slow", 18, vec![node("Loop", "", "", vec![with_graph("body", inner)])]),
    ];
    let step = graph(vec![node("Adam", "ai.onnx.preview.training", "adam", vec![])]);
    model.training_info = vec![TrainingInfoProto { algorithm: MessageField::some(step), ..Default::default() }];
    model
}

/// An old model whose initialisers are inputs too, one of them sparse, with weights in other files.
pub(super) fn external_weights() -> ModelProto {
    let mut graph = graph(vec![node("MatMul", "", "mm", vec![])]);
    graph.initializer = vec![
        external("w", 1, &[16, 4], &[("location", "weights.bin"), ("offset", "4096"), ("length", "256")]),
        external("v", 22, &[3], &[("location", "weights.bin"), ("offset", "8192")]),
        external("u", 1, &[2], &[("location", "../other.bin")]),
    ];
    graph.sparse_initializer = vec![SparseTensorProto {
        values: MessageField::some(tensor("s", 11, &[2])),
        indices: MessageField::some(tensor("", 7, &[2])),
        ..Default::default()
    }];
    let float = || tensor_type(1, shape(&[Size::Unknown, Size::Fixed(16)]));
    graph.input = ["x", "w", "v", "u", "s"].iter().map(|name| value(name, float())).collect();
    graph.output = vec![value("y", float())];
    let mut model = model(3, vec![opset("ai.onnx", 9)], graph);
    model.producer_name = "keras2onnx".into();
    model.domain = "com.example".into();
    model.model_version = 2;
    model
}

/// Values that are no tensors, as scikit-learn's converter writes them.
pub(super) fn sequences() -> ModelProto {
    let mut graph =
        graph(vec![node("ZipMap", "ai.onnx.ml", "ZipMap", vec![]), node("Cast", "", "", vec![with_number("to", 16)])]);
    graph.input = vec![
        value("text", tensor_type(8, shape(&[Size::Unknown, Size::Fixed(1)]))),
        value("maybe", optional(sequence(tensor_type(10, shape(&[Size::Fixed(2)]))))),
        value("sparse", sparse_type(11, shape(&[Size::Fixed(4), Size::Symbol("M")]))),
    ];
    graph.output = vec![
        value("label", tensor_type(7, shape(&[Size::Unknown]))),
        value("probabilities", sequence(map(7, tensor_type(1, MessageField::none())))),
    ];
    let mut model = model(8, vec![opset("", 15), opset("ai.onnx.ml", 2)], graph);
    model.producer_name = "skl2onnx".into();
    model.producer_version = "1.15.0".into();
    model
}

/// Decides by the bytes of a tape what an arbitrary model holds; ends when the tape does.
pub(super) struct Tape<'a> {
    bytes: &'a [u8],
}

impl<'a> Tape<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Tape { bytes }
    }

    fn next(&mut self) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.next() % from.len()]
    }

    fn domain(&mut self) -> &'static str {
        self.pick(&["", "", "ai.onnx", "ai.onnx.ml", "com.microsoft", "local"])
    }

    fn name(&mut self) -> &'static str {
        self.pick(&["", "a", "größe", "node\u{1b}[0m", "w", "x"])
    }

    fn many<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.next() % (most + 1);
        (0..count).map(|_| make(self)).collect()
    }

    fn element(&mut self) -> i32 {
        i32::try_from(self.next() % 32).unwrap()
    }

    fn tensor(&mut self) -> TensorProto {
        let (name, element) = (self.name(), self.element());
        let dims = self.many(3, |tape| i64::try_from(tape.next()).unwrap() - 1);
        if !self.next().is_multiple_of(3) {
            return tensor(name, element, &dims);
        }
        let location = self.pick(&["a.bin", "../b.bin", "", "ü"]);
        let mut entries = vec![("location", location)];
        if self.next().is_multiple_of(2) {
            entries.push(("offset", self.pick(&["0", "4096", "x", "-1", "18446744073709551615"])));
        }
        if self.next().is_multiple_of(2) {
            entries.push(("length", self.pick(&["1", "77", "", "99999999999999999999"])));
        }
        external(name, element, &dims, &entries)
    }

    fn sparse(&mut self) -> SparseTensorProto {
        SparseTensorProto {
            values: MessageField::some(self.tensor()),
            indices: MessageField::some(self.tensor()),
            ..Default::default()
        }
    }

    fn shape(&mut self) -> MessageField<TensorShapeProto> {
        if self.next().is_multiple_of(4) {
            return MessageField::none();
        }
        let sizes = self.many(4, |tape| match tape.next() % 4 {
            0 => Size::Unknown,
            1 => Size::Symbol(tape.pick(&["N", "batch", "", "ß"])),
            2 => Size::Fixed(-1),
            _ => Size::Fixed(i64::try_from(tape.next() * 1000).unwrap()),
        });
        shape(&sizes)
    }

    fn kind(&mut self, depth: usize) -> TypeProto {
        match self.next() % if depth < 5 { 12 } else { 6 } {
            0 => TypeProto::default(),
            1 => sparse_type(self.element(), self.shape()),
            2..6 => tensor_type(self.element(), self.shape()),
            6 | 7 => sequence(self.kind(depth + 1)),
            8 | 9 => optional(self.kind(depth + 1)),
            _ => map(self.element(), self.kind(depth + 1)),
        }
    }

    fn value(&mut self) -> ValueInfoProto {
        let mut made = value(self.name(), self.kind(0));
        if self.next().is_multiple_of(8) {
            made.type_ = MessageField::none();
        }
        made
    }

    fn attribute(&mut self, depth: usize) -> AttributeProto {
        let mut made = AttributeProto {
            name: self.pick(&["to", "dtype", "value", "body", "", "alpha"]).into(),
            ..Default::default()
        };
        match self.next() % 8 {
            0 if depth < 4 => made.g = MessageField::some(self.graph(depth + 1)),
            1 if depth < 4 => made.graphs = self.many(2, |tape| tape.graph(depth + 1)),
            2 => made.t = MessageField::some(self.tensor()),
            3 => made.tensors = self.many(2, Self::tensor),
            4 => made.sparse_tensor = MessageField::some(self.sparse()),
            5 => made.tp = MessageField::some(self.kind(0)),
            6 => made.type_protos = self.many(2, |tape| tape.kind(0)),
            _ => made.i = i64::try_from(self.next() % 32).unwrap(),
        }
        made
    }

    fn node(&mut self, depth: usize) -> NodeProto {
        let operator = self.pick(&["Add", "If", "Norm", "Cast", "", "Größe"]);
        let (domain, name) = (self.domain(), self.name());
        let attributes = self.many(2, |tape| tape.attribute(depth));
        let mut made = node(operator, domain, name, attributes);
        made.overload = self.pick(&["", "", "o"]).into();
        made
    }

    fn graph(&mut self, depth: usize) -> GraphProto {
        GraphProto {
            node: self.many(5, |tape| tape.node(depth)),
            initializer: self.many(3, Self::tensor),
            sparse_initializer: self.many(1, Self::sparse),
            input: self.many(3, Self::value),
            output: self.many(3, Self::value),
            value_info: self.many(3, Self::value),
            ..Default::default()
        }
    }

    fn imports(&mut self) -> Vec<OperatorSetIdProto> {
        self.many(4, |tape| opset(tape.domain(), i64::try_from(tape.next() % 30).unwrap()))
    }

    pub(super) fn model(&mut self) -> ModelProto {
        let mut made = model(i64::try_from(1 + self.next() % 14).unwrap(), self.imports(), self.graph(0));
        made.producer_name = self.name().into();
        made.producer_version = self.pick(&["", "1.2"]).into();
        made.functions = self.many(3, |tape| FunctionProto {
            name: tape.pick(&["Norm", "Add", "F"]).into(),
            domain: tape.domain().into(),
            overload: tape.pick(&["", "", "o"]).into(),
            opset_import: tape.imports(),
            node: tape.many(3, |tape| tape.node(2)),
            value_info: tape.many(1, Self::value),
            attribute_proto: tape.many(1, |tape| tape.attribute(2)),
            ..Default::default()
        });
        made.training_info = self.many(1, |tape| TrainingInfoProto {
            initialization: MessageField::some(tape.graph(3)),
            algorithm: MessageField::some(tape.graph(3)),
            ..Default::default()
        });
        made
    }
}
