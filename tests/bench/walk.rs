//! Steps over every field of a protobuf file, inside every field that can be a message too, and keeps nothing: what any
//! reader of an ONNX model has to do at least.
//!
//! Every length is checked against what holds it. Prints how many fields there are. It is for models without weights
//! inside: the file is read, where a program that steps over weights would map it.

use std::{env, fs, process::ExitCode};

/// The messages of an ONNX model that hold others.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Function,
    Value,
    Type,
    TensorType,
    Shape,
    Leaf,
}

/// What a field holds, if it is a message. A name or a weight that looks like one by chance is none.
fn inner(message: Message, field: u64) -> Option<Message> {
    Some(match (message, field) {
        (Message::Model, 7) | (Message::Attribute, 6 | 11) => Message::Graph,
        (Message::Model, 8 | 14) | (Message::Tensor, 13) | (Message::Function, 9) | (Message::Shape, 1) => {
            Message::Leaf
        }
        (Message::Model, 25) => Message::Function,
        (Message::Graph, 1) | (Message::Function, 7) => Message::Node,
        (Message::Graph, 5) | (Message::Attribute, 5) => Message::Tensor,
        (Message::Graph, 11..=13) => Message::Value,
        (Message::Node, 5) => Message::Attribute,
        (Message::Value, 2) => Message::Type,
        (Message::Type, 1) => Message::TensorType,
        (Message::TensorType, 2) => Message::Shape,
        _ => return None,
    })
}

fn main() -> ExitCode {
    let path = env::args_os().nth(1).expect("a file to walk");
    let bytes = fs::read(path).expect("the file can be read");
    match walk(&bytes, Message::Model) {
        Some(count) => {
            println!("{count} fields");
            ExitCode::SUCCESS
        }
        None => ExitCode::from(2),
    }
}

/// Counts the fields of a message and of those inside it; `None` if they are broken.
fn walk(mut bytes: &[u8], message: Message) -> Option<u64> {
    let mut count = 0;
    while !bytes.is_empty() {
        let key = number(&mut bytes)?;
        let length = match key & 7 {
            0 => {
                number(&mut bytes)?;
                0
            }
            1 => 8,
            2 => usize::try_from(number(&mut bytes)?).ok()?,
            5 => 4,
            _ => return None,
        };
        let (own, rest) = bytes.split_at_checked(length)?;
        bytes = rest;
        count += 1;
        if key & 7 == 2
            && let Some(inner) = inner(message, key >> 3)
        {
            count += walk(own, inner)?;
        }
    }
    Some(count)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
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
