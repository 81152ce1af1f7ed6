//! The messages of ONNX: their names and field numbers, the small ones that are decoded whole, and its element types.
//!
//! Specification: <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>. Fields that are
//! not read (weights above all) are stepped over by their length.

use std::borrow::Cow;

/// A message that is walked field by field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The name in error messages, with its article.
    pub(super) name: &'static str,
    fields: &'static [(u32, &'static str)],
}

impl Layout {
    /// The name of a field.
    pub(super) fn field(&self, number: u32) -> Option<&'static str> {
        self.fields.iter().find(|(it, _)| *it == number).map(|(_, name)| *name)
    }
}

/// Declares a message's layout and a module with the numbers of the fields that are read; the others have names only.
macro_rules! layout {
    ($layout:ident, $module:ident, $name:literal, { $($field:ident = $number:literal $spelled:literal),* $(,)? }
     $(, skipped: $($other:literal $unread:literal),*)?) => {
        #[doc = concat!("Layout of ", $name, ".")]
        pub(super) static $layout: Layout = Layout { name: $name, fields: &[$(($number, $spelled),)* $($(($other, $unread)),*)?] };

        #[doc = concat!("Field numbers of ", $name, ".")]
        pub(super) mod $module {
            $(pub(in super::super) const $field: u32 = $number;)*
        }
    };
}

layout!(MODEL, model, "the model", {
    IR_VERSION = 1 "ir_version", PRODUCER_NAME = 2 "producer_name", PRODUCER_VERSION = 3 "producer_version",
    DOMAIN = 4 "domain", MODEL_VERSION = 5 "model_version", GRAPH = 7 "graph", OPSET_IMPORT = 8 "opset_import",
    METADATA_PROPS = 14 "metadata_props", TRAINING_INFO = 20 "training_info", FUNCTIONS = 25 "functions",
}, skipped: 6 "doc_string", 26 "configuration");
layout!(GRAPH, graph, "a graph", {
    NODE = 1 "node", INITIALIZER = 5 "initializer", INPUT = 11 "input", OUTPUT = 12 "output",
    VALUE_INFO = 13 "value_info", SPARSE_INITIALIZER = 15 "sparse_initializer",
}, skipped: 2 "name", 10 "doc_string", 14 "quantization_annotation", 16 "metadata_props");
layout!(NODE, node, "a node", {
    INPUT = 1 "input", OUTPUT = 2 "output", NAME = 3 "name", OP_TYPE = 4 "op_type", ATTRIBUTE = 5 "attribute",
    DOMAIN = 7 "domain", OVERLOAD = 8 "overload",
}, skipped: 6 "doc_string", 9 "metadata_props", 10 "device_configurations");
layout!(ATTRIBUTE, attribute, "an attribute", {
    NAME = 1 "name", F = 2 "f", I = 3 "i", S = 4 "s", T = 5 "t", G = 6 "g", FLOATS = 7 "floats", INTS = 8 "ints", STRINGS = 9 "strings", TENSORS = 10 "tensors", GRAPHS = 11 "graphs", TP = 14 "tp",
    TYPE_PROTOS = 15 "type_protos", TYPE = 20 "type", REFERENCE = 21 "ref_attr_name", SPARSE_TENSOR = 22 "sparse_tensor", SPARSE_TENSORS = 23 "sparse_tensors",
}, skipped: 13 "doc_string");
layout!(TENSOR, tensor, "a tensor", {
    DIMS = 1 "dims", DATA_TYPE = 2 "data_type", FLOAT_DATA = 4 "float_data", INT32_DATA = 5 "int32_data",
    STRING_DATA = 6 "string_data", INT64_DATA = 7 "int64_data", NAME = 8 "name", RAW_DATA = 9 "raw_data",
    DOUBLE_DATA = 10 "double_data", UINT64_DATA = 11 "uint64_data", EXTERNAL_DATA = 13 "external_data", DATA_LOCATION = 14 "data_location",
}, skipped: 3 "segment", 12 "doc_string", 16 "metadata_props");
layout!(SPARSE_TENSOR, sparse_tensor, "a sparse tensor", { VALUES = 1 "values", INDICES = 2 "indices" },
    skipped: 3 "dims");
layout!(FUNCTION, function, "a function", {
    NAME = 1 "name", INPUT = 4 "input", OUTPUT = 5 "output", NODE = 7 "node", OPSET_IMPORT = 9 "opset_import", DOMAIN = 10 "domain",
    ATTRIBUTE_PROTO = 11 "attribute_proto", VALUE_INFO = 12 "value_info", OVERLOAD = 13 "overload",
}, skipped: 6 "attribute", 8 "doc_string", 14 "metadata_props");
layout!(TRAINING, training, "the training information", {
    INITIALIZATION = 1 "initialization", ALGORITHM = 2 "algorithm",
}, skipped: 3 "initialization_binding", 4 "update_binding");
layout!(VALUE_INFO, value_info, "a value", { NAME = 1 "name", TYPE = 2 "type" },
    skipped: 3 "doc_string", 4 "metadata_props");
layout!(TYPE, value_type, "a type", {
    TENSOR = 1 "tensor_type", SEQUENCE = 4 "sequence_type", MAP = 5 "map_type", OPAQUE = 7 "opaque_type",
    SPARSE_TENSOR = 8 "sparse_tensor_type", OPTIONAL = 9 "optional_type",
}, skipped: 6 "denotation");
layout!(TENSOR_TYPE, tensor_type, "a tensor type", { ELEM_TYPE = 1 "elem_type", SHAPE = 2 "shape" });
layout!(NESTED_TYPE, nested_type, "a sequence or optional type", { ELEM_TYPE = 1 "elem_type" });
layout!(MAP_TYPE, map_type, "a map type", { KEY = 1 "key_type", VALUE = 2 "value_type" });
layout!(OPAQUE_TYPE, opaque_type, "an opaque type", { DOMAIN = 1 "domain", NAME = 2 "name" });
layout!(SHAPE, shape, "a shape", { DIM = 1 "dim" });

/// Layouts of the messages that are decoded whole: only their names are needed.
pub(super) static OPERATOR_SET: Layout = Layout { name: "an operator set import", fields: &[] };
pub(super) static ENTRY: Layout = Layout { name: "a key and value", fields: &[] };
pub(super) static DIMENSION: Layout = Layout { name: "a dimension", fields: &[] };

/// `OperatorSetIdProto`. Text is taken as bytes: a name that is not UTF-8 refuses nothing.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct OperatorSetId {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) domain: Vec<u8>,
    #[prost(int64, optional, tag = "2")]
    pub(super) version: Option<i64>,
}

/// `StringStringEntryProto`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StringStringEntry {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) value: Vec<u8>,
}

/// `TensorShapeProto.Dimension`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ShapeDimension {
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub(super) value: Option<DimensionValue>,
}

/// What a dimension says.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum DimensionValue {
    #[prost(int64, tag = "1")]
    Fixed(i64),
    #[prost(bytes = "vec", tag = "2")]
    Symbol(Vec<u8>),
}

/// `TensorProto.DataLocation.EXTERNAL`.
pub(super) const EXTERNAL: u64 = 1;

/// `TensorProto.DataType` in words, with the bits of one element; the position is the number less one.
const ELEMENT_TYPES: [(&str, u64); 28] = [
    ("float32", 32),
    ("uint8", 8),
    ("int8", 8),
    ("uint16", 16),
    ("int16", 16),
    ("int32", 32),
    ("int64", 64),
    ("string", 0),
    ("bool", 8),
    ("float16", 16),
    ("float64", 64),
    ("uint32", 32),
    ("uint64", 64),
    ("complex64", 64),
    ("complex128", 128),
    ("bfloat16", 16),
    ("float8e4m3fn", 8),
    ("float8e4m3fnuz", 8),
    ("float8e5m2", 8),
    ("float8e5m2fnuz", 8),
    ("uint4", 4),
    ("int4", 4),
    ("float4e2m1", 4),
    ("float8e8m0", 8),
    ("uint2", 2),
    ("int2", 2),
    ("float6e2m3", 6),
    ("float6e3m2", 6),
];

fn element(number: i64) -> Option<(&'static str, u64)> {
    ELEMENT_TYPES.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
}

/// The word for an element type; `None` for `UNDEFINED`.
pub(super) fn element_word(number: i64) -> Option<Cow<'static, str>> {
    match number {
        0 => None,
        number => Some(element(number).map_or_else(|| format!("type-{number}").into(), |(word, _)| word.into())),
    }
}

/// The field that elements of a type lie in, where each takes one entry of it and none lie packed.
pub(super) fn typed_field(number: i64) -> Option<u32> {
    match number {
        1 => Some(tensor::FLOAT_DATA),
        2..=6 | 9 | 10 | 16 => Some(tensor::INT32_DATA),
        7 => Some(tensor::INT64_DATA),
        8 => Some(tensor::STRING_DATA),
        11 => Some(tensor::DOUBLE_DATA),
        12 | 13 => Some(tensor::UINT64_DATA),
        _ => None,
    }
}

/// Whether ONNX has an element type of this number; `UNDEFINED` is none.
pub(super) fn is_element(number: i64) -> bool {
    element(number).is_some()
}

/// The word for an element type in a sentence.
pub(super) fn element_name(number: i64) -> Cow<'static, str> {
    element_word(number).unwrap_or("undefined".into())
}

/// The number of an element type by its word.
pub(super) fn element_number(word: &str) -> Option<i64> {
    let at = ELEMENT_TYPES.iter().position(|(known, _)| *known == word)?;
    i64::try_from(at + 1).ok()
}

/// The bytes that so many elements take in a file, where elements have one size.
pub(super) fn stored_bytes(number: i64, elements: u64) -> Option<u64> {
    // Six-bit floats are left out: how they are packed is not settled.
    let (_, bits) = element(number).filter(|(_, bits)| !matches!(bits, 0 | 6))?;
    elements.checked_mul(bits).map(|bits| bits.div_ceil(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn element_types_follow_the_enumeration() {
        assert_eq!(element_word(0), None);
        assert_eq!(element_word(1).unwrap(), "float32");
        assert_eq!(element_word(16).unwrap(), "bfloat16");
        assert_eq!(element_word(26).unwrap(), "int2");
        assert_eq!(element_word(28).unwrap(), "float6e3m2");
        assert_eq!(element_word(29).unwrap(), "type-29");
        assert_eq!(element_word(i64::MIN).unwrap(), format!("type-{}", i64::MIN));
        assert_eq!(stored_bytes(1, 3), Some(12));
        assert_eq!(stored_bytes(22, 3), Some(2));
        assert_eq!(stored_bytes(8, 3), None);
        assert_eq!(stored_bytes(1, u64::MAX), None);
    }
}
