//! Which IR version a model really needs, and the one byte that says which it claims.
//!
//! Every part of the model is looked at (weights are stepped over) for what came with an IR version. Source: the history
//! of versions in <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>, enumeration `Version`, read 2026-11-23.
//!
//! One thing that is newer than the lowest version is no obstacle: notes in `metadata_props` of nodes, graphs, tensors and
//! values (IR 10), which mean nothing to a runtime and are skipped by readers that do not know them.

use super::{
    messages::{self, Layout},
    wire::{Fields, Part, Value},
};

/// IR 4 let initialisers stand without being inputs; what lies below is another meaning, not another number.
const LEAST: i64 = 4;

/// Messages inside each other beyond this number are no model.
const DEEPEST: usize = 64;

/// What a model claims, and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lowering {
    /// The IR version that the file states.
    pub stated: u8,
    /// The lowest one under which everything in the file has a meaning.
    pub needed: u8,
    /// The byte of the file that holds the version.
    pub at: usize,
}

impl Lowering {
    /// Looks at a whole model; `None` where it holds something that no known version explains, or where its version is
    /// not one byte.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Option<Lowering> {
        let mut scan = Scan { bytes, needed: LEAST };
        let mut fields = Fields::new(bytes, Part::whole(bytes), &messages::MODEL);
        let mut stated = None;
        while let Some(field) = fields.pull().ok()? {
            if let (1, Value::Number(version)) = (field.number, field.value) {
                let at = fields.position() - 1;
                let plain = version < 0x80 && bytes.get(at).copied() == u8::try_from(version).ok();
                if stated.is_some() || !plain {
                    return None;
                }
                stated = Some((u8::try_from(version).ok()?, at));
            }
        }
        scan.message(Part::whole(bytes), &messages::MODEL, 0)?;
        let (stated, at) = stated?;
        Some(Lowering { stated, needed: u8::try_from(scan.needed).ok()?, at })
    }
}

struct Scan<'b> {
    bytes: &'b [u8],
    needed: i64,
}

impl Scan<'_> {
    fn needs(&mut self, version: i64) {
        self.needed = self.needed.max(version);
    }

    /// Something that came with a version.
    fn part(&mut self, part: Part, layout: &'static Layout, version: i64, depth: usize) -> Option<()> {
        self.needs(version);
        self.message(part, layout, depth + 1)
    }

    fn element_type(&mut self, number: u64) -> Option<()> {
        self.needs(match number {
            0..=15 => LEAST,
            16 => 4,
            17..=20 => 9,
            21 | 22 => 10,
            23 => 11,
            24 => 12,
            25 | 26 => 13,
            _ => return None,
        });
        Some(())
    }

    fn message(&mut self, part: Part, layout: &'static Layout, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        let is = |other: &'static Layout| std::ptr::eq(layout, other);
        if is(&messages::ATTRIBUTE) {
            return self.attribute(part, depth);
        }
        let mut fields = Fields::new(self.bytes, part, layout);
        while let Some(field) = fields.pull().ok()? {
            // What this list does not know may be newer than every version in it.
            layout.field(field.number)?;
            match (field.number, field.value) {
                (7, Value::Bytes(it)) if is(&messages::MODEL) => self.part(it, &messages::GRAPH, LEAST, depth)?,
                (20, Value::Bytes(it)) if is(&messages::MODEL) => self.part(it, &messages::TRAINING, 7, depth)?,
                (25, Value::Bytes(it)) if is(&messages::MODEL) => self.part(it, &messages::FUNCTION, 8, depth)?,
                (26, _) if is(&messages::MODEL) => self.needs(11),
                (1 | 2, Value::Bytes(it)) if is(&messages::TRAINING) => self.part(it, &messages::GRAPH, 7, depth)?,
                (1, Value::Bytes(it)) if is(&messages::GRAPH) => self.part(it, &messages::NODE, LEAST, depth)?,
                (5, Value::Bytes(it)) if is(&messages::GRAPH) => self.part(it, &messages::TENSOR, LEAST, depth)?,
                (11..=13, Value::Bytes(it)) if is(&messages::GRAPH) => {
                    self.part(it, &messages::VALUE_INFO, LEAST, depth)?;
                }
                (14, _) if is(&messages::GRAPH) => self.needs(5),
                (15, Value::Bytes(it)) if is(&messages::GRAPH) => self.part(it, &messages::SPARSE_TENSOR, 6, depth)?,
                (7, Value::Bytes(it)) if is(&messages::FUNCTION) => self.part(it, &messages::NODE, 8, depth)?,
                (11, Value::Bytes(it)) if is(&messages::FUNCTION) => self.part(it, &messages::ATTRIBUTE, 9, depth)?,
                (12, Value::Bytes(it)) if is(&messages::FUNCTION) => self.part(it, &messages::VALUE_INFO, 10, depth)?,
                (13, Value::Bytes(it)) if is(&messages::FUNCTION) && it.start < it.end => self.needs(10),
                (5, Value::Bytes(it)) if is(&messages::NODE) => self.part(it, &messages::ATTRIBUTE, LEAST, depth)?,
                (8, Value::Bytes(it)) if is(&messages::NODE) && it.start < it.end => self.needs(10),
                (10, _) if is(&messages::NODE) => self.needs(11),
                (2, Value::Number(it)) if is(&messages::TENSOR) => self.element_type(it)?,
                (1 | 2, Value::Bytes(it)) if is(&messages::SPARSE_TENSOR) => {
                    self.part(it, &messages::TENSOR, 6, depth)?;
                }
                (2, Value::Bytes(it)) if is(&messages::VALUE_INFO) => self.part(it, &messages::TYPE, LEAST, depth)?,
                (1, Value::Bytes(it)) if is(&messages::TYPE) => self.part(it, &messages::TENSOR_TYPE, LEAST, depth)?,
                (4, Value::Bytes(it)) if is(&messages::TYPE) => self.part(it, &messages::NESTED_TYPE, LEAST, depth)?,
                (5, Value::Bytes(it)) if is(&messages::TYPE) => self.part(it, &messages::MAP_TYPE, LEAST, depth)?,
                (8, Value::Bytes(it)) if is(&messages::TYPE) => self.part(it, &messages::TENSOR_TYPE, 8, depth)?,
                (9, Value::Bytes(it)) if is(&messages::TYPE) => self.part(it, &messages::NESTED_TYPE, 8, depth)?,
                (1, Value::Number(it)) if is(&messages::TENSOR_TYPE) => self.element_type(it)?,
                (1, Value::Bytes(it)) if is(&messages::NESTED_TYPE) => self.part(it, &messages::TYPE, LEAST, depth)?,
                (2, Value::Bytes(it)) if is(&messages::MAP_TYPE) => self.part(it, &messages::TYPE, LEAST, depth)?,
                _ => {}
            }
        }
        Some(())
    }

    /// An attribute, whose number may be an element type, as `to` of `Cast` is.
    fn attribute(&mut self, part: Part, depth: usize) -> Option<()> {
        let layout = &messages::ATTRIBUTE;
        let (mut fields, mut name, mut number) =
            (Fields::new(self.bytes, part, layout), Part { start: 0, end: 0 }, None);
        while let Some(field) = fields.pull().ok()? {
            layout.field(field.number)?;
            match (field.number, field.value) {
                (1, Value::Bytes(it)) => name = it,
                (3, Value::Number(it)) => number = Some(it),
                (5 | 10, Value::Bytes(it)) => self.part(it, &messages::TENSOR, LEAST, depth)?,
                (6 | 11, Value::Bytes(it)) => self.part(it, &messages::GRAPH, LEAST, depth)?,
                (14 | 15, Value::Bytes(it)) => self.part(it, &messages::TYPE, LEAST, depth)?,
                (22 | 23, Value::Bytes(it)) => self.part(it, &messages::SPARSE_TENSOR, 6, depth)?,
                _ => {}
            }
        }
        let names_type = |name: &[u8]| name == b"to" || name.ends_with(b"dtype");
        match number {
            Some(number) if names_type(name.of(self.bytes)) => self.element_type(number),
            _ => Some(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use onnx_protobuf::{
        FunctionProto, GraphProto, Message as _, ModelProto, NodeProto, SparseTensorProto, StringStringEntryProto,
        TensorProto,
    };

    use super::*;

    fn model(spoil: impl FnOnce(&mut ModelProto, &mut GraphProto)) -> Option<Lowering> {
        let mut graph = GraphProto::new();
        let mut model = ModelProto::new();
        model.ir_version = 10;
        spoil(&mut model, &mut graph);
        model.graph = Some(graph).into();
        Lowering::of(&model.write_to_bytes().expect("a model"))
    }

    fn weight(element: i32) -> TensorProto {
        TensorProto { data_type: element, raw_data: vec![0x0a; 40], ..TensorProto::new() }
    }

    #[test]
    fn what_came_with_a_version_needs_it() {
        let needed = |spoil: &dyn Fn(&mut ModelProto, &mut GraphProto)| model(|a, b| spoil(a, b)).map(|it| it.needed);
        assert_eq!(needed(&|_, _| ()), Some(4));
        assert_eq!(needed(&|_, graph| graph.initializer.push(weight(1))), Some(4));
        assert_eq!(needed(&|_, graph| graph.initializer.push(weight(17))), Some(9));
        assert_eq!(needed(&|_, graph| graph.initializer.push(weight(22))), Some(10));
        assert_eq!(needed(&|_, graph| graph.initializer.push(weight(99))), None);
        assert_eq!(needed(&|model, _| model.functions.push(FunctionProto::new())), Some(8));
        assert_eq!(needed(&|_, graph| graph.sparse_initializer.push(SparseTensorProto::new())), Some(6));
        let overloaded = NodeProto { overload: "fast".into(), ..NodeProto::new() };
        assert_eq!(needed(&|_, graph| graph.node.push(overloaded.clone())), Some(10));
        let noted = NodeProto { metadata_props: vec![StringStringEntryProto::new()], ..NodeProto::new() };
        assert_eq!(needed(&|_, graph| graph.node.push(noted.clone())), Some(4));
    }

    #[test]
    fn the_byte_is_the_one_that_states_the_version() {
        let found = model(|model, _| model.producer_name = "x".into()).expect("a model");
        assert_eq!((found.stated, found.at), (10, 1));
        assert_eq!(Lowering::of(&[0x08, 0x8a, 0x00, 0x3a, 0x00]), None, "ten in two bytes");
        assert_eq!(Lowering::of(&[0x08, 0x0a, 0x08, 0x0a, 0x3a, 0x00]), None, "two versions");
        assert_eq!(Lowering::of(&[0x3a, 0x00]), None, "no version");
        assert_eq!(Lowering::of(&[0x08, 0x0a, 0x3a, 0x05]), None, "cut off");
        assert_eq!(Lowering::of(&[0x08, 0x0a, 0x3a, 0x02, 0xc8, 0x3e]), None, "a graph with an unknown field");
    }
}
