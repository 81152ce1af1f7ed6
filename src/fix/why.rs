//! Why no edit mends a finding, in one line that says who has to do what.

use super::Search;
use crate::finding::{Finding, Fix};

/// What only a person can decide, by rule.
const BY_A_PERSON: [(&str, &str); 20] = [
    ("EC004", "which releases have wheels for this architecture is known for few packages; a person must choose"),
    ("EC102", "a person must decide whether serving needs it"),
    ("EC104", "a person must decide which of them stays"),
    ("EC110", "a person must add the bound, or lock everything that is installed"),
    ("EC206", "the plan has to be built again on the GPU and TensorRT that serve it"),
    ("EC209", "a person must decide which signature is meant"),
    ("EC211", "a person must decide which model is meant"),
    ("EC212", "the model's other files have to be put beside it"),
    ("EC213", "the model has to be exported again"),
    ("EC312", "a person must decide which make of GPU serves"),
    ("EC402", "a person must decide which version of the image is meant"),
    ("EC403", "a person must add the package of the system to the image"),
    ("EC404", "a person must decide whether the check may stay off"),
    ("EC405", "a person must decide how the model reaches the image"),
    ("EC602", "a person must decide which of the lines is right"),
    ("EC901", "envcheck knows nothing of this release yet"),
    ("EC902", "a person must decide: the ignore can go, or names something else than it should"),
    ("EC903", "a person must decide whether the ignore may stay longer"),
    ("EC904", "a person must write the ignore again"),
    ("EC310", "a person must decide which precision is meant"),
];

/// What only a person can decide about findings of a rule.
#[must_use]
pub fn by_a_person(code: &str) -> Option<&'static str> {
    BY_A_PERSON.iter().find(|(known, _)| *known == code).map(|(_, why)| *why)
}

/// Why none of the fixes that were found is an edit, or why none was found; nothing where one is.
pub(super) fn obstacle(finding: &Finding, search: &Search) -> Option<String> {
    if search.fixes.iter().any(|fix| !fix.edits.is_empty() || fix.lowering.is_some()) {
        return None;
    }
    // A command is the shortest way; else each way with what stands in it.
    let mut ways: Vec<&Fix> = search.fixes.iter().filter(|fix| fix.command.is_some()).take(1).collect();
    if ways.is_empty() {
        ways.extend(&search.fixes);
    }
    let said = ways.into_iter().enumerate().map(|(at, fix)| match (&fix.obstacle, at) {
        (Some(why), 0) => why.clone(),
        (Some(why), _) => format!("to {}: {why}", fix.title),
        (None, _) => format!("a person must do it: {}", fix.title),
    });
    let said: Vec<String> = said.collect();
    if !said.is_empty() {
        return Some(said.join("; "));
    }
    if let Some(why) = by_a_person(finding.code) {
        return Some(why.to_owned());
    }
    if search.cut {
        return Some("there are too many packages to try other releases of all of them".to_owned());
    }
    if let Some(why) = &search.hindrance {
        return Some(why.clone());
    }
    let model = finding.code.starts_with("EC2");
    Some(match search.tried {
        0 if model => {
            "a person must decide: the model can be written again, or another release can serve it".to_owned()
        }
        0 => "envcheck knows no other release of what is to blame".to_owned(),
        1 => "the one other release or image that is known does not mend it, or brings another problem".to_owned(),
        tried => format!("none of {tried} known releases and images mends it without another problem"),
    })
}
