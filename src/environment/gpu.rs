//! The GPUs of a side, with what knowledge adds to their names.

use super::Environment;
use crate::{
    knowledge::{Knowledge, Provenance, gpu::GpuKind},
    text::Place,
    version::ComputeCapability,
};

/// A GPU with everything that is known about it.
#[derive(Debug, Clone)]
pub struct GpuView {
    /// The name as written, or the capability where there is no name.
    pub name: String,
    /// The compute capability, if it is known.
    pub capability: Option<ComputeCapability>,
    /// Who says so, if a table does; `None` if the file itself does.
    pub by: Option<Provenance>,
    /// The short name of the model, if the name means just one.
    pub model: Option<String>,
    /// The kind of product, if the model is known.
    pub kind: Option<GpuKind>,
    /// Where it stands.
    pub place: Place,
}

impl GpuView {
    /// `NVIDIA L4 (compute capability 8.9)`.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.capability {
            Some(capability) if self.name != capability.to_string() => {
                format!("{} (compute capability {capability})", self.name)
            }
            _ => self.name.clone(),
        }
    }
}

impl Environment {
    /// The distinct GPUs of this side, best described ones first in input order. They are found once: a run has one
    /// knowledge.
    #[must_use]
    pub fn gpus(&self, knowledge: &Knowledge) -> &[GpuView] {
        self.gpus.get_or_init(|| self.find_gpus(knowledge))
    }

    /// What [`Environment::gpus`] found: everything, once all rules were asked, and nothing before.
    #[must_use]
    pub fn found_gpus(&self) -> &[GpuView] {
        self.gpus.get().map_or(&[], Vec::as_slice)
    }

    fn find_gpus(&self, knowledge: &Knowledge) -> Vec<GpuView> {
        let mut found: Vec<GpuView> = Vec::new();
        for seen in self.gpu_facts() {
            let gpu = seen.value;
            let models = gpu.name.as_deref().map(|name| knowledge.gpu_models(name, gpu.truncated)).unwrap_or_default();
            let known = knowledge.capability_of_all(&models);
            let (capability, by) = match (gpu.capability, known) {
                (Some(stated), _) => (Some(stated), None),
                (None, Some((capability, provenance))) => (Some(capability), Some(provenance)),
                (None, None) => (None, None),
            };
            let name = gpu.name.clone().or_else(|| capability.map(|it| it.to_string())).unwrap_or_default();
            let model = models.first().filter(|_| models.len() == 1);
            let (model, kind) = (model.map(|it| it.model.clone()), model.map(|it| it.kind));
            let view = GpuView { name, capability, by, model, kind, place: seen.place };
            // Two tools name one card: `Tesla V100-SXM2` (cut off) and the full name, or a bare capability.
            let same = found.iter_mut().find(|known| {
                known.name == view.name
                    || (known.capability == view.capability && (gpu.truncated || gpu.name.is_none()))
                    || known.capability.is_none() && known.name.starts_with(&view.name)
            });
            match same {
                Some(known) if known.capability.is_none() || (known.by.is_some() && view.by.is_none()) => *known = view,
                Some(_) => {}
                None => found.push(view),
            }
        }
        found
    }
}
