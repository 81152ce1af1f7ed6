//! What the readers of packaging files share: YAML that lists requirements for pip, names files of requirements, a Python, a
//! CUDA and an image.
//!
//! Several parts of one file may be for different programs (applications of Ray, tasks of a job): what a later part asks
//! for in another version than an earlier one is left out with a note, since the two are never installed together.

use super::{
    Claim, Files, Probe, Reading, conda_environment, installed,
    manifest::clean,
    recognise, requirements_txt, workload,
    yaml::{self, Node},
};
use crate::{
    fact::{Fact, FactKind, Image, ImageRole, PackageIndex, PackageName, Standing, SystemPackage, Variable},
    text::{FileId, Place, Span},
};

/// A packaging file that is being read.
pub(super) struct Recipe<'a, 'f> {
    files: &'a mut Files<'f>,
    file: FileId,
    text: &'a str,
    pub(super) out: Reading,
    /// Where the facts of each part begin.
    parts: Vec<usize>,
}

/// The name of a YAML file without its ending, in lower case.
pub(super) fn yaml_stem(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).map(str::to_owned)
}

/// Reads the documents of a file.
pub(super) fn read(files: &mut Files<'_>, file: FileId, work: impl Fn(&mut Recipe<'_, '_>, &Node<'_>)) -> Reading {
    let text = files.text(file);
    let documents = match yaml::documents(&text) {
        Ok(documents) => documents,
        Err(fault) => return fault.reading(file),
    };
    let mut recipe = Recipe::new(files, file, &text);
    for document in &documents {
        work(&mut recipe, document);
    }
    recipe.finished()
}

impl<'a, 'f> Recipe<'a, 'f> {
    pub(super) fn new(files: &'a mut Files<'f>, file: FileId, text: &'a str) -> Self {
        Recipe { files, file, text, out: Reading::default(), parts: vec![0] }
    }

    /// What follows is for another program than what was read before.
    pub(super) fn begin_part(&mut self) {
        self.parts.push(self.out.facts.len());
    }

    pub(super) fn state(&mut self, kind: FactKind, span: Span) {
        let place = Place { file: self.file, span };
        self.out.facts.push(Fact { kind, standing: Standing::Declared, place });
    }

    pub(super) fn skip(&mut self, span: Span, reason: impl Into<String>) {
        self.out.skip(self.file, span, reason);
    }

    /// The text of a value that no template or variable stands for.
    fn literal<'n>(&mut self, node: &'n Node<'_>) -> Option<&'n str> {
        let Some(text) = node.text() else {
            if !node.is_null() {
                self.skip(node.span, "expected a text");
            }
            return None;
        };
        if text.contains("${") || text.contains("{{") || text.starts_with('<') {
            self.skip(node.span, "something has to take the place of a variable or a template here");
            return None;
        }
        Some(text)
    }

    /// Lines for pip: a list of them, or one text.
    pub(super) fn pip(&mut self, node: &Node<'_>) {
        let items = node.items();
        for item in items {
            if let Some(line) = self.literal(item) {
                requirements_txt::read_entry(self.files, self.file, line, item.span, &mut self.out);
            }
        }
        if items.is_empty() && !node.is_list() {
            if node.is_map() {
                self.skip(node.span, "expected a list of requirements");
            } else if let Some(line) = self.literal(node) {
                requirements_txt::read_entry(self.files, self.file, line, node.span, &mut self.out);
            }
        }
    }

    /// One line for pip.
    pub(super) fn requirement(&mut self, line: &str, span: Span) {
        requirements_txt::read_entry(self.files, self.file, line, span, &mut self.out);
    }

    /// The file of requirements that a value names.
    pub(super) fn requirements(&mut self, node: &Node<'_>) {
        let Some(path) = self.literal(node) else { return };
        match self.files.include(self.file, path, &[self.file]) {
            Ok(included) => {
                requirements_txt::read_file(self.files, included, false, &mut vec![self.file], &mut self.out);
            }
            Err(why) => self.skip(node.span, format!("`{path}` is not followed: {why}")),
        }
    }

    /// The environment of conda that a value names or holds.
    pub(super) fn conda(&mut self, node: &Node<'_>) {
        if node.is_map() {
            let found = conda_environment::document(self.files, self.file, self.text, node);
            self.take(found);
            return;
        }
        let Some(path) = self.literal(node) else { return };
        let included = match self.files.include(self.file, path, &[self.file]) {
            Ok(included) => included,
            Err(why) => return self.skip(node.span, format!("`{path}` is not followed: {why}")),
        };
        let (bytes, text) = (self.files.bytes(included), self.files.text(included));
        let name = path.rsplit('/').next().unwrap_or(path);
        let format = recognise(&Probe { name, bytes: &bytes, text: Some(&text) }, Claim::Named);
        match format.filter(|it| it.name.starts_with("conda")) {
            Some(format) => {
                let mut found = (format.read)(self.files, included);
                if let Some(fault) = found.fault.take() {
                    self.skip(node.span, format!("`{path}` is not followed: {}", fault.message));
                }
                for fact in &mut found.facts {
                    fact.standing = Standing::Declared;
                }
                self.take(found);
            }
            None => self.skip(node.span, format!("`{path}` is not followed: it is no environment of conda")),
        }
    }

    fn take(&mut self, found: Reading) {
        self.out.facts.extend(found.facts);
        self.out.skipped.extend(found.skipped);
    }

    pub(super) fn python(&mut self, node: &Node<'_>) {
        let Some(text) = self.literal(node) else { return };
        match installed::python(text) {
            Some(kind) if text.contains('.') => self.state(kind, node.span),
            _ => self.skip(node.span, format!("expected a version of Python such as `3.11`, found `{text}`")),
        }
    }

    pub(super) fn cuda(&mut self, node: &Node<'_>) {
        let Some(text) = self.literal(node) else { return };
        match text.parse() {
            Ok(version) => self.state(FactKind::Cuda(version), node.span),
            Err(_) => self.skip(node.span, format!("expected a version of CUDA such as `12.4`, found `{text}`")),
        }
    }

    /// Packages of Debian or Ubuntu.
    pub(super) fn apt(&mut self, node: &Node<'_>) {
        for item in node.items() {
            let Some(text) = self.literal(item) else { continue };
            let (name, version) =
                text.split_once('=').map_or((text, None), |(name, version)| (name, Some(version.to_owned())));
            let package = SystemPackage { manager: "apt", name: name.to_owned(), version };
            self.state(FactKind::SystemPackage(package), item.span);
        }
    }

    /// Variables: a map, a list of `NAME=value`, or a list of maps with `name` and `value`.
    pub(super) fn variables(&mut self, node: &Node<'_>) {
        let mapped = node
            .entries()
            .into_iter()
            .filter_map(|(key, value)| Some((key.text()?.to_owned(), value.text().map(str::to_owned), value.span)));
        let listed = node.items().iter().filter_map(|item| match item.text() {
            Some(text) => {
                text.split_once('=').map(|(name, value)| (name.to_owned(), Some(value.to_owned()), item.span))
            }
            None => Some((item.text_of("name")?.to_owned(), item.text_of("value").map(str::to_owned), item.span)),
        });
        for (name, value, span) in mapped.chain(listed).collect::<Vec<_>>() {
            if workload::matters(&name) {
                let value = value.filter(|_| !workload::is_secret(&name)).map(|it| clean(&it));
                self.state(FactKind::Variable(Variable { name, value }), span);
            }
        }
    }

    /// The image that the program runs on.
    pub(super) fn image(&mut self, node: &Node<'_>) {
        let Some(text) = self.literal(node) else { return };
        let text = text.trim().trim_start_matches("docker://");
        let good = |it: char| it.is_ascii_alphanumeric() || "._-:/@".contains(it);
        if text.is_empty() || !text.chars().all(good) {
            return self.skip(node.span, format!("`{text}` is no reference of an image"));
        }
        let (reference, digest) =
            text.split_once('@').map_or((text, None), |(reference, digest)| (reference, Some(digest.to_owned())));
        let image = Image {
            reference: reference.to_owned(),
            digest,
            stage: None,
            cuda: None,
            role: ImageRole::Runs,
            packages_only: false,
        };
        self.state(FactKind::Image(image), node.span);
    }

    /// Indexes of packages: one address or a list.
    pub(super) fn indexes(&mut self, node: &Node<'_>, only: bool) {
        let one = (!node.is_list()).then_some(node);
        for item in node.items().iter().map(|item| &**item).chain(one) {
            if let Some(url) = self.literal(item) {
                let url = super::without_credentials(url);
                self.state(FactKind::PackageIndex(PackageIndex { url, only }), item.span);
            }
        }
    }

    /// Everything that was found.
    pub(super) fn finished(mut self) -> Reading {
        self.leave_out_others();
        self.out.skipped.dedup();
        self.out
    }

    /// Leaves out what excludes an earlier part.
    fn leave_out_others(&mut self) {
        if self.parts.len() < 2 {
            return;
        }
        let facts = std::mem::take(&mut self.out.facts);
        let mut known: std::collections::BTreeMap<PackageName, (usize, Place, crate::version::VersionSet)> =
            std::collections::BTreeMap::new();
        for (at, fact) in facts.into_iter().enumerate() {
            let part = self.parts.partition_point(|begin| *begin <= at);
            if let FactKind::Package(package) = &fact.kind {
                match known.get(&package.name) {
                    Some((other, place, versions))
                        if *other != part && versions.intersection(&package.versions).is_empty() =>
                    {
                        let line = self.files.position(*place).line;
                        let reason = format!(
                            "`{}{}` is for another program than line {line}, which is read",
                            package.name, package.specifier
                        );
                        self.out.skipped.push(super::Skipped { place: fact.place, reason });
                        continue;
                    }
                    Some(_) => {}
                    None => {
                        known.insert(package.name.clone(), (part, fact.place, package.versions.clone()));
                    }
                }
            }
            self.out.facts.push(fact);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::input::{
        Claim, FORMATS, Probe,
        locked::{damaged, read_for_test},
    };

    const FILES: [(&str, &str); 9] = [
        ("cog", include_str!("../../fixtures/inputs/cog/cog.yaml")),
        ("bentofile", include_str!("../../fixtures/inputs/bentofile/bentofile.yaml")),
        ("ray", include_str!("../../fixtures/inputs/ray/serve_config.yaml")),
        ("ray", include_str!("../../fixtures/inputs/ray/job.yaml")),
        ("azureml", include_str!("../../fixtures/inputs/azureml/deployment.yml")),
        ("azureml", include_str!("../../fixtures/inputs/azureml/job.yml")),
        ("databricks", include_str!("../../fixtures/inputs/databricks/databricks.yml")),
        ("vertex-ai", include_str!("../../fixtures/inputs/vertex/config.yaml")),
        ("kubernetes", include_str!("../../fixtures/inputs/kubernetes/ray-service.yaml")),
    ];

    /// The format that a file in a folder is read as.
    fn format(name: &str, text: &str) -> Option<&'static str> {
        let probe = Probe { name, bytes: text.as_bytes(), text: Some(text) };
        crate::input::recognise(&probe, Claim::Likely).map(|it| it.name)
    }

    #[test]
    fn files_are_known_by_what_is_in_them() {
        for (name, text, expected) in [
            ("cog.yaml", "build:\n  gpu: true\n", Some("cog")),
            ("cog.yaml", "name: gear\nteeth: 12\n", None),
            ("cog.toml", "build:\n", None),
            ("bentofile.yaml", "service: 'a:b'\n", Some("bentofile")),
            ("bentofile.yaml", "lunch: rice\n", None),
            ("config.yaml", "applications:\n- import_path: a:b\n  runtime_env: {}\n", Some("ray")),
            ("config.yaml", "applications:\n- name: calendar\n", None),
            ("runtime_env.yaml", "pip: [a]\n", Some("ray")),
            ("runtime_env.yaml", "stage: prod\n", None),
            ("job.yaml", "runtime_env:\n  pip: [a]\nsteps: []\n", None),
            (
                "env.yml",
                "$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json\nimage: a:1\n",
                Some("azureml"),
            ),
            ("schema.yml", "$schema: https://json-schema.example/draft-07\nimage: a:1\n", None),
            ("databricks.yml", "bundle:\n  name: x\n", None),
            ("serverless.yml", "resources:\n  Resources: {}\ndependencies: []\n", None),
            (
                "job.yml",
                "resources:\n  jobs:\n    a:\n      job_clusters: []\n      libraries: [{pypi: {package: a}}]\n",
                Some("databricks"),
            ),
            ("config.yaml", "workerPoolSpecs:\n- containerSpec: {imageUri: a}\n", Some("vertex-ai")),
            ("pixi.lock", "version: 6\nenvironments: {}\n", Some("pixi.lock")),
            ("other.lock", "version: 6\nenvironments: {}\n", None),
            ("pixi.toml", "[sprite]\nwidth = 8\n", None),
        ] {
            assert_eq!(format(name, text), expected, "{name} {text}");
        }
    }

    #[test]
    fn what_excludes_an_earlier_part_is_left_out() {
        let text = "applications:\n- runtime_env: {pip: [a==1, b==1]}\n- runtime_env: {pip: [a==2, b>=1, c==1]}\n";
        let (_, lines) = read_for_test("ray", text);
        assert_eq!(
            lines,
            [
                "`a==1` a==1",
                "`b==1` b==1",
                "`b>=1` b>=1",
                "`c==1` c==1",
                "`a==2` skipped: `a==2` is for another program than line 2, which is read"
            ]
        );
    }

    #[test]
    fn values_of_another_kind_are_named() {
        for (format, text, expected) in [
            (
                "cog",
                "build:\n  python_version: three\n  cuda: new\n",
                "expected a version of Python such as `3.11`, found `three`",
            ),
            ("cog", "build:\n  cuda: new\n", "expected a version of CUDA such as `12.4`, found `new`"),
            ("cog", "build:\n  python_packages: {a: 1}\n", "expected a list of requirements"),
            ("cog", "build:\n  python_packages: [[a]]\n", "expected a text"),
            ("cog", "build:\n  python_packages: ['${TORCH}']\n", "something has to take the place"),
            ("bentofile", "docker:\n  base_image: 'a b'\n", "`a b` is no reference of an image"),
            ("ray", "runtime_env: {conda: base}\n", "name its file too"),
        ] {
            let (_, lines) = read_for_test(format, text);
            assert!(lines.iter().any(|line| line.contains(expected)), "{text} {lines:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_file_panics(which in 0..FILES.len(), at in 0..2_000_usize, cut in 0..60_usize, junk in "([a-z0-9.=_-]{0,4}|[ \t\r\n{}\\[\\]\":,#&*|<-]|\\PC){0,6}") {
            let (format, text) = FILES[which];
            read_for_test(format, &damaged(text, at, cut, &junk));
        }
    }

    #[test]
    fn every_packaging_file_has_a_format() {
        assert!(FILES.iter().all(|(name, _)| FORMATS.iter().any(|it| it.name == *name)));
    }
}
