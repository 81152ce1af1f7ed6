//! What operators of `ai.onnx.ml` refuse: lists that must be as long as each other, and values of which there is to be one.

use super::rules::{Clash, Made, Rule, Taken};

/// The rule of an operator.
pub(super) fn find(operator: &[u8]) -> Option<Rule> {
    Some(match operator {
        b"FeatureVectorizer" => vectorizer,
        b"Imputer" => imputer,
        b"LabelEncoder" => label_encoder,
        b"LinearClassifier" => linear_classifier,
        b"OneHotEncoder" => one_hot_encoder,
        b"Scaler" => scaler,
        b"TreeEnsembleClassifier" => tree_classifier,
        b"TreeEnsembleRegressor" => tree_regressor,
        _ => return None,
    })
}

/// Both lists must be as long as each other.
fn alike(taken: &Taken<'_, '_>, one: &str, other: &str) -> Result<(), Clash> {
    match (taken.entries(one), taken.entries(other)) {
        (Some(a), Some(b)) if a != b => taken.clash(&format!("has {a} `{one}` and {b} `{other}`")),
        _ => Ok(()),
    }
}

/// One of the lists must be given, and not both.
fn either(taken: &Taken<'_, '_>, one: &str, other: &str) -> Result<(), Clash> {
    match (taken.entries(one), taken.entries(other)) {
        (Some(0), Some(0)) => taken.clash(&format!("has neither `{one}` nor `{other}`")),
        (Some(1..), Some(1..)) => taken.clash(&format!("has both `{one}` and `{other}`")),
        _ => Ok(()),
    }
}

fn vectorizer(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if taken.entries("inputdimensions") == Some(0) {
        return taken.clash("needs `inputdimensions`");
    }
    Ok(Made::Unknown)
}

fn imputer(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    either(taken, "imputed_value_floats", "imputed_value_int64s")?;
    Ok(Made::Unknown)
}

fn one_hot_encoder(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    either(taken, "cats_int64s", "cats_strings")?;
    Ok(Made::Unknown)
}

fn scaler(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    alike(taken, "scale", "offset")?;
    Ok(Made::Unknown)
}

fn label_encoder(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    if taken.since != 2 {
        return Ok(Made::Unknown);
    }
    let count = |lists: [&str; 3]| lists.iter().try_fold(0_u64, |all, list| all.checked_add(taken.entries(list)?));
    let keys = count(["keys_floats", "keys_int64s", "keys_strings"]);
    let values = count(["values_floats", "values_int64s", "values_strings"]);
    if let (Some(keys), Some(values)) = (keys, values)
        && (keys != values || keys == 0)
    {
        return taken.clash(&format!("has {keys} keys and {values} values"));
    }
    Ok(Made::Unknown)
}

fn linear_classifier(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    let count = |list: &str| taken.entries(list);
    let (Some(numbers), Some(classes)) = (count("coefficients"), count("intercepts")) else { return Ok(Made::Unknown) };
    let (Some(labels), Some(words)) = (count("classlabels_ints"), count("classlabels_strings")) else {
        return Ok(Made::Unknown);
    };
    if labels == 0 && words == 0 {
        return taken.clash("has no labels").map_err(|it: Clash| it.from("1.28.0"));
    }
    if classes > 0 && numbers % classes != 0 || labels > 0 && classes > labels {
        return taken
            .clash(&format!("has {numbers} `coefficients`, {classes} `intercepts` and {labels} labels"))
            .map_err(|it: Clash| it.from("1.28.0"));
    }
    Ok(Made::Unknown)
}

/// Lists of nodes are as long as each other; releases from 1.21 to 1.24 do not look.
fn tree(taken: &Taken<'_, '_>, leaves: [&str; 4]) -> Result<(), Clash> {
    let unseen = |clash: Clash| Clash { before: Some("1.21.0"), again: Some("1.25.0"), ..clash };
    let nodes = ["nodes_falsenodeids", "nodes_featureids", "nodes_modes", "nodes_treeids", "nodes_truenodeids", "nodes_values"];
    for list in nodes {
        if list != "nodes_values" || !taken.has_attribute("nodes_values_as_tensor") {
            alike(taken, list, "nodes_nodeids").map_err(unseen)?;
        }
    }
    let [ids, nodes, trees, weights] = leaves;
    alike(taken, ids, nodes).map_err(unseen)?;
    alike(taken, ids, trees).map_err(unseen)?;
    if !taken.has_attribute(&format!("{weights}_as_tensor")) {
        alike(taken, ids, weights).map_err(|it| it.from("1.25.0"))?;
    }
    Ok(())
}

fn tree_classifier(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    tree(taken, ["class_ids", "class_nodeids", "class_treeids", "class_weights"])?;
    if let (Some(labels), Some(words)) = (taken.entries("classlabels_int64s"), taken.entries("classlabels_strings")) {
        let classes = i64::try_from(labels.max(words)).unwrap_or(i64::MAX);
        if classes == 0 {
            return taken.clash("has no labels").map_err(|it: Clash| Clash { before: Some("1.21.0"), again: Some("1.25.0"), ..it });
        }
        if let Some(id) = taken.list("class_ids").known().and_then(|ids| ids.iter().max())
            && *id >= classes
        {
            return taken.clash(&format!("votes for class {id} of {classes}")).map_err(|it: Clash| it.from("1.26.0"));
        }
    }
    Ok(Made::Unknown)
}

fn tree_regressor(taken: &Taken<'_, '_>) -> Result<Made, Clash> {
    tree(taken, ["target_ids", "target_nodeids", "target_treeids", "target_weights"])?;
    Ok(Made::Unknown)
}
