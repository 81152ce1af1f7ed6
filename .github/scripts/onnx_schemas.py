#!/usr/bin/env python3
"""Writes src/input/onnx/schema.tsv: the inputs and outputs of every operator, as the specification declares their types.

    python .github/scripts/onnx_schemas.py > src/input/onnx/schema.tsv

Needs the packages `onnx` (operators of ONNX, all versions) and `onnxruntime` (operators of `com.microsoft`), whichever
releases are to be written; nothing is downloaded by the script itself.
"""

import re
import sys

import onnx
import onnx.defs
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

# Functions that ONNX Runtime 1.15 to 1.32 does not take apart where it has no kernel (fixtures/onnx-load, `type/`).
KEPT_WHOLE = {"Clip", "Elu", "HardSigmoid", "LeakyRelu", "PRelu", "Relu", "Selu", "Softplus", "Softsign"}

WORDS = {
    "float": "float32",
    "double": "float64",
}


def word(text):
    """`tensor(float)` becomes `float32`; anything that is no tensor becomes `?`."""
    match = re.fullmatch(r"tensor\((\w+)\)", text)
    return WORDS.get(match[1], match[1]) if match else "?"


def parameters(formal, constraints, names):
    """One word for each parameter: a type, or the name of a constraint; `*` marks the one that repeats."""
    out = []
    for parameter in formal:
        text = parameter.typeStr if hasattr(parameter, "typeStr") else parameter.type_str
        if text in constraints:
            allowed = constraints[text]
            if any(not it.startswith("tensor(") for it in allowed) and not any(it.startswith("tensor(") for it in allowed):
                text = "?"
            elif len(allowed) == 1:
                text = word(allowed[0])
            else:
                names.add(text)
        else:
            text = word(text)
        option = str(parameter.option)
        same = parameter.isHomogeneous if hasattr(parameter, "isHomogeneous") else parameter.is_homogeneous
        if "Variadic" in option:
            text = (text if same else "?") + "*"
        out.append(text)
    return ",".join(out) or "-"


def count(least, most):
    return f"{least}-{most if most < 1 << 20 else ''}"


def line(domain, schema, constraints, function):
    names = set()
    inputs = parameters(schema.inputs, constraints, names)
    outputs = parameters(schema.outputs, constraints, names)
    # The contrib operators change without a new version: what their nodes may have depends on the release.
    free = domain == "com.microsoft"
    counts = ["0-", "0-"] if free else [count(schema.min_input, schema.max_input), count(schema.min_output, schema.max_output)]
    attributes = "*" if free else ",".join(sorted(schema.attributes)) or "-"
    kind = "function" if function else "-"
    return (schema.name, domain, schema.since_version, inputs, outputs, kind, *counts, attributes)


def main():
    rows = set()
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain not in ("", "ai.onnx.ml"):
            continue
        constraints = {it.type_param_str: list(it.allowed_type_strs) for it in schema.type_constraints}
        function = (schema.has_function or schema.has_context_dependent_function) and schema.name not in KEPT_WHOLE
        rows.add(line(schema.domain or "ai.onnx", schema, constraints, function))
    for schema in runtime.get_all_operator_schema():
        if schema.domain != "com.microsoft":
            continue
        constraints = {it.type_param_str: list(it.allowed_type_strs) for it in schema.type_constraints}
        # Whether a contrib operator is a function is not to be seen from here.
        rows.add(line(schema.domain, schema, constraints, False))
    out = sys.stdout
    out.write("# The types of the operators' inputs and outputs: a type, the name of a type constraint, or ? for what is no tensor;\n")
    out.write("# * marks the last one, which repeats. Then how many inputs and outputs a node may have, and the names of its attributes\n")
    out.write("# (* for any). Written by .github/scripts/onnx_schemas.py from the schemas in the packages\n")
    out.write(f"# onnx {onnx.__version__} and, for com.microsoft, onnxruntime {onnxruntime.__version__}.\n")
    for row in sorted(rows):
        out.write("\t".join(map(str, row)) + "\n")


main()
