//! Types and shapes of values, and the signature that they make up.

use prost::Message as _;

use super::{DEPTH_LIMIT, RANK_LIMIT, SIGNATURE_LIMIT, Topic, Walk, lossy};
use crate::{
    fact::{Dimension, Signature},
    input::onnx::{
        messages::{
            self, DimensionValue, ShapeDimension, element_word, graph, map_type, model, nested_type, opaque_type,
            shape, tensor_type, value_info, value_type,
        },
        view::shown,
        wire::{Fields, Part, Value, WireError},
    },
};

/// A type as far as its message was read; shapes are decoded only where they are wanted.
#[derive(Debug)]
pub(super) enum Kind {
    Unset,
    TooDeep,
    Tensor { element: i64, shape: Option<Part> },
    Sparse { element: i64, shape: Option<Part> },
    Sequence(Box<Kind>),
    Optional(Box<Kind>),
    Map(i64, Box<Kind>),
    Opaque { domain: Part, name: Part },
}

impl<'a> Walk<'a> {
    /// Reads a value's name and type.
    pub(super) fn value(&mut self, part: Part) -> Result<(&'a [u8], Kind), WireError> {
        let mut name: &[u8] = b"";
        let mut kind = Kind::Unset;
        let mut fields = Fields::new(self.bytes, part, &messages::VALUE_INFO);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (value_info::NAME, Value::Bytes(part)) => name = part.of(self.bytes),
                (value_info::TYPE, Value::Bytes(part)) => kind = self.value_type(part, 0)?,
                _ => {}
            }
        }
        Ok((name, kind))
    }

    pub(super) fn value_type(&mut self, part: Part, depth: usize) -> Result<Kind, WireError> {
        if depth >= DEPTH_LIMIT {
            self.note(Topic::Type, || format!("types lie more than {DEPTH_LIMIT} deep inside each other"));
            return Ok(Kind::TooDeep);
        }
        let mut kind = Kind::Unset;
        let mut fields = Fields::new(self.bytes, part, &messages::TYPE);
        while let Some(field) = fields.pull()? {
            let Value::Bytes(part) = field.value else { continue };
            kind = match field.number {
                value_type::TENSOR => {
                    let (element, shape) = self.tensor_type(part)?;
                    Kind::Tensor { element, shape }
                }
                value_type::SPARSE_TENSOR => {
                    let (element, shape) = self.tensor_type(part)?;
                    Kind::Sparse { element, shape }
                }
                value_type::SEQUENCE => Kind::Sequence(Box::new(self.nested_type(part, depth)?)),
                value_type::OPTIONAL => Kind::Optional(Box::new(self.nested_type(part, depth)?)),
                value_type::MAP => self.map_type(part, depth)?,
                value_type::OPAQUE => self.opaque_type(part)?,
                _ => continue,
            };
        }
        Ok(kind)
    }

    fn tensor_type(&mut self, part: Part) -> Result<(i64, Option<Part>), WireError> {
        let (mut element, mut shape) = (0, None);
        let mut fields = Fields::new(self.bytes, part, &messages::TENSOR_TYPE);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (tensor_type::ELEM_TYPE, Value::Number(number)) => element = number.cast_signed(),
                (tensor_type::SHAPE, Value::Bytes(part)) => shape = Some(part),
                _ => {}
            }
        }
        self.element(element);
        Ok((element, shape))
    }

    fn nested_type(&mut self, part: Part, depth: usize) -> Result<Kind, WireError> {
        let mut kind = Kind::Unset;
        let mut fields = Fields::new(self.bytes, part, &messages::NESTED_TYPE);
        while let Some(field) = fields.pull()? {
            if let (nested_type::ELEM_TYPE, Value::Bytes(part)) = (field.number, field.value) {
                kind = self.value_type(part, depth + 1)?;
            }
        }
        Ok(kind)
    }

    fn map_type(&mut self, part: Part, depth: usize) -> Result<Kind, WireError> {
        let (mut key, mut value) = (0, Kind::Unset);
        let mut fields = Fields::new(self.bytes, part, &messages::MAP_TYPE);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (map_type::KEY, Value::Number(number)) => key = number.cast_signed(),
                (map_type::VALUE, Value::Bytes(part)) => value = self.value_type(part, depth + 1)?,
                _ => {}
            }
        }
        self.element(key);
        Ok(Kind::Map(key, Box::new(value)))
    }

    fn opaque_type(&mut self, part: Part) -> Result<Kind, WireError> {
        let (mut domain, mut name) = (Part { start: 0, end: 0 }, Part { start: 0, end: 0 });
        let mut fields = Fields::new(self.bytes, part, &messages::OPAQUE_TYPE);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (opaque_type::DOMAIN, Value::Bytes(part)) => domain = part,
                (opaque_type::NAME, Value::Bytes(part)) => name = part,
                _ => {}
            }
        }
        Ok(Kind::Opaque { domain, name })
    }

    /// The third walk: inputs that are no initialisers, and outputs.
    pub(super) fn signature(&mut self) -> Result<(), WireError> {
        let mut model = Fields::new(self.bytes, Part::whole(self.bytes), &messages::MODEL);
        while let Some(field) = model.pull()? {
            let (model::GRAPH, Value::Bytes(part)) = (field.number, field.value) else { continue };
            let mut fields = Fields::new(self.bytes, part, &messages::GRAPH);
            while let Some(field) = fields.pull()? {
                let is_input = field.number == graph::INPUT;
                let Value::Bytes(part) = field.value else { continue };
                if !is_input && field.number != graph::OUTPUT {
                    continue;
                }
                let (name, kind) = self.value(part)?;
                if is_input && self.inputs.get(name) == Some(&true) {
                    continue;
                }
                let known = if is_input { self.model.inputs.len() } else { self.model.outputs.len() };
                if known == SIGNATURE_LIMIT {
                    self.note(Topic::Signature, || format!("more than {SIGNATURE_LIMIT} inputs or outputs"));
                    continue;
                }
                let value = self.spell(name, &kind)?;
                if is_input { self.model.inputs.push(value) } else { self.model.outputs.push(value) }
            }
        }
        Ok(())
    }

    fn spell(&mut self, name: &[u8], kind: &Kind) -> Result<Signature, WireError> {
        let shape = match kind {
            Kind::Tensor { shape: Some(part), .. } | Kind::Sparse { shape: Some(part), .. } => {
                self.shape(*part, name)?
            }
            _ => None,
        };
        Ok(Signature { name: lossy(name), dtype: self.word(kind), shape, span: None })
    }

    fn word(&self, kind: &Kind) -> Option<String> {
        let inner = |kind: &Kind| self.word(kind).unwrap_or_else(|| "?".to_owned());
        match kind {
            Kind::Unset | Kind::TooDeep => None,
            Kind::Tensor { element, .. } => element_word(*element).map(Into::into),
            Kind::Sparse { element, .. } => {
                Some(format!("sparse({})", element_word(*element).unwrap_or_else(|| "?".into())))
            }
            Kind::Sequence(kind) => Some(format!("sequence({})", inner(kind))),
            Kind::Optional(kind) => Some(format!("optional({})", inner(kind))),
            Kind::Map(key, value) => {
                Some(format!("map({},{})", element_word(*key).unwrap_or_else(|| "?".into()), inner(value)))
            }
            Kind::Opaque { domain, name } => {
                let (domain, name) = (domain.of(self.bytes), name.of(self.bytes));
                Some(format!("opaque({},{})", lossy(domain), lossy(name)))
            }
        }
    }

    fn shape(&mut self, part: Part, name: &[u8]) -> Result<Option<Vec<Dimension>>, WireError> {
        let mut dimensions = Vec::new();
        let mut fields = Fields::new(self.bytes, part, &messages::SHAPE);
        while let Some(field) = fields.pull()? {
            let (shape::DIM, Value::Bytes(part)) = (field.number, field.value) else { continue };
            if dimensions.len() == RANK_LIMIT {
                self.note(Topic::Shape, || format!("`{}` has more than {RANK_LIMIT} dimensions", shown(name, 80)));
                return Ok(None);
            }
            let dimension = ShapeDimension::decode(part.of(self.bytes))
                .map_err(|fault| WireError::leaf(&messages::DIMENSION, part, &fault))?;
            dimensions.push(match dimension.value {
                // Some exporters write -1 for a size they do not know.
                Some(DimensionValue::Fixed(size)) if size >= 0 => Dimension::Fixed(size),
                Some(DimensionValue::Symbol(symbol)) if !symbol.is_empty() => Dimension::Symbol(lossy(&symbol)),
                _ => Dimension::Unknown,
            });
        }
        Ok(Some(dimensions))
    }
}
