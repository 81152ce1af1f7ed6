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
    """One word for each parameter: a type, or the name of a constraint; `*` marks the one that repeats, `~` one that may
    be left out."""
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
        elif "Optional" in option:
            text += "~"
        out.append(text)
    return ",".join(out) or "-"


def count(least, most):
    return f"{least}-{most if most < 1 << 20 else ''}"


def attribute(name, told):
    """`axis:2!`: the number of its `AttributeProto.AttributeType`, `!` if it is required."""
    return f"{name}:{told.type.value if hasattr(told.type, 'value') else int(told.type)}{'!' if told.required else ''}"


def masks(constraints, names):
    """`T=c02`: the element types of a constraint, bit N for number N of `TensorProto.DataType`."""
    out = []
    for name in sorted(names):
        numbers = [getattr(onnx.TensorProto, re.fullmatch(r"tensor\((\w+)\)", it)[1].upper()) for it in constraints[name] if it.startswith("tensor(")]
        out.append(f"{name}={sum(1 << number for number in numbers):x}")
    return ",".join(out) or "-"


def line(domain, schema, constraints, function):
    names = set()
    inputs = parameters(schema.inputs, constraints, names)
    outputs = parameters(schema.outputs, constraints, names)
    # The contrib operators change without a new version: what their nodes may have depends on the release.
    free = domain == "com.microsoft"
    counts = ["0-", "0-"] if free else [count(schema.min_input, schema.max_input), count(schema.min_output, schema.max_output)]
    attributes = "*" if free else ",".join(attribute(*it) for it in sorted(schema.attributes.items())) or "-"
    kind = "function" if function else "-"
    types = masks(constraints, names)
    if free:
        inputs, outputs = inputs.replace("~", ""), outputs.replace("~", "")
    return (schema.name, domain, schema.since_version, inputs, outputs, kind, *counts, attributes, types)


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
    for text in (
        "The types of the operators' inputs and outputs: a type, the name of a type constraint, or ? for what is no tensor;",
        "* marks the last one, which repeats, ~ one that may be left out. Then how many inputs and outputs a node may have, its",
        "attributes with the numbers of their types and ! for a required one (* for any), and the element types of constraints:",
        "bit N of the hexadecimal number stands for number N of TensorProto.DataType.",
        "Written by .github/scripts/onnx_schemas.py from the schemas in the packages",
        f"onnx {onnx.__version__} and, for com.microsoft, onnxruntime {onnxruntime.__version__}.",
    ):
        out.write(f"# {text}\n")
    for row in sorted(rows):
        out.write("\t".join(map(str, row)) + "\n")


main()
