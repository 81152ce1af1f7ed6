//! Damaged models, many of them: every read ends soon, without a panic and in memory that follows the file's size.
//!
//! The seeds are the models among the fixtures. Some damage is done everywhere (every bit flipped, every field cut off,
//! every length made a lie), the rest at random from a seed that is printed. The short run does some thousands; the long
//! one, optimised but with the checks of arithmetic that a debug build has, is
//!
//! ```text
//! FUZZ_EXECUTIONS=10000000 FUZZ_SEED=1 cargo test --test suite \
//!     --config profile.dev.package.envcheck-ml.opt-level=2 fuzz_damaged -- --ignored --nocapture
//! ```

use std::{
    collections::BTreeMap,
    env,
    fmt::{self, Write as _},
    fs,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use envcheck::{
    environment::{Environment, Side},
    fact::{Fact, FactKind, Package, PackageName, Standing},
    finding::Verdicts,
    input::Probe,
    knowledge::Knowledge,
    rules::{self, Check, Context},
    text::{Place, Span},
    version::VersionSet,
};

use super::{
    format,
    memory::{self, Peak},
    read, tree,
    tree::{Field, Kind, Payload},
};

/// A read that takes longer is reported with its bytes.
const SLOW: Duration = Duration::from_secs(1);
/// A read that takes longer is a hang.
const HANG: Duration = Duration::from_secs(20);
/// Bytes of memory that a read may take whatever the file is.
const BASE: usize = 96 * 1024;
/// Bytes of memory that a read may take for each byte of the file.
const SHARE: usize = 40;
/// One of so many models goes through the rules, too.
const CHECKED: u64 = 16;

/// Numbers that only look random: the same seed gives the same.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not zero.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// Models to damage: as bytes, and as fields inside each other.
struct Seeds(Vec<(Vec<u8>, Vec<Field>)>);

impl Seeds {
    /// The models among the fixtures; of the many alike one in `step`.
    fn load(step: usize) -> Self {
        let mut paths = Vec::new();
        models(Path::new("fixtures/inputs/onnx"), &mut paths);
        let few = paths.len();
        models(Path::new("fixtures/onnx-load/models"), &mut paths);
        let mut seeds = Vec::new();
        for (at, path) in paths.iter().enumerate() {
            if at < few || at % step == 0 {
                let bytes = fs::read(path).unwrap();
                seeds.extend(
                    tree::parse(&bytes, Kind::Model).filter(|fields| !fields.is_empty()).map(|fields| (bytes, fields)),
                );
            }
        }
        assert!(seeds.len() > few);
        Seeds(seeds)
    }
}

fn models(folder: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            models(&path, into);
        } else if path.extension().is_some_and(|it| it == "onnx") {
            into.push(path);
        }
    }
}

/// The model that is being read, and since when.
type Running = Option<(Instant, Vec<u8>)>;

/// What is done with every damaged model, and what came out.
struct Target {
    knowledge: Knowledge,
    serving: Vec<Package>,
    now: Arc<Mutex<Running>>,
    ended: Arc<AtomicBool>,
    executions: u64,
    models: u64,
    checked: u64,
    slow: u64,
    longest: (Duration, usize),
    most_memory: (usize, usize),
    /// Memory beyond the base, as a multiple of the file.
    largest_share: (usize, usize, usize),
    broken: Vec<String>,
}

impl Target {
    fn new() -> Self {
        let (now, ended) = (Arc::new(Mutex::new(None)), Arc::new(AtomicBool::new(false)));
        watch(Arc::clone(&now), Arc::clone(&ended));
        let serving = ["1.9.0", "1.16.3", "1.20.1", "1.23.2"].map(|release| {
            let mut package = Package::named(PackageName::new("onnxruntime").unwrap(), "onnxruntime", Span::default());
            package.versions = VersionSet::exactly(&release.parse().unwrap());
            package.specifier = format!("=={release}");
            package
        });
        Target {
            knowledge: Knowledge::built_in(),
            serving: serving.into(),
            now,
            ended,
            executions: 0,
            models: 0,
            checked: 0,
            slow: 0,
            longest: Default::default(),
            most_memory: Default::default(),
            largest_share: Default::default(),
            broken: Vec::new(),
        }
    }

    fn execute(&mut self, bytes: &[u8]) {
        self.executions += 1;
        let start = Instant::now();
        {
            let mut now = self.now.lock().unwrap();
            let (since, copy) = now.get_or_insert_with(|| (start, Vec::new()));
            *since = start;
            copy.clear();
            copy.extend_from_slice(bytes);
        }
        let is_checked = self.executions.is_multiple_of(CHECKED);
        let peak = Peak::start();
        let done = catch_unwind(AssertUnwindSafe(|| {
            let found = read(bytes);
            found.check_places();
            found.reading.facts
        }));
        let memory = peak.bytes();
        let facts = match done {
            Ok(facts) => facts,
            Err(why) => return self.panicked("reader", &*why, bytes),
        };
        let probe = Probe { name: "model.bin", bytes, text: None };
        if let Err(why) = catch_unwind(|| (format().claims)(&probe)) {
            return self.panicked("claim", &*why, bytes);
        }
        if !facts.is_empty() {
            self.models += 1;
            if is_checked {
                self.checked += 1;
                if let Err(why) = catch_unwind(AssertUnwindSafe(|| self.check(facts))) {
                    return self.panicked("rules", &*why, bytes);
                }
            }
        }
        let took = start.elapsed();
        self.longest = self.longest.max((took, bytes.len()));
        if took > SLOW {
            self.slow += 1;
            say(&format!("slow: {took:?}: {}", hex(bytes)));
        }
        self.most_memory = self.most_memory.max((memory, bytes.len()));
        let share = memory.saturating_sub(BASE) / bytes.len().max(1);
        self.largest_share = self.largest_share.max((share, memory, bytes.len()));
        if memory > BASE + SHARE * bytes.len() {
            self.report(format!("{memory} bytes of memory for {} bytes: {}", bytes.len(), hex(bytes)));
        }
    }

    fn check(&self, mut facts: Vec<Fact>) {
        let package = &self.serving[usize::try_from(self.checked % self.serving.len() as u64).unwrap()];
        let place = Place { file: facts[0].place.file, span: Span::default() };
        facts.push(Fact { kind: FactKind::Package(package.clone().into()), standing: Standing::Declared, place });
        let serving = Environment::new("serving", Side::Alone, facts, &self.knowledge);
        let context = Context { training: None, serving: &serving, knowledge: &self.knowledge };
        let mut verdicts = Verdicts::default();
        for rule in rules::RULES.iter().filter(|rule| matches!(rule.check, Check::Model(_))) {
            rules::run_one(rule, &context, &mut verdicts);
        }
    }

    fn panicked(&mut self, what: &str, why: &dyn std::any::Any, bytes: &[u8]) {
        let why = why.downcast_ref::<String>().map(String::as_str).or_else(|| why.downcast_ref::<&str>().copied());
        self.report(format!("{what} panicked: {}: {}", why.unwrap_or("?"), hex(bytes)));
    }

    fn report(&mut self, text: String) {
        say(&text);
        self.broken.push(text);
    }

    /// Ends the run: what was broken is said, and the test fails.
    fn done(self) {
        self.ended.store(true, Ordering::Relaxed);
        assert!(
            self.broken.is_empty(),
            "{} broken: {:#?}",
            self.broken.len(),
            &self.broken[..self.broken.len().min(5)]
        );
        assert_eq!(self.slow, 0);
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} executions: {} models, {} checked by the rules; ", self.executions, self.models, self.checked)?;
        write!(f, "longest {:?} ({} bytes), {} slow; ", self.longest.0, self.longest.1, self.slow)?;
        write!(f, "memory at most {} bytes ({} bytes), ", self.most_memory.0, self.most_memory.1)?;
        let (share, memory, length) = self.largest_share;
        write!(f, "beyond the base at most {share} times the file ({memory} of {length}); {} broken", self.broken.len())
    }
}

/// Ends the process with the bytes that are being read if that takes too long.
fn watch(now: Arc<Mutex<Running>>, ended: Arc<AtomicBool>) {
    thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(500));
            if let Some((since, bytes)) = &*now.lock().unwrap()
                && since.elapsed() > HANG
                && !ended.load(Ordering::Relaxed)
            {
                say(&format!("hangs: {}", hex(bytes)));
                std::process::abort();
            }
        }
    });
}

/// Says a line that the test runner does not capture.
fn say(line: &str) {
    let mut out = std::io::stderr();
    writeln!(out, "{line}").unwrap();
}

fn hex(bytes: &[u8]) -> String {
    let mut shown = String::new();
    for byte in bytes.iter().take(4_000) {
        write!(shown, "{byte:02x}").unwrap();
    }
    if bytes.len() > 4_000 { format!("{shown}... of {}", bytes.len()) } else { shown }
}

/// Lengths and numbers that are often mistaken.
const NUMBERS: [u64; 20] = [
    0,
    1,
    2,
    15,
    16,
    63,
    64,
    127,
    128,
    255,
    300,
    16_383,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 62,
    (1 << 63) - 1,
    1 << 63,
    u64::MAX,
];

/// Does to a model, once each, what is done everywhere.
fn everywhere(bytes: &[u8], fields: &[Field], mut run: impl FnMut(&[u8])) {
    let mut damaged = bytes.to_vec();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            damaged[at] = bytes[at] ^ (1 << bit);
            run(&damaged);
        }
        damaged[at] = bytes[at];
    }
    for end in 0..bytes.len() {
        run(&bytes[..end]);
    }
    // Lengths that lie, with all around them made to fit and with nothing made to fit.
    let mut fields = fields.to_vec();
    for at in 0..tree::count(&fields) {
        let mut has_length = false;
        tree::with(&mut fields, at, &mut |field| {
            has_length = matches!(field.payload, Payload::Bytes(_) | Payload::Message(_));
        });
        for claim in NUMBERS.into_iter().filter(|_| has_length) {
            tree::with(&mut fields, at, &mut |field| field.claim = Some(claim));
            let written = tree::write(&fields);
            run(&written);
            // Two gigabytes and more in a file that ends there.
            run(&written[..written.len().min(100)]);
        }
        tree::with(&mut fields, at, &mut |field| field.claim = None);
        // And fields of another kind than the one that belongs there.
        let mut kept = None;
        for other in [
            Payload::Number(u64::MAX),
            Payload::Fixed(vec![0xff; 8]),
            Payload::Fixed(vec![0; 4]),
            Payload::Bytes(Vec::new()),
        ] {
            tree::with(&mut fields, at, &mut |field| {
                let own = std::mem::replace(&mut field.payload, other.clone());
                kept.get_or_insert(own);
            });
            run(&tree::write(&fields));
        }
        let own = kept.unwrap();
        tree::with(&mut fields, at, &mut |field| field.payload = own.clone());
    }
    assert_eq!(tree::write(&fields), bytes);
}

/// A model with damage of a random kind, at random places.
fn damaged(random: &mut Random, seeds: &Seeds) -> Vec<u8> {
    let (bytes, fields) = random.one(&seeds.0);
    let mut bytes = if random.below(4) == 0 {
        bytes.clone()
    } else {
        let mut fields = fields.clone();
        for _ in 0..=random.below(4) {
            alter(random, seeds, &mut fields);
        }
        tree::write(&fields)
    };
    if bytes.is_empty() || random.below(3) == 0 {
        return bytes;
    }
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let any = u8::try_from(random.below(256)).unwrap();
        match random.below(8) {
            0 => bytes[at] ^= 1 << (any % 8),
            1 => bytes[at] = any,
            2 => bytes[at] = bytes[at].wrapping_add(1),
            3 => bytes.truncate(at.max(1)),
            4 => bytes.insert(at, any),
            5 if bytes.len() > 1 => {
                bytes.remove(at);
            }
            6 => {
                let claim = tree::varint(*random.one(&NUMBERS));
                bytes.splice(at..at, claim);
            }
            _ => {
                let (other, _) = random.one(&seeds.0);
                let from = random.below(other.len());
                let end = (from + 1 + random.below(40)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    bytes
}

/// Alters one field, or the fields of one message.
fn alter(random: &mut Random, seeds: &Seeds, fields: &mut Vec<Field>) {
    let count = tree::count(fields);
    if count == 0 {
        return;
    }
    let at = random.below(count);
    match random.below(12) {
        0 => {
            let claim = *random.one(&NUMBERS);
            tree::with(fields, at, &mut |field| field.claim = Some(claim));
        }
        1 => {
            let number = *random.one(&NUMBERS);
            tree::with(fields, at, &mut |field| match &mut field.payload {
                Payload::Number(old) => *old = number,
                Payload::Bytes(bytes) => bytes.truncate(usize::try_from(number % 64).unwrap()),
                _ => {}
            });
        }
        2 => {
            let names: [&[u8]; 8] =
                [b"", b"\xff", b"If", b"Cast", b"local", b"com.microsoft", b"ai.onnx", &[b'x'; 600]];
            let name = (*random.one(&names)).to_vec();
            tree::with(fields, at, &mut |field| {
                if let Payload::Bytes(bytes) = &mut field.payload {
                    bytes.clone_from(&name);
                }
            });
        }
        3 => {
            let number = u32::try_from(random.below(30)).unwrap() + 1;
            tree::with(fields, at, &mut |field| field.number = number);
        }
        // A field many times, beside itself.
        4 | 5 => {
            let times = if random.below(50) == 0 { 300 } else { 1 + random.below(3) };
            tree::beside(fields, at, &mut |own, at| {
                let copies = vec![own[at].clone(); times];
                own.splice(at..at, copies);
            });
        }
        6 => tree::beside(fields, at, &mut |own, at| {
            own.remove(at);
        }),
        7 => {
            let to = random.next();
            tree::beside(fields, at, &mut |own, at| {
                let field = own.remove(at);
                own.insert(usize::try_from(to % (own.len() as u64 + 1)).unwrap(), field);
            });
        }
        // A field of another model, where there is one like it, or anywhere.
        8 | 9 => {
            let (_, other) = random.one(&seeds.0);
            let mut other = other.clone();
            let mut taken = None;
            let from = random.below(tree::count(&other).max(1));
            tree::with(&mut other, from, &mut |field| taken = Some(field.clone()));
            let Some(taken) = taken else { return };
            let replaces = random.below(2) == 0;
            tree::beside(fields, at, &mut |own, at| {
                if replaces {
                    own[at].payload = taken.payload.clone();
                } else {
                    own.insert(at, taken.clone());
                }
            });
        }
        // Graphs inside graphs, types inside types.
        10 => {
            let deep = if random.below(20) == 0 { 150 } else { 1 + random.below(5) };
            tree::with(fields, at, &mut |field| nest(field, deep));
        }
        // Functions that call each other, or themselves.
        _ => {
            let count = 1 + random.below(4);
            for function in 0..count {
                let body: Vec<Field> = (0..=random.below(3))
                    .map(|_| Field::message(7, call(random.below(count), 1 + random.below(2))))
                    .collect();
                let mut function = vec![Field::text(1, &format!("f{function}")), Field::text(10, "local")];
                function.splice(1..1, body);
                fields.push(Field::message(25, function));
            }
            let node = Field::message(1, call(random.below(count), 1));
            if let Some(Payload::Message(graph)) =
                fields.iter_mut().find(|it| it.number == 7).map(|field| &mut field.payload)
            {
                graph.insert(0, node);
            }
        }
    }
}

/// A node that calls a function, or an `If` around one.
fn call(function: usize, depth: usize) -> Vec<Field> {
    let node = vec![Field::text(4, &format!("f{function}")), Field::text(7, "local")];
    if depth == 1 {
        return node;
    }
    let graph = vec![Field::message(1, node)];
    vec![Field::text(4, "If"), Field::message(5, vec![Field::text(1, "then_branch"), Field::message(6, graph)])]
}

/// Puts what a field holds into itself, so many times.
fn nest(field: &mut Field, deep: usize) {
    let Payload::Message(own) = &mut field.payload else { return };
    for _ in 0..deep {
        let inner = std::mem::take(own);
        *own = if field.number == 2 {
            // A type: a sequence of it.
            vec![Field::message(4, vec![Field::message(1, inner)])]
        } else {
            // A graph: an `If` with it as its branch.
            let branch = Field::message(5, vec![Field::message(6, inner)]);
            vec![Field::message(1, vec![Field::text(4, "If"), branch])]
        };
    }
}

/// All kinds of damage: everywhere in some seeds, then at random until there were so many executions.
fn fuzz(target: &mut Target, seeds: &Seeds, executions: u64, seed: u64, mut tell: impl FnMut(&Target)) {
    // What is read once in a process is no part of any file.
    target.check(read(&seeds.0[0].0).reading.facts);
    for (bytes, fields) in &seeds.0 {
        // To make damage that nobody reads takes so long with many models that it looks like a read without an end.
        if target.executions >= executions / 2 {
            break;
        }
        everywhere(bytes, fields, |bytes| {
            if target.executions < executions / 2 {
                target.execute(bytes);
            }
        });
        tell(target);
    }
    let mut random = Random(seed);
    while target.executions < executions {
        target.execute(&damaged(&mut random, seeds));
        tell(target);
    }
}

#[test]
fn damaged_models_are_survived() {
    let mut target = Target::new();
    fuzz(&mut target, &Seeds::load(60), 12_000, 4, |_| ());
    assert!(target.models > 1_000 && target.models < target.executions, "{target}");
    target.done();
}

#[test]
#[ignore = "takes minutes: the command stands at the top of this module"]
fn fuzz_damaged_models() {
    let number = |name: &str, or| env::var(name).map_or(or, |text| text.parse().unwrap());
    let since_epoch = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let (executions, seed) = (number("FUZZ_EXECUTIONS", 10_000_000), number("FUZZ_SEED", since_epoch.as_secs()));
    let seeds = Seeds::load(1);
    say(&format!("{executions} executions from {} models, FUZZ_SEED={seed}", seeds.0.len()));
    let (start, mut told) = (Instant::now(), Instant::now());
    let mut target = Target::new();
    fuzz(&mut target, &seeds, executions, seed, |target| {
        if told.elapsed() > Duration::from_secs(30) {
            told = Instant::now();
            say(&format!("{:.0} s: {target}", start.elapsed().as_secs_f64()));
        }
    });
    say(&format!("{:.1} s: {target}", start.elapsed().as_secs_f64()));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(peak) = status.lines().find(|line| line.starts_with("VmHWM")) {
        say(&format!("the whole process: {peak}"));
    }
    target.done();
}

#[test]
fn memory_is_counted() {
    let peak = Peak::start();
    let mut kept = BTreeMap::new();
    for at in 0..10 {
        kept.insert(at, vec![0_u8; 1_000]);
        drop(vec![0_u8; 50_000]);
    }
    assert!((58_000..80_000).contains(&peak.bytes()), "{} of {}", peak.bytes(), memory::live());
}
