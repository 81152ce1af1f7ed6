//! The page for browsers: well-formed, sealed, inert whatever was read, and right about which link is broken.

use std::fmt::Write as _;

use quick_xml::{Reader, events::Event};

use super::{
    cases::{cases, envcheck, names, root},
    cli::Scratch,
};

/// An element of the page, or text in it.
#[derive(Debug)]
enum Part {
    Open { name: String, attributes: Vec<(String, String)>, empty: bool },
    Text(String),
    Close(String),
}

/// Parses the page as strictly as XML is parsed; it is both.
fn parts(page: &str) -> Vec<Part> {
    let mut reader = Reader::from_str(page);
    reader.config_mut().check_end_names = true;
    let mut parts = Vec::new();
    let mut depth = 0;
    let mut text = String::new();
    loop {
        let event = reader.read_event().unwrap_or_else(|fault| panic!("{fault} at {}", reader.buffer_position()));
        if !matches!(event, Event::Text(_) | Event::GeneralRef(_)) && !text.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut text)));
        }
        match event {
            Event::Start(ref element) | Event::Empty(ref element) => {
                let empty = matches!(event, Event::Empty(_));
                depth += i32::from(!empty);
                let name = element.name().as_ref().to_owned();
                let attributes = element
                    .attributes()
                    .map(|attribute| {
                        let attribute = attribute.unwrap();
                        let key = attribute.key.as_ref().to_owned();
                        let raw = &*attribute.value;
                        assert!(!raw.contains('<'), "{raw}");
                        (key, quick_xml::escape::unescape(raw).unwrap().into_owned())
                    })
                    .collect();
                parts.push(Part::Open { name, attributes, empty });
            }
            Event::End(element) => {
                depth -= 1;
                parts.push(Part::Close(element.name().as_ref().to_owned()));
            }
            Event::Text(piece) => {
                let piece = &*piece;
                assert!(!piece.contains(['<', '&']), "{piece}");
                text.push_str(piece);
            }
            Event::GeneralRef(reference) => {
                let name = &*reference;
                text.push_str(&quick_xml::escape::unescape(&format!("&{name};")).unwrap());
            }
            Event::DocType(kind) => assert_eq!(kind.trim(), "html"),
            Event::Eof => break,
            other => panic!("{other:?} has no place in the page"),
        }
    }
    assert_eq!(depth, 0, "an element stays open");
    parts
}

fn attribute<'p>(attributes: &'p [(String, String)], name: &str) -> Option<&'p str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What every page must be.
fn check(what: &str, page: &str) -> Vec<Part> {
    assert!(page.starts_with("<!DOCTYPE html>\n"), "{what}");
    let harmless = |character: char| matches!(character, '\n' | '\t') || !envcheck::text::is_hidden(character);
    assert!(page.chars().all(harmless), "{what} holds a hidden character");
    let parts = parts(page);
    let mut identities = Vec::new();
    let mut targets = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for part in &parts {
        match part {
            Part::Open { name, attributes, empty } => {
                // Nothing that loads, runs or sends, in any form.
                let known = "html head meta title style body header footer main nav section article h1 h2 h3 h4 h5 p ul ol \
                             li div span b a code figure figcaption table thead tbody tr th td details summary form fieldset \
                             legend label input mark del ins wbr script";
                assert!(known.split_whitespace().any(|it| it == name), "{what}: <{name}>");
                for (key, value) in attributes {
                    assert!(!key.starts_with("on") && key != "style" && key != "src", "{what}: {key} of <{name}>");
                    if key == "id" {
                        assert!(!identities.contains(value), "{what}: {value} twice");
                        identities.push(value.clone());
                    }
                    if key == "href" {
                        assert_eq!(name, "a", "{what}");
                        if let Some(target) = value.strip_prefix('#') {
                            targets.push(target.to_owned());
                        } else {
                            let web = value.starts_with("https://") || value.starts_with("http://");
                            assert!(web, "{what}: {value}");
                            assert_eq!(attribute(attributes, "rel"), Some("noopener noreferrer"), "{what}");
                        }
                    }
                }
                // Void elements are the ones that HTML closes by itself.
                assert_eq!(*empty, ["meta", "input", "wbr"].contains(&name.as_str()), "{what}: <{name}>");
                if !empty {
                    open.push(name);
                }
            }
            Part::Text(text) => {
                let inside = open.last().copied().unwrap_or_default();
                if ["style", "script"].contains(&inside) {
                    for word in ["http", "url(", "@import", "fetch", "eval"] {
                        assert!(!text.contains(word), "{what}: <{inside}> has {word}");
                    }
                }
            }
            Part::Close(_) => {
                open.pop();
            }
        }
    }
    for target in targets {
        assert!(identities.contains(&target), "{what}: nothing is called {target}");
    }
    for tag in ["<script", "<style", "<title"] {
        assert_eq!(page.matches(tag).count(), 1, "{what}: {tag}");
    }
    parts
}

fn html(arguments: &[&str]) -> String {
    let run = envcheck(&[arguments, &["--format", "html", "--fail-on", "never"]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}");
    run.stdout
}

fn project(name: &str, form: &str) -> String {
    let path = format!("fixtures/projects/{name}/{form}");
    html(&["diff", &format!("{path}/train"), &format!("{path}/serve")])
}

/// The broken links of a page: side, link and codes, in the order of the picture.
fn broken(page: &str) -> Vec<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut at = String::new();
    for part in check("a project", page) {
        match part {
            Part::Open { name, .. } if name == "article" || name == "table" => break,
            Part::Open { attributes, .. } => {
                let class = attribute(&attributes, "class").unwrap_or_default();
                let has = |word: &str| class.split(' ').any(|it| it == word);
                let side = if has("l1") { "serving" } else { "training" };
                if let Some(link) = attribute(&attributes, "data-link") {
                    at = format!("{side} {link}");
                } else if let Some(stage) = attribute(&attributes, "data-across") {
                    at = format!("both {stage}");
                } else if has("node") {
                    at = format!(
                        "{side} {}",
                        class.split(' ').find_map(|it| it.strip_prefix("at-")).unwrap_or_default()
                    );
                }
                let new = found.last().is_none_or(|(known, _)| *known != at);
                if new && (has("broken") || attribute(&attributes, "href").is_some()) {
                    found.push((at.clone(), Vec::new()));
                }
            }
            Part::Text(text) if text.starts_with("EC") => {
                found.last_mut().expect("a code stands at a link").1.push(text);
            }
            _ => {}
        }
    }
    found.into_iter().map(|(at, codes)| format!("{at} {}", codes.join(" "))).collect()
}

#[test]
fn the_broken_links_of_every_project_are_marked() {
    let mut shown = String::new();
    for name in names(&root().join("fixtures/projects")) {
        let page = project(&name, "broken");
        let links = broken(&page);
        assert!(!links.is_empty(), "{name}");
        // Every error and warning stands somewhere in the picture.
        for code in codes_of(&page) {
            assert!(links.iter().any(|link| link.contains(&code)), "{name}: {code} is not in the picture");
        }
        writeln!(shown, "{name}").unwrap();
        for link in &links {
            writeln!(shown, "  {link}").unwrap();
        }
        assert_eq!(broken(&project(&name, "mended")), [""; 0], "{name} is mended");
    }
    insta::assert_snapshot!(shown);
}

/// The codes of errors and warnings, from the headings of the findings.
fn codes_of(page: &str) -> Vec<String> {
    let grave = |text: &str| text.strip_prefix("error ").or_else(|| text.strip_prefix("warning ")).map(str::to_owned);
    let texts = parts(page).into_iter().filter_map(|part| match part {
        Part::Text(text) => grave(&text).filter(|rest| rest.starts_with("EC")),
        _ => None,
    });
    texts.collect()
}

/// The words of a page, a line for each block.
fn words(page: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    let mut silent = false;
    for part in check("a page", page) {
        match part {
            Part::Open { name, .. } => silent |= name == "style" || name == "script",
            Part::Text(text) if !silent => {
                line.push_str(&text.replace('\n', " "));
            }
            Part::Text(_) => {}
            Part::Close(name) => {
                silent &= name != "style" && name != "script";
                let inline = ["span", "b", "a", "code", "mark", "del", "ins", "label", "th", "td"];
                if inline.contains(&name.as_str()) {
                    if ["th", "td", "span", "code"].contains(&name.as_str()) {
                        line.push(' ');
                    }
                    continue;
                }
                let text = line.split_whitespace().collect::<Vec<_>>().join(" ");
                if !text.is_empty() {
                    writeln!(out, "{text}").unwrap();
                }
                line.clear();
            }
        }
    }
    out
}

#[test]
fn what_a_reader_finds_on_the_page() {
    insta::assert_snapshot!(
        "quickstart-html",
        words(&html(&["diff", "fixtures/quickstart/train", "fixtures/quickstart/serve"]))
    );
    insta::assert_snapshot!("without-a-gpu", words(&project("sklearn-api", "broken")));
    insta::assert_snapshot!("one-side", words(&html(&["check", "fixtures/projects/sklearn-api/broken/serve"])));
}

#[test]
fn every_case_makes_a_sound_page() {
    for (at, case) in cases().iter().enumerate() {
        // Each rule once, since starting the program is what takes the time.
        if !case.fires() || at % 2 == 1 {
            continue;
        }
        let path = case.path();
        let (train, serve) = (format!("{path}/train"), format!("{path}/serve"));
        let page = if case.is_diff() { html(&["diff", &train, &serve]) } else { html(&["check", &serve]) };
        check(&path, &page);
        if at % 10 == 0 {
            let again = if case.is_diff() { html(&["diff", &train, &serve]) } else { html(&["check", &serve]) };
            assert_eq!(page, again, "{path} comes out another way");
        }
    }
}

#[test]
fn nothing_that_was_read_comes_alive() {
    let scratch = Scratch::new();
    let evil = "</script><img src=x onerror=alert(1)>'\"&lt;!-- ]]> \u{202e}\u{200b}\u{1b}[31m";
    scratch.put("train/requirements.txt", format!("numpy==1.26.4 # {evil}\ntorch==2.1.0\n{evil}\n"));
    scratch.put("serve/requirements.txt", format!("numpy==2.0.1 # {}\ntorch==2.1.0\n", evil.repeat(30)));
    let lock = r#"version = 1
[environment]
name = "</title><b>\"x\u202E"
os = "<svg onload=1>"
[[server]]
name = "</style><script>alert(1)</script>"
version = "'>"
[[gpu.device]]
name = "NVIDIA <script>\u0000\uFFFF"
[[model]]
path = "<img src=x>/a`b`.pkl"
format = "pickle"
producer = "numpy 1.0 <b>"
[[image]]
reference = "javascript:alert(1)"
"#;
    scratch.put("train/envcheck.lock", lock.replace("\\u0000", "\\u0007"));
    let run = scratch.run(&["diff", "train", "serve", "--format", "html", "--fail-on", "never"]);
    assert_eq!(run.stderr, "");
    let parts = check("a hostile input", &run.stdout);
    let all: String =
        parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None }).collect();
    for inert in
        ["</title><b>\"x\\u{202e}", "<svg onload=1>", "</style><script>alert(1)</script>", "\\u{ffff}", "\\u{1b}[31m"]
    {
        assert!(all.contains(inert), "{inert} is not there as text");
    }
}

#[test]
fn several_comparisons_are_one_page() {
    let scratch = Scratch::new();
    scratch.put(".git/HEAD", "").put("train.txt", "numpy==1.26.4\n").put("serve.txt", "numpy==2.0.1\n");
    scratch.put(
        "envcheck.toml",
        "[environment.train]\nrole = 'training'\ninputs = ['train.txt']\n[environment.a]\ninputs = ['serve.txt']\n\
         [environment.b]\ninputs = ['train.txt']\n",
    );
    let run = scratch.run(&["check", "--format", "html", "--fail-on", "never"]);
    assert_eq!(run.stderr, "");
    check("several", &run.stdout);
    for heading in ["<h1>2 comparisons</h1>", "<h2>train \u{2192} a</h2>", "<h2>train \u{2192} b</h2>"] {
        assert!(run.stdout.contains(heading), "{heading}");
    }
}

#[test]
fn the_policy_names_the_style_and_the_script_that_are_there() {
    let page = project("sklearn-api", "mended");
    for (tag, directive) in [("style", "style-src"), ("script", "script-src")] {
        let (_, rest) = page.split_once(&format!("<{tag}>")).unwrap();
        let (text, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        let digest = base64(sha256(text.as_bytes()));
        let said = format!("{directive} 'sha256-{digest}';");
        assert!(page.contains(&said), "{tag} was changed: its digest in src/report/html.rs is now sha256-{digest}");
    }
    assert!(page.contains("content=\"default-src 'none'; "));
}

#[test]
fn digests_are_what_the_standard_says() {
    assert_eq!(base64(sha256(b"abc")), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    assert_eq!(base64(sha256(&[b'a'; 119])), base64(sha256("a".repeat(119).as_bytes())));
}

/// SHA-256 as in FIPS 180-4; the tables are the fractions of roots that it says they are.
fn sha256(message: &[u8]) -> [u8; 32] {
    let primes: Vec<u32> = (2..312).filter(|n| (2..*n).all(|d| n % d != 0)).take(64).collect();
    // 32 bits behind the point of a root, by bisection in integers.
    let fraction = |prime: u32, power: u32| -> u32 {
        let (mut low, mut high) = (0_u128, 1_u128 << 40);
        while high - low > 1 {
            let middle = u128::midpoint(low, high);
            if middle.pow(power) <= u128::from(prime) << (32 * power) { low = middle } else { high = middle }
        }
        u32::try_from(low & 0xffff_ffff).unwrap()
    };
    let mut state: Vec<u32> = primes.iter().take(8).map(|prime| fraction(*prime, 2)).collect();
    let constants: Vec<u32> = primes.iter().map(|prime| fraction(*prime, 3)).collect();
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64) + if padded.len() % 64 > 56 { 64 } else { 0 }, 0);
    let length = padded.len();
    padded[length - 8..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(|it| u32::from_be_bytes(it.try_into().unwrap())).collect();
        for t in 16..64 {
            let (a, b) = (w[t - 15], w[t - 2]);
            let small = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let large = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            w.push(w[t - 16].wrapping_add(small).wrapping_add(w[t - 7]).wrapping_add(large));
        }
        let mut v = state.clone();
        for t in 0..64 {
            let e = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let first = v[7].wrapping_add(e).wrapping_add(choice).wrapping_add(constants[t]).wrapping_add(w[t]);
            let a = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(first);
            v[0] = first.wrapping_add(a).wrapping_add(majority);
        }
        for (sum, part) in state.iter_mut().zip(v) {
            *sum = sum.wrapping_add(part);
        }
    }
    let bytes: Vec<u8> = state.iter().flat_map(|word| word.to_be_bytes()).collect();
    bytes.try_into().unwrap()
}

fn base64(bytes: [u8; 32]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - group.len()));
        for at in 0..4 {
            out.push(if at <= group.len() { char::from(ALPHABET[bits >> (18 - 6 * at) & 63]) } else { '=' });
        }
    }
    out
}
