//! A model as fields inside each other that can be moved, altered and written again, lies included.

/// Messages that hold messages; a field that is none is bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Function,
    Training,
    Value,
    Type,
    TensorType,
    Nested,
    Map,
    Shape,
    Leaf,
}

impl Kind {
    /// What a field of a message holds, if that is a message.
    fn field(self, number: u32) -> Option<Kind> {
        Some(match (self, number) {
            (Kind::Model, 7) | (Kind::Attribute, 6 | 11) | (Kind::Training, 1 | 2) => Kind::Graph,
            (Kind::Model, 8 | 14) | (Kind::Function, 9) | (Kind::Tensor, 13) | (Kind::Shape, 1) | (Kind::Type, 7) => {
                Kind::Leaf
            }
            (Kind::Model, 20) => Kind::Training,
            (Kind::Model, 25) => Kind::Function,
            (Kind::Graph, 1) | (Kind::Function, 7) => Kind::Node,
            (Kind::Graph, 5) | (Kind::Attribute, 5 | 10) | (Kind::Sparse, 1 | 2) => Kind::Tensor,
            (Kind::Graph, 11..=13) | (Kind::Function, 12) => Kind::Value,
            (Kind::Graph, 15) | (Kind::Attribute, 22 | 23) => Kind::Sparse,
            (Kind::Node, 5) | (Kind::Function, 11) => Kind::Attribute,
            (Kind::Attribute, 14 | 15) | (Kind::Value | Kind::Map, 2) | (Kind::Nested, 1) => Kind::Type,
            (Kind::Type, 1 | 8) => Kind::TensorType,
            (Kind::Type, 4 | 9) => Kind::Nested,
            (Kind::Type, 5) => Kind::Map,
            (Kind::TensorType, 2) => Kind::Shape,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Payload {
    Number(u64),
    /// Four or eight bytes.
    Fixed(Vec<u8>),
    Bytes(Vec<u8>),
    Message(Vec<Field>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) payload: Payload,
    /// A length that is written in place of the real one.
    pub(super) claim: Option<u64>,
}

impl Field {
    pub(super) fn message(number: u32, fields: Vec<Field>) -> Self {
        Field { number, payload: Payload::Message(fields), claim: None }
    }

    pub(super) fn text(number: u32, text: &str) -> Self {
        Field { number, payload: Payload::Bytes(text.into()), claim: None }
    }
}

pub(super) fn varint(mut number: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(10);
    while number > 0x7f {
        out.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap());
    out
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn take<'b>(bytes: &mut &'b [u8], length: u64) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(taken)
}

/// The fields of a message; `None` if it is not one that is written again as it was.
pub(super) fn parse(bytes: &[u8], kind: Kind) -> Option<Vec<Field>> {
    let mut rest = bytes;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let key = take_varint(&mut rest)?;
        let number = u32::try_from(key >> 3).ok()?;
        let payload = match key & 7 {
            0 => Payload::Number(take_varint(&mut rest)?),
            1 => Payload::Fixed(take(&mut rest, 8)?.to_vec()),
            5 => Payload::Fixed(take(&mut rest, 4)?.to_vec()),
            2 => {
                let length = take_varint(&mut rest)?;
                let own = take(&mut rest, length)?;
                match kind.field(number).and_then(|kind| parse(own, kind)) {
                    Some(fields) => Payload::Message(fields),
                    None => Payload::Bytes(own.to_vec()),
                }
            }
            _ => return None,
        };
        fields.push(Field { number, payload, claim: None });
    }
    Some(fields).filter(|fields| write(fields) == bytes)
}

pub(super) fn write(fields: &[Field]) -> Vec<u8> {
    let mut out = Vec::new();
    for Field { number, payload, claim } in fields {
        let key = u64::from(*number) << 3;
        let mut sized = |own: &[u8]| {
            out.extend(varint(key | 2));
            out.extend(varint(claim.unwrap_or(own.len() as u64)));
            out.extend_from_slice(own);
        };
        match payload {
            Payload::Message(fields) => sized(&write(fields)),
            Payload::Bytes(bytes) => sized(bytes),
            Payload::Number(value) => {
                out.extend(varint(key));
                out.extend(varint(*value));
            }
            Payload::Fixed(bytes) => {
                out.extend(varint(key | if bytes.len() == 8 { 1 } else { 5 }));
                out.extend_from_slice(bytes);
            }
        }
    }
    out
}

/// All fields, those inside others too.
pub(super) fn count(fields: &[Field]) -> usize {
    let inner = |field: &Field| if let Payload::Message(fields) = &field.payload { count(fields) } else { 0 };
    fields.iter().map(|field| 1 + inner(field)).sum()
}

/// Does something with one field, counted from the start of the file.
pub(super) fn with(fields: &mut [Field], at: usize, act: &mut dyn FnMut(&mut Field)) {
    let mut left = at;
    for field in fields {
        if left == 0 {
            return act(field);
        }
        left -= 1;
        if let Payload::Message(inner) = &mut field.payload {
            let own = count(inner);
            if left < own {
                return with(inner, left, act);
            }
            left -= own;
        }
    }
}

/// Does something with the fields of the message that holds one field.
pub(super) fn beside(fields: &mut Vec<Field>, at: usize, act: &mut dyn FnMut(&mut Vec<Field>, usize)) {
    let mut left = at;
    for index in 0..fields.len() {
        if left == 0 {
            return act(fields, index);
        }
        left -= 1;
        if let Payload::Message(inner) = &mut fields[index].payload {
            let own = count(inner);
            if left < own {
                return beside(inner, left, act);
            }
            left -= own;
        }
    }
}
