"""Models as people write and export them, and each of them with one mistake, for `onnx_load_matrix.py`.

`write(onnx, folder)` makes small networks of the usual kinds and some that are less usual, all of them sound, and of each a few
that a number, a wire, a weight or a node was changed in by chance, so that the file still holds together: weights
keep as many elements as their shapes say. Nobody looked at the answers before envcheck had given its own.
"""

import copy
import random

import numpy as np

SEED = "2026-11-24"
EACH = 4


def write(onnx, folder):
    """Writes the models below the folder and returns their names, sorted."""
    (folder / "mistaken").mkdir(parents=True, exist_ok=True)
    names = []
    for name, model in sorted(sound(onnx).items()):
        made = {name: model}
        chance = random.Random(f"{SEED} {name}")
        for _ in range(EACH * 6):
            if len(made) > EACH:
                break
            changed = copy.deepcopy(model)
            try:
                what = chance.choice(CHANGES)(onnx, changed, chance)
            except (IndexError, ValueError):
                continue
            if what and changed != model:
                made.setdefault(f"{name}-{what}", changed)
        for full, it in made.items():
            (folder / "mistaken" / f"{full}.onnx").write_bytes(it.SerializeToString())
            names.append(f"mistaken/{full}")
    return sorted(names)


# One mistake each. What returns nothing changed nothing.


def plain(text):
    return "".join(it if it.isalnum() else "_" for it in text)


def nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes(attribute.g)


def other_size(onnx, model, chance):
    found = chance.choice([it for it in model.graph.initializer if it.data_type == 1 and len(it.dims)])
    sizes = list(found.dims)
    at = chance.randrange(len(sizes))
    sizes[at] = max(1, sizes[at] + chance.choice([-1, 1, 2]))
    found.CopyFrom(onnx.numpy_helper.from_array(np.zeros(sizes, np.float32), found.name))
    return f"size-of-{plain(found.name)}"


def turned(onnx, model, chance):
    found = chance.choice([it for it in model.graph.initializer if it.data_type == 1 and len(it.dims) > 1])
    found.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(onnx.numpy_helper.to_array(found).T), found.name))
    return f"turned-{plain(found.name)}"


def one_dimension_more(onnx, model, chance):
    found = chance.choice([it for it in model.graph.initializer if it.data_type == 1])
    found.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(found)[None], found.name))
    return f"deeper-{plain(found.name)}"


def constants(model):
    found = [it for it in model.graph.initializer if it.data_type == 7]
    return found + [it.attribute[0].t for it in nodes(model.graph) if it.op_type == "Constant" and it.attribute[0].t.data_type == 7]


def other_number(onnx, model, chance):
    found = chance.choice([it for it in constants(model) if onnx.numpy_helper.to_array(it).size])
    array = onnx.numpy_helper.to_array(found).copy()
    array.reshape(-1)[chance.randrange(array.size)] += chance.choice([-4, -1, 1, 3])
    name = found.name
    found.CopyFrom(onnx.numpy_helper.from_array(array, name))
    return f"number-in-{plain(name) or 'constant'}"


def longer_row(onnx, model, chance):
    found = chance.choice([it for it in constants(model) if len(it.dims) == 1])
    name, array = found.name, onnx.numpy_helper.to_array(found)
    array = np.append(array, [1]) if chance.random() < 0.5 else array[:-1]
    found.CopyFrom(onnx.numpy_helper.from_array(array.astype(np.int64), name))
    return f"longer-{plain(name) or 'constant'}"


def attribute(onnx, model, chance):
    node, found = chance.choice([(n, a) for n in nodes(model.graph) for a in n.attribute if a.type == 2 or a.ints])
    if found.type == 2:
        found.i += chance.choice([-3, -1, 1, 2, 4])
    else:
        found.ints[chance.randrange(len(found.ints))] += chance.choice([-2, -1, 1, 3])
    return f"{node.op_type}-{found.name}"


def attribute_length(onnx, model, chance):
    node, found = chance.choice([(n, a) for n in nodes(model.graph) for a in n.attribute if a.ints])
    if chance.random() < 0.5:
        found.ints.append(found.ints[-1])
    else:
        del found.ints[-1]
    return f"{node.op_type}-{found.name}-length"


def swapped(onnx, model, chance):
    node = chance.choice([it for it in nodes(model.graph) if len(it.input) > 1 and it.input[0] != it.input[1]])
    node.input[0], node.input[1] = node.input[1], node.input[0]
    return f"swapped-{node.op_type}"


def rewired(onnx, model, chance):
    at = chance.randrange(1, len(model.graph.node))
    before = [it for node in model.graph.node[:at] for it in node.output] + [it.name for it in model.graph.input]
    node = model.graph.node[at]
    node.input[chance.randrange(len(node.input))] = chance.choice(before)
    return f"rewired-{node.op_type}"


def left_out(onnx, model, chance):
    at = chance.choice([at for at, it in enumerate(model.graph.node) if len(it.input) and len(it.output) == 1])
    gone = copy.deepcopy(model.graph.node[at])
    if gone.output[0] in [it.name for it in model.graph.output]:
        return None
    del model.graph.node[at]
    for node in nodes(model.graph):
        for place, name in enumerate(node.input):
            if name == gone.output[0]:
                node.input[place] = gone.input[0]
    return f"without-{gone.op_type}"


def input_rank(onnx, model, chance):
    found = chance.choice([it for it in model.graph.input if it.type.tensor_type.shape.dim])
    shape = found.type.tensor_type.shape
    if chance.random() < 0.5:
        del shape.dim[0]
    else:
        shape.dim.add().dim_value = 3
    return f"rank-of-{plain(found.name)}"


def input_size(onnx, model, chance):
    found = chance.choice([it for it in model.graph.input if it.type.tensor_type.shape.dim])
    size = chance.choice(list(found.type.tensor_type.shape.dim))
    size.dim_value = chance.choice([1, 5, 6])
    return f"size-of-{plain(found.name)}"


def input_type(onnx, model, chance):
    found = chance.choice([it for it in model.graph.input if it.type.HasField("tensor_type")])
    found.type.tensor_type.elem_type = chance.choice([1, 6, 7, 9, 10, 11])
    return f"type-of-{plain(found.name)}"


def weight_type(onnx, model, chance):
    found = chance.choice(model.graph.initializer)
    array = onnx.numpy_helper.to_array(found)
    found.CopyFrom(onnx.numpy_helper.from_array(array.astype(chance.choice([np.float64, np.float16, np.int64, np.int32])), found.name))
    return f"type-of-{plain(found.name)}"


def operator_set(onnx, model, chance):
    found = chance.choice(model.opset_import)
    found.version += chance.choice([-4, -2, -1, 1, 2, 4])
    return f"opset-{found.version}"


CHANGES = [attribute] * 3 + [other_number, other_size, rewired, swapped] * 2 + [
    attribute_length, input_rank, input_size, input_type, left_out, longer_row, one_dimension_more, operator_set, turned, weight_type,
]  # fmt: skip


# Sound models.


class Net:
    """Nodes in a row, and what they need beside each other."""

    def __init__(self, onnx, opset, learned=None, functions=()):
        self.onnx, self.opset, self.learned, self.functions = onnx, opset, learned, functions
        self.nodes, self.weights, self.inputs, self.outputs, self.values = [], [], [], [], []

    def takes(self, name, sizes, element=1):
        self.inputs.append(self.onnx.helper.make_tensor_value_info(name, element, sizes))
        return name

    def weight(self, name, array, element=np.float32):
        self.weights.append(self.onnx.numpy_helper.from_array(np.asarray(array, element), name))
        return name

    def zeros(self, name, *sizes):
        return self.weight(name, np.zeros(sizes))

    def row(self, name, *numbers):
        return self.weight(name, numbers, np.int64)

    def node(self, operator, *taken, made=None, domain="", **attributes):
        made = made or f"{operator.lower()}_{len(self.nodes)}"
        several = [made] if isinstance(made, str) else made
        self.nodes.append(self.onnx.helper.make_node(operator, list(taken), several, name=f"{operator}_{len(self.nodes)}", domain=domain, **attributes))
        return made

    def gives(self, name, element=1, sizes=None):
        self.outputs.append(self.onnx.helper.make_tensor_value_info(name, element, sizes))

    def graph(self, name="g"):
        return self.onnx.helper.make_graph(self.nodes, name, self.inputs, self.outputs, self.weights, value_info=self.values)

    def model(self):
        helper, sets = self.onnx.helper, [self.onnx.helper.make_opsetid("", self.opset)]
        if self.learned:
            sets.append(helper.make_opsetid("ai.onnx.ml", self.learned))
        sets += [helper.make_opsetid(it, 1) for it in sorted({it.domain for it in self.functions})]
        ir = 7 if self.opset < 15 else 8 if self.opset < 19 else 9 if self.opset < 21 else 10
        return helper.make_model(self.graph(), opset_imports=sets, functions=self.functions, ir_version=ir)


def sound(onnx):
    made = {}
    for opset in (9, 13, 18):
        made[f"classifier-{opset:02}"] = classifier(onnx, opset)
        made[f"perceptron-{opset:02}"] = perceptron(onnx, opset)
        made[f"tagger-{opset:02}"] = tagger(onnx, opset)
    for opset in (11, 13, 21):
        made[f"attention-{opset:02}"] = attention(onnx, opset)
        made[f"view-{opset:02}"] = view(onnx, opset)
        made[f"post-{opset:02}"] = post(onnx, opset)
    for opset in (13, 18):
        made[f"unet-{opset:02}"] = unet(onnx, opset)
        made[f"branches-{opset:02}"] = branches(onnx, opset)
        made[f"rounds-{opset:02}"] = rounds(onnx, opset)
        made[f"quantised-{opset:02}"] = quantised(onnx, opset)
    made["lists-13"] = lists(onnx, 13)
    made["pipeline-13"] = pipeline(onnx, 13)
    made["encoded-15"] = encoded(onnx, 15)
    made["called-17"] = called(onnx, 17)
    return made


def classifier(onnx, opset):
    net = Net(onnx, opset)
    x = net.node("Conv", net.takes("image", ["N", 3, 8, 8]), net.zeros("conv1.w", 4, 3, 3, 3), net.zeros("conv1.b", 4), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    x = net.node("BatchNormalization", x, *(net.zeros(f"bn.{it}", 4) for it in "abcd"))
    x = net.node("MaxPool", net.node("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = net.node("Conv", x, net.zeros("conv2.w", 6, 2, 3, 3), group=2, dilations=[1, 1], strides=[1, 1])
    x = net.node("Flatten", net.node("GlobalAveragePool", x), axis=1)
    x = net.node("Gemm", x, net.zeros("fc.w", 5, 6), net.zeros("fc.b", 5), transB=1)
    net.gives(net.node("Softmax", x, axis=1, made="scores"), 1, ["N", 5])
    return net.model()


def perceptron(onnx, opset):
    net = Net(onnx, opset)
    x = net.takes("features", [4, 6])
    for layer, (taken, given) in enumerate([(6, 5), (5, 5), (5, 3)]):
        x = net.node("Add", net.node("MatMul", x, net.zeros(f"w{layer}", taken, given)), net.zeros(f"b{layer}", given))
        x = net.node("Relu", x)
    net.gives(net.node("ArgMax", x, axis=-1 if opset > 10 else 1, keepdims=0, made="label"), 7)
    net.gives(net.node("Concat", x, "features", axis=1, made="both"))
    return net.model()


def tagger(onnx, opset):
    net = Net(onnx, opset)
    x = net.node("Gather", net.zeros("words", 9, 4), net.takes("ids", [7, 2], 7), axis=0)
    x, _, _ = net.node("LSTM", x, net.zeros("lstm.w", 1, 12, 4), net.zeros("lstm.r", 1, 12, 3), net.zeros("lstm.b", 1, 24), made=["y", "h", "c"], hidden_size=3)
    x = net.node("Squeeze", x, net.row("axes", 1)) if opset >= 13 else net.node("Squeeze", x, axes=[1])
    x = net.node("Transpose", x, perm=[1, 0, 2])
    x = net.node("Add", net.node("MatMul", x, net.zeros("out.w", 3, 5)), net.zeros("out.b", 5))
    net.gives(net.node("LogSoftmax", x, axis=2, made="tags"))
    return net.model()


def attention(onnx, opset):
    net = Net(onnx, opset)
    x = net.takes("hidden", [2, 5, 8])
    shape = net.row("heads", 2, 5, 2, 4)
    parts = [net.node("Reshape", net.node("MatMul", x, net.zeros(f"{it}.w", 8, 8)), shape) for it in "qkv"]
    q, k, v = (net.node("Transpose", it, perm=perm) for it, perm in zip(parts, ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])))
    scores = net.node("Softmax", net.node("Div", net.node("MatMul", q, k), net.weight("root", 2.0)), axis=-1)
    x2 = net.node("Transpose", net.node("MatMul", scores, v), perm=[0, 2, 1, 3])
    x2 = net.node("Add", x, net.node("MatMul", net.node("Reshape", x2, net.row("joined", 0, 0, -1)), net.zeros("o.w", 8, 8)))
    if opset >= 17:
        x2 = net.node("LayerNormalization", x2, net.zeros("ln.w", 8), net.zeros("ln.b", 8), axis=-1)
    else:
        centred = net.node("Sub", x2, net.node("ReduceMean", x2, axes=[-1]))
        x2 = net.node("Mul", centred, net.zeros("ln.w", 8))
    net.gives(net.node("Add", x2, net.takes("mask", [1, 5, 1]), made="out"), 1, [2, 5, 8])
    return net.model()


def view(onnx, opset):
    net = Net(onnx, opset)
    x = net.takes("image", [2, 3, 4, 4])
    batch = net.node("Gather", net.node("Shape", x), net.weight("zero", 0, np.int64), axis=0)
    rest = net.node("Constant", value=onnx.numpy_helper.from_array(np.array([48], np.int64)))
    if opset >= 13:
        batch = net.node("Unsqueeze", batch, net.row("axes", 0))
    else:
        batch = net.node("Unsqueeze", batch, axes=[0])
    flat = net.node("Reshape", x, net.node("Concat", batch, rest, axis=0))
    first, second = net.node("Split", flat, made=["first", "second"], axis=1, **({"num_outputs": 2} if opset >= 18 else {}))
    wide = net.node("Expand", first, net.row("wide", 3, 2, 24))
    x = net.node("Mul", wide, second)
    x = net.node("Slice", x, net.row("starts", 0, 2), net.row("ends", 2, 20), net.row("sliced", 0, 2), net.row("steps", 1, 3))
    net.gives(net.node("Pad", x, net.row("pads", 0, 0, 1, 0, 0, 1), mode="constant", made="padded"))
    return net.model()


def post(onnx, opset):
    net = Net(onnx, opset)
    scores = net.node("Sigmoid", net.takes("logits", [6, 4]))
    top, at = net.node("TopK", scores, net.row("k", 2), made=["top", "at"], axis=1, largest=1)
    flags = net.node("Greater", top, net.weight("threshold", [0.5]))
    x = net.node("Where", flags, top, net.zeros("none", 1))
    x = net.node("Tile", x, net.row("times", 1, 3))
    row = net.node("GatherElements", scores, at, axis=1)
    x = net.node("Concat", x, row, axis=-1)
    hot = net.node("OneHot", at, net.row("depth", 4), net.weight("values", [0, 1]), axis=-1)
    summed = net.node("ReduceSum", hot, net.row("axes", 1), keepdims=0) if opset >= 13 else net.node("ReduceSum", hot, axes=[1], keepdims=0)
    net.gives(net.node("Mul", summed, net.weight("scale", np.zeros((6, 1))), made="weights"))
    net.gives(net.node("CumSum", x, net.weight("along", 1, np.int64), made="out"))
    return net.model()


def unet(onnx, opset):
    net = Net(onnx, opset)
    a = net.node("Conv", net.takes("image", [1, 2, 8, 8]), net.zeros("down.w", 4, 2, 3, 3), auto_pad="SAME_UPPER", strides=[1, 1])
    b = net.node("AveragePool", a, kernel_shape=[2, 2], strides=[2, 2])
    b = net.node("Conv", b, net.zeros("mid.w", 6, 4, 1, 1))
    up = net.node("ConvTranspose", b, net.zeros("up.w", 6, 4, 2, 2), strides=[2, 2], kernel_shape=[2, 2])
    c = net.node("Concat", a, up, axis=1)
    d = net.node("Resize", c, "", net.weight("scales", [1, 1, 2, 2]), mode="linear")
    d = net.node("DepthToSpace", d, blocksize=2)
    net.gives(net.node("InstanceNormalization", d, net.zeros("in.w", 2), net.zeros("in.b", 2), made="mask"), 1, [1, 2, 32, 32])
    return net.model()


def branches(onnx, opset):
    net = Net(onnx, opset)
    x = net.node("Relu", net.takes("x", [3, 4]))
    yes, no = Net(onnx, opset), Net(onnx, opset)
    net.zeros("w", 4, 5)
    yes.gives(yes.node("MatMul", x, "w", made="yes"))
    shape = no.node("Constant", value=onnx.numpy_helper.from_array(np.array([3, 4], np.int64)))
    no.gives(no.node("MatMul", no.node("Reshape", x, shape), "w", made="no"))
    y = net.node("If", net.takes("condition", [], 9), then_branch=yes.graph("yes"), else_branch=no.graph("no"))
    net.gives(net.node("Add", y, net.zeros("b", 3, 5), made="y"))
    return net.model()


def rounds(onnx, opset):
    net, body = Net(onnx, opset), Net(onnx, opset)
    body.takes("i", [], 7)
    body.takes("go", [], 9)
    body.takes("state", [2, 3])
    body.gives(body.node("Identity", "go", made="on"), 9)
    body.gives(body.node("Add", "state", "step", made="next"))
    body.gives(body.node("ReduceSum", "next", keepdims=0, made="total"))
    net.node("Relu", net.takes("x", [2, 3]), made="start")
    net.node("Tanh", net.takes("by", [2, 3]), made="step")
    last, totals = net.node("Loop", net.row("count", 4), "", "start", made=["last", "totals"], body=body.graph("body"))
    net.gives(net.node("MatMul", last, net.zeros("w", 3, 2), made="y"))
    net.gives(totals)
    return net.model()


def quantised(onnx, opset):
    net = Net(onnx, opset)
    scale, zero = net.weight("scale", 0.1), net.weight("zero", 0, np.uint8)

    def through(name):
        return net.node("DequantizeLinear", net.node("QuantizeLinear", name, scale, zero), scale, zero)

    w = net.node("DequantizeLinear", net.weight("w", np.zeros((4, 3, 3, 3)), np.int8), net.weight("w_scale", np.ones(4)), net.weight("w_zero", np.zeros(4), np.int8), axis=0)
    x = net.node("Conv", through(net.takes("image", [1, 3, 6, 6])), w, kernel_shape=[3, 3])
    x = net.node("Reshape", through(x), net.row("flat", 1, 64))
    net.gives(net.node("Gemm", x, net.zeros("fc", 64, 2), made="y"))
    return net.model()


def lists(onnx, opset):
    net = Net(onnx, opset)
    parts = net.node("SplitToSequence", net.takes("x", [4, 6]), net.row("sizes", 2, 4), axis=1)
    first = net.node("SequenceAt", parts, net.weight("zero", 0, np.int64))
    more = net.node("SequenceInsert", parts, first)
    net.gives(net.node("ConcatFromSequence", more, axis=1, made="joined"))
    net.gives(net.node("SequenceLength", more, made="length"), 7)
    return net.model()


def pipeline(onnx, opset):
    net = Net(onnx, opset, learned=2)
    ml = {"domain": "ai.onnx.ml"}
    x = net.node("Imputer", net.takes("features", ["N", 3]), imputed_value_floats=[0.0, 0.0, 0.0], replaced_value_float=float("nan"), **ml)
    x = net.node("Scaler", x, offset=[0.0, 1.0, 2.0], scale=[1.0, 1.0, 1.0], **ml)
    label, scores = net.node(
        "TreeEnsembleClassifier", x, made=["label", "scores"], classlabels_int64s=[0, 1], post_transform="NONE", class_ids=[0, 1],
        class_nodeids=[1, 2], class_treeids=[0, 0], class_weights=[1.0, 1.0], nodes_falsenodeids=[2, 0, 0],
        nodes_featureids=[1, 0, 0], nodes_hitrates=[1.0, 1.0, 1.0], nodes_missing_value_tracks_true=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_nodeids=[0, 1, 2], nodes_treeids=[0, 0, 0], nodes_truenodeids=[1, 0, 0],
        nodes_values=[0.5, 0.0, 0.0], **ml,
    )  # fmt: skip
    net.gives(label, 7)
    net.gives(net.node("Normalizer", scores, norm="L1", made="probabilities", **ml))
    return net.model()


def encoded(onnx, opset):
    net = Net(onnx, opset, learned=2)
    ml = {"domain": "ai.onnx.ml"}
    x = net.node("LabelEncoder", net.takes("kind", ["N", 1], 8), keys_strings=["a", "b", "c"], values_int64s=[0, 1, 2], default_int64=-1, **ml)
    x = net.node("OneHotEncoder", x, cats_int64s=[0, 1, 2], zeros=1, **ml)
    x = net.node("Reshape", x, net.row("flat", -1, 3))
    x = net.node("FeatureVectorizer", x, net.takes("age", ["N", 1]), inputdimensions=[3, 1], **ml)
    label, scores = net.node("LinearClassifier", x, made=["label", "scores"], coefficients=[0.0] * 8, intercepts=[0.0, 0.0], classlabels_ints=[0, 1], multi_class=1, post_transform="SOFTMAX", **ml)
    net.gives(label, 7)
    net.gives(scores)
    return net.model()


def called(onnx, opset):
    helper = onnx.helper
    inner = [
        helper.make_node("MatMul", ["x", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Relu", ["s"], ["y"]),
    ]
    layer = helper.make_function("my.layers", "Dense", ["x", "w", "b"], ["y"], inner, [helper.make_opsetid("", opset)])
    net = Net(onnx, opset, functions=[layer])
    x = net.takes("x", [2, 4])
    for at, (taken, given) in enumerate([(4, 3), (3, 3)]):
        x = net.node("Dense", x, net.zeros(f"w{at}", taken, given), net.zeros(f"b{at}", given), domain="my.layers")
    net.gives(net.node("ReduceMean", x, axes=[1], keepdims=0, made="mean"))
    return net.model()
