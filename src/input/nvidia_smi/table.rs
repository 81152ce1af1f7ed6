//! The table that `nvidia-smi` prints without options, of every generation and width.
//!
//! Before driver 410 its header has no CUDA version; from 610 on it says `KMD Version` and `CUDA UMD Version`. Names are
//! cut to the column and end in three dots then.

use crate::{
    fact::{FactKind, Gpu},
    input::pasted::{Scan, after, first_word, without_words},
};

/// What the driver model or the persistence mode may read, at the end of the name's column.
const MODES: [&str; 8] = ["On", "Off", "N/A", "ERR!", "WDDM", "TCC", "MCDM", "WDM"];

struct Header<'t> {
    driver: (&'static str, &'t str),
    cuda: Option<&'t str>,
    /// Words before the box, as log collectors put there.
    prefix: usize,
}

/// Whether this is the header of a table, not one in a comment.
pub(super) fn is_mark(line: &str) -> bool {
    let comment = ["#", "//", "*", "--", ";", "%"];
    header(line).is_some() && !comment.iter().any(|it| line.trim_start().starts_with(it))
}

fn header(line: &str) -> Option<Header<'_>> {
    let at = line.find("NVIDIA-SMI")?;
    let rest = &line[at..];
    let driver = ["Driver Version", "KMD Version"]
        .into_iter()
        .find_map(|label| Some((label, first_word(after(rest, label)?.strip_prefix(':')?))))?;
    let cuda = ["CUDA Version:", "CUDA UMD Version:"].into_iter().find_map(|label| after(rest, label)).map(first_word);
    let before = line[..at].trim_end();
    // Some copy the line without its box.
    let outside = if before.is_empty() { before } else { before.strip_suffix('|')? };
    Some(Header { driver, cuda, prefix: outside.split_whitespace().count() })
}

pub(super) fn scan(scan: &mut Scan<'_>) {
    if !scan.text.contains("NVIDIA-SMI") {
        return;
    }
    let mut open: Option<Open<'_>> = None;
    for line in scan.text.lines() {
        if let Some(header) = header(line) {
            close(scan, open.take());
            scan.driver(header.driver.0, header.driver.1);
            if let Some(cuda) = header.cuda {
                scan.driver_cuda("CUDA Version", cuda);
            }
            open = Some(Open { section: scan.section(), prefix: header.prefix, rows: false, header: line.trim() });
        } else if let Some(table) = &mut open {
            // Only the Windows tool has this column; the driver number is that of Windows then.
            for column in ["TCC/WDDM", "Driver-Model"] {
                if let Some(at) = line.find(column).filter(|_| line.contains("Bus-Id")) {
                    scan.fact(FactKind::HostOs("windows".to_owned()), &line[at..at + column.len()]);
                }
            }
            let body = without_words(line, table.prefix);
            if let Some(cell) = device_cell(body).or_else(|| device_cell(line.trim_start())) {
                table.rows = true;
                device(scan, table.section, cell);
            } else if body.contains("MIG devices:") || body.contains("Processes:") {
                close(scan, open.take());
            }
        }
    }
    close(scan, open);
}

struct Open<'t> {
    section: u32,
    prefix: usize,
    rows: bool,
    header: &'t str,
}

fn close(scan: &mut Scan<'_>, table: Option<Open<'_>>) {
    if let Some(table) = table.filter(|table| !table.rows) {
        scan.skip(table.header, "no GPU is listed below this header");
    }
}

/// The first cell of a row that begins a GPU: a number and a name beside a bus id. The rows below it begin with the fan,
/// those of the MIG and process tables have no bus id.
fn device_cell(row: &str) -> Option<&str> {
    let mut cells = row.strip_prefix('|')?.split('|');
    let (cell, bus) = (cells.next()?, cells.next()?.trim_start());
    cells.next()?;
    let bus = first_word(bus);
    let is_bus = bus == "N/A" || bus.bytes().filter(|it| *it == b':').count() == 2;
    let cell = cell.trim();
    let digits = cell.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &cell[digits..];
    (is_bus && (1..=4).contains(&digits) && rest.starts_with(' ')).then(|| rest.trim())
}

fn device(scan: &mut Scan<'_>, section: u32, cell: &str) {
    let (name, truncated) = name(cell);
    if name.is_empty() || MODES.contains(&name) || name == "Unknown Error" {
        scan.skip(cell, format!("the GPU has no name: nvidia-smi wrote `{cell}`"));
        return;
    }
    scan.gpu(section, Gpu { name: Some(name.to_owned()), truncated, capability: None, count: 1 }, name);
}

/// Splits the mode off, which narrow columns leave no room before, and the dots of a name that was cut.
fn name(cell: &str) -> (&str, bool) {
    let mut name = cell;
    for mode in MODES {
        if let Some(rest) = cell.strip_suffix(mode) {
            // A mode without a blank before it follows a capital, a digit or the dots; `Orion` has none.
            if !rest.ends_with(|it: char| it.is_lowercase()) && !rest.trim_end().is_empty() {
                name = rest.trim_end();
                break;
            }
        }
    }
    let whole = name.trim_end_matches('.').trim_end();
    if name.ends_with("...") { (whole, true) } else { (name, false) }
}
