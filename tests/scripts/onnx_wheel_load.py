#!/usr/bin/env python3
"""Compares envcheck with ONNX Runtime on every model of the `onnx` wheel's test data: does it load, and what is said of it?

Needs the network: both packages are installed into a temporary folder with pip. Not run by the tests.

    python tests/scripts/onnx_wheel_load.py target/release/envcheck [--onnxruntime 1.32.0] [--onnx 1.22.0]

A model fails by envcheck's word if it has an error, or a warning that nothing provides a domain. Sessions are made on the
CPU provider with default options; nothing is run. Exits with 1 if envcheck calls a model broken that loads.

Of the 1,914 models of onnx 1.22.0, ONNX Runtime 1.32.0 loads 1,809 (on 2026-11-23, Linux x86_64). envcheck says nothing
of these, and speaks of all others but eight: StringNormalizers without a locale, which the machine lacks.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

SESSIONS = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1])
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads, options.log_severity_level = 1, 4
for path in sorted(pathlib.Path(sys.argv[2]).rglob("*.onnx")):
    try:
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        print(json.dumps([str(path), None]))
    except Exception as fault:
        print(json.dumps([str(path), str(fault).splitlines()[0]]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="a built envcheck")
    parser.add_argument("--onnxruntime", default="1.32.0")
    parser.add_argument("--onnx", default="1.22.0")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        runtime, wheel = folder / "runtime", folder / "wheel"
        install(runtime, f"onnxruntime=={options.onnxruntime}")
        install(wheel, f"onnx=={options.onnx}", "--no-deps")
        serving = folder / "requirements.txt"
        serving.write_text(f"onnxruntime=={options.onnxruntime}\n")
        command = [sys.executable, "-c", SESSIONS, str(runtime), str(wheel)]
        answers = [json.loads(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()]
        return compare(options.program, serving, answers)


def install(folder, *what):
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *what], check=True)


def compare(program, serving, answers):
    counts = collections.Counter()
    for path, fault in answers:
        command = [program, "check", str(serving), "--model", path, "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode > 1:
            sys.exit(f"{path}: {done.stderr}")
        said = [it for it in json.loads(done.stdout)["findings"] if fails(it)]
        counts[bool(said), fault is None] += 1
        if bool(said) == (fault is None):
            name = pathlib.Path(path).parent.name
            print(f"{name}: {fault or 'loads'} | {'; '.join(it['message'] for it in said) or 'nothing said'}")
    print(f"{len(answers)} models, {counts[False, True] + counts[True, True]} load: false errors {counts[True, True]}, "
          f"failures predicted {counts[True, False]}, missed {counts[False, False]}")
    return 1 if counts[True, True] else 0


def fails(finding):
    return finding["severity"] == "error" or finding["code"] == "EC204"


if __name__ == "__main__":
    sys.exit(main())
