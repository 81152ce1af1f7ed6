//! `nvidia-smi -q -x`: the XML form, of any schema version.
//!
//! Reading begins at the root element, so that no DTD is looked at and no entity is declared; references to entities are
//! not expanded. Unknown elements are passed over, since each schema adds some.

use quick_xml::{Reader, events::Event};

use crate::{
    fact::Gpu,
    input::pasted::{Scan, is_missing},
    text::Span,
};

const ROOT: &str = "<nvidia_smi_log";

pub(super) fn is_mark(line: &str) -> bool {
    line.contains(ROOT)
}

/// An element whose text is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Driver,
    DriverCuda,
    Name,
    Capability,
}

impl Wanted {
    fn of(depth: usize, in_gpu: bool, name: &str) -> Option<Wanted> {
        match (depth, name) {
            (1, "driver_version" | "kmd_version") => Some(Wanted::Driver),
            (1, "cuda_version" | "cuda_umd_version") => Some(Wanted::DriverCuda),
            (2, "product_name") if in_gpu => Some(Wanted::Name),
            (2, "compute_cap" | "cuda_compute_capability") if in_gpu => Some(Wanted::Capability),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Device<'t> {
    name: Option<&'t str>,
    capability: Option<&'t str>,
}

pub(super) fn scan(scan: &mut Scan<'_>) {
    let mut from = 0;
    while let Some(at) = scan.text[from..].find(ROOT) {
        let start = from + at;
        match document(scan, start) {
            Ok(end) if end > start => from = end,
            Ok(_) => return,
            Err((message, at)) => {
                let at = crate::text::floor_char_boundary(scan.text, at);
                scan.fault(message, Span::new(at, at));
                return;
            }
        }
    }
}

/// Reads one root element; where it ends, or what is wrong with it and where.
fn document(scan: &mut Scan<'_>, start: usize) -> Result<usize, (String, usize)> {
    let text = scan.text;
    let mut reader = Reader::from_str(&text[start..]);
    // Names of processes are not always escaped.
    reader.config_mut().allow_dangling_amp = true;
    let section = scan.section();
    let offset = |position: u64| (start + usize::try_from(position).unwrap_or(usize::MAX - start)).min(text.len());

    let mut depth = 0_usize;
    let mut in_gpu = false;
    let mut has_driver = false;
    let mut wanted: Option<(Wanted, usize)> = None;
    let mut device = Device::default();
    loop {
        let before = offset(reader.buffer_position());
        let event = reader.read_event().map_err(|fault| {
            (format!("the XML of nvidia-smi is broken: {}", lower(&fault.to_string())), offset(reader.error_position()))
        })?;
        let after = offset(reader.buffer_position());
        match event {
            Event::Start(element) => {
                let name = element.name();
                if depth == 1 && name.0 == "gpu" {
                    in_gpu = true;
                    device = Device::default();
                }
                wanted = Wanted::of(depth, in_gpu, name.0).map(|it| (it, after));
                depth += 1;
            }
            Event::End(_) => {
                depth = depth.saturating_sub(1);
                if let Some((kind, from)) = wanted.take() {
                    let value = text.get(from..before).unwrap_or("").trim();
                    has_driver |= kind == Wanted::Driver;
                    keep(scan, &mut device, kind, value);
                }
                if depth == 1 && in_gpu {
                    in_gpu = false;
                    add(scan, section, &device, text.get(before..after).unwrap_or(""));
                }
                if depth == 0 {
                    if !has_driver {
                        scan.skip(&text[start..start + ROOT.len()], "no driver version stands in this XML");
                    }
                    return Ok(after);
                }
            }
            Event::Empty(_) if depth == 0 => return Ok(after),
            Event::Eof => {
                return Err(("the XML of nvidia-smi ends before `</nvidia_smi_log>`".to_owned(), text.len()));
            }
            _ => {}
        }
    }
}

fn keep<'t>(scan: &mut Scan<'t>, device: &mut Device<'t>, kind: Wanted, value: &'t str) {
    if value.contains(['<', '&']) {
        scan.skip(value, "expected plain text, found markup");
        return;
    }
    match kind {
        Wanted::Driver => scan.driver("driver_version", value),
        Wanted::DriverCuda => scan.driver_cuda("cuda_version", value),
        Wanted::Name => device.name = Some(value),
        Wanted::Capability => device.capability = Some(value),
    }
}

fn add(scan: &mut Scan<'_>, section: u32, device: &Device<'_>, end: &str) {
    match device.name.filter(|name| !is_missing(name)) {
        Some(name) => {
            let capability = device.capability.and_then(|it| it.parse().ok());
            scan.gpu(section, Gpu { name: Some(name.to_owned()), truncated: false, capability, count: 1 }, name);
        }
        None => scan.skip(device.name.unwrap_or(end), "the GPU has no product name"),
    }
}

fn lower(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map_or(String::new(), |first| first.to_lowercase().chain(characters).collect())
}
