"""Models of the other scripts with one thing changed by chance, for `onnx_load_matrix.py`.

`write(onnx, folder, names)` takes what `onnx_load_models.py` and `onnx_built_models.py` wrote, changes some of the models in
one way that its name decides, and returns the names of the new ones: another operator set or element type, one input,
output or attribute more or less, another number in an attribute, other sizes, another order, another operator or domain.
Most of them are broken, and nobody looked at how before a release was asked.
"""

import copy
import random

SEED = "2026-11-23"
# One in so many, and fewer of the folders that hold one operator each.
SHARE, SHARE_OF_OPERATORS = 3, 12
OPERATORS = {"com.microsoft", "operator", "type"}
LEFT_OUT = {"external", "ir", "never", "opset", "too-new", "type-carried"}
LIMIT = 3_000
ELEMENTS = [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16]
OTHERS = ["Add", "BitShift", "Cast", "Celu", "Clip", "Einsum", "Erf", "Gather", "Hardmax", "Mod", "Neg", "Not", "ReduceSum", "Relu", "Resize", "Sin", "Softmax", "Squeeze", "Where"]
DOMAINS = ["ai.onnx", "ai.onnx.ml", "com.microsoft", "my.domain"]


def nodes(graph):
    """The nodes of a graph and of those inside it."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes(attribute.g)


def imported(model, domains):
    return next(it for it in model.opset_import if it.domain in domains)


def operator_set(model, chance):
    found = imported(model, ("", "ai.onnx"))
    found.version = chance.choice([it for it in range(6, 25) if it != found.version])
    return f"opset-{found.version:02}"


def learned_set(model, chance):
    found = imported(model, ("ai.onnx.ml",))
    found.version = chance.choice([it for it in range(1, 6) if it != found.version])
    return f"learned-{found.version}"


def import_gone(model, chance):
    del model.opset_import[chance.randrange(len(model.opset_import))]
    return "import-gone"


def typed(values):
    return [it for it in values if it.type.HasField("tensor_type")]


def input_type(model, chance):
    found = chance.choice(typed(model.graph.input)).type.tensor_type
    found.elem_type = chance.choice(ELEMENTS)
    return f"input-{found.elem_type}"


def output_type(model, chance):
    found = chance.choice(typed(model.graph.output)).type.tensor_type
    found.elem_type = chance.choice([1, 6, 7, 9, 10, 11])
    return f"output-{found.elem_type}"


def weight_type(model, chance):
    found = chance.choice(model.graph.initializer)
    found.data_type = chance.choice([1, 6, 7, 10, 11])
    return f"weight-{found.data_type}"


def stated_type(model, chance):
    name = chance.choice(list(model.graph.node)).output[0]
    stated = model.graph.value_info.add(name=name)
    stated.type.tensor_type.elem_type = chance.choice([1, 7, 10])
    return "stated"


def input_less(model, chance):
    del chance.choice([it for it in nodes(model.graph) if len(it.input) > 1]).input[-1]
    return "input-less"


def input_empty(model, chance):
    found = chance.choice([it for it in nodes(model.graph) if len(it.input) > 1])
    found.input[chance.randrange(len(found.input))] = ""
    return "input-empty"


def input_more(model, chance):
    found = chance.choice([it for it in nodes(model.graph) if it.input])
    found.input.append(found.input[0])
    return "input-more"


def output_more(model, chance):
    chance.choice(list(nodes(model.graph))).output.append("another")
    return "output-more"


def output_renamed(model, chance):
    chance.choice(list(model.graph.node)).output[0] += "_r"
    return "output-renamed"


def attribute_gone(model, chance):
    found = chance.choice([it for it in nodes(model.graph) if it.attribute])
    at = chance.randrange(len(found.attribute))
    name = found.attribute[at].name
    del found.attribute[at]
    return f"without-{name}"


def attribute_renamed(model, chance):
    chance.choice([it for node in nodes(model.graph) for it in node.attribute]).name += "_x"
    return "attribute-renamed"


def attribute_number(model, chance):
    found = chance.choice([it for node in nodes(model.graph) for it in node.attribute if it.type == 2 or it.ints])
    by = chance.choice([-3, -1, 1, 2, 7])
    if found.type == 2:
        found.i += by
    else:
        found.ints[chance.randrange(len(found.ints))] += by
    return f"{found.name}-{'plus' if by > 0 else 'minus'}-{abs(by)}"


def attribute_longer(model, chance):
    found = chance.choice([it for node in nodes(model.graph) for it in node.attribute if it.ints])
    found.ints.append(1)
    return f"{found.name}-longer"


def ir_version(model, chance):
    model.ir_version = chance.choice(range(1, 14))
    return f"ir-{model.ir_version:02}"


def reversed_nodes(model, chance):
    found = [copy.deepcopy(it) for it in model.graph.node]
    if len(found) < 2:
        raise ValueError("nothing to turn round")
    del model.graph.node[:]
    model.graph.node.extend(reversed(found))
    return "reversed"


def weight_longer(model, chance):
    found = chance.choice([it for it in model.graph.initializer if it.dims])
    found.dims[chance.randrange(len(found.dims))] += chance.choice([-1, 1])
    return "weight-size"


def weight_turned(model, chance):
    found = chance.choice([it for it in model.graph.initializer if len(it.dims) > 1 and it.dims[0] != it.dims[1]])
    found.dims[0], found.dims[1] = found.dims[1], found.dims[0]
    return "weight-turned"


def weight_gone(model, chance):
    del model.graph.initializer[chance.randrange(len(model.graph.initializer))]
    return "weight-gone"


def weight_listed(model, chance):
    found = chance.choice(model.graph.initializer)
    listed = model.graph.input.add(name=found.name)
    listed.type.tensor_type.elem_type = found.data_type
    return "weight-listed"


def input_size(model, chance):
    found = chance.choice([it for value in typed(model.graph.input) for it in value.type.tensor_type.shape.dim])
    found.Clear()
    found.dim_value = chance.choice([1, 2, 5, 7, 9])
    return "input-size"


def input_rank(model, chance):
    found = chance.choice([it for it in typed(model.graph.input) if it.type.tensor_type.shape.dim]).type.tensor_type.shape
    if chance.random() < 0.5:
        del found.dim[-1]
    else:
        found.dim.add().dim_value = 3
    return "input-rank"


def operator(model, chance):
    found = chance.choice(list(nodes(model.graph)))
    found.op_type = chance.choice(OTHERS)
    return f"as-{found.op_type}"


def domain(model, chance):
    found = chance.choice(list(nodes(model.graph)))
    found.domain = chance.choice(DOMAINS)
    return f"domain-{found.domain}"


# Those that happen to people come more than once.
CHANGES = [operator_set] * 8 + [learned_set] * 2 + [input_type] * 4 + [attribute_number] * 3 + [input_rank, operator] * 2 + [
    attribute_gone, attribute_longer, attribute_renamed, domain, import_gone, input_empty, input_less, input_more, input_size,
    ir_version, output_more, output_renamed, output_type, reversed_nodes, stated_type, weight_gone, weight_listed,
    weight_longer, weight_turned, weight_type,
]  # fmt: skip


def write(onnx, folder, names):
    """Writes the changed models below the folder and returns their names, sorted."""
    (folder / "changed").mkdir(parents=True, exist_ok=True)
    written = []
    for name in sorted(names):
        family = name.split("/")[0]
        chance = random.Random(f"{SEED} {name}")
        share = SHARE_OF_OPERATORS if family in OPERATORS else SHARE
        if family in LEFT_OUT or chance.randrange(share):
            continue
        try:
            model = onnx.load_from_string((folder / f"{name}.onnx").read_bytes())
        except Exception:  # noqa: BLE001 - some are no models, and that is what they are for
            continue
        for _ in range(8):
            try:
                what = chance.choice(CHANGES)(model, chance)
                break
            except (IndexError, StopIteration, ValueError):
                what = None
        data = model.SerializeToString(deterministic=True)
        if what and len(data) <= LIMIT:
            made = f"changed/{name.replace('/', '-')}-{what}"
            (folder / f"{made}.onnx").write_bytes(data)
            written.append(made)
    return sorted(written)
