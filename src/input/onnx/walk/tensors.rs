//! Tensors: name, element type and where the elements lie outside the model. The elements themselves are stepped over.

use super::{
    EXTERNAL_LIMIT, Topic, Walk,
    elements::FAULT_LIMIT,
    lossy,
    sizes::{Elements, Shape, Sizes},
};
use crate::{
    fact::{ExternalData, ExternalFile},
    input::onnx::{
        messages::{self, sparse_tensor, tensor},
        view::shown,
        wire::{Fields, Part, Value, WireError, packed},
    },
};

/// A tensor without its elements.
#[derive(Debug, Default)]
pub(super) struct Tensor<'a> {
    pub(super) name: &'a [u8],
    /// The number of its element type.
    pub(super) element: i64,
    /// What is wrong with it, if it is used.
    pub(super) fault: Option<String>,
    /// Where it lies outside the model: the place of the file, and how far it must reach.
    pub(super) outside: Option<(usize, Option<u64>)>,
    /// The fault is a size below zero.
    pub(super) is_negative: bool,
    /// Elements lie in two fields of it.
    pub(super) is_twofold: bool,
    /// Its sizes, unless there are too many.
    pub(super) sizes: Option<Sizes>,
    /// How many elements its sizes make.
    count: Option<u64>,
    is_external: bool,
}

/// Elements of a constant that are looked at.
pub(super) const CONSTANT_LIMIT: u64 = 64;

impl Tensor<'_> {
    /// What is known of its shape, and where its elements lie if they may be sizes or places.
    pub(super) fn shape(&self, part: Part) -> Option<Shape> {
        let is_read = matches!(self.element, 1 | 6 | 7)
            && !self.is_external
            && self.count.is_some_and(|count| count <= CONSTANT_LIMIT);
        let elements = if is_read { Elements::Tensor(part) } else { Elements::Unread };
        self.sizes.map(|sizes| Shape { sizes, elements })
    }
}

/// What a tensor says about itself, without its elements.
#[derive(Debug, Default)]
struct Header<'a> {
    name: &'a [u8],
    element: i64,
    /// Product of the dimensions; `None` once it is no number.
    elements: Option<u64>,
    /// The length of its elements where they lie in one piece inside the model.
    raw: Option<u64>,
    /// The sizes, unless there are too many.
    sizes: Option<Sizes>,
    /// A size is below zero.
    is_negative: bool,
    /// Fewest and most elements that lie in typed fields, by the number of the field.
    typed: Option<(u32, u64, u64)>,
    is_external: bool,
    location: Option<Vec<u8>>,
    offset: Option<Vec<u8>>,
    length: Option<Vec<u8>>,
    /// A key that the format does not have.
    odd_key: Option<Vec<u8>>,
}

impl Header<'_> {
    fn size(&mut self, size: u64) {
        if let Some(sizes) = &mut self.sizes
            && sizes.push(Some(size.cast_signed())).is_none()
        {
            self.sizes = None;
        }
        let size = u64::try_from(size.cast_signed()).ok();
        self.is_negative |= size.is_none();
        self.elements = self.elements.zip(size).and_then(|(elements, size)| elements.checked_mul(size));
    }

    /// Counts elements in a typed field.
    fn holds(&mut self, field: u32, least: u64, most: u64) {
        let (known, old_least, old_most) = self.typed.unwrap_or((field, 0, 0));
        // Of several fields the one that the type asks for counts.
        let (old_least, old_most) = if known == field { (old_least, old_most) } else { (0, 0) };
        if known == field || Some(field) == messages::typed_field(self.element) {
            self.typed = Some((field, old_least.saturating_add(least), old_most.saturating_add(most)));
        }
    }

    /// Counts elements of which each takes so many bytes at least and at most.
    fn packed(&mut self, field: u32, part: Part, least: u64, most: u64) {
        let bytes = (part.end - part.start) as u64;
        self.holds(field, bytes.div_ceil(most), bytes / least);
    }

    /// What is wrong with the elements inside the model.
    fn fault(&self) -> Option<String> {
        let name = || shown(self.name, 80);
        if self.is_negative {
            return Some(format!("weight `{}` has a size below zero", name()));
        }
        let elements = self.elements.filter(|_| !self.is_external)?;
        if let Some(raw) = self.raw.filter(|raw| *raw > 0 || self.typed.is_none()) {
            let own = messages::stored_bytes(self.element, elements).filter(|own| *own != raw)?;
            return Some(format!("weight `{}` takes {own} bytes by its type and shape, and has {raw}", name()));
        }
        let wanted = messages::typed_field(self.element)?;
        let (least, most) = match self.typed {
            Some((field, least, most)) if field == wanted => (least, most),
            _ => (0, 0),
        };
        let fits = (least..=most).contains(&elements);
        (!fits).then(|| {
            format!(
                "weight `{}` takes {elements} elements by its shape, and has {}",
                name(),
                if most < elements { most } else { least }
            )
        })
    }
}

/// A number of an external tensor that is stated, but is none.
struct NotANumber;

impl<'a> Walk<'a> {
    /// Reads a sparse tensor; its name and element type are those of its values.
    pub(super) fn sparse_tensor(&mut self, part: Part) -> Result<Tensor<'a>, WireError> {
        let mut values = Tensor::default();
        let mut fields = Fields::new(self.bytes, part, &messages::SPARSE_TENSOR);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (sparse_tensor::VALUES, Value::Bytes(part)) => values = self.tensor(part)?,
                (sparse_tensor::INDICES, Value::Bytes(part)) => {
                    let indices = self.tensor(part)?;
                    self.used_tensor(indices);
                }
                _ => {}
            }
        }
        Ok(values)
    }

    /// Reads a tensor's header.
    pub(super) fn tensor(&mut self, part: Part) -> Result<Tensor<'a>, WireError> {
        let mut header = Header { elements: Some(1), sizes: Some(Sizes::default()), ..Header::default() };
        let mut fields = Fields::new(self.bytes, part, &messages::TENSOR);
        while let Some(field) = fields.pull()? {
            match (field.number, field.value) {
                (tensor::DIMS, Value::Number(size)) => header.size(size),
                (tensor::DIMS, Value::Bytes(part)) => packed(part.of(self.bytes)).for_each(|size| header.size(size)),
                (tensor::DATA_TYPE, Value::Number(number)) => header.element = number.cast_signed(),
                (tensor::RAW_DATA, Value::Bytes(part)) => header.raw = Some((part.end - part.start) as u64),
                (tensor::FLOAT_DATA | tensor::DOUBLE_DATA, Value::Fixed) => header.holds(field.number, 1, 1),
                (tensor::INT32_DATA | tensor::INT64_DATA | tensor::UINT64_DATA, Value::Number(_))
                | (tensor::STRING_DATA, Value::Bytes(_)) => {
                    header.holds(field.number, 1, 1);
                }
                (tensor::FLOAT_DATA, Value::Bytes(part)) => header.packed(field.number, part, 4, 4),
                (tensor::DOUBLE_DATA, Value::Bytes(part)) => header.packed(field.number, part, 8, 8),
                // A number takes one to ten bytes, and they are not counted one by one.
                (tensor::INT32_DATA | tensor::INT64_DATA | tensor::UINT64_DATA, Value::Bytes(part)) => {
                    header.packed(field.number, part, 1, 10);
                }
                (tensor::NAME, Value::Bytes(part)) => header.name = part.of(self.bytes),
                (tensor::DATA_LOCATION, Value::Number(number)) => header.is_external = number == messages::EXTERNAL,
                (tensor::EXTERNAL_DATA, Value::Bytes(part)) => {
                    let entry = self.entry(part)?;
                    match entry.key.as_slice() {
                        b"location" => header.location = Some(entry.value),
                        b"offset" => header.offset = Some(entry.value),
                        b"length" => header.length = Some(entry.value),
                        b"checksum" => {}
                        _ => header.odd_key = Some(entry.key),
                    }
                }
                _ => {}
            }
        }
        self.element(header.element);
        let outside = if header.is_external { self.external(&header) } else { None };
        let fault = if self.model.faults.len() < FAULT_LIMIT { header.fault() } else { None };
        let is_twofold = header.raw.is_some() && header.typed.is_some();
        Ok(Tensor {
            name: header.name,
            element: header.element,
            fault,
            outside,
            is_negative: header.is_negative,
            is_twofold,
            sizes: header.sizes,
            count: header.elements,
            is_external: header.is_external,
        })
    }

    fn external(&mut self, header: &Header<'_>) -> Option<(usize, Option<u64>)> {
        let name = header.name;
        let Some(location) = header.location.as_ref().filter(|location| !location.is_empty()) else {
            self.external_fault(format!(
                "tensor `{}` is stored outside the model, but in no named file",
                shown(name, 80)
            ));
            return None;
        };
        if let Some(key) = &header.odd_key {
            self.external_fault(format!("tensor `{}` has the unknown key `{}`", shown(name, 80), shown(key, 40)));
        }
        let offset = self.external_number(name, "offset", header.offset.as_deref());
        let length = self.external_number(name, "length", header.length.as_deref());
        let own = header.elements.and_then(|elements| messages::stored_bytes(header.element, elements));
        if messages::element_word(header.element).is_some_and(|word| word == "string") {
            self.external_fault(format!(
                "tensor `{}` holds texts, which cannot lie outside the model",
                shown(name, 80)
            ));
        }
        // A length of zero is taken for none.
        if let (Ok(Some(length @ 1..)), Some(own)) = (&length, own)
            && *length != own
        {
            let name = shown(name, 80);
            self.external_fault(format!(
                "tensor `{name}` takes {own} bytes by its type and shape, its length says {length}"
            ));
        }
        let needed = match (offset, length) {
            (Ok(offset), Ok(length)) => length.or(own).and_then(|length| length.checked_add(offset.unwrap_or(0))),
            _ => None,
        };
        let at = match self.external.get(location) {
            Some(at) => *at,
            None if self.model.external_data.len() < EXTERNAL_LIMIT => {
                let text = lossy(location);
                self.external.insert(location.clone(), self.model.external_data.len());
                self.model.external_data.push(ExternalData {
                    location: text,
                    tensors: 0,
                    is_used: false,
                    used_bytes: None,
                    needed_bytes: None,
                    found: ExternalFile::Unknown,
                });
                self.model.external_data.len() - 1
            }
            None => {
                self.note(Topic::External, || format!("more than {EXTERNAL_LIMIT} files with external data"));
                return None;
            }
        };
        let file = &mut self.model.external_data[at];
        file.tensors += u64::from(!self.followed.is_inside());
        file.needed_bytes = file.needed_bytes.max(needed);
        Some((at, needed))
    }

    fn external_fault(&mut self, text: String) {
        self.note(Topic::External, || text.clone());
        if self.model.external_faults.len() < FAULT_LIMIT {
            self.model.external_faults.push(text);
        }
    }

    /// A number of an external tensor, if it is stated.
    fn external_number(&mut self, name: &[u8], key: &str, text: Option<&[u8]>) -> Result<Option<u64>, NotANumber> {
        let Some(text) = text else { return Ok(None) };
        let number = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse().ok());
        if number.is_none() {
            let (name, text) = (shown(name, 80), shown(text, 80));
            self.external_fault(format!("expected a number as {key} of the external tensor `{name}`, found `{text}`"));
        }
        number.map(Some).ok_or(NotANumber)
    }
}
