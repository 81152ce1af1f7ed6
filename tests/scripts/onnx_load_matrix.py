#!/usr/bin/env python3
"""Records which ONNX Runtime releases load which small models, and compares envcheck with the record.

    python tests/scripts/onnx_load_matrix.py record [--keep FOLDER] [--family NAME ...]
    python tests/scripts/onnx_load_matrix.py compare PROGRAM [--release X ...] [--family NAME ...]

`record` needs the network: it installs the releases of `onnxruntime`, one NumPy for each Python, and the `onnx` package
with pip, each into its own folder; makes the models (`onnx_load_models.py`, `onnx_built_models.py`,
`onnx_changed_models.py` and `onnx_mistaken_models.py`, and with the converters installed, too, those of `CONVERTERS`); and creates a session of each model with
each release, in a process of that release, on the CPU provider, with default options. Nothing is run. It writes the
models below fixtures/onnx-load/models and the answers to fixtures/onnx-load/results.tsv. The Pythons 3.7 to 3.11 have
to be there, on the PATH or as pyenv installs them. `--family` makes and asks about these folders of models only and
keeps what is recorded of the others. `compare` needs none of that, only the two and a built envcheck; it
exits with 1 if a disagreement has no explanation in `CAUSES`.

The format of results.tsv: UTF-8, one line an entry, fields parted by a tab, lines that start with `#` are comments.

    release  VERSION  PYTHON  NUMPY          in the order of the versions
    model    NAME                            fixtures/onnx-load/models/NAME.onnx; in the order of the names
    cell     FIRST  LAST  CLASS  MESSAGE     of the model above: what FIRST, LAST and all releases between them answer

Cells of a model are in the order of the releases, meet without a gap and cover all of them. CLASS is `loads`; or the
status that ONNX Runtime names (FAIL, INVALID_ARGUMENT, NO_SUCHFILE, INVALID_PROTOBUF, NOT_IMPLEMENTED, INVALID_GRAPH,
RUNTIME_EXCEPTION, ...); or the type of another Python exception; or `crash` with the signal's name, or `hangs`. MESSAGE
is the first line without paths and places in sources, cut at 200 characters; empty if it loads. Runs are equal in CLASS
and MESSAGE both, so that neighbouring cells may have the same CLASS.
"""

import argparse
import collections
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2] / "fixtures" / "onnx-load"
MODELS, RESULTS = ROOT / "models", ROOT / "results.tsv"
ONNX = "1.23.2"
# All releases on PyPI on the day of the record, by the newest of the Pythons here for which they have a wheel.
RELEASES = {
    "3.7": ["1.0.0", "1.1.0", "1.1.1", "1.1.2"],
    "3.8": ["1.2.0", "1.3.0", "1.4.0", "1.5.1", "1.5.2", "1.6.0"],
    "3.9": ["1.7.0", "1.8.0", "1.8.1", "1.9.0", "1.10.0", "1.11.0", "1.11.1"],
    "3.10": ["1.12.0", "1.12.1", "1.13.1", "1.14.0", "1.14.1"],
    "3.11": [
        "1.15.0", "1.15.1", "1.16.0", "1.16.1", "1.16.2", "1.16.3", "1.17.0", "1.17.1", "1.17.3", "1.18.0", "1.18.1",
        "1.19.0", "1.19.2", "1.20.0", "1.20.1", "1.21.0", "1.21.1", "1.22.0", "1.22.1", "1.23.0", "1.23.1", "1.23.2",
        "1.24.1", "1.24.2", "1.24.3", "1.24.4", "1.25.0", "1.25.1", "1.26.0", "1.27.0", "1.28.0", "1.29.0", "1.30.0",
        "1.31.0", "1.31.1", "1.32.0",
    ],
}  # fmt: skip
NUMPY = {"3.7": "1.21.6", "3.8": "1.24.4", "3.9": "1.26.4", "3.10": "1.26.4", "3.11": "1.26.4"}

# The scripts whose models converters write, and the folders of models that all scripts make.
CONVERTERS = {
    "onnx_exported_models": ["catboost", "lightgbm", "sklearn", "tools", "xgboost"],
    "onnx_tensorflow_models": ["tensorflow"],
    "onnx_torch_models": ["torch"],
    "onnx_torch_old_models": ["torch-old"],
}
FAMILIES = [
    "com.microsoft", "domain", "exported", "external", "form", "function", "graph", "ir", "ml", "never", "operator", "opset", "subgraph",
    "too-new", "type", "type-carried", "type-not-in-schema", "broken", "chance", "changed", "conv", "edited", "flow", "layer", "learned", "mistaken", "post",
    "quantised", "recurrent", "signal", "text", "training", "trees", "written", *(it for all_ in CONVERTERS.values() for it in all_),
]  # fmt: skip

# What a message says beside the fault: places in the sources with the function's signature, the node's signature, statuses
# inside statuses, and where ONNX Runtime was when it noticed.
NOISE = [
    (r"/\S*?\.(?:cc|h|cpp|hpp):\d+\s?(?:[^\n]*?\)(?: const)?(?: \[[^\n]*?\])? )?", ""),
    (r"\b\w+\.(?:cc|h|cpp|hpp):\d+ \w+ ", ""),
    (r"(?:\[ONNXRuntimeError\] )?: \d+ : [A-Z_]+ : ", ""),
    (r"(?s)(?:Error )?[Ii]n Node, \(\"[^\"]*\", \w*, .*? , Error ", ""),
    (r"Error in Node:\S* : ", ""),
    (r"(implementation for) (?:the node (?:\S*:)?(\S+)|(\S+) node with name '.*')", r"\1 \2\3"),
    (r"(Opset -?\d+ is under development).*", r"\1"),
    (r"(?:0x[0-9a-f]{6,})+", "ADDRESS"),
    (r"Load model from MODEL failed: ?", ""),
    (r"This is an invalid model\. ?", ""),
    (r"Exception during (?:initialization|loading): ", ""),
    (r"[ \t]+", " "),
]

# Runs with Pythons back to 3.7. One line an answer, so that the lines tell how far it came.
WORKER = r"""
import json, sys
import onnxruntime
options = onnxruntime.SessionOptions()
try:
    options.intra_op_num_threads = 1
except AttributeError:
    pass
print(json.dumps(onnxruntime.__version__), flush=True)
for path in sys.stdin.read().splitlines():
    try:
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except TypeError:
            session = onnxruntime.InferenceSession(path, options)
        answer = None
    except Exception as error:
        answer = [type(error).__name__, str(error)]
    print(json.dumps(answer), flush=True)
"""


# Installing


def python(version):
    """The interpreter of a Python version."""
    found = shutil.which(f"python{version}")
    roots = [os.environ.get("PYENV_ROOT"), pathlib.Path.home() / ".pyenv"]
    for root in filter(None, roots):
        found = next(map(str, sorted(pathlib.Path(root).glob(f"versions/{version}.*/bin/python"))), found)
    return found or sys.exit(f"there is no Python {version} here")


def install(folder, requirement, version=None):
    """Installs one requirement into its own folder, unless it is there."""
    if folder.is_dir():
        return folder
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--target", str(part), requirement]
    if version:  # One wheel for another Python, whatever pip thinks of its own.
        command += ["--no-deps", "--ignore-requires-python", "--python-version", version]
    subprocess.run(command, check=True)
    part.rename(folder)
    return folder


# Asking


def ask(interpreter, path, names):
    """What one release answers to each model: `None`, or the class and the message."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    answers = []
    while len(answers) < len(names):
        paths = "\n".join(str(MODELS / f"{it}.onnx") for it in names[len(answers) :])
        with tempfile.TemporaryFile("w+") as out:
            try:
                done = subprocess.run(
                    [interpreter, "-c", WORKER], input=paths, stdout=out, stderr=subprocess.PIPE, text=True, errors="replace",
                    env=environment, cwd=tempfile.gettempdir(), timeout=300, check=False,
                )  # fmt: skip
                ended = ["crash", signal.Signals(-done.returncode).name if done.returncode < 0 else f"status {done.returncode}"]
            except subprocess.TimeoutExpired:
                ended = ["hangs", ""]
            out.seek(0)
            lines = out.read().splitlines()
        if not lines:
            sys.exit(f"{path[0].name} does not start: {done.stderr[-2000:]}")
        version = json.loads(lines[0])
        if not path[0].name.endswith(f"-{version}"):
            sys.exit(f"{path[0]} holds {version}")
        answers += [json.loads(line) for line in lines[1:]]
        if len(answers) < len(names):
            answers.append(ended)
    return [answer and normal(*answer, name) for answer, name in zip(answers, names)]


def normal(kind, message, name):
    """The class and the first line of a message, without what differs from machine to machine or build to build."""
    message = (
        message.replace(str(MODELS / f"{name}.onnx"), "MODEL")
        .replace(str(MODELS / name.split("/")[0]), "FOLDER")
        .replace(str(MODELS), "FOLDER")
    )
    found = re.match(r"\[ONNXRuntimeError\] : \d+ : (\w+) : (.*)", message, re.DOTALL)
    if found:
        kind, message = found.groups()
    for pattern, word in NOISE:
        message = re.sub(pattern, word, message)
    message = next(filter(None, map(str.strip, message.splitlines())), "")
    return kind, message[:200].strip()


def release_key(version):
    return [int(it) for it in version.split(".")]


def chosen(wanted):
    found = [(release, version) for version, releases in RELEASES.items() for release in releases]
    return sorted((it for it in found if not wanted or it[0] in wanted), key=lambda it: release_key(it[0]))


def record(arguments, keep):
    keep.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(install(keep / f"onnx-{ONNX}", f"onnx=={ONNX}")))
    sys.dont_write_bytecode = True
    import onnx
    import onnx.shape_inference
    import onnx_built_models
    import onnx_changed_models
    import onnx_load_models
    import onnx_mistaken_models
    import onnx.numpy_helper
    import onnx.parser

    wanted = set(arguments.family or FAMILIES)
    with tempfile.TemporaryDirectory() as folder:
        made = pathlib.Path(folder, "models")
        names = onnx_load_models.write(onnx, made)
        names += onnx_built_models.write(onnx, made)
        names += onnx_changed_models.write(onnx, made, names)
        names += onnx_mistaken_models.write(onnx, made)
        for script, families in CONVERTERS.items():
            if wanted & set(families):
                names += convert(script, made, keep)
        for path in made.iterdir():
            if path.name in wanted:
                shutil.rmtree(MODELS / path.name, ignore_errors=True)
                shutil.copytree(path, MODELS / path.name)
            elif path.is_file():
                shutil.copy(path, MODELS)
    names = sorted(name for name in names if name.split("/")[0] in wanted)
    print(f"{len(names)} models", flush=True)
    columns = []
    releases = chosen(None)
    for release, version in releases:
        wheel = install(keep / f"onnxruntime-{release}", f"onnxruntime=={release}", version)
        numpy = install(keep / f"numpy-{NUMPY[version]}-python{version}", f"numpy=={NUMPY[version]}", version)
        answers = ask(python(version), [wheel, numpy], names)
        counts = collections.Counter(answer[0] if answer else "loads" for answer in answers)
        print(f"{release} on Python {version}: {dict(sorted(counts.items()))}", flush=True)
        columns.append(answers)
    write_results(releases, names, columns, wanted)


def convert(script, made, keep):
    """Models that converters write, each script where its own packages are."""
    environment = keep / f"{script}-environment"
    interpreter = environment / "bin" / "python"
    if not interpreter.exists():
        made_by = __import__(script)
        version = getattr(made_by, "PYTHON", "3.11")
        subprocess.run([python(version), "-m", "venv", str(environment)], check=True)
        for words in (made_by.REQUIREMENTS, ["--no-deps", *getattr(made_by, "BY_ITSELF", [])]):
            if words != ["--no-deps"]:
                subprocess.run([str(interpreter), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *words], check=True)
    path = pathlib.Path(__file__).with_name(f"{script}.py")
    done = subprocess.run([str(interpreter), str(path), str(made)], stdout=subprocess.PIPE, text=True, check=True)
    families = {it.split("/")[0] for it in done.stdout.split()}
    return sorted(str(it.relative_to(made))[:-5] for family in families & set(FAMILIES) for it in (made / family).glob("*.onnx"))


def write_results(releases, names, columns, wanted):
    kept = {}
    if wanted != set(FAMILIES):
        name = ""
        for line in RESULTS.read_text(encoding="utf-8").splitlines():
            kind, *fields = line.split("\t")
            if kind == "model":
                name = fields[0]
            elif kind == "cell" and name.split("/")[0] not in wanted:
                kept.setdefault(name, []).append(line)
    lines = [
        "# Which ONNX Runtime releases load which models: sessions on the CPU provider with default options, Linux x86_64.",
        f"# Recorded on {datetime.date.today()} with onnx {ONNX} by `python tests/scripts/onnx_load_matrix.py record`;",
        "# the format is described there.",
        *(f"release\t{release}\t{version}\t{NUMPY[version]}" for release, version in releases),
    ]
    rows = {name: row for row, name in enumerate(names)}
    for name in sorted(rows.keys() | kept.keys()):
        lines.append(f"model\t{name}")
        if name in kept:
            lines += kept[name]
            continue
        row = rows[name]
        runs = []
        for (release, _), column in zip(releases, columns):
            kind, message = column[row] or ("loads", "")
            if runs and runs[-1][2:] == [kind, message]:
                runs[-1][1] = release
            else:
                runs.append([release, release, kind, message])
        lines += ["\t".join(["cell", *run]).rstrip("\t") for run in runs]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_results():
    """The releases with their Python and NumPy, and for each model one answer a release."""
    releases, models = [], {}
    for line in RESULTS.read_text(encoding="utf-8").splitlines():
        kind, *fields = line.split("\t")
        if kind == "release":
            releases.append(fields)
        elif kind == "model":
            answers = models.setdefault(fields[0], {})
        elif kind == "cell":
            first, last, *answer = fields
            order = [it[0] for it in releases]
            for release in order[order.index(first) : order.index(last) + 1]:
                answers[release] = (*answer, "")[:2]
    return releases, models


# Comparing

# Why envcheck and a release disagree: a word, what is looked for in `model | release | answer | what envcheck says`, and
# the explanation. The first that fits counts; a disagreement that none fits is an error.
CAUSES = [
    # envcheck says more than happens.
    ("never-reached", r"^(function/unused-|graph/training-info-|function/gelu-20-outside).*\| loads \|",
     "nobody calls the function, a session has no use for training information, or the function is inlined where the import is newer"),
    ("unchecked", r"\| 1\.[0-4]\.\d \| loads \| .*EC20",
     "1.0 and 1.1 check no number and no name; 1.2 to 1.4 check the operator set of a domain only at its nodes"),
    ("still-there", r"\| loads \| EC203 .* is deprecated", "deprecated, and every release has it"),
    ("has-its-kernel", r"\| loads \| EC201 .* accepts opset", "this operator's schema did not change in the operator set that has few kernels"),
    # It says less, as it has to: what code may do.
    ("custom-domain", r"\| EC204 ", "envcheck warns only, since code can register a library of custom operators; here none is"),
    ("identity-dropped", r"^form/weight-.*\| 1\.[0-9]\.\d \| loads \|",
     "1.9.0 and older drop an Identity before they look at its weight"),
    # It says less.
    ("function-body", r"^(form/function|function/)", "bodies of functions are looked at node by node, their values are not followed"),
    ("unsorted", r"^form/unsorted-types-differ", "types are followed in the order of the file"),
    ("crash", r"\| (crash|hangs)", "the process ends: a fault of the release"),
    ("type-unknown", r"MLDataType for|[Ii]nvalid tensor data type|tensor type \d+ is not supported",
     "the release, or its wheel, does not know the element type at all"),
    ("kernel", r"NOT_IMPLEMENTED|Failed to find kernel",
     "no kernel on the CPU for this element type, this change of the operator, or this operator"),
    ("locale", r"Failed to construct locale", "StringNormalizer needs a locale that the machine does not have"),
    ("external-data", r"^external/", "the place of external data: missing file, too short, outside of the folder, bad entry"),
    ("microsoft-operator", r"^\S*microsoft\S* .*(not a registered function/op|No Op registered)",
     "the release does not have this operator of its own domain yet, or no longer"),
    ("type-not-in-schema", r"Type Error: Type 'tensor", "the element type is not in the operator's schema at this operator set"),
    ("node-signature",
     r"Unrecognized attribute|(in|out)put size|Required attribute|[Aa]ttribute type|appeared multiple|marked single|input_def_count",
     "the node has other inputs, outputs or attributes than the schema that the operator set names"),
    ("inference", r"InferenceError|Type Error: ", "types or shapes contradict each other"),
    ("came-later", r"^(never|domain)/.*No Op registered", "one of the operators that ONNX Runtime adds to the default domain, before the release that did"),
    ("opset-in-function", r"^function/.*(under development|No Op registered|No opset)",
     "the function imports a newer operator set than the release has, none at all, or another one than the model"),
    ("not-imported", r"No opset import|Missing opset|only-ml|^opset/odd", "no operator set, or one that never was, is imported"),
    ("graph", r"^(graph|subgraph|function|ir|type-carried|ml)/", "names, order, declarations or bytes of the graph do not hold together"),
]  # fmt: skip

# The rules about what a serving runtime loads.
CODES = ("EC201", "EC202", "EC203", "EC204", "EC210", "EC212", "EC213")


def check(program, release, numpy, names):
    """The report of `envcheck check` about models with one release."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = pathlib.Path(folder, "requirements.txt")
        requirements.write_text(f"onnxruntime=={release}\nnumpy=={numpy}\n", encoding="utf-8")
        models = [word for name in names for word in ("--model", f"{name}.onnx")]
        command = [program, "check", str(requirements), *models, "--no-config", "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=MODELS, check=False)
    if "no readable onnx" in done.stderr:
        return None
    if done.returncode not in (0, 1):
        sys.exit(f"{program} ended with {done.returncode}: {done.stderr[:2000]}")
    return json.loads(done.stdout)


def verdicts(program, release, numpy, names):
    """What envcheck predicts of each model: a word, and the messages it rests on."""
    report = check(program, release, numpy, names)
    found = {name: ("loads", []) for name in names}
    if report is None:
        return {names[0]: ("fails", ["no readable onnx"])}
    for finding in report["findings"]:
        if not finding["code"].startswith(CODES):
            continue
        paths = {label["path"].removesuffix(".onnx") for label in finding["labels"]}
        for name in paths & found.keys():
            word = {"error": "fails", "warning": "may fail"}.get(finding["severity"], "loads")
            said = found[name][1] + [f"{finding['code']} {finding['message']}"]
            found[name] = (max(found[name][0], word, key=["loads", "may fail", "fails"].index), said)
    # A question does not say which of several models it is about.
    if any(it["code"].startswith(CODES) for it in report["undecided"]):
        if len(names) == 1 and found[names[0]][0] != "fails":
            found[names[0]] = ("undecided", [it["reason"] for it in report["undecided"]])
        elif len(names) > 1:
            for name in names:
                found |= verdicts(program, release, numpy, [name])
    return found


def judged(word, answer):
    """The cell of the confusion table."""
    actual = "loads" if answer[0] == "loads" else "fails"
    return f"{word} / {actual}"


def compare(arguments):
    releases, models = read_results()
    names = [it for it in models if not arguments.family or it.split("/")[0] in arguments.family]
    releases = [it for it in releases if not arguments.release or it[0] in arguments.release]
    program = str(pathlib.Path(arguments.program).resolve())
    unreadable = {name for name in names if check(program, releases[-1][0], releases[-1][2], [name]) is None}
    readable = [name for name in names if name not in unreadable]
    families, rows = (collections.defaultdict(collections.Counter) for _ in range(2))
    disagree = collections.defaultdict(lambda: collections.defaultdict(list))
    for release, _, numpy in releases:
        found = {name: ("fails", ["no readable onnx"]) for name in unreadable}
        found |= verdicts(program, release, numpy, readable)
        for name in names:
            word, said = found[name]
            answer = models[name][release]
            cell = judged(word, answer)
            families[name.split("/")[0]][cell] += 1
            rows[release][cell] += 1
            if cell not in ("loads / loads", "fails / fails"):
                reason = " ".join(answer).strip()
                line = f"{name} | {release} | {reason} | {'; '.join(said)}"
                cause = next((it[0] for it in CAUSES if re.search(it[1], line)), "unexplained")
                shown = reason if answer[0] != "loads" else "; ".join(said)
                disagree[cell][cause].append((name, release, blurred(shown)))
    columns = [f"{word} / {actual}" for word in ("loads", "may fail", "undecided", "fails") for actual in ("loads", "fails")]
    for title, table in (("family", families), ("release", rows)):
        print("\t".join([f"{title} (envcheck / release)", *columns]))
        for key, counts in table.items():
            print("\t".join([key, *(str(counts[it]) for it in columns)]))
        print("\t".join(["all", *(str(sum(counts[it] for counts in table.values())) for it in columns)]), end="\n\n")
    explained = {it[0]: it[2] for it in CAUSES}
    for cell, causes in sorted(disagree.items()):
        print(f"== envcheck / release: {cell}: {sum(map(len, causes.values()))} cells")
        for cause, cells in sorted(causes.items(), key=lambda it: (-len(it[1]), it[0])):
            print(f"-- {len(cells)} {cause}: {explained.get(cause, 'no entry of CAUSES fits')}")
            groups = collections.defaultdict(list)
            for name, release, shown in cells:
                groups[shown].append((name, release))
            for shown, members in sorted(groups.items(), key=lambda it: (-len(it[1]), it[0])):
                involved = sorted({name for name, _ in members})
                order = sorted({release for _, release in members}, key=release_key)
                few = ", ".join(involved[: None if arguments.all else 4]) + (
                    "" if arguments.all or len(involved) < 5 else ", ..."
                )
                print(f"   {len(members)}\t{order[0]}-{order[-1]}\t{shown}\t{len(involved)}: {few}")
    return any("unexplained" in causes for causes in disagree.values())


def blurred(reason):
    """A message with the operator and the numbers left out, so that like comes to like."""
    reason = re.sub(r"implementation for (the node )?\S+", "implementation for N", reason)
    reason = re.sub(r"(operator|Op registered for|In Node:) \S+", r"\1 N", reason)
    return re.sub(r"\d+", "#", reason)[:110]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record")
    recording.add_argument("--keep", metavar="FOLDER", type=pathlib.Path, help="install here instead of a temporary folder")
    comparing = commands.add_parser("compare")
    comparing.add_argument("program", metavar="PROGRAM", help="the built envcheck")
    comparing.add_argument("--all", action="store_true", help="name every model of a group")
    comparing.add_argument("--family", metavar="NAME", action="append", help="only this folder of models")
    recording.add_argument("--family", metavar="NAME", action="append", choices=FAMILIES, help="only this folder of models")
    comparing.add_argument("--release", metavar="X", action="append", help="only this release")
    arguments = parser.parse_args()
    if arguments.command == "compare":
        return compare(arguments)
    with tempfile.TemporaryDirectory() as folder:
        record(arguments, arguments.keep or pathlib.Path(folder))
    return False


if __name__ == "__main__":
    sys.exit(main())
