//! The protobuf wire format, walked in place: fields come out one by one and nothing is copied.
//!
//! Specification: <https://protobuf.dev/programming-guides/encoding/>. Every length is checked against the message that
//! holds it before it is used, so a length that lies is an error with its byte, not an allocation. Groups, which ONNX
//! never had, are refused.

use std::fmt;

use prost::encoding::{WireType, decode_key, decode_varint};

use super::messages::Layout;

/// Bytes of the file; `start <= end <= the file's length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Part {
    /// All of the file.
    pub(super) fn whole(file: &[u8]) -> Part {
        Part { start: 0, end: file.len() }
    }

    /// The bytes themselves.
    pub(super) fn of(self, file: &[u8]) -> &[u8] {
        &file[self.start..self.end]
    }
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A variable-length number.
    Number(u64),
    /// Four or eight bytes, which nothing read here is stored in.
    Fixed,
    /// Text, bytes, a message or packed numbers.
    Bytes(Part),
}

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) value: Value,
}

/// What is wrong at a byte.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reason {
    /// A field is longer than what holds it.
    TooLong { claims: u64, end: usize },
    /// A number that runs past the end of what holds it, or has too many digits.
    Number { end: usize },
    /// No field begins like this.
    Key,
    /// A group.
    Group,
    /// A small message whose fields have the wrong types.
    Leaf(String),
}

/// Why the walk ended, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WireError(Box<Detail>);

/// Boxed, so that the walk hands small results around.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Detail {
    /// The byte at which the field begins.
    at: usize,
    layout: &'static Layout,
    field: Option<u32>,
    reason: Reason,
    file_end: usize,
}

impl WireError {
    /// A leaf that `prost` could not decode.
    pub(super) fn leaf(layout: &'static Layout, part: Part, fault: &prost::DecodeError) -> Self {
        let reason = Reason::Leaf(fault.to_string());
        WireError(Box::new(Detail { at: part.start, layout, field: None, reason, file_end: 0 }))
    }

    /// Whether the walk ended in this field.
    pub(super) fn is_in(&self, field: u32) -> bool {
        self.0.field == Some(field)
    }

    /// Whether the file ends too early, rather than contradicting itself.
    pub(super) fn is_cut_off(&self) -> bool {
        matches!(self.0.reason, Reason::TooLong { end, .. } | Reason::Number { end } if end == self.0.file_end)
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Detail { at, layout, field, reason, file_end } = &*self.0;
        let of = layout.name;
        let field = match *field {
            Some(number) => match layout.field(number) {
                Some(name) => format!("`{name}` of {of}"),
                None => format!("field {number} of {of}"),
            },
            None => format!("a field of {of}"),
        };
        let ends = |end: &usize| {
            if end == file_end { format!("the file ends at byte {end}") } else { format!("{of} ends at byte {end}") }
        };
        match reason {
            Reason::TooLong { claims, end } => {
                write!(f, "{field} begins at byte {at} and claims {claims} bytes, but {}", ends(end))
            }
            Reason::Number { end } => write!(f, "{field} at byte {at} holds no whole number, and {}", ends(end)),
            Reason::Key => write!(f, "expected a field of {of} at byte {at}, found none"),
            Reason::Group => write!(f, "{field} at byte {at} is a group, which ONNX does not have"),
            Reason::Leaf(why) => write!(f, "{of} at byte {at} is malformed: {why}"),
        }
    }
}

/// The fields of one message, in file order.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    file: &'a [u8],
    rest: &'a [u8],
    end: usize,
    layout: &'static Layout,
}

impl<'a> Fields<'a> {
    /// The fields of the message in `part`.
    pub(super) fn new(file: &'a [u8], part: Part, layout: &'static Layout) -> Self {
        Fields { file, rest: part.of(file), end: part.end, layout }
    }

    /// The byte behind the last field that came out.
    pub(super) fn position(&self) -> usize {
        self.end - self.rest.len()
    }

    /// The next field, `None` at the end of the message.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a large model is little else than fields")]
    pub(super) fn pull(&mut self) -> Result<Option<Field>, WireError> {
        // Nearly every field has a key and a length or number of one byte each; all others take the long way.
        match self.rest {
            [] => Ok(None),
            [key, length, after @ ..]
                if key & 0x87 == 2 && *key > 7 && usize::from(*length) <= after.len().min(0x7f) =>
            {
                let start = self.end - after.len();
                self.rest = &after[usize::from(*length)..];
                let value = Value::Bytes(Part { start, end: start + usize::from(*length) });
                Ok(Some(Field { number: u32::from(key >> 3), value }))
            }
            [key, number, after @ ..] if key & 0x87 == 0 && *key > 7 && *number < 0x80 => {
                self.rest = after;
                Ok(Some(Field { number: u32::from(key >> 3), value: Value::Number(u64::from(*number)) }))
            }
            _ => self.pull_any().map(Some),
        }
    }

    /// The next field of whatever kind; there is at least one byte.
    #[inline(never)]
    fn pull_any(&mut self) -> Result<Field, WireError> {
        let at = self.position();
        let mut rest = self.rest;
        let (number, wire) = decode_key(&mut rest).map_err(|_| {
            let unfinished = self.rest.len() < 10 && self.rest.iter().all(|byte| byte & 0x80 != 0);
            self.error(at, None, if unfinished { Reason::Number { end: self.end } } else { Reason::Key })
        })?;
        let value = match wire {
            WireType::Varint => Value::Number(self.number(&mut rest, at, number)?),
            WireType::SixtyFourBit => {
                self.skip(&mut rest, 8, at, number)?;
                Value::Fixed
            }
            WireType::ThirtyTwoBit => {
                self.skip(&mut rest, 4, at, number)?;
                Value::Fixed
            }
            WireType::LengthDelimited => {
                let length = self.number(&mut rest, at, number)?;
                let start = self.end - rest.len();
                let length = self.skip(&mut rest, length, at, number)?;
                Value::Bytes(Part { start, end: start + length })
            }
            WireType::StartGroup | WireType::EndGroup => return Err(self.error(at, Some(number), Reason::Group)),
        };
        self.rest = rest;
        Ok(Field { number, value })
    }

    fn number(&self, rest: &mut &[u8], at: usize, field: u32) -> Result<u64, WireError> {
        decode_varint(rest).map_err(|_| self.error(at, Some(field), Reason::Number { end: self.end }))
    }

    /// Steps over `length` bytes if there are that many.
    fn skip(&self, rest: &mut &[u8], length: u64, at: usize, field: u32) -> Result<usize, WireError> {
        match usize::try_from(length).ok().and_then(|length| Some((length, rest.get(length..)?))) {
            Some((length, after)) => {
                *rest = after;
                Ok(length)
            }
            None => Err(self.error(at, Some(field), Reason::TooLong { claims: length, end: self.end })),
        }
    }

    #[cold]
    fn error(&self, at: usize, field: Option<u32>, reason: Reason) -> WireError {
        WireError(Box::new(Detail { at, layout: self.layout, field, reason, file_end: self.file.len() }))
    }
}

/// The numbers of a packed field, one after the other; a broken tail ends them.
pub(super) fn packed(mut bytes: &[u8]) -> impl Iterator<Item = u64> {
    std::iter::from_fn(move || if bytes.is_empty() { None } else { decode_varint(&mut bytes).ok() })
}

#[cfg(test)]
mod tests {
    use super::{super::messages, *};

    fn walk(bytes: &[u8]) -> Result<Vec<Field>, String> {
        let mut fields = Fields::new(bytes, Part::whole(bytes), &messages::MODEL);
        let mut found = Vec::new();
        while let Some(field) = fields.pull().map_err(|fault| fault.to_string())? {
            found.push(field);
        }
        Ok(found)
    }

    #[test]
    fn fields_of_every_wire_type_are_stepped_over() {
        let bytes = [0x08, 0xac, 0x02, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1d, 1, 2, 3, 4, 0x3a, 2, 9, 9];
        let found = walk(&bytes).unwrap();
        assert_eq!(found[0], Field { number: 1, value: Value::Number(300) });
        assert_eq!(found[1], Field { number: 2, value: Value::Fixed });
        assert_eq!(found[2], Field { number: 3, value: Value::Fixed });
        assert_eq!(found[3], Field { number: 7, value: Value::Bytes(Part { start: 19, end: 21 }) });
    }

    #[test]
    fn what_is_wrong_is_said_with_its_byte() {
        let lies = [0x08, 0x07, 0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x3f];
        let said = walk(&lies).unwrap_err();
        assert!(
            said.starts_with("`graph` of the model begins at byte 2 and claims 4611686018427387903 bytes"),
            "{said}"
        );
        assert!(walk(&[0x0b]).unwrap_err().contains("`ir_version` of the model at byte 0 is a group"));
        assert_eq!(walk(&[0x08, 0x01, 0x00]).unwrap_err(), "expected a field of the model at byte 2, found none");
        assert!(walk(&[0x08, 0x80]).unwrap_err().contains("the file ends at byte 2"));
        assert!(walk(&[0x80; 3]).unwrap_err().contains("the file ends at byte 3"));
        assert!(walk(&[0x0d, 1, 2]).unwrap_err().contains("claims 4 bytes"));
    }
}
