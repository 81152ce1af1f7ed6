//! Links a release for GNU/Linux with the C library inside, where the machine has it as archives.
//!
//! To load two shared libraries takes a small process about as long as all else that it does, and a program that runs in
//! every commit hook is such a process. The usual switch, `-C target-feature=+crt-static`, also reaches the procedural
//! macros of a plain `cargo build` or `cargo install`, which cannot be linked that way. So only the last step is told: the
//! linker gets `-static`, and a folder in which each library that the standard library asks for by name is a linker script
//! that names the archive. It also gets `-no-pie`: a program that may lie anywhere begins by writing some nine thousand
//! addresses into itself, and its own code is safe Rust but for mapped files, so that random addresses protect little.
//!
//! Where the archives are missing (most distributions pack them apart) or a program of a few lines does not run when it is
//! linked like this, the build stays as it was, linked dynamically. `ENVCHECK_LINK_DYNAMIC=1` asks for that.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The variable with which to ask for a dynamic link.
const DYNAMIC: &str = "ENVCHECK_LINK_DYNAMIC";

/// What the standard library asks for, as `-lNAME`.
const LIBRARIES: [&str; 7] = ["gcc_s", "util", "rt", "pthread", "m", "dl", "c"];

/// Those of them that are one circle: the C library needs the unwinder, and the unwinder needs the C library.
const CIRCLE: [&str; 3] = ["libgcc_eh.a", "libgcc.a", "libc.a"];

/// A program that unwinds, starts a thread and uses floating point.
const PROBE: &str = r"fn main() {
    let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(1))).is_err();
    let root = std::thread::spawn(|| std::hint::black_box(2.0_f64).powf(0.5)).join().unwrap_or(0.0);
    std::process::exit(if caught && root > 1.4 { 0 } else { 1 });
}
";

/// Tells cargo how to link, where it can be done.
pub(crate) fn statically() {
    println!("cargo::rerun-if-env-changed={DYNAMIC}");
    let set = |name: &str, value: &str| env::var(name).is_ok_and(|it| it == value);
    let native = env::var("HOST").is_ok_and(|host| set("TARGET", &host));
    let asked = env::var_os(DYNAMIC).is_some_and(|it| !it.is_empty() && it != "0");
    let already = env::var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|it| it.split(',').any(|it| it == "crt-static"));
    let gnu = set("CARGO_CFG_TARGET_OS", "linux") && set("CARGO_CFG_TARGET_ENV", "gnu");
    if !gnu || !native || asked || already || !set("PROFILE", "release") {
        return;
    }
    let Some(out) = env::var_os("OUT_DIR").map(|out| PathBuf::from(out).join("static")) else { return };
    if let Some(arguments) = scripts(&out).filter(|arguments| works(&out, arguments)) {
        for argument in arguments {
            println!("cargo::rustc-link-arg-bins={argument}");
        }
    }
}

/// Writes the linker scripts, and returns what the linker is to be told.
fn scripts(folder: &Path) -> Option<Vec<String>> {
    let compiler = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    // A compiler that does not have a file answers with the bare name.
    let place = |file: &str| {
        let told = Command::new(&compiler).arg(format!("-print-file-name={file}")).output().ok()?;
        let path = PathBuf::from(String::from_utf8(told.stdout).ok()?.trim());
        (path.is_absolute() && path.is_file()).then(|| path.display().to_string())
    };
    place("crt1.o")?;
    let circle = CIRCLE.iter().map(|file| place(file)).collect::<Option<Vec<_>>>()?.join("\" \"");
    fs::create_dir_all(folder).ok()?;
    for library in LIBRARIES {
        let named = if matches!(library, "gcc_s" | "c") { circle.clone() } else { place(&format!("lib{library}.a"))? };
        fs::write(folder.join(format!("lib{library}.a")), format!("GROUP(\"{named}\")\n")).ok()?;
    }
    Some(vec!["-static".to_owned(), "-no-pie".to_owned(), format!("-L{}", folder.display())])
}

/// Whether a small program that is linked this way runs.
fn works(folder: &Path, arguments: &[String]) -> bool {
    let (source, program) = (folder.join("probe.rs"), folder.join("probe"));
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut build = Command::new(rustc);
    build.args(["--edition", "2024", "-O", "-o"]).arg(&program).arg(&source);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        build.arg("-C").arg(format!("linker={}", linker.display()));
    }
    for argument in arguments {
        build.arg("-C").arg(format!("link-arg={argument}"));
    }
    let succeeds = |command: &mut Command| command.output().is_ok_and(|done| done.status.success());
    fs::write(&source, PROBE).is_ok() && succeeds(&mut build) && succeeds(&mut Command::new(&program))
}
