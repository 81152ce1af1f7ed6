//! Words in attributes: those that ONNX Runtime knows.
//!
//! Measured by sessions of the releases from 1.9 on: with another word the session fails when the kernel is made.

use super::{DEFAULT_DOMAIN, Scope, Walk, domain_name, elements::Parts};
use crate::{
    fact::Insistence,
    input::onnx::{schema::Schema, view::shown},
};

/// The words of an attribute over some operator sets.
struct Words {
    operators: &'static [&'static [u8]],
    attribute: &'static [u8],
    /// The operator sets that brought the versions of the operator.
    since: (i64, i64),
    known: &'static [&'static [u8]],
    /// What a release must insist on for it to matter; `None` where all do.
    minded: Option<Insistence>,
}

const fn words(
    operators: &'static [&'static [u8]],
    attribute: &'static [u8],
    known: &'static [&'static [u8]],
) -> Words {
    Words { operators, attribute, since: (1, i64::MAX), known, minded: None }
}

const RECURRENT: &[&[u8]] = &[b"GRU", b"LSTM", b"RNN"];

static WORDS: [Words; 18] = [
    Words { since: (16, 19), ..words(&[b"GridSample"], b"mode", &[b"bilinear", b"nearest", b"bicubic"]) },
    Words { since: (20, i64::MAX), ..words(&[b"GridSample"], b"mode", &[b"linear", b"nearest", b"cubic"]) },
    words(&[b"GridSample"], b"padding_mode", &[b"zeros", b"border", b"reflection"]),
    words(&[b"Resize"], b"mode", &[b"nearest", b"linear", b"cubic"]),
    words(
        &[b"Resize"],
        b"coordinate_transformation_mode",
        &[
            b"half_pixel",
            b"asymmetric",
            b"pytorch_half_pixel",
            b"tf_half_pixel_for_nn",
            b"align_corners",
            b"tf_crop_and_resize",
            b"half_pixel_symmetric",
        ],
    ),
    words(
        &[b"Resize"],
        b"nearest_mode",
        &[b"round_prefer_floor", b"round_prefer_ceil", b"floor", b"ceil", b"simple", b""],
    ),
    words(&[b"Normalizer"], b"norm", &[b"MAX", b"L1", b"L2"]),
    words(&[b"DepthToSpace"], b"mode", &[b"DCR", b"CRD"]),
    words(
        &[b"AveragePool", b"Conv", b"ConvTranspose", b"MaxPool"],
        b"auto_pad",
        &[b"NOTSET", b"VALID", b"SAME_UPPER", b"SAME_LOWER", b""],
    ),
    words(&[b"RoiAlign"], b"mode", &[b"avg", b"max"]),
    words(&[b"BitShift"], b"direction", &[b"LEFT", b"RIGHT"]),
    words(&[b"StringNormalizer"], b"case_change_action", &[b"LOWER", b"UPPER", b"NONE"]),
    words(&[b"TfIdfVectorizer"], b"mode", &[b"TF", b"IDF", b"TFIDF"]),
    words(RECURRENT, b"direction", &[b"forward", b"reverse", b"bidirectional"]),
    words(&[b"Pad"], b"mode", &[b"constant", b"reflect", b"edge", b"wrap"]),
    Words { minded: Some(Insistence::PadWrap), ..words(&[b"Pad"], b"mode", &[b"constant", b"reflect", b"edge"]) },
    Words {
        minded: Some(Insistence::LearnedWords),
        ..words(
            &[b"LinearClassifier", b"LinearRegressor", b"SVMClassifier", b"TreeEnsembleClassifier", b"TreeEnsembleRegressor"],
            b"post_transform",
            &[b"NONE", b"SOFTMAX", b"LOGISTIC", b"SOFTMAX_ZERO", b"PROBIT"],
        )
    },
    Words {
        minded: Some(Insistence::LearnedWords),
        ..words(&[b"SVMClassifier", b"SVMRegressor"], b"kernel_type", &[b"LINEAR", b"POLY", b"RBF", b"SIGMOID"])
    },
];

/// What recurrent layers may apply; case does not count.
const ACTIVATIONS: [&str; 11] = [
    "affine", "relu", "leakyrelu", "thresholdedrelu", "tanh", "scaledtanh", "sigmoid", "hardsigmoid", "elu", "softsign", "softplus",
];

/// Whether a recurrent layer may apply what a word stands for.
pub(super) fn is_activation(word: &[u8]) -> bool {
    ACTIVATIONS.iter().any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

impl<'a> Walk<'a> {
    /// Says where an attribute holds a word that its operator does not know.
    pub(super) fn worded(&mut self, schema: &Schema, parts: &Parts<'a>, scope: Scope<'_>, node: impl Fn() -> String) {
        let domain = domain_name(parts.domain);
        if scope.judged.is_none() || domain != DEFAULT_DOMAIN.as_bytes() && domain != b"ai.onnx.ml" {
            return;
        }
        for (name, text) in &parts.texts {
            let about = |it: &&Words| {
                it.attribute == *name
                    && it.operators.contains(&parts.operator)
                    && (it.since.0..=it.since.1).contains(&schema.since)
            };
            if let Some(row) = WORDS.iter().filter(about).find(|row| !row.known.contains(text)) {
                let says = || {
                    let (operator, name) = (shown(parts.operator, 60), shown(name, 60));
                    let known: Vec<String> =
                        row.known.iter().filter(|it| !it.is_empty()).map(|it| format!("`{}`", shown(it, 40))).collect();
                    let text = shown(text, 40);
                    format!("{operator} knows {} as `{name}`, node `{}` has `{text}`", known.join(", "), node())
                };
                match row.minded {
                    None => self.fault(says),
                    Some(insistence) => self.lesser_fault(insistence, says),
                }
            }
        }
        if let Some(unknown) = parts.unknown.filter(|_| RECURRENT.contains(&parts.operator)) {
            self.fault(|| {
                format!("{} knows no activation `{}`, node `{}` has it", shown(parts.operator, 60), shown(unknown, 40), node())
            });
        }
    }
}
