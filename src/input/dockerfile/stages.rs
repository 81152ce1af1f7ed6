//! The stages of a Dockerfile, and what of them reaches the image that is asked for.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    commands, copy,
    settle::{once, settled},
    start,
    state::{Item, Scene, Scope, State, Variable, What, shortened, why_unknown},
    syntax::{self, Dockerfile, Instruction, json_array},
    words::{Expander, Mode, Value, Word},
};
use crate::{
    fact::{Fact, FactKind, Image, ImageRole, Standing},
    input::{Files, Found, Reading, Skipped},
    text::{FileId, Place, Span},
};

/// A file with more stages than this was made to be slow.
const STAGE_LIMIT: usize = 300;

/// A file with more instructions than this was made to be slow.
const INSTRUCTION_LIMIT: usize = 20_000;

/// Bytes that the values of variables may take in all words together.
const VALUE_BUDGET: usize = 8 << 20;

/// What a stage begins with.
#[derive(Debug, Clone)]
enum Base {
    Scratch,
    Stage(usize),
    Image(Image, Span),
    Unknown(Span, String),
}

struct Stage<'d> {
    name: Option<String>,
    /// The name as written.
    shown: Option<String>,
    base: Base,
    /// The platform that is written out, and where.
    platform: Option<(&'static str, Span)>,
    from: &'d Instruction,
    instructions: &'d [Instruction],
}

pub(super) fn read(files: &mut Files<'_>, file: FileId) -> Reading {
    let text = files.text(file);
    let parsed = syntax::parse(&text);
    let mut reading = Reading::default();
    let place = |span| Place { file, span };
    let mut skip = |span: Span, reason: &str| {
        reading.skipped.push(Skipped { place: place(span), reason: reason.to_owned() });
    };
    for span in &parsed.unclosed {
        skip(*span, "a heredoc of this instruction never ends");
    }
    if parsed.instructions.len() > INSTRUCTION_LIMIT {
        skip(Span::default(), "the file has too many instructions to be followed");
        return reading;
    }
    let budget = Cell::new(VALUE_BUDGET);
    let Ok(globals) = globals(&parsed, files, &budget) else { return reading };
    let stages = match stages(&parsed, &globals, &budget) {
        Ok(stages) => stages,
        Err((span, reason)) => {
            skip(span, reason);
            return reading;
        }
    };
    if stages.is_empty() {
        skip(Span::default(), "no `FROM` begins a build stage");
        return reading;
    }
    let target = match files.target() {
        None => stages.len() - 1,
        Some(wanted) => match find(&stages, wanted) {
            Some(found) => found,
            None => return Reading::faulty(no_such_stage(&stages, wanted), None),
        },
    };
    let contexts = contexts(files, file, &parsed);
    let names: Vec<Option<String>> = stages.iter().map(|it| it.name.clone()).collect();
    let mut done: Vec<State> = Vec::with_capacity(stages.len());
    let mut count = 0;
    for stage in &stages {
        let state = match &stage.base {
            Base::Stage(base) => State { uses: BTreeSet::from([*base]), ..done[*base].clone() },
            Base::Image(image, _) => outside(&image.reference),
            _ => State { folder: "/".to_owned(), ..State::default() },
        };
        let mut scene = Scene {
            files,
            file,
            done: &done,
            names: &names,
            state,
            budget: &budget,
            contexts: &contexts,
            escape: parsed.escape,
            commands: count,
            at: 0,
        };
        for instruction in stage.instructions {
            follow(&mut scene, instruction, &globals);
        }
        count = scene.commands + 1;
        let mut state = scene.state;
        state.items = settled(files, &state.items);
        done.push(state);
    }
    collect(file, &stages, &done, target, &mut reading);
    once(files, &mut reading);
    reading
}

type Globals = BTreeMap<String, Value>;

/// The arguments before the first `FROM`.
fn globals(parsed: &Dockerfile, files: &Files<'_>, budget: &Cell<usize>) -> Result<Globals, ()> {
    let mut globals = Globals::new();
    for name in PLATFORM {
        globals.extend(files.define(name).map(|value| (name.to_owned(), Value::Known(value.to_owned()))));
    }
    for instruction in parsed.instructions.iter().take_while(|it| it.keyword != "FROM") {
        if instruction.keyword != "ARG" {
            continue;
        }
        let before = globals.clone();
        let lookup = |name: &str| before.get(name).cloned().unwrap_or(Value::Unset);
        let expander = Expander { lookup: &lookup, mode: Mode::Builder(parsed.escape), budget };
        if globals.len() > 1000 {
            return Err(());
        }
        for word in expander.words(&instruction.body) {
            let (name, value) = argument(&word);
            let value = defined(files, &name).or(value).unwrap_or(Value::Unset);
            globals.insert(name, value);
        }
    }
    Ok(globals)
}

/// Arguments that the builder itself gives, where they are declared.
const PLATFORM: [&str; 8] = [
    "TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH", "BUILDVARIANT",
];

fn defined(files: &Files<'_>, name: &str) -> Option<Value> {
    files.define(name).map(|value| Value::Known(value.to_owned()))
}

/// Splits `NAME=value`.
fn argument(word: &Word) -> (String, Option<Value>) {
    match word.text().split_once('=') {
        Some((name, value)) => {
            (name.to_owned(), Some(word.known().map_or(Value::Unknown, |_| Value::Known(value.to_owned()))))
        }
        None => (word.text().to_owned(), None),
    }
}

/// The stages with their bases.
fn stages<'d>(parsed: &'d Dockerfile, globals: &Globals, budget: &Cell<usize>) -> Result<Vec<Stage<'d>>, (Span, &'static str)> {
    let starts: Vec<usize> =
        (0..parsed.instructions.len()).filter(|at| parsed.instructions[*at].keyword == "FROM").collect();
    let lookup = |name: &str| globals.get(name).cloned().unwrap_or(Value::Unset);
    let expander = Expander { lookup: &lookup, mode: Mode::Builder(parsed.escape), budget };
    let mut stages: Vec<Stage<'_>> = Vec::new();
    if let Some(extra) = starts.get(STAGE_LIMIT) {
        return Err((parsed.instructions[*extra].span, "the file has too many build stages to be followed"));
    }
    for (at, start) in starts.iter().enumerate() {
        let from = &parsed.instructions[*start];
        let end = starts.get(at + 1).copied().unwrap_or(parsed.instructions.len());
        let words = expander.words(&from.body);
        let shown = match words.as_slice() {
            [_, word, name, ..] if word.text().eq_ignore_ascii_case("as") => Some(name.text().to_owned()),
            _ => None,
        };
        let base = match words.first() {
            None => Base::Unknown(from.span, "`FROM` names no image".to_owned()),
            Some(word) => base(word, &stages, globals),
        };
        let platform = from.flags.iter().find(|it| it.name == "platform").and_then(|it| {
            let architecture = match it.value.text.trim_matches(['"', '\'']).strip_prefix("linux/")? {
                "amd64" | "x86_64" => "x86_64",
                "arm64" | "arm64/v8" | "aarch64" => "aarch64",
                "ppc64le" => "ppc64le",
                "s390x" => "s390x",
                _ => return None,
            };
            Some((architecture, it.value.place(Span::new(0, it.value.text.len()))))
        });
        let name = shown.as_ref().map(|it| it.to_lowercase());
        stages.push(Stage { name, shown, base, platform, from, instructions: &parsed.instructions[start + 1..end] });
    }
    Ok(stages)
}

fn base(word: &Word, stages: &[Stage<'_>], globals: &Globals) -> Base {
    let span = word.span();
    let Some(text) = word.known() else {
        let shown = word.first_unknown().unwrap_or_default();
        let known_to_builder = |name: &str| globals.contains_key(name) || PLATFORM.contains(&name);
        return Base::Unknown(span, why_unknown(shown, known_to_builder));
    };
    let lower = text.to_lowercase();
    if let Some(at) = stages.iter().rposition(|it| it.name.as_deref() == Some(lower.as_str())) {
        return Base::Stage(at);
    }
    if lower == "scratch" {
        return Base::Scratch;
    }
    match image(text) {
        Some((reference, digest)) => {
            Base::Image(Image { reference, digest, stage: None, cuda: None, role: ImageRole::Builds, packages_only: false }, span)
        }
        None => Base::Unknown(span, format!("`{}` is no reference of an image", shortened(text))),
    }
}

/// Splits the reference of an image from its digest.
pub(super) fn image(text: &str) -> Option<(String, Option<String>)> {
    let plain = |it: char| it.is_ascii_alphanumeric() || "._-/:@".contains(it);
    let (reference, digest) = text.split_once('@').map_or((text, None), |(before, digest)| (before, Some(digest)));
    let reference = reference.trim_end_matches(':');
    let good = text.chars().all(plain) && reference.starts_with(|it: char| it.is_ascii_alphanumeric());
    good.then(|| (reference.to_owned(), digest.filter(|it| it.contains(':')).map(str::to_owned)))
}

/// A stage on an image from elsewhere. Those of AWS Lambda work in a folder that Dockerfiles name by its variable.
fn outside(reference: &str) -> State {
    let mut state = State { folder: "/".to_owned(), ..State::default() };
    if reference.contains("lambda/python") || reference.contains("aws-lambda-python") {
        "/var/task".clone_into(&mut state.folder);
        state.arguments.insert("LAMBDA_TASK_ROOT".to_owned(), Value::Known("/var/task".to_owned()));
    }
    if let Some(version) = cuda_of_tag(reference) {
        state.arguments.insert("CUDA_VERSION".to_owned(), Value::Known(version.to_owned()));
    }
    state
}

/// The release that NVIDIA's CUDA images set as `CUDA_VERSION`, where their tag spells it out.
fn cuda_of_tag(reference: &str) -> Option<&str> {
    let (repository, tag) = reference.rsplit_once(':')?;
    let version = tag.split('-').next().filter(|_| repository == "nvidia/cuda" || repository.ends_with("/nvidia/cuda"))?;
    let parts: Option<Vec<u32>> = version.split('.').map(|it| it.parse().ok()).collect();
    // Up to CUDA 10 the variable had a part that no tag shows.
    parts.filter(|it| it.len() == 3 && it[0] >= 11).map(|_| version)
}

fn find(stages: &[Stage<'_>], wanted: &str) -> Option<usize> {
    let lower = wanted.to_lowercase();
    let named = stages.iter().rposition(|it| it.name.as_deref() == Some(lower.as_str()));
    named.or_else(|| wanted.parse().ok().filter(|number| *number < stages.len()))
}

fn no_such_stage(stages: &[Stage<'_>], wanted: &str) -> String {
    let names: Vec<String> = stages.iter().filter_map(|it| it.shown.as_ref()).take(20).map(|it| format!("`{it}`")).collect();
    let wanted = shortened(wanted);
    if names.is_empty() {
        return format!("it has no build stage `{wanted}`, and none of its stages has a name");
    }
    format!("it has no build stage `{wanted}`; its stages are {}", names.join(", "))
}

/// The folders that may be the build context: the Dockerfile's own and those above it, as far as envcheck may look. The
/// one in which most of the copied files are found comes first.
fn contexts(files: &Files<'_>, file: FileId, parsed: &Dockerfile) -> Vec<String> {
    let mut contexts = vec![String::new()];
    while contexts.len() < 20 && files.look(file, &"../".repeat(contexts.len())).is_some() {
        contexts.push("../".repeat(contexts.len()));
    }
    let mut copied: Vec<&str> = Vec::new();
    for it in parsed.instructions.iter().filter(|it| matches!(it.keyword.as_str(), "COPY" | "ADD")).take(200) {
        if it.flags.iter().all(|flag| flag.name != "from") {
            let words: Vec<&str> = it.body.text.split_whitespace().collect();
            copied.extend(words.split_last().map_or(&[][..], |(_, sources)| sources));
        }
    }
    copied.retain(|it| !it.contains(['*', '?', '[', '$', '"', '<', ':']) && !matches!(*it, "." | "./" | "/"));
    let score = |context: &String| {
        let there = |it: &&&str| files.look(file, &format!("{context}{}", it.trim_start_matches('/'))).is_some();
        std::cmp::Reverse(copied.iter().take(100).filter(there).count())
    };
    if contexts.len() > 1 {
        contexts.sort_by_cached_key(score);
    }
    contexts
}

/// Follows one instruction.
fn follow(scene: &mut Scene<'_, '_>, instruction: &Instruction, globals: &Globals) {
    scene.commands += 1;
    scene.at = instruction.span.start;
    match instruction.keyword.as_str() {
        "RUN" => commands::run(scene, instruction),
        "COPY" | "ADD" => copy::copy(scene, instruction),
        "ENV" => environment(scene, instruction),
        "ARG" => {
            for word in scene.expand(|it| it.words(&instruction.body)) {
                let (name, value) = argument(&word);
                let given = defined(scene.files, &name);
                let value = given.or(value).or_else(|| globals.get(&name).cloned()).unwrap_or(Value::Unset);
                scene.state.arguments.insert(name, value);
            }
        }
        "WORKDIR" => {
            let folder = scene.expand(|it| it.words(&instruction.body));
            let folder: Vec<&str> = folder.iter().map(Word::text).collect();
            scene.state.folder = scene.path(&folder.join(" "));
        }
        "SHELL" => shell(scene, instruction),
        "ONBUILD" => {
            let text = &instruction.body.text;
            if text.to_ascii_uppercase().starts_with("RUN") && text.contains("install") {
                let reason = "`ONBUILD` only runs in images that are built on this one";
                scene.note(instruction.span, reason, Scope::System);
            }
        }
        "ENTRYPOINT" => {
            scene.state.entrypoint = start::words(instruction);
            // A command of an earlier stage or image was meant for another entry point.
            scene.state.command = Vec::new();
        }
        "CMD" => scene.state.command = start::words(instruction),
        "LABEL" | "EXPOSE" | "USER" | "VOLUME" | "STOPSIGNAL" | "HEALTHCHECK" | "MAINTAINER" => {}
        other => {
            let reason = format!("`{}` is no instruction of a Dockerfile", shortened(other));
            scene.note(instruction.span, reason, Scope::System);
        }
    }
}

/// `ENV a=b c=d` and `ENV a b`.
fn environment(scene: &mut Scene<'_, '_>, instruction: &Instruction) {
    let body = &instruction.body;
    let spans = scene.expand(|it| it.split(body));
    let Some(first) = spans.first() else { return };
    let pairs: Vec<(String, Word)> = if body.text[first.start..first.end].contains('=') {
        let words = spans.iter().map(|span| scene.expand(|it| it.word(&body.slice(span.start, span.end))));
        words
            .flatten()
            .filter_map(|word| {
                let at = word.text().find('=')?;
                Some((word.text()[..at].to_owned(), word.slice(at + 1, word.text().len())))
            })
            .collect()
    } else {
        let name = body.text[first.start..first.end].to_owned();
        let rest = body.slice(spans.get(1).map_or(body.text.len(), |it| it.start), body.text.len());
        let value = scene.expand(|it| it.word(&rest)).pop().unwrap_or_default();
        vec![(name, value)]
    };
    for (name, word) in pairs {
        let value = word.known().map_or(Value::Unknown, |it| Value::Known(it.to_owned()));
        let span = if word.text().is_empty() { instruction.span } else { word.span() };
        // `PATH=/opt/venv/bin:$PATH` adds to what an earlier line said, although the image's own part is not known.
        let mut text = word.text().to_owned();
        if let (Value::Unknown, Some(before)) = (&value, scene.state.variables.get(&name))
            && text.len() + before.text.len() < 16 << 10
        {
            let spelled = format!("${{{name}}}");
            let at = text.find(&spelled).map(|at| (at, spelled.len()));
            let short = || text.find(&format!("${name}")).map(|at| (at, name.len() + 1));
            if let Some((at, length)) = at.or_else(short) {
                text.replace_range(at..at + length, &before.text);
            }
        }
        scene.state.variables.insert(name, Variable { value, text, span });
    }
}

/// `SHELL`: commands may run in an environment of conda, or not in a shell of Unix at all.
fn shell(scene: &mut Scene<'_, '_>, instruction: &Instruction) {
    let words = json_array(&instruction.body).unwrap_or_default();
    let words: Vec<&str> = words.iter().map(|it| it.text.as_str()).collect();
    let name = words.first().map_or("", |it| it.rsplit(['/', '\\']).next().unwrap_or(it)).to_lowercase();
    scene.state.foreign_shell = name.starts_with("powershell") || name.starts_with("pwsh") || name.starts_with("cmd");
    scene.state.conda = commands::conda_run(&words);
}

/// Puts together what reaches the image.
fn collect(file: FileId, stages: &[Stage<'_>], done: &[State], target: usize, reading: &mut Reading) {
    let state = &done[target];
    let fact = |kind, span| Fact { kind, standing: Standing::Declared, place: Place { file, span } };
    let mut facts: Vec<(usize, Fact)> = Vec::new();
    let mut skipped: Vec<(usize, Skipped)> = Vec::new();
    let root = root(stages, done, target);
    let installing = installing(stages, done, target);
    for at in reached(stages, done, target) {
        let order = stages[at].from.span.start;
        match &stages[at].base {
            Base::Image(image, span) => {
                let last = at == root;
                let number = || at.to_string();
                let begins = if last { "final".to_owned() } else { stages[at].shown.clone().unwrap_or_else(number) };
                let role = match last {
                    true => ImageRole::Runs,
                    false if installing.contains(&at) => ImageRole::Installs,
                    false => ImageRole::Builds,
                };
                let packages_only = last && packages_only(state);
                let image = Image { stage: Some(begins), role, packages_only, ..image.clone() };
                facts.push((order, fact(FactKind::Image(image), *span)));
            }
            Base::Unknown(span, reason) => {
                skipped.push((order, Skipped { place: Place { file, span: *span }, reason: reason.clone() }));
            }
            Base::Scratch if at == target && exports(state) => {
                let reason = "the last stage only holds files that are copied into it; `--target STAGE` looks at another one";
                skipped.push((order, Skipped { place: Place { file, span: stages[at].from.span }, reason: reason.to_owned() }));
            }
            Base::Scratch | Base::Stage(_) => {}
        }
    }
    let mut at = Some(target);
    while let Some(stage) = at {
        if let Some((architecture, span)) = stages[stage].platform {
            facts.push((stages[stage].from.span.start, fact(FactKind::Architecture(architecture.to_owned()), span)));
            break;
        }
        at = match stages[stage].base {
            Base::Stage(base) => Some(base),
            _ => done[stage].adopted,
        };
    }
    for kind in start::facts(state) {
        facts.push((kind.1.start, fact(kind.0, kind.1)));
    }
    for item in &state.items {
        match &item.what {
            _ if matches!(item.scope, Scope::Wheels(_)) => {}
            What::Fact(it) => facts.push((item.order, it.clone())),
            What::Note(it) => skipped.push((item.order, it.clone())),
            What::Uninstall(_) | What::Remove(_) => {}
        }
    }
    facts.sort_by_key(|(order, _)| *order);
    skipped.sort_by_key(|(order, _)| *order);
    reading.facts.extend(facts.into_iter().map(|(_, fact)| fact));
    reading.skipped.extend(skipped.into_iter().map(|(_, note)| note));
}

/// Whether all that a stage lays over its image is known by name: packages, and files of the program.
fn packages_only(state: &State) -> bool {
    let is_note = |item: &Item| matches!(item.what, What::Note(_));
    !state.unseen && !state.foreign_shell && state.adopted.is_none() && !state.items.iter().any(is_note)
}

/// The stages whose image has the Python that installed packages of the target, where that is another image and no other
/// Python is known to be there.
fn installing(stages: &[Stage<'_>], done: &[State], target: usize) -> BTreeSet<usize> {
    let own = root(stages, done, target);
    let mut found = BTreeSet::new();
    for item in &done[target].items {
        let package = matches!(&item.what, What::Fact(Fact { kind: FactKind::Package(_), .. }));
        if let (true, Scope::Python(_), Some(stage)) = (package, &item.scope, item.stage) {
            found.insert(stage);
        }
    }
    let other_python = |stage: &usize| {
        done[*stage].items.iter().any(|item| matches!(&item.what, What::Fact(Fact { kind: FactKind::Python(_), .. })))
    };
    found.retain(|stage| !other_python(stage));
    found.into_iter().map(|stage| root(stages, done, stage)).filter(|stage| *stage != own).collect()
}

/// The stage whose image the program runs on.
fn root(stages: &[Stage<'_>], done: &[State], target: usize) -> usize {
    let mut at = target;
    loop {
        at = match (&stages[at].base, done[at].adopted) {
            (Base::Stage(base), _) => *base,
            (Base::Scratch, Some(adopted)) => adopted,
            _ => return at,
        };
    }
}

/// The stages that have to be built, in the order of the file.
fn reached(stages: &[Stage<'_>], done: &[State], target: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![target];
    while let Some(at) = open.pop() {
        if reached.insert(at) {
            open.extend(done[at].uses.iter().copied());
            if let Base::Stage(base) = stages[at].base {
                open.push(base);
            }
        }
    }
    reached
}

/// Whether a stage from nothing holds no program: files are copied out of the build.
fn exports(state: &State) -> bool {
    state.adopted.is_none() && state.entrypoint.is_empty() && state.command.is_empty()
}

/// Whether something lies at a path of the context.
pub(super) fn in_context(scene: &Scene<'_, '_>, path: &str) -> Option<Found> {
    scene.contexts.iter().find_map(|context| scene.files.look(scene.file, &format!("{context}{path}")))
}
