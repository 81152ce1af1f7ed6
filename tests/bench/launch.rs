//! Runs one program with its standard output thrown away and prints what it took, as
//! `wall-nanoseconds cpu-microseconds peak-kibibytes exit-code`.
//!
//! It is small on purpose: Linux counts the memory of the process that starts a program into the program's own peak,
//! so that nothing started by Python can be measured below the size of Python.

use std::{
    env,
    os::raw::c_long,
    process::{Command, Stdio},
    time::Instant,
};

/// `struct rusage` of 64-bit Linux: two times in seconds and microseconds, then fourteen counters.
#[repr(C)]
struct Usage {
    times: [c_long; 4],
    counters: [c_long; 14],
}

unsafe extern "C" {
    fn wait4(process: i32, status: *mut i32, options: i32, usage: *mut Usage) -> i32;
}

fn main() {
    let mut arguments = env::args_os().skip(1);
    let program = arguments.next().expect("a program to run");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut status = 0;
    let mut usage = Usage { times: [0; 4], counters: [0; 14] };
    let start = Instant::now();
    let child = command.spawn().expect("the program can be started");
    let process = i32::try_from(child.id()).expect("a process number");
    // SAFETY: both places are valid for the call, and `Usage` has the layout of this system.
    let waited = unsafe { wait4(process, &raw mut status, 0, &raw mut usage) };
    let wall = start.elapsed();
    assert_eq!(waited, process, "the program can be waited for");
    let cpu = (usage.times[0] + usage.times[2]) * 1_000_000 + usage.times[1] + usage.times[3];
    let code = if status & 0x7f == 0 { (status >> 8) & 0xff } else { 128 + (status & 0x7f) };
    println!("{} {cpu} {} {code}", wall.as_nanos(), usage.counters[0]);
}
