//! `nvidia-smi --query-gpu=... --format=csv`, with or without header and units.
//!
//! Fields: <https://docs.nvidia.com/deploy/nvidia-smi/index.html>, also `nvidia-smi --help-query-gpu`.
//!
//! The columns are those of the header; without one, those of the command above the rows, and without that they are
//! recognised by their values: a driver has the same number in each row, a GPU a brand.

use crate::{
    fact::Gpu,
    input::{
        Claim, Probe,
        pasted::{self, Scan, is_missing, shown},
    },
    version::{ComputeCapability, DriverVersion},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Name,
    Driver,
    DriverCuda,
    Capability,
    Other,
}

impl Column {
    fn label(self) -> &'static str {
        match self {
            Column::Name => "name",
            Column::Driver => "driver_version",
            Column::DriverCuda => "cuda_version",
            Column::Capability => "compute_cap",
            Column::Other => "another column",
        }
    }

    /// The column of a property, which may carry a unit: `memory.total [MiB]`.
    fn of(field: &str) -> Option<Column> {
        let property = match field.split_once(" [") {
            Some((property, unit)) if unit.ends_with(']') => property,
            Some(_) => return None,
            None => field,
        };
        let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_' || it == b'.';
        if !property.starts_with(|it: char| it.is_ascii_lowercase()) || !property.bytes().all(plain) {
            return None;
        }
        Some(match property {
            "name" | "gpu_name" => Column::Name,
            "driver_version" | "kmd_version" => Column::Driver,
            "cuda_version" | "cuda_umd_version" => Column::DriverCuda,
            "compute_cap" => Column::Capability,
            _ => Column::Other,
        })
    }
}

/// Properties that nothing but nvidia-smi writes into the first line of a table.
fn is_telling(field: &str) -> bool {
    const WHOLE: [&str; 9] = [
        "compute_cap",
        "driver_version",
        "gpu_bus_id",
        "gpu_name",
        "gpu_serial",
        "gpu_uuid",
        "kmd_version",
        "pci.bus_id",
        "vbios_version",
    ];
    const GROUPS: [&str; 6] = ["memory.", "utilization.", "temperature.", "power.", "clocks.", "ecc."];
    WHOLE.contains(&field) || GROUPS.iter().any(|group| field.starts_with(group))
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(str::trim)
}

/// More columns than nvidia-smi has properties are no table of it.
const COLUMN_LIMIT: usize = 500;

fn columns(line: &str) -> Option<Vec<Column>> {
    let columns: Vec<Column> = fields(line).take(COLUMN_LIMIT).map(Column::of).collect::<Option<_>>()?;
    let known = fields(line).any(is_telling) || line.trim() == "name";
    known.then_some(columns)
}

/// The columns asked for by a command with `noheader`.
fn asked(line: &str) -> Option<Vec<Column>> {
    let (_, rest) = line.split_once("--query-gpu")?;
    let rest = rest.trim_start_matches(['=', ' ']).trim_start_matches(['"', '\'']);
    let end = rest.find(|it: char| it.is_whitespace() || it == '"' || it == '\'').unwrap_or(rest.len());
    line.contains("noheader").then(|| fields(&rest[..end]).take(COLUMN_LIMIT).map(Column::of).collect())?
}

/// Whether this line is a header, or the answer to a property that this nvidia-smi does not know.
pub(super) fn is_mark(line: &str) -> bool {
    (line.trim() != "name" && columns(line).is_some()) || is_refusal(line)
}

fn is_refusal(line: &str) -> bool {
    line.trim_start().starts_with("Field \"") && line.trim_end().ends_with("is not a valid field to query.")
}

pub(super) fn scan(scan: &mut Scan<'_>) {
    let mut lines = scan.text.lines().peekable();
    while let Some(line) = lines.next() {
        if is_refusal(line) {
            scan.skip(line.trim(), "this nvidia-smi does not know the field, so its value is not known");
            continue;
        }
        let header = columns(line);
        let Some(columns) = header.or_else(|| asked(line)) else { continue };
        // `name` alone heads many a list; what stands below it decides.
        let lonely = line.trim() == "name";
        if lonely && !lines.peek().is_some_and(|row| has_brand(row.trim())) {
            continue;
        }
        let mut table = Table::new(scan, columns);
        while let Some(row) = lines.next_if(|row| table.takes(row)) {
            table.row(scan, row);
        }
        table.finish(scan, line);
    }
}

struct Table {
    columns: Vec<Column>,
    section: u32,
    rows: usize,
    noted: Vec<Column>,
}

impl Table {
    fn new(scan: &mut Scan<'_>, columns: Vec<Column>) -> Self {
        Table { columns, section: scan.section(), rows: 0, noted: Vec::new() }
    }

    /// Whether the line is a row of this table. One with a wrong number of fields is, if only a cut end explains it.
    fn takes(&self, line: &str) -> bool {
        if line.trim().is_empty() || columns(line).is_some() || asked(line).is_some() {
            return false;
        }
        if let [column] = self.columns[..] {
            let value = line.trim();
            return is_missing(value)
                || match column {
                    Column::Name => has_brand(value),
                    Column::Driver => value.parse::<DriverVersion>().is_ok(),
                    Column::Capability => value.parse::<ComputeCapability>().is_ok(),
                    Column::DriverCuda => value.parse::<crate::version::CudaVersion>().is_ok(),
                    Column::Other => !line.contains(','),
                };
        }
        line.contains(',') || has_brand(line.trim())
    }

    fn row(&mut self, scan: &mut Scan<'_>, row: &str) {
        self.rows += 1;
        let found = fields(row).count();
        if found != self.columns.len() {
            scan.skip(row.trim(), format!("expected {} fields as in the header, found {found}", self.columns.len()));
            return;
        }
        let mut name = None;
        let mut capability = None;
        for (column, value) in self.columns.clone().into_iter().zip(fields(row)) {
            if column == Column::Other {
                continue;
            }
            if is_missing(value) {
                self.note(scan, column, value);
                continue;
            }
            match column {
                Column::Driver => scan.driver(column.label(), value),
                Column::DriverCuda => scan.driver_cuda(column.label(), value),
                Column::Name => name = Some(value),
                Column::Capability => capability = scan.version::<ComputeCapability>(column.label(), value).map(|it| (it, value)),
                Column::Other => {}
            }
        }
        if let Some(part) = name.or(capability.map(|it| it.1)) {
            let gpu = Gpu { name: name.map(str::to_owned), truncated: false, capability: capability.map(|it| it.0), count: 1 };
            scan.gpu(self.section, gpu, part);
        }
    }

    /// Says once for each column that a value is missing.
    fn note(&mut self, scan: &mut Scan<'_>, column: Column, value: &str) {
        if !self.noted.contains(&column) {
            self.noted.push(column);
            scan.skip(value, format!("{} is not known: nvidia-smi wrote `{}`", column.label(), shown(value)));
        }
    }

    fn finish(&self, scan: &mut Scan<'_>, header: &str) {
        if self.rows == 0 {
            scan.skip(header.trim(), "no row follows this header");
        } else if self.columns.iter().all(|column| *column == Column::Other) {
            scan.skip(header.trim(), "none of `name`, `driver_version`, `compute_cap` is among these columns");
        }
    }
}

/// Whether this is the name of a GPU, by how such names begin.
fn has_brand(value: &str) -> bool {
    const BRANDS: [&str; 16] = [
        "NVIDIA", "Tesla", "Quadro", "GeForce", "TITAN", "Titan", "GRID", "NVS", "RTX", "GTX", "CMP", "Graphics Device",
        "Jetson", "Orin", "Xavier", "Thor",
    ];
    let model = value.split(['-', ' ']).next().unwrap_or("");
    let letters = model.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = model.bytes().skip(letters).take_while(u8::is_ascii_digit).count();
    // `A100-SXM4-40GB`, `H100`, `GB200`: data-center names before they got the maker's in front.
    let bare = (1..=2).contains(&letters) && (2..=4).contains(&digits) && value != model;
    value.len() < 100 && !value.contains(['{', '=', ';', ':']) && (BRANDS.iter().any(|it| starts_with_word(value, it)) || bare)
}

fn starts_with_word(value: &str, word: &str) -> bool {
    value.strip_prefix(word).is_some_and(|rest| rest.is_empty() || !rest.starts_with(|it: char| it.is_alphanumeric()))
}

/// A number that can be a driver. `300.00` is a power limit: no driver ends in `.00`.
fn driver_like(value: &str) -> Option<DriverVersion> {
    let version: DriverVersion = value.parse().ok()?;
    let parts: Vec<&str> = value.split('.').collect();
    let plausible = matches!(parts.len(), 2 | 3) && parts[0].len() == 3 && parts[1].len() >= 2 && parts[1] != "00";
    plausible.then_some(version)
}

/// The columns of rows without a header; `None` unless the whole text is such rows.
fn infer(text: &str, lines: usize) -> Option<Vec<Column>> {
    let mut rows = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(lines).peekable();
    let width = fields(rows.peek()?).take(COLUMN_LIMIT + 1).count();
    if width > COLUMN_LIMIT {
        return None;
    }
    let mut all = vec![Evidence::default(); width];
    for row in rows {
        let mut count = 0;
        for value in fields(row) {
            all.get_mut(count)?.see(value);
            count += 1;
        }
        if count != width {
            return None;
        }
    }
    let mut columns = vec![Column::Other; width];
    let alone = |fits: &dyn Fn(&Evidence<'_>) -> bool| {
        let mut found = all.iter().enumerate().filter(|(_, it)| it.seen > 0 && fits(it)).map(|(at, _)| at);
        found.next().filter(|_| found.next().is_none())
    };
    // Three parts make a driver, whatever else is there; of two parts there may be a power draw beside it.
    if let Some(at) = alone(&|it| it.drivers == it.seen && it.longest == 3).or_else(|| alone(&|it| it.drivers == it.seen)) {
        columns[at] = Column::Driver;
    }
    if let Some(at) = alone(&|it| it.names == it.seen) {
        columns[at] = Column::Name;
    }
    if let Some(at) = alone(&|it| it.capabilities == it.seen) {
        columns[at] = Column::Capability;
    }
    columns.iter().any(|it| matches!(it, Column::Driver | Column::Name)).then_some(columns)
}

#[derive(Debug, Clone, Default)]
struct Evidence<'t> {
    seen: usize,
    names: usize,
    drivers: usize,
    capabilities: usize,
    longest: usize,
    driver: Option<&'t str>,
}

impl<'t> Evidence<'t> {
    fn see(&mut self, value: &'t str) {
        if is_missing(value) {
            return;
        }
        self.seen += 1;
        self.names += usize::from(has_brand(value));
        self.capabilities += usize::from(value.parse::<ComputeCapability>().is_ok());
        // One machine has one driver.
        if driver_like(value).is_some() && *self.driver.get_or_insert(value) == value {
            self.drivers += 1;
            self.longest = value.split('.').count();
        }
    }
}

/// How sure rows without a header are to be nvidia-smi's: two columns that fit, or nothing but names.
pub(super) fn claims_bare_rows(probe: &Probe<'_>) -> Claim {
    let Some(text) = probe.text.filter(|_| !pasted::is_prose_or_code(probe.name)) else { return Claim::No };
    // `name` alone heads many a list, so that the rows decide.
    let text = text.strip_prefix("name").filter(|rest| rest.trim_start_matches(' ').starts_with(['\r', '\n'])).unwrap_or(text);
    let Some(columns) = infer(text, 200) else { return Claim::No };
    let has = |column| columns.contains(&column);
    match columns.len() {
        1 if has(Column::Driver) => Claim::Named,
        1 => Claim::Likely,
        _ if has(Column::Name) => Claim::Likely,
        _ => Claim::Named,
    }
}

/// Reads rows without a header, if the text is nothing else.
pub(in crate::input) fn scan_bare_rows(scan: &mut Scan<'_>) {
    if !scan.is_empty() {
        return;
    }
    let Some(columns) = infer(scan.text, usize::MAX) else { return };
    let mut table = Table::new(scan, columns);
    for row in scan.text.lines().filter(|row| !row.trim().is_empty()) {
        table.row(scan, row);
    }
}
