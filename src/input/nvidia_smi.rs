//! What `nvidia-smi` prints: the table, `-L`, `-q`, `-q -x`, `--query-gpu=... --format=csv`, and its failures.
//!
//! Manual: <https://docs.nvidia.com/deploy/nvidia-smi/index.html>
//!
//! Read: driver, the newest CUDA that the driver can run, GPU names with their number, compute capabilities.
//! Skipped: MIG devices and processes (in silence: they are no GPUs), and values that the tool could not say (with a
//! note). The CUDA version here is never the installed toolkit.

mod csv;
mod log;
mod table;
mod xml;

use super::{
    Claim, Format, Probe,
    pasted::{self, Scan},
};
use crate::fact::{FactKind, Gpu};

pub(super) use csv::scan_bare_rows;

pub(super) static FORMAT: Format = Format {
    name: "nvidia-smi",
    about: "output of nvidia-smi: its table, `-L`, `-q`, `-q -x` or `--query-gpu=... --format=csv`",
    claims,
    read: pasted::read,
};

fn claims(probe: &Probe<'_>) -> Claim {
    let sure = pasted::claim(probe, |line| {
        table::is_mark(line)
            || log::is_mark(line)
            || xml::is_mark(line)
            || csv::is_mark(line)
            || listed(line).is_some()
            || failure(line).is_some()
            || is_empty_answer(line)
    });
    if sure > Claim::No { sure } else { csv::claims_bare_rows(probe) }
}

/// Reads every form but the csv without a header.
pub(super) fn scan(scan: &mut Scan<'_>) {
    failures(scan);
    list(scan);
    table::scan(scan);
    log::scan(scan);
    xml::scan(scan);
    csv::scan(scan);
}

/// `GPU 0: NVIDIA L4 (UUID: GPU-...)`: the name. MIG devices are listed as `MIG ...` and are no match.
fn listed(line: &str) -> Option<&str> {
    let (name, uuid) = numbered(line)?.rsplit_once("(UUID:")?;
    uuid.trim_start().starts_with("GPU-").then_some(name.trim_end()).filter(|name| !name.is_empty())
}

/// What follows `GPU 0:`.
pub(super) fn numbered(line: &str) -> Option<&str> {
    let (number, rest) = line.trim_start().strip_prefix("GPU ")?.split_once(':')?;
    (!number.is_empty() && number.len() <= 4 && number.bytes().all(|it| it.is_ascii_digit())).then_some(rest.trim_start())
}

fn list(scan: &mut Scan<'_>) {
    let mut section = None;
    for line in scan.text.lines() {
        if let Some(name) = listed(line) {
            let section = *section.get_or_insert_with(|| scan.section());
            let gpu = Gpu { name: Some(name.to_owned()), truncated: false, capability: None, count: 1 };
            scan.gpu(section, gpu, name);
        } else if !line.trim_start().starts_with("MIG ") {
            section = None;
        }
    }
}

/// What a failed nvidia-smi says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// There is no driver that works.
    NoDriver,
    /// Something else is wrong, so that nothing is known.
    Unknown,
}

/// The message of a failed nvidia-smi that fills this line.
fn failure(line: &str) -> Option<(Failure, &str)> {
    let line = line.trim();
    let known = ["NVIDIA-SMI", "nvidia-smi", "NVML", "device handle"];
    // A message is a line of its own; in longer ones it is quoted.
    if line.len() > 400 || !known.iter().any(|it| line.contains(it)) {
        return None;
    }
    let plain = line.to_ascii_lowercase().replace(['\u{2019}', '`', '"'], "'");
    // Offsets in `plain` hold in `line` up to the first character that was replaced, and none stands before a message.
    let begins = |start: &str| {
        let at = plain.find(start)?;
        let before = &plain[..at];
        let is_prefix = !before.contains(['\'', '(', '\u{201c}', '*']) && before.split_whitespace().count() <= 8;
        line.get(at..).filter(|_| is_prefix)
    };
    for start in ["nvidia-smi has failed because", "nvidia-smi couldn't find libnvidia-ml", "nvidia-smi couldn't find nvml"] {
        if let Some(message) = begins(start) {
            return Some((Failure::NoDriver, message));
        }
    }
    if let Some(message) = begins("failed to initialize nvml:") {
        let gone = ["driver not loaded", "driver/library version mismatch", "could not find"];
        let kind = if gone.iter().any(|it| plain.contains(it)) { Failure::NoDriver } else { Failure::Unknown };
        return Some((kind, message));
    }
    if let Some(message) = begins("unable to determine the device handle for gpu") {
        return Some((Failure::Unknown, message));
    }
    is_unknown_command(&plain, "nvidia-smi").then_some((Failure::NoDriver, line))
}

/// Whether a line, in lower case, is a shell's way to say that there is no such command.
pub(super) fn is_unknown_command(line: &str, command: &str) -> bool {
    let ends = |end: &str| line.strip_suffix(end).is_some_and(|rest| rest.ends_with(command) && is_shell_prefix(rest, command));
    ends(": command not found")
        || ends(": not found")
        || ends(": no such file or directory")
        || line.strip_suffix(command).is_some_and(|rest| rest.ends_with("command not found: "))
        || line.starts_with(&format!("command '{command}' not found"))
        || line.starts_with(&format!("'{command}' is not recognized as"))
        || line.contains(&format!("the term '{command}' is not recognized"))
        || line.contains(&format!("exec: '{command}': executable file not found"))
}

/// `bash: `, `sh: 1: `, `./run.sh: line 3: `: nothing that looks like a command that prints the message.
fn is_shell_prefix(rest: &str, command: &str) -> bool {
    let before = rest[..rest.len() - command.len()].trim_end_matches(|it: char| it == '/' || it.is_alphanumeric());
    before.is_empty() || (before.ends_with(": ") && !before.contains(['\'', '"', '|', '(']))
}

fn is_empty_answer(line: &str) -> bool {
    line.trim() == "No devices were found"
}

fn failures(scan: &mut Scan<'_>) {
    let mut said = false;
    for line in scan.text.lines() {
        match failure(line) {
            Some((Failure::NoDriver, message)) if !said => {
                scan.fact(FactKind::NoDriver(message.to_owned()), message);
                said = true;
            }
            Some((Failure::Unknown, message)) => scan.skip(message, "nvidia-smi failed, so nothing is known from it"),
            None if is_empty_answer(line) => scan.skip(line.trim(), "nvidia-smi found no GPU"),
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "nvidia_smi/tests.rs"]
mod tests;
