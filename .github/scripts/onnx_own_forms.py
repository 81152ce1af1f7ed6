#!/usr/bin/env python3
"""Writes src/input/onnx/forms.tsv: what nodes of com.microsoft may have, by release of ONNX Runtime.

    python .github/scripts/onnx_own_forms.py FOLDER > src/input/onnx/forms.tsv

FOLDER is the one that `tests/scripts/onnx_load_matrix.py record --keep FOLDER` installed the releases into; nothing is
downloaded here. Releases before 1.16 do not tell their schemas.
"""

import json
import os
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "scripts"))
import onnx_load_matrix as matrix

FIRST = [1, 16]
WORKER = """
import json
from onnxruntime.capi import onnxruntime_pybind11_state as runtime
made = {}
for schema in runtime.get_all_operator_schema():
    if schema.domain == "com.microsoft":
        number = lambda told: int(told.type.value) if hasattr(told.type, "value") else int(told.type)
        span = lambda least, most: f"{least}-{most if most < 1 << 20 else ''}"
        words = (f"{name}:{number(told)}{'!' if told.required else ''}" for name, told in sorted(schema.attributes.items()))
        made[schema.name] = [span(schema.min_input, schema.max_input), span(schema.min_output, schema.max_output), ",".join(words) or "-"]
print(json.dumps(made))
"""


def main():
    keep = pathlib.Path(sys.argv[1])
    forms = {}
    for release, version in matrix.chosen(None):
        if matrix.release_key(release) < FIRST:
            continue
        folders = (keep / f"onnxruntime-{release}", keep / f"numpy-{matrix.NUMPY[version]}-python{version}")
        environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(map(str, folders)), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([matrix.python(version), "-c", WORKER], env=environment, stdout=subprocess.PIPE, text=True, check=True)
        for name, form in json.loads(done.stdout).items():
            known = forms.setdefault(name, [])
            if not known or known[-1][1:] != form:
                known.append([release, *form])
    out = sys.stdout
    for text in (
        "What nodes of com.microsoft may have, from which release of ONNX Runtime on: how many inputs and outputs, and",
        "which attributes, with the numbers of their types and ! for a required one.",
        "Written by .github/scripts/onnx_own_forms.py from the schemas of all releases from 1.16.0 on.",
    ):
        out.write(f"# {text}\n")
    for name in sorted(forms):
        for form in forms[name]:
            out.write("\t".join([name, *form]) + "\n")


if __name__ == "__main__":
    main()
