#!/usr/bin/env python3
"""Measures envcheck: whole processes, side by side, as ratios to a floor of the same run.

    python3 tests/bench/run.py target/release/envcheck [OTHER-PROGRAM ...]
        [--rounds 30] [--only WORD] [--json FILE] [--keep FOLDER]

Needs Python 3, `rustc` (for the floor and for the launcher) and Linux. Nothing is downloaded.

What is run
    Every round runs every command once, one after the other, so that all of them meet the same moments of a busy
    machine; a first round warms the caches and is not counted. Several programs (a build before a change and one
    after it) are measured in one run. The figures are medians over the rounds:

    wall    from before the process is started until it was waited for
    cpu     user and system time of the process
    least   the smallest wall time, the one with the least noise of other processes
    peak    the largest resident set of the process (`ru_maxrss`)
    ratio   wall over the wall of `hello`, in this run; `ratio cpu` is the same of `cpu`
    r. walk wall over the wall of `walk` on the same file, where it is run

    All programs are run as users have them, from a copy: a file that a linker wrote in pieces lies in small pages in
    memory, and starting it costs up to twice the page faults of the same file written in one go.

    A time in milliseconds says little about another machine. The ratio is what the budgets are about.

Floors
    `hello` prints one line and ends: a Rust program without dependencies, linked statically. Where the toolchain
    cannot link statically it is linked dynamically, and the table says so.
    `cat` reads the same file and throws it away.
    `walk` steps over all protobuf fields of the same model and keeps nothing (`walk.rs` beside this file).

Scenarios
    locks-N         diff of two envcheck locks of N packages, all rules (`packages.txt` beside this file)
    locks-400-full  the same with `requires`, `requires-python` and `tags` on every package
    freeze-300      diff of two `pip freeze` lists of 300 packages
    onnx-1.5G       inspect, and check against onnxruntime, of an ONNX model with 1.5 GB of weights inside. The file
                    is sparse: its length is real, its weights are zeros that take no place on the disk.
    onnx-20k        inspect, and check, of a sound model of 20,000 nodes: at most six times `walk`. Figures from before
                    2026-11-23 are of another model, whose nodes had too many inputs and no attributes.

The exit code is 0 whatever the figures are, and 1 only if something could not be run: a busy machine misses a budget
that the program keeps, so no test is built on a time.
"""

import argparse
import json
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent

# Scenario name (its beginning): the largest ratio to `hello`, and the largest peak in MiB where one is promised.
BUDGETS = {
    "locks-": (3.0, 15.0),
    "freeze-": (3.0, 15.0),
    "onnx-1.5G": (3.0, 15.0),
}

# The largest ratio to `walk` on the same file.
WALK_BUDGET = 6.0

HELLO = 'fn main() { println!("hello, world"); }\n'


def main():
    options = arguments()
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="envcheck-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return measure_all(options, folder)
    except (OSError, subprocess.CalledProcessError) as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


def arguments():
    parser = argparse.ArgumentParser(description="Measures envcheck as ratios to a floor; the docstring says how.")
    parser.add_argument("program", nargs="+", help="an envcheck built with --release; several are compared")
    parser.add_argument("--rounds", type=int, default=30, help="how often each command is run (default: 30)")
    parser.add_argument("--only", default="", help="only scenarios whose name contains this word")
    parser.add_argument("--json", help="also write all figures to this file")
    parser.add_argument("--keep", help="put the inputs into this folder and leave them there")
    return parser.parse_args()


def measure_all(options, folder):
    notes = []
    launch = compile_rust(folder, "launch", (HERE / "launch.rs").read_text(), notes)
    hello = installed(folder, "installed-hello", compile_rust(folder, "hello", HELLO, notes))
    walk = installed(folder, "installed-walk", compile_rust(folder, "walk", (HERE / "walk.rs").read_text(), notes))
    programs = [installed(folder, f"envcheck-{at}", program) for at, program in enumerate(options.program)]
    commands = [("hello", "floor", [hello])]
    for name, arguments, file in scenarios(folder):
        if options.only not in name:
            continue
        for number, program in enumerate(programs):
            commands.append((name, label(options.program, number), [program, *arguments]))
        if file:
            commands.append((name, "cat", [shutil.which("cat") or "cat", str(file)]))
        # Weights inside a model would make `walk` read them, which nobody needs to do.
        if name.startswith("onnx-20k"):
            commands.append((name, "walk", [walk, arguments[-1]]))

    taken = {command[:2]: [] for command in commands}
    broken = {}
    for turn in range(options.rounds + 1):
        for name, who, command in commands:
            wall, cpu, peak, code = launched(launch, command)
            if code > 1:
                broken[name, who] = code
            if turn > 0:
                taken[name, who].append((wall / 1e6, cpu / 1e3, peak / 1024))

    rows = [summary(name, who, taken[name, who]) for name, who, _ in commands]
    judge(rows)
    table(rows, notes)
    for (name, who), code in broken.items():
        print(f"error: {name} ({who}) ended with exit code {code}", file=sys.stderr)
    if options.json:
        document = {"rounds": options.rounds, "programs": options.program, "notes": notes, "rows": rows}
        pathlib.Path(options.json).write_text(json.dumps(document, indent=2) + "\n")
    return 1 if broken else 0


def label(programs, number):
    return "envcheck" if len(programs) == 1 else f"envcheck {number + 1}"


def installed(folder, name, program):
    """A copy of a program, as every installation makes one."""
    return shutil.copy2(program, folder / name).as_posix()


def launched(launch, command):
    done = subprocess.run([launch, *command], stdout=subprocess.PIPE, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def summary(name, who, samples):
    walls, cpus, peaks = zip(*samples)
    return {
        "scenario": name,
        "who": who,
        "wall_ms": statistics.median(walls),
        "cpu_ms": statistics.median(cpus),
        "least_ms": min(walls),
        "peak_mib": statistics.median(peaks),
    }


def judge(rows):
    """Adds ratios to the floor and, where there is a budget, whether it was kept."""
    floor = rows[0]
    walks = {row["scenario"]: row["wall_ms"] for row in rows if row["who"] == "walk"}
    for row in rows:
        if row["scenario"] in walks:
            row["ratio_walk"] = row["wall_ms"] / walks[row["scenario"]]
        row["ratio"] = row["wall_ms"] / floor["wall_ms"]
        row["ratio_cpu"] = row["cpu_ms"] / max(floor["cpu_ms"], 0.001)
        budget = next((BUDGETS[key] for key in BUDGETS if row["scenario"].startswith(key)), None)
        if budget and row["who"].startswith("envcheck"):
            row["budget_ratio"], row["budget_mib"] = budget
            row["kept"] = row["ratio"] <= budget[0] and row["peak_mib"] <= budget[1]


def table(rows, notes):
    head = f"{'scenario':<18} {'program':<11} {'wall ms':>8} {'least':>7} {'cpu ms':>7} {'ratio':>6} {'r. cpu':>6} {'r. walk':>7} {'peak MiB':>8}  budget"
    print(head)
    print("-" * len(head))
    for row in rows:
        verdict = ""
        if "kept" in row:
            verdict = f"{row['budget_ratio']:g}x, {row['budget_mib']:g} MiB: {'pass' if row['kept'] else 'miss'}"
        elif "ratio_walk" in row and row["who"].startswith("envcheck"):
            verdict = f"{WALK_BUDGET:g}x walk: {'pass' if row['ratio_walk'] <= WALK_BUDGET else 'miss'}"
        walk = f"{row['ratio_walk']:.2f}" if "ratio_walk" in row else ""
        print(
            f"{row['scenario']:<18} {row['who']:<11} {row['wall_ms']:>8.2f} {row['least_ms']:>7.2f} {row['cpu_ms']:>7.2f} "
            f"{row['ratio']:>6.2f} {row['ratio_cpu']:>6.2f} {walk:>7} {row['peak_mib']:>8.1f}  {verdict}".rstrip()
        )
    for note in notes:
        print(f"note: {note}")


def compile_rust(folder, name, code, notes):
    """Compiles a small program, statically where the toolchain can."""
    source = folder / f"{name}.rs"
    source.write_text(code)
    out = folder / name
    command = ["rustc", "--edition", "2024", "-O", "-o", str(out), str(source)]
    static = subprocess.run([*command, "-C", "target-feature=+crt-static"], capture_output=True, text=True)
    if static.returncode != 0:
        subprocess.run(command, check=True)
        notes.append(f"`{name}` is linked dynamically: the toolchain cannot link statically")
    return str(out)


# --- Inputs ---------------------------------------------------------------------------------------------------------


def scenarios(folder):
    """Name, arguments of envcheck, and the file whose plain reading is the floor (or nothing)."""
    packages = [line.split() for line in (HERE / "packages.txt").read_text().splitlines() if not line.startswith("#")]
    out = [("version", ["--version"], None)]
    for count, full in [(300, False), (400, False), (400, True)]:
        name = f"locks-{count}{'-full' if full else ''}"
        sides = []
        for column, side in [(1, "training"), (2, "serving")]:
            file = folder / f"{name}-{side}.envcheck.lock"
            file.write_text(lock(side, chosen(packages[:count], column), full))
            sides.append(str(file))
        out.append((name, ["diff", *sides], None))
    sides = []
    for column, side in [(1, "training"), (2, "serving")]:
        file = folder / f"pip-freeze-{side}.txt"
        file.write_text("".join(f"{name}=={version}\n" for name, version in sorted(chosen(packages[:300], column))))
        sides.append(str(file))
    out.append(("freeze-300", ["diff", *sides], None))

    runtime = folder / "serving-requirements.txt"
    runtime.write_text("onnxruntime==1.16.3\nnumpy==1.26.4\n")
    for name, make in [("onnx-1.5G", heavy_model), ("onnx-20k", wide_model)]:
        model = folder / f"{name}.onnx"
        make(model)
        out.append((f"{name}-inspect", ["inspect", str(model)], model))
        out.append((f"{name}-check", ["check", str(runtime), "--model", str(model)], None))
    return out


def chosen(packages, column):
    return [(words[0], words[column]) for words in packages if words[column] != "-"]


def lock(side, packages, full):
    text = [
        "version = 1\n",
        f'[environment]\nname = "{side}"\nrole = "{side}"\npython = "3.11.7"\nimplementation = "CPython"\nos = "linux"',
        'distribution = "ubuntu 22.04"\narchitecture = "x86_64"\nlibc = "glibc 2.35"\ndevice = "cuda"\n',
        '[gpu]\ndriver = "535.161.08"\ncuda = "12.2"\n\n[[gpu.device]]\nname = "NVIDIA L4"\ncount = 1\n',
    ]
    random_numbers = random.Random(11)
    for name, version in sorted(packages):
        text.append(f'[[package]]\nname = "{name}"\nversion = "{version}"')
        if full:
            others = sorted(random_numbers.sample(packages, 8))
            requires = ", ".join(f'"{other}<{int(number.split(".")[0]) + 2},>={number.split("+")[0]}"' for other, number in others)
            text.append(f'requires = [{requires}]\nrequires-python = ">=3.8"')
            text.append('tags = ["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux2014_x86_64"]')
        text.append("")
    return "\n".join(text)


# --- ONNX, byte by byte: a protobuf field is its number and kind, then a number or a length and that many bytes ------


def number(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer_field(field, value):
    return number(field << 3) + number(value)


def bytes_field(field, value):
    value = value.encode() if isinstance(value, str) else value
    return number(field << 3 | 2) + number(len(value)) + value


def value_info(name, shape):
    dimensions = b"".join(bytes_field(1, integer_field(1, size)) for size in shape)
    tensor = integer_field(1, 1) + bytes_field(2, dimensions)
    return bytes_field(1, name) + bytes_field(2, bytes_field(1, tensor))


def node(operator, inputs, output, *attributes):
    names = b"".join(bytes_field(1, name) for name in inputs)
    rest = b"".join(bytes_field(5, attribute) for attribute in attributes)
    return names + bytes_field(2, output) + bytes_field(3, f"node_{output}") + bytes_field(4, operator) + rest


def integer_attribute(name, value):
    return bytes_field(1, name) + integer_field(3, value % 2**64) + integer_field(20, 2)


def list_attribute(name, values):
    return bytes_field(1, name) + b"".join(integer_field(8, value) for value in values) + integer_field(20, 7)


def weight(name, element, shape, raw):
    dimensions = b"".join(integer_field(1, size) for size in shape)
    return dimensions + integer_field(2, element) + bytes_field(8, name) + bytes_field(9, raw)


def model_head():
    return integer_field(1, 8) + bytes_field(2, "pytorch") + bytes_field(3, "2.1.2")


def model_tail():
    return bytes_field(8, bytes_field(1, "") + integer_field(2, 17))


def heavy_model(path):
    """Forty layers of a matrix product, each with about 38 MB of weights inside the file, as holes."""
    layers, side = 40, 3072
    length = side * side * 4
    tensors = []
    for layer in range(layers):
        # dims, data_type and name, then the head of raw_data; its bytes are a hole.
        head = integer_field(1, side) * 2 + integer_field(2, 1) + bytes_field(8, f"weight_{layer}")
        head += number(9 << 3 | 2) + number(length)
        tensors.append(number(5 << 3 | 2) + number(len(head) + length) + head)
    rest = b"".join(
        bytes_field(1, node("MatMul", [f"x_{layer}", f"weight_{layer}"], f"x_{layer + 1}")) for layer in range(layers)
    )
    rest += bytes_field(2, "graph") + bytes_field(11, value_info("x_0", [1, side]))
    rest += bytes_field(12, value_info(f"x_{layers}", [1, side]))
    graph = sum(len(tensor) + length for tensor in tensors) + len(rest)
    with path.open("wb") as out:
        out.write(model_head() + number(7 << 3 | 2) + number(graph))
        for tensor in tensors:
            out.write(tensor)
            out.seek(length, 1)
        out.write(rest + model_tail())


def wide_model(path):
    """Twenty thousand nodes in a row, a sound model: a check finds nothing wrong with it.

    Every value is [1, 4, 64], so that each operator can take what any other one makes.
    """
    shape = [1, 4, 64]
    kinds = [
        ("Add", ["before"]),
        ("Relu", []),
        ("Conv", ["filter"], list_attribute("kernel_shape", [1])),
        ("MatMul", ["matrix"]),
        ("Reshape", ["shape"]),
        ("Transpose", [], list_attribute("perm", [0, 1, 2])),
        ("Mul", ["before"]),
        ("Softmax", [], integer_attribute("axis", -1)),
        ("LayerNormalization", ["scale"], integer_attribute("axis", -1)),
    ]
    nodes = 20_000
    graph = bytearray()
    for at in range(nodes):
        operator, others, *attributes = kinds[at % len(kinds)]
        others = [f"x_{max(at - 3, 0)}" if other == "before" else other for other in others]
        graph += bytes_field(1, node(operator, [f"x_{at}", *others], f"x_{at + 1}", *attributes))
    graph += bytes_field(2, "graph")
    graph += bytes_field(5, weight("filter", 1, [4, 4, 1], bytes(4 * 4 * 4)))
    graph += bytes_field(5, weight("matrix", 1, [64, 64], bytes(64 * 64 * 4)))
    graph += bytes_field(5, weight("scale", 1, [64], bytes(64 * 4)))
    graph += bytes_field(5, weight("shape", 7, [3], b"".join(size.to_bytes(8, "little") for size in shape)))
    graph += bytes_field(11, value_info("x_0", shape)) + bytes_field(12, value_info(f"x_{nodes}", shape))
    path.write_bytes(model_head() + bytes_field(7, bytes(graph)) + model_tail())


if __name__ == "__main__":
    sys.exit(main())
