#!/usr/bin/env python3
"""Compares envcheck with the `onnx` package on every model that the package's wheel carries.

Needs the network: the wheel is installed into a temporary folder with pip. Not run by the tests. Run it from a virtual
environment with Python 3.10 or newer:

    python tests/scripts/onnx_wheel_models.py --envcheck target/release/envcheck

Without the program, the library can be compared: this writes the package's answers, and names the two variables under
which `cargo test` compares shapes, element types, node counts and external data as well:

    python tests/scripts/onnx_wheel_models.py --keep /tmp/onnx-wheel --write-oracle /tmp/onnx-oracle.json

Exits with 1 if any model is read differently.
"""

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile

WORDS = {
    "FLOAT": "float32",
    "DOUBLE": "float64",
}

TYPE_ATTRIBUTES = {"to", "dtype", "output_dtype", "output_datatype"}


def install(folder, version):
    """Installs the wheel, unless the folder has it already."""
    if not (folder / "onnx").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), f"onnx=={version}"]
        subprocess.run(command, check=True)
    sys.path.insert(0, str(folder))
    import onnx

    if onnx.__version__ != version:
        sys.exit(f"expected onnx {version} in {folder}, found {onnx.__version__}")
    return onnx


class Oracle:
    """What the `onnx` package says about one model, in the words of envcheck."""

    def __init__(self, onnx, path):
        self.onnx = onnx
        self.model = onnx.load(str(path), load_external_data=False)
        self.operators = {}
        self.nodes = 0
        self.types = set()
        self.external = {}
        local = self.model.functions
        self.local = {(self.domain(it.domain), it.name, it.overload) for it in local}

    @staticmethod
    def domain(name):
        return name or "ai.onnx"

    def word(self, number):
        if number == 0:
            return None
        names = {value: name for name, value in self.onnx.TensorProto.DataType.items()}
        name = names.get(number)
        return WORDS.get(name, name.lower()) if name else f"type-{number}"

    def element(self, number):
        if number:
            self.types.add(self.word(number))

    def answer(self):
        model = self.model
        self.graph(model.graph)
        for training in model.training_info:
            self.graph(training.initialization)
            self.graph(training.algorithm)
        for function in model.functions:
            for node in function.node:
                self.node(node)
            for attribute in function.attribute_proto:
                self.attribute(attribute)
            for value in function.value_info:
                self.type(value.type)
        initialised = {it.name for it in model.graph.initializer}
        initialised |= {it.values.name for it in model.graph.sparse_initializer}
        producer = None
        if model.producer_name:
            producer = [model.producer_name, model.producer_version or None]
        functions = {f"{domain}::{name}" + (f"::{overload}" if overload else "") for domain, name, overload in self.local}
        return {
            "ir-version": model.ir_version,
            "producer": producer,
            "opsets": {self.domain(it.domain): it.version for it in model.opset_import},
            "operators": {domain: sorted(names) for domain, names in sorted(self.operators.items())},
            "nodes": self.nodes,
            "functions": sorted(functions),
            "element-types": sorted(self.types),
            "inputs": [self.value(it) for it in model.graph.input if it.name not in initialised],
            "outputs": [self.value(it) for it in model.graph.output],
            "external": self.external,
        }

    def graph(self, graph):
        for node in graph.node:
            self.node(node)
        for tensor in graph.initializer:
            self.tensor(tensor)
        for sparse in graph.sparse_initializer:
            self.sparse(sparse)
        for value in [*graph.input, *graph.output, *graph.value_info]:
            self.type(value.type)

    def node(self, node):
        for attribute in node.attribute:
            self.attribute(attribute)
        domain = self.domain(node.domain)
        if (domain, node.op_type, node.overload) in self.local:
            return
        if domain == "ai.onnx":
            for attribute in node.attribute:
                if attribute.name in TYPE_ATTRIBUTES and attribute.HasField("i"):
                    self.element(attribute.i)
        self.operators.setdefault(domain, set()).add(node.op_type)
        self.nodes += 1

    def attribute(self, attribute):
        graphs = [attribute.g] if attribute.HasField("g") else []
        for graph in [*graphs, *attribute.graphs]:
            self.graph(graph)
        tensors = [attribute.t] if attribute.HasField("t") else []
        for tensor in [*tensors, *attribute.tensors]:
            self.tensor(tensor)
        sparse = [attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else []
        for tensor in [*sparse, *attribute.sparse_tensors]:
            self.sparse(tensor)
        types = [attribute.tp] if attribute.HasField("tp") else []
        for kind in [*types, *attribute.type_protos]:
            self.type(kind)

    def sparse(self, sparse):
        self.tensor(sparse.values)
        self.tensor(sparse.indices)

    def tensor(self, tensor):
        self.element(tensor.data_type)
        if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
            for entry in tensor.external_data:
                if entry.key == "location":
                    self.external[entry.value] = self.external.get(entry.value, 0) + 1

    def type(self, kind):
        which = kind.WhichOneof("value")
        if which in ("tensor_type", "sparse_tensor_type"):
            self.element(getattr(kind, which).elem_type)
        elif which in ("sequence_type", "optional_type"):
            self.type(getattr(kind, which).elem_type)
        elif which == "map_type":
            self.element(kind.map_type.key_type)
            self.type(kind.map_type.value_type)

    def spelled(self, kind):
        which = kind.WhichOneof("value")
        if which == "tensor_type":
            return self.word(kind.tensor_type.elem_type)
        if which == "sparse_tensor_type":
            return f"sparse({self.word(kind.sparse_tensor_type.elem_type) or '?'})"
        if which == "sequence_type":
            return f"sequence({self.spelled(kind.sequence_type.elem_type) or '?'})"
        if which == "optional_type":
            return f"optional({self.spelled(kind.optional_type.elem_type) or '?'})"
        if which == "map_type":
            key, value = kind.map_type.key_type, kind.map_type.value_type
            return f"map({self.word(key) or '?'},{self.spelled(value) or '?'})"
        if which == "opaque_type":
            return f"opaque({kind.opaque_type.domain},{kind.opaque_type.name})"
        return None

    def value(self, value):
        which = value.type.WhichOneof("value")
        shape = None
        if which in ("tensor_type", "sparse_tensor_type") and getattr(value.type, which).HasField("shape"):
            shape = [self.size(it) for it in getattr(value.type, which).shape.dim]
        return {"name": value.name, "dtype": self.spelled(value.type), "shape": shape}

    @staticmethod
    def size(dimension):
        if dimension.HasField("dim_value") and dimension.dim_value >= 0:
            return dimension.dim_value
        return dimension.dim_param or None


def write_more(onnx, folder):
    """Models of a kind that the wheel lacks: local functions with overloads, training graphs, external data."""
    helper, proto = onnx.helper, onnx.TensorProto
    main, old = helper.make_opsetid("", 21), helper.make_opsetid("", 13)
    local = helper.make_opsetid("local", 1)

    def node(operator, domain="", overload="", **attributes):
        made = helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)
        if overload:
            made.overload = overload
        return made

    def tensor(name, location=None):
        made = helper.make_tensor(name, proto.FLOAT, [2], [1.0, 2.0])
        if location:
            made.ClearField("float_data")
            made.data_location = proto.EXTERNAL
            made.external_data.add(key="location", value=location)
        return made

    def function(name, overload, nodes, opsets):
        made = helper.make_function("local", name, ["x"], ["y"], nodes, opsets)
        made.overload = overload
        return made

    body = helper.make_graph([node("Sinh"), node("F", "local", "b")], "body", [], [])
    value = helper.make_tensor_value_info("x", proto.FLOAT, ["N", None, 3])
    graph = helper.make_graph(
        [node("F", "local", "a"), node("F", "local"), node("If", then_branch=body, else_branch=body), node("G", "ai.onnx")],
        "main", [value], [value], [tensor("x"), tensor("w", "a.bin"), tensor("v", "a.bin")],
    )
    functions = [
        function("F", "a", [node("Cosh"), node("F", "local", "b"), node("Cast", to=proto.FLOAT16)], [old, local]),
        function("F", "b", [node("Loop", body=body), node("Z", "other")], [main, local]),
        function("G", "", [node("Tan")], [old]),
    ]
    functions[2].domain = "ai.onnx"
    model = helper.make_model(graph, functions=functions, opset_imports=[main, local], producer_name="envcheck")
    model.training_info.add().algorithm.CopyFrom(helper.make_graph([node("Asinh")], "step", [], []))
    (folder / "onnx" / "more").mkdir(exist_ok=True)
    (folder / "onnx" / "more" / "functions.onnx").write_bytes(model.SerializeToString())


def inspect(program, paths):
    """The model facts that `envcheck inspect` prints, by path; several models a call."""
    found = {}
    for start in range(0, len(paths), 100):
        command = [program, "inspect", "--format", "json", *map(str, paths[start : start + 100])]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            sys.exit(f"{program} ended with {done.returncode} and no JSON: {done.stderr.strip()[:2000]}")
        for entry in report["inputs"]:
            models = [fact for fact in entry.get("facts", []) if fact.get("kind") == "model"]
            found[pathlib.Path(entry["path"]).resolve()] = models, entry
    return found


def comparable(model):
    """The part of an answer that both sides print."""
    sizes = {"inputs", "outputs"}
    part = {key: model.get(key) for key in ("ir-version", "opsets", *sorted(sizes))}
    for key in sizes:
        part[key] = [{"name": it.get("name"), "dtype": it.get("dtype")} for it in part[key] or []]
    part["operators"] = {domain: sorted(names) for domain, names in (model.get("operators") or {}).items()}
    return part


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envcheck", metavar="PROGRAM", help="the program to compare")
    parser.add_argument("--version", default="1.22.0", help="the onnx wheel (default: %(default)s)")
    parser.add_argument("--keep", metavar="FOLDER", type=pathlib.Path, help="install here instead of a temporary folder")
    parser.add_argument("--write-oracle", metavar="FILE", type=pathlib.Path, help="write the package's answers")
    arguments = parser.parse_args()
    if not arguments.envcheck and not arguments.write_oracle:
        parser.error("expected --envcheck, --write-oracle or both")
    if arguments.write_oracle and not arguments.keep:
        parser.error("--write-oracle needs --keep, so that the models are still there afterwards")

    with contextlib.ExitStack() as stack:
        folder = arguments.keep or pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        onnx = install(folder, arguments.version)
        write_more(onnx, folder)
        paths = sorted(folder.glob("onnx/**/*.onnx"))
        answers = {path: Oracle(onnx, path).answer() for path in paths}
        print(f"onnx {onnx.__version__}: {len(paths)} models, one of them written here")
        if arguments.write_oracle:
            relative = {str(path.relative_to(folder)): answer for path, answer in answers.items()}
            arguments.write_oracle.write_text(json.dumps(relative), encoding="utf-8")
            print(f"ENVCHECK_ONNX_MODELS={folder} ENVCHECK_ONNX_ORACLE={arguments.write_oracle}")
        if not arguments.envcheck:
            return 0

        found = inspect(arguments.envcheck, paths)
        wrong = 0
        for path, answer in answers.items():
            models, entry = found.get(path.resolve(), ([], {}))
            expected = comparable(answer)
            problems = []
            if len(models) != 1:
                problems.append(f"expected one model fact, found {len(models)}: {json.dumps(entry)[:500]}")
            else:
                got = comparable(models[0])
                problems += [f"{key}: expected {expected[key]}, found {got[key]}" for key in expected if got[key] != expected[key]]
            if entry.get("skipped"):
                problems.append(f"skipped: {entry['skipped']}")
            wrong += bool(problems)
            for problem in problems:
                print(f"{path.relative_to(folder)}: {problem}")
        print(f"{len(paths) - wrong} agree, {wrong} differ")
        return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
