"""The small models of `onnx_load_matrix.py`: what they are called and how they are made.

`write(onnx, folder)` makes them with the `onnx` package, the same bytes each time, and returns their names without
`.onnx`: `family/what-it-is`. Shapes are tiny, weights are zeros, and one model holds one question.

IR version 4 is written unless a model is about the IR version or needs a newer one, so that an old release answers the
question and does not stop at the IR version; the family `exported` has the IR version that exporters write.
"""

import shutil

SHORT = {
    "f32": "FLOAT", "f64": "DOUBLE", "f16": "FLOAT16", "bf16": "BFLOAT16", "i8": "INT8", "i16": "INT16", "i32": "INT32",
    "i64": "INT64", "u8": "UINT8", "u16": "UINT16", "u32": "UINT32", "u64": "UINT64", "bool": "BOOL", "str": "STRING",
    "c64": "COMPLEX64", "c128": "COMPLEX128", "f8e4m3fn": "FLOAT8E4M3FN", "f8e4m3fnuz": "FLOAT8E4M3FNUZ",
    "f8e5m2": "FLOAT8E5M2", "f8e5m2fnuz": "FLOAT8E5M2FNUZ", "f8e8m0": "FLOAT8E8M0", "f4e2m1": "FLOAT4E2M1",
    "i4": "INT4", "u4": "UINT4", "i2": "INT2", "u2": "UINT2",
}  # fmt: skip
LONG = {"FLOAT": "float32", "DOUBLE": "float64"}


class Form:
    """One way to write a node of an operator: inputs and outputs in the little language of `value`, with attributes.

    `T` stands for the element type; `default` is what it is unless the family `types` puts another in its place.
    """

    def __init__(self, name, since, inputs, outputs, until=99, domain="", default="f32", **attributes):
        self.name, self.since, self.until, self.domain, self.default = name, since, until, domain, default
        self.inputs, self.outputs, self.attributes = inputs.split(), outputs.split(), attributes


def one_to_one():
    """Operators with one input and one output of the same type."""
    names = {
        "Abs": 6, "Acos": 7, "Acosh": 9, "Asin": 7, "Asinh": 9, "Atan": 7, "Atanh": 9, "Bernoulli": 15, "Ceil": 6,
        "Celu": 12, "Cos": 7, "Cosh": 9, "Dropout": 7, "Elu": 6, "Erf": 9, "Exp": 6, "Floor": 6, "Gelu": 20,
        "GlobalAveragePool": 1, "GlobalLpPool": 2, "GlobalMaxPool": 1, "HardSigmoid": 6, "HardSwish": 14, "Hardmax": 1,
        "Identity": 1, "LeakyRelu": 6, "Log": 6, "LogSoftmax": 1, "LpNormalization": 1, "MeanVarianceNormalization": 9,
        "Mish": 18, "Neg": 6, "RandomNormalLike": 1, "RandomUniformLike": 1, "Reciprocal": 6, "Relu": 6, "Round": 11,
        "Selu": 6, "Shrink": 9, "Sigmoid": 6, "Sign": 9, "Sin": 7, "Sinh": 9, "Softmax": 1, "Softplus": 1,
        "Softsign": 1, "Sqrt": 6, "Swish": 24, "Tan": 7, "Tanh": 6, "ThresholdedRelu": 10, "Transpose": 1, "Trilu": 14,
    }  # fmt: skip
    return [Form(name, since, "T:1,2,4,4", "T") for name, since in names.items()]


FORMS = [
    *one_to_one(),
    *(Form(name, 7, "T:2,3 T:2,3", "T") for name in ("Add", "Sub", "Mul", "Div")),
    Form("Pow", 7, "T:2,3 T:2,3", "T", until=11),
    Form("Pow", 12, "T:2,3 f32:2,3", "T"),
    Form("Mod", 10, "T:2,3 T:2,3", "T", default="i64"),
    *(Form(name, 7, "bool:2 bool:2", "bool") for name in ("And", "Or", "Xor")),
    Form("Not", 1, "bool:2", "bool"),
    *(Form(name, 7, "T:2,3 T:2,3", "bool") for name in ("Greater", "Less")),
    Form("Equal", 7, "T:2,3 T:2,3", "bool", until=10, default="i64"),
    Form("Equal", 11, "T:2,3 T:2,3", "bool"),
    *(Form(name, 12, "T:2,3 T:2,3", "bool") for name in ("GreaterOrEqual", "LessOrEqual")),
    *(Form(name, 8, "T:2,3 T:2,3", "T") for name in ("Max", "Min", "Mean", "Sum")),
    *(Form(name, 18, "T:2 T:2", "T", default="i32") for name in ("BitwiseAnd", "BitwiseOr", "BitwiseXor")),
    Form("BitwiseNot", 18, "T:2", "T", default="i32"),
    Form("BitShift", 11, "T:2 T:2", "T", default="u32", direction="LEFT"),
    Form("BitCast", 26, "T:2", "i32", to="i32"),
    Form("IsNaN", 9, "T:2", "bool"),
    Form("IsInf", 10, "T:2", "bool"),
    Form("Where", 9, "bool:2 T:2 T:2", "T"),
    Form("MatMul", 1, "T:2,3 T:3,2", "T"),
    Form("Gemm", 7, "T:2,3 T:3,2 T:2", "T"),
    Form("MatMulInteger", 10, "u8:2,3 u8:3,2", "i32"),
    Form("QLinearMatMul", 10, "T:2,3 f32: T: T:3,2 f32: T: f32: T:", "T", default="u8"),
    Form("QLinearConv", 10, "T:1,1,3,3 f32: T: T:1,1,2,2 f32: T: f32: T:", "T", default="u8"),
    Form("ConvInteger", 10, "u8:1,1,3,3 u8:1,1,2,2", "i32"),
    Form("QuantizeLinear", 10, "f32:2 f32:=1 T:=0", "T", default="u8"),
    Form("DequantizeLinear", 10, "T:2 f32:=1 T:=0", "f32", default="u8"),
    Form("DynamicQuantizeLinear", 11, "f32:2", "u8 f32 u8"),
    Form("Conv", 1, "T:1,1,3,3 T:1,1,2,2", "T"),
    Form("ConvTranspose", 1, "T:1,1,3,3 T:1,1,2,2", "T"),
    Form("DeformConv", 19, "f32:1,1,3,3 f32:1,1,2,2 f32:1,8,2,2", "f32"),
    Form("MaxPool", 1, "T:1,1,4,4", "T", kernel_shape=[2, 2]),
    Form("AveragePool", 1, "T:1,1,4,4", "T", kernel_shape=[2, 2]),
    Form("LpPool", 2, "T:1,1,4,4", "T", kernel_shape=[2, 2]),
    Form("MaxUnpool", 9, "f32:1,1,2,2 i64:1,1,2,2", "f32", kernel_shape=[2, 2], strides=[2, 2]),
    Form("MaxRoiPool", 1, "f32:1,1,4,4 f32:1,5", "f32", pooled_shape=[2, 2]),
    Form("RoiAlign", 10, "f32:1,1,4,4 f32:1,4 i64:1", "f32"),
    Form("LRN", 1, "T:1,2,4,4", "T", size=1),
    Form("BatchNormalization", 9, "T:1,2,4 T:2 T:2 T:2 T:2", "T"),
    Form("InstanceNormalization", 6, "T:1,2,4 T:2 T:2", "T"),
    Form("LayerNormalization", 17, "T:2,4 T:4 T:4", "T"),
    Form("RMSNormalization", 23, "T:2,4 T:4", "T"),
    Form("GroupNormalization", 18, "T:1,4,2 T:2 T:2", "T", until=20, num_groups=2),
    Form("GroupNormalization", 21, "T:1,4,2 T:4 T:4", "T", num_groups=2),
    Form("RotaryEmbedding", 23, "T:1,2,3,4 T:1,3,2 T:1,3,2", "T"),
    Form("Attention", 23, "T:1,2,3,4 T:1,2,3,4 T:1,2,3,4", "T"),
    Form("TensorScatter", 24, "T:1,4,2 T:1,1,2 i64:1", "T", axis=1),
    Form("SwiGLU", 28, "T:2,4 T:2,4", "T"),
    Form("PRelu", 7, "T:2,3 T:3", "T"),
    Form("Clip", 6, "T:2", "T", until=10, min=0.0, max=6.0),
    Form("Clip", 11, "T:2 T: T:", "T"),
    Form("Cast", 6, "f32:2", "T", default="f16", to="T"),
    Form("CastLike", 15, "f32:2 T:2", "T", default="f16"),
    Form("Concat", 4, "T:2 T:2", "T", axis=0),
    Form("Split", 2, "T:4", "T T", until=17, axis=0),
    Form("Split", 18, "T:4", "T T", axis=0, num_outputs=2),
    Form("Slice", 1, "T:4", "T", until=9, starts=[0], ends=[2], axes=[0]),
    Form("Slice", 10, "T:4 i64=0 i64=2 i64=0", "T"),
    Form("Squeeze", 1, "T:1,4", "T", until=12, axes=[0]),
    Form("Squeeze", 13, "T:1,4 i64=0", "T"),
    Form("Unsqueeze", 1, "T:4", "T", until=12, axes=[0]),
    Form("Unsqueeze", 13, "T:4 i64=0", "T"),
    Form("Reshape", 5, "T:2,2 i64=4", "T"),
    Form("Flatten", 1, "T:2,2", "T"),
    Form("Expand", 8, "T:1 i64=4", "T"),
    Form("Tile", 6, "T:2 i64=2", "T"),
    Form("Gather", 1, "T:4 i64:2", "T"),
    Form("GatherElements", 11, "T:4 i64:2", "T"),
    Form("GatherND", 11, "T:4 i64:2,1", "T"),
    Form("Scatter", 9, "T:4 i64:2 T:2", "T"),
    Form("ScatterElements", 11, "T:4 i64:2 T:2", "T"),
    Form("ScatterND", 11, "T:4 i64:2,1 T:2", "T"),
    Form("Pad", 2, "T:2", "T", until=10, pads=[1, 1]),
    Form("Pad", 11, "T:2 i64=1,1", "T"),
    Form("TopK", 1, "T:4", "T i64", until=9, k=2),
    Form("TopK", 10, "T:4 i64=2", "T i64"),
    Form("ArgMax", 1, "T:2,3", "i64"),
    Form("ArgMin", 1, "T:2,3", "i64"),
    Form("ReduceSum", 1, "T:2,3", "T", axes=[0], until=12),
    Form("ReduceSum", 13, "T:2,3 i64=0", "T"),
    *(
        form
        for name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")
        for form in (
            Form("Reduce" + name, 1, "T:2,3", "T", until=17, axes=[0]),
            Form("Reduce" + name, 18, "T:2,3 i64=0", "T"),
        )
    ),
    Form("CumSum", 11, "T:4 i64:", "T"),
    Form("CumProd", 26, "T:4 i64:", "T"),
    Form("Compress", 9, "T:2 bool:2", "T"),
    Form("NonZero", 9, "T:2", "i64"),
    Form("OneHot", 9, "T:2 i64: f32:2", "f32", default="i64"),
    Form("Unique", 11, "T:4", "T"),
    Form("EyeLike", 9, "T:2,2", "T"),
    Form("Constant", 1, "", "f32", value="f32:=1"),
    Form("ConstantOfShape", 9, "i64:1", "f32"),
    Form("Shape", 1, "T:2", "i64"),
    Form("Size", 1, "T:2", "i64"),
    Form("Range", 11, "T: T: T:", "T"),
    Form("Det", 11, "T:2,2", "T"),
    Form("Einsum", 12, "T:2,3 T:3,2", "T", equation="ij,jk->ik"),
    Form("DepthToSpace", 1, "T:1,4,2,2", "T", blocksize=2),
    Form("SpaceToDepth", 1, "T:1,1,4,4", "T", blocksize=2),
    Form("Upsample", 7, "T:1,1,2,2", "T", until=8, scales=[1.0, 1.0, 2.0, 2.0]),
    Form("Upsample", 9, "T:1,1,2,2 f32=1,1,2,2", "T"),
    Form("Resize", 10, "T:1,1,2,2 f32=1,1,2,2", "T", until=10),
    Form("Resize", 11, "T:1,1,2,2 f32=1,1,1,1,1,1,1,1 f32=1,1,2,2", "T"),
    Form("GridSample", 16, "T:1,1,3,3 f32:1,2,2,2", "T"),
    Form("AffineGrid", 20, "f32:1,2,3 i64=1,1,2,2", "f32"),
    Form("CenterCropPad", 18, "T:4 i64=2", "T"),
    Form("Col2Im", 18, "T:1,4,4 i64=3,3 i64=2,2", "T"),
    Form("ReverseSequence", 10, "T:4,2 i64:2", "T"),
    Form("NonMaxSuppression", 10, "f32:1,2,4 f32:1,1,2", "i64"),
    Form("RNN", 7, "T:3,1,2 T:1,4,2 T:1,4,4", "T", hidden_size=4),
    Form("LSTM", 7, "T:3,1,2 T:1,16,2 T:1,16,4", "T", hidden_size=4),
    Form("GRU", 7, "T:3,1,2 T:1,12,2 T:1,12,4", "T", hidden_size=4),
    Form("Multinomial", 7, "T:1,3", "i32"),
    Form("RandomNormal", 1, "", "f32", shape=[2]),
    Form("RandomUniform", 1, "", "f32", shape=[2]),
    Form("NegativeLogLikelihoodLoss", 12, "T:2,3 i64:2", "T"),
    Form("SoftmaxCrossEntropyLoss", 12, "T:2,3 i64:2", "T"),
    Form("MelWeightMatrix", 17, "i64:=2 i64:=4 i64:=8000 f32:=0 f32:=4000", "f32"),
    *(Form(name, 17, "i64:", "f32") for name in ("BlackmanWindow", "HammingWindow", "HannWindow")),
    Form("DFT", 17, "T:1,4,1", "T", until=19, axis=1),
    Form("DFT", 20, "T:1,4,1", "T"),
    Form("STFT", 17, "T:1,8,1 i64:=2 _ i64:=4", "T"),
    Form("StringNormalizer", 10, "str:2", "str", case_change_action="LOWER", locale="C"),
    Form("StringConcat", 20, "str:2 str:2", "str"),
    Form("StringSplit", 20, "str:2", "str i64", delimiter=" "),
    Form("RegexFullMatch", 20, "str:2", "bool", pattern="a+"),
    Form("ImageDecoder", 20, "u8:9", "u8"),
    Form("TfIdfVectorizer", 9, "T:3", "f32", default="i64", max_gram_length=1, max_skip_count=0, min_gram_length=1,
         mode="TF", ngram_counts=[0], ngram_indexes=[0], pool_int64s=[1]),
    Form("SequenceConstruct", 11, "T:2 T:2", "seq(T)"),
    Form("SequenceEmpty", 11, "", "seq(f32)"),
    Form("SequenceAt", 11, "seq(T) i64:", "T"),
    Form("SequenceInsert", 11, "seq(T) T:2", "seq(T)"),
    Form("SequenceErase", 11, "seq(T) i64:", "seq(T)"),
    Form("SequenceLength", 11, "seq(T)", "i64"),
    Form("ConcatFromSequence", 11, "seq(T)", "T", axis=0),
    Form("SplitToSequence", 11, "T:4", "seq(T)"),
    Form("Optional", 15, "T:2", "opt(T)"),
    Form("OptionalGetElement", 15, "opt(T)", "T"),
    Form("OptionalHasElement", 15, "opt(T)", "bool"),
    # Newer than most releases; from onnx 1.22 on.
    Form("CausalConvWithState", 27, "T:1,2,4 T:2,1,3", "T T"),
    Form("LinearAttention", 27, "T:1,2,8 T:1,2,8 T:1,2,8", "T T", q_num_heads=2, kv_num_heads=2, update_rule="linear"),
]  # fmt: skip

ML_FORMS = [
    Form("Binarizer", 1, "T:2", "T", domain="ai.onnx.ml"),
    Form("ArrayFeatureExtractor", 1, "T:1,4 i64:2", "T", domain="ai.onnx.ml"),
    Form("CastMap", 1, "map(i64,f32)", "f32", domain="ai.onnx.ml"),
    Form("CategoryMapper", 1, "str:2", "i64", domain="ai.onnx.ml", cats_strings=["a"], cats_int64s=[1]),
    Form("DictVectorizer", 1, "map(str,f32)", "f32", domain="ai.onnx.ml", string_vocabulary=["a"]),
    Form("FeatureVectorizer", 1, "T:1,2 T:1,2", "f32", domain="ai.onnx.ml", inputdimensions=[2, 2]),
    Form("Imputer", 1, "T:1,2", "T", domain="ai.onnx.ml", imputed_value_floats=[0.0], replaced_value_float=1.0),
    Form("LabelEncoder", 1, "str:2", "i64", until=1, domain="ai.onnx.ml", classes_strings=["a"]),
    Form("LabelEncoder", 2, "str:2", "i64", domain="ai.onnx.ml", keys_strings=["a"], values_int64s=[1]),
    Form("LinearClassifier", 1, "T:1,2", "i64 f32", domain="ai.onnx.ml", classlabels_ints=[0, 1],
         coefficients=[0.0] * 4, intercepts=[0.0] * 2),
    Form("LinearRegressor", 1, "T:1,2", "f32", domain="ai.onnx.ml", coefficients=[0.0] * 2, targets=1),
    Form("Normalizer", 1, "T:1,2", "f32", domain="ai.onnx.ml"),
    Form("OneHotEncoder", 1, "T:2", "f32", domain="ai.onnx.ml", cats_int64s=[0, 1]),
    Form("Scaler", 1, "T:1,2", "f32", domain="ai.onnx.ml", offset=[0.0], scale=[1.0]),
    Form("SVMClassifier", 1, "T:1,2", "i64 f32", domain="ai.onnx.ml", classlabels_ints=[0, 1], coefficients=[0.0] * 2,
         kernel_params=[0.0] * 3, kernel_type="LINEAR", rho=[0.0], support_vectors=[0.0] * 4, vectors_per_class=[1, 1]),
    Form("SVMRegressor", 1, "T:1,2", "f32", domain="ai.onnx.ml", coefficients=[0.0], kernel_params=[0.0] * 3,
         kernel_type="LINEAR", n_supports=1, rho=[0.0], support_vectors=[0.0] * 2),
    Form("TreeEnsembleClassifier", 1, "T:1,2", "i64 f32", domain="ai.onnx.ml", class_ids=[0], class_nodeids=[0],
         class_treeids=[0], class_weights=[1.0], classlabels_int64s=[0, 1], nodes_falsenodeids=[0],
         nodes_featureids=[0], nodes_modes=["LEAF"], nodes_nodeids=[0], nodes_treeids=[0], nodes_truenodeids=[0],
         nodes_values=[0.0]),
    Form("TreeEnsembleRegressor", 1, "T:1,2", "f32", domain="ai.onnx.ml", n_targets=1, nodes_falsenodeids=[0],
         nodes_featureids=[0], nodes_modes=["LEAF"], nodes_nodeids=[0], nodes_treeids=[0], nodes_truenodeids=[0],
         nodes_values=[0.0], target_ids=[0], target_nodeids=[0], target_treeids=[0], target_weights=[1.0]),
    Form("TreeEnsemble", 5, "T:1,2", "T", domain="ai.onnx.ml", n_targets=1, leaf_targetids=[0, 0],
         leaf_weights="T=1,2", nodes_falseleafs=[1], nodes_falsenodeids=[1], nodes_featureids=[0],
         nodes_modes="u8=0", nodes_splits="T=0", nodes_trueleafs=[1], nodes_truenodeids=[0], tree_roots=[0]),
    Form("ZipMap", 1, "f32:1,2", "seq(map(i64,f32))", domain="ai.onnx.ml", classlabels_int64s=[0, 1]),
]  # fmt: skip

# Operators of ONNX Runtime's own domain: from many releases, with and without a kernel for the CPU.
MICROSOFT = [
    Form("Attention", 1, "T:1,2,4 T:4,12 T:12", "T", num_heads=2),
    Form("BiasDropout", 1, "T:2,4 T:4", "T"),
    Form("BiasGelu", 1, "T:2,4 T:4", "T"),
    Form("BiasSoftmax", 1, "T:2,4 T:2,4", "T", axis=1, is_inner_broadcast=0),
    Form("BiasSplitGelu", 1, "T:1,2,8 T:8", "T"),
    Form("BifurcationDetector", 1, "i64:4 i64:4 i64:", "i64 i64"),
    Form("CDist", 1, "T:2,3 T:2,3", "T", metric="euclidean"),
    Form("CausalConvWithState", 1, "T:1,2,4 T:2,1,3", "T T"),
    Form("ConvTransposeWithDynamicPads", 1, "T:1,1,3,3 T:1,1,2,2 i64:4", "T"),
    Form("CropAndResize", 1, "T:1,1,4,4 T:1,4 i32:1 i32:2", "T"),
    Form("DequantizeLinear", 1, "u8:2 f32: u8:", "f32"),
    Form("DynamicQuantizeMatMul", 1, "f32:2,3 u8:3,2 f32:1", "f32"),
    Form("DynamicTimeWarping", 1, "T:2,2", "i32"),
    Form("EPContext", 1, "T:2", "T"),
    Form("ExpandDims", 1, "T:2 i32:", "T"),
    Form("FastGelu", 1, "T:2,4", "T"),
    Form("FusedConv", 1, "T:1,1,3,3 T:1,1,2,2", "T", activation="Relu"),
    Form("FusedGemm", 1, "T:2,3 T:3,2 T:2", "T", activation="Relu"),
    Form("FusedMatMul", 1, "T:2,3 T:3,2", "T"),
    Form("GatherBlockQuantized", 1, "u4:4,16 i64:2 f32:4,1", "f32", block_size=16),
    Form("GatherND", 1, "T:4 i64:2,1", "T"),
    Form("Gelu", 1, "T:2,4", "T"),
    Form("GemmFastGelu", 1, "T:2,3 T:3,2", "T"),
    Form("GemmFloat8", 1, "T:2,3 T:3,2", "T"),
    Form("GridSample", 1, "T:1,1,3,3 T:1,2,2,2", "T"),
    Form("GroupNorm", 1, "T:1,2,2,4 f32:4 f32:4", "T", groups=2, activation=0),
    Form("GroupQueryAttention", 1, "T:1,1,16 T:1,1,16 T:1,1,16 T:1,2,4,8 T:1,2,4,8 i32:1 i32:", "T T T", num_heads=2,
         kv_num_heads=2),
    Form("Inverse", 1, "T:2,2", "T"),
    Form("Irfft", 1, "T:1,4,2", "T", normalized=0, onesided=1, signal_ndim=1),
    Form("LinearAttention", 1, "T:1,2,8 T:1,2,8 T:1,2,8", "T T", q_num_heads=2, kv_num_heads=2, update_rule="linear"),
    Form("MatMulBnb4", 1, "T:1,16 u8=0,0,0,0,0,0,0,0 T:1", "T", K=16, N=1, block_size=16, quant_type=1),
    Form("MatMulInteger16", 1, "i16:2,3 i16:3,2", "i32"),
    Form("MatMulIntegerToFloat", 1, "u8:2,3 u8:3,2 f32: f32:", "f32"),
    Form("MatMulNBits", 1, "T:1,16 u8:1,1,8 T:1", "T", K=16, N=1, bits=4, block_size=16),
    Form("MaxpoolWithMask", 1, "T:1,1,4,4 i32:1,1,4,4", "T", kernel_shape=[2, 2]),
    Form("MultiHeadAttention", 1, "T:1,2,4 T:1,2,4 T:1,2,4", "T", num_heads=2),
    Form("MurmurHash3", 1, "i32:2", "u32"),
    Form("NGramRepeatBlock", 1, "i64:1,3 f32:1,4", "f32", ngram_size=2),
    Form("NhwcConv", 1, "T:1,3,3,1 T:1,2,2,1", "T"),
    Form("NhwcMaxPool", 1, "u8:1,4,4,1", "u8", kernel_shape=[2, 2]),
    Form("PackedAttention", 1, "T:2,4 T:4,12 T:12 i32:1,2 i32:2", "T", num_heads=2),
    Form("Pad", 1, "T:2 i64:2 T:", "T"),
    Form("QLinearAdd", 1, "u8:2 f32: u8: u8:2 f32: u8: f32: u8:", "u8"),
    Form("QLinearConcat", 1, "f32: u8: u8:2 f32: u8:", "u8", axis=0),
    Form("QLinearSigmoid", 1, "u8:2 f32: u8: f32: u8:", "u8"),
    Form("QLinearSoftmax", 1, "u8:2 f32: u8: f32: u8:", "u8", opset=13),
    Form("QLinearWhere", 1, "bool:2 u8:2 f32: u8: u8:2 f32: u8: f32: u8:", "u8"),
    Form("QuantizeLinear", 1, "f32:2 f32: u8:", "u8"),
    Form("QuickGelu", 1, "T:2,4", "T"),
    Form("Range", 1, "T: T: T:", "T"),
    Form("RelativePositionBias", 1, "T:4,2 i64: i64:", "T", max_distance=2),
    Form("RemovePadding", 1, "T:1,2,4 i32:1", "T i32 i32 i32"),
    Form("Rfft", 1, "T:1,4", "T", normalized=0, onesided=1, signal_ndim=1),
    Form("RotaryEmbedding", 1, "T:1,2,8 i64:1 T:4,2 T:4,2", "T", num_heads=2),
    Form("SkipGroupNorm", 1, "T:1,2,2,4 f32:4 f32:4 T:1,2,2,4", "T", groups=2, activation=0),
    Form("SkipLayerNormalization", 1, "T:1,2,4 T:1,2,4 T:4", "T"),
    Form("SkipSimplifiedLayerNormalization", 1, "T:1,2,4 T:1,2,4 T:4", "T"),
    Form("Tokenizer", 1, "str:2", "str", mark=0, mincharnum=1, pad_value="", separators=[" "]),
    Form("TransposeMatMul", 1, "T:2,3 T:3,2", "T"),
    Form("Trilu", 1, "T:2,2", "T"),
    Form("UnfoldTensor", 1, "T:4", "T", dim=0, size=2, step=1),
    Form("Unique", 1, "f32:4", "f32 i64 i64"),
    Form("NoSuchOperator", 1, "T:2", "T"),
]  # fmt: skip

# For these every element type of the schema is asked for.
TYPED = {
    13: (
        "Abs Add Add ArgMax ArgMin BatchNormalization Cast Ceil Clip Concat Conv ConvTranspose CumSum Div Dropout Einsum "
        "Elu Equal Erf Exp Expand Flatten Gather Gemm GlobalAveragePool Greater HardSigmoid Hardmax Identity "
        "InstanceNormalization IsNaN LSTM LeakyRelu Less Log LogSoftmax MatMul Max MaxPool Mean Min Mod Mul Neg NonZero "
        "PRelu Pad Pow Range Reciprocal ReduceMax ReduceMean ReduceSum Relu Reshape Resize Round ScatterND Selu Sigmoid "
        "Sign Sin Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose Unique Where"
    ),
    19: "Cast DequantizeLinear Identity QuantizeLinear Reshape",
    21: "Cast DequantizeLinear GroupNormalization Identity QLinearMatMul QuantizeLinear Transpose",
    22: (
        "AveragePool Conv ConvTranspose Elu Gelu GlobalAveragePool GridSample HardSigmoid HardSwish InstanceNormalization "
        "LSTM MaxPool Mish Round Sin Softplus"
    ),
    23: "Attention Cast DequantizeLinear QuantizeLinear RMSNormalization Reshape RotaryEmbedding",
    25: "Cast DequantizeLinear Identity QuantizeLinear",
}
# Of the types whose kernels go together, one or two stand for the others in schemas that take nearly all.
WIDE = {"INT16", "UINT16", "UINT32", "UINT64", "COMPLEX64", "COMPLEX128"}
SMALL = {SHORT[it] for it in ("bf16", "f8e4m3fn", "f8e5m2fnuz", "f8e8m0", "f4e2m1", "i4", "u4", "i2", "u2")}
ASKED_FOR_ALL = {"DequantizeLinear", "QuantizeLinear"}


class Maker:
    """Builds models with the `onnx` package and writes them."""

    def __init__(self, onnx, folder):
        self.onnx, self.helper, self.folder = onnx, onnx.helper, folder
        self.names = []
        self.history = {}
        for schema in onnx.defs.get_all_schemas_with_history():
            key = schema.domain, schema.name
            self.history.setdefault(key, {})[schema.since_version] = schema
        self.newest = onnx.defs.onnx_opset_version()

    # Names, types, values

    def number(self, short):
        return getattr(self.onnx.TensorProto, SHORT[short])

    def word(self, short):
        name = SHORT[short]
        return LONG.get(name, name.lower())

    def type(self, text, element="f32"):
        """`f32:2,3`, `T`, `seq(T)`, `opt(T)`, `map(i64,f32)`: a type, with a shape if it says one."""
        helper = self.helper
        if text.startswith("seq("):
            return helper.make_sequence_type_proto(self.type(text[4:-1], element))
        if text.startswith("opt("):
            return helper.make_optional_type_proto(self.type(text[4:-1], element))
        if text.startswith("map("):
            key, value = text[4:-1].split(",")
            return helper.make_map_type_proto(self.number(key), self.type(value, element))
        short, colon, dims = text.partition(":")
        shape = [it if it.isalpha() else int(it) for it in dims.split(",") if it] if colon else None
        if element is None and short == "T":
            return self.onnx.TypeProto()
        return helper.make_tensor_type_proto(self.number(element if short == "T" else short), shape)

    def value(self, name, text, element="f32"):
        return self.onnx.ValueInfoProto(name=name, type=self.type(text, element))

    def tensor(self, name, text, element="f32"):
        """`i64=1,2`: a tensor of one dimension; `f32:=1`: a scalar."""
        kind, values = text.split("=")
        short = kind.rstrip(":")
        short = element if short == "T" else short
        values = [float(it) if short[0] in "fb" else int(it) for it in values.split(",")]
        if short == "bool":
            values = [bool(it) for it in values]
        if short == "str":
            values = [str(it) for it in values]
        return self.helper.make_tensor(name, self.number(short), [] if kind.endswith(":") else [len(values)], values)

    def node(self, operator, inputs="x", outputs="y", domain="", **attributes):
        attributes = {key: value for key, value in sorted(attributes.items())}
        return self.helper.make_node(operator, inputs.split(), outputs.split(), domain=domain, **attributes)

    def graph(self, nodes, inputs="x=f32:2", outputs="y=f32", weights=(), name="g"):
        """`inputs` and `outputs` are words `name=type`."""
        pairs = [[it.split("=", 1) for it in words.split()] for words in (inputs, outputs)]
        values = [[self.value(*pair) for pair in words] for words in pairs]
        return self.helper.make_graph(nodes, name, *values, list(weights))

    def model(self, graph, opset=13, ir=4, **more):
        """`opset`: that of the default domain, or a map of domains."""
        opsets = opset if isinstance(opset, dict) else {"": opset}
        imports = [self.onnx.OperatorSetIdProto(domain=domain, version=version) for domain, version in opsets.items()]
        model = self.onnx.ModelProto(graph=graph, opset_import=imports)
        if ir is not None:
            model.ir_version = ir
        for key, value in more.items():
            getattr(model, key).extend(value)
        return model

    def save(self, name, model, checked=False):
        """Writes a model, or the bytes of something that is none; `checked`: it is valid as ONNX sees it."""
        if checked:
            self.onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        content = model if isinstance(model, bytes) else model.SerializeToString(deterministic=True)
        path = self.folder / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise ValueError(f"two models are called {name}")
        path.write_bytes(content)
        self.names.append(name)

    # Forms

    def formed(self, form, element=None):
        """The graph with one node of an operator."""
        element = element or form.default
        inputs, weights, names = [], [], []
        for at, text in enumerate(form.inputs):
            name = "" if text == "_" else f"x{at}"
            names.append(name)
            if "=" in text:
                weights.append(self.tensor(name, text, element))
            elif name:
                inputs.append(self.value(name, text, element))
        outputs = [self.value(f"y{at}", text, element) for at, text in enumerate(form.outputs)]
        attributes = {}
        for key, value in sorted(form.attributes.items()):
            if key == "to":
                value = self.number(element if value == "T" else value)
            elif isinstance(value, str) and "=" in value:
                value = self.tensor(key, value, element)
            attributes[key] = value
        node = self.helper.make_node(form.name, names, [it.name for it in outputs], domain=form.domain, **attributes)
        return self.helper.make_graph([node], "g", inputs, outputs, weights)

    def form(self, name, opset, forms=FORMS):
        return next(it for it in forms if it.name == name and it.since <= opset <= it.until)

    def ir_for(self, opset):
        """The oldest IR version that exporters write with this operator set."""
        return min(row[1] for row in self.helper.VERSION_TABLE if row[2] >= opset)

    # Families

    def opsets(self):
        for opset in range(1, self.newest + 2):
            self.save(f"opset/relu-{opset:02}", self.model(self.graph([self.node("Relu")]), opset, 3))
            self.save(f"opset/identity-{opset:02}", self.model(self.graph([self.node("Identity")]), opset, 3))
        for opset in range(7, self.newest + 1):
            ir = self.ir_for(opset)
            graph = self.graph([self.node("Relu")])
            self.save(f"exported/relu-{opset:02}-ir-{ir:02}", self.model(graph, opset, ir), checked=True)
        odd = {"0": {"": 0}, "negative": {"": -1}, "huge": {"": 2**40}, "named-ai-onnx": {"ai.onnx": 13}}
        odd |= {"unused-ml-too-new": {"": 13, "ai.onnx.ml": 9}, "unused-training": {"": 13, "ai.onnx.training": 1}}
        for name, opsets in odd.items():
            self.save(f"opset/odd-{name}", self.model(self.graph([self.node("Relu")]), opsets))
        twice = self.model(self.graph([self.node("Relu")]), 13)
        twice.opset_import.add(domain="", version=12)
        self.save("opset/odd-twice-13-12", twice)
        self.save("opset/odd-no-import", self.model(self.graph([self.node("Relu")]), {}))
        self.save("opset/odd-only-ml-imported", self.model(self.graph([self.node("Relu")]), {"ai.onnx.ml": 1}))

    def ir_versions(self):
        for ir in range(16):
            self.save(f"ir/{ir:02}", self.model(self.graph([self.node("Relu")]), 8, ir))
        self.save("ir/absent", self.model(self.graph([self.node("Relu")]), 8, None))
        self.save("ir/negative", self.model(self.graph([self.node("Relu")]), 8, -1))
        weight = self.tensor("w", "f32=1,1")
        add = [self.node("Add", "x w")]
        for ir in (3, 4):
            self.save(f"ir/{ir:02}-weight-no-input", self.model(self.graph(add, weights=[weight]), 8, ir))
            graph = self.graph(add, "x=f32:2 w=f32:2", weights=[weight])
            self.save(f"ir/{ir:02}-weight-is-input", self.model(graph, 8, ir))

    def ml(self):
        for opset in range(1, 7):
            opsets = {"": 8, "ai.onnx.ml": opset}
            form = self.form("Normalizer", 1, ML_FORMS)
            self.save(f"ml/normalizer-{opset}", self.model(self.formed(form), opsets))
        for form in ML_FORMS:
            for since in sorted(self.history[form.domain, form.name]):
                if form.since <= since <= form.until:
                    opsets = {"": 8 if since < 3 else 15, "ai.onnx.ml": since}
                    deprecated = self.history[form.domain, form.name][since].deprecated
                    name = f"ml/{form.name}-{since}" + ("-deprecated" if deprecated else "")
                    self.save(name, self.model(self.formed(form), opsets), checked=not deprecated)
        early = {"": 15, "ai.onnx.ml": 3}
        self.save("ml/TreeEnsemble-3-too-old", self.model(self.formed(self.form("TreeEnsemble", 5, ML_FORMS)), early))
        unknown = Form("NoSuchOperator", 1, "T:2", "T", domain="ai.onnx.ml")
        self.save("ml/NoSuchOperator-1", self.model(self.formed(unknown), {"": 8, "ai.onnx.ml": 1}))
        scaler = self.formed(self.form("Scaler", 1, ML_FORMS))
        self.save("ml/not-imported", self.model(scaler, 8))
        for element in ("f64", "i64", "i32"):
            for name in ("Normalizer", "Scaler", "LinearRegressor", "TreeEnsembleRegressor", "SVMRegressor", "Binarizer"):
                graph = self.formed(self.form(name, 3, ML_FORMS), element)
                opsets = {"": 15, "ai.onnx.ml": 3}
                try:
                    self.save(f"ml/{name}-3-{self.word(element)}", self.model(graph, opsets), checked=True)
                except self.onnx.shape_inference.InferenceError:
                    pass  # The schema does not have this type.

    def operators(self):
        """Every operator at each operator set that changed it, and at the last one before it existed."""
        for form in FORMS:
            key = "", form.name
            versions = self.history[key]
            first = min(versions)
            done = set()
            for since in sorted(versions):
                opset = max(since, 7)
                if (
                    opset in done
                    or not form.since <= opset <= form.until
                    or (since < 7 and any(7 >= it > since for it in versions))
                ):
                    continue
                done.add(opset)
                deprecated = versions[since].deprecated
                name = f"operator/{form.name}-{opset:02}" + ("-deprecated" if deprecated else "")
                # The body of MeanVarianceNormalization 13 is not valid to the package itself.
                checked = not deprecated and name != "operator/MeanVarianceNormalization-13"
                self.save(name, self.model(self.formed(form), opset), checked)
            if first > 7 and form.since == first:
                self.save(f"too-new/{form.name}-{first - 1:02}", self.model(self.formed(form), first - 1))

    def never(self):
        """Operators that ONNX does not have, or that only ONNX Runtime has in the default domain."""
        forms = [
            Form("NoSuchOperator", 1, "T:2", "T"),
            Form("ATen", 1, "T:2", "T", operator="relu"),
            Form("Affine", 1, "T:2", "T", alpha=1.0, beta=0.0),
            Form("Crop", 1, "T:1,1,4,4", "T", border=[1, 1, 1, 1]),
            Form("DynamicSlice", 1, "T:4 i64:1 i64:1", "T"),
            Form("GRUUnit", 1, "T:2 T:2 T:2 T:2", "T"),
            Form("ImageScaler", 1, "T:1,1,2,2", "T", bias=[0.0], scale=1.0),
            Form("ParametricSoftplus", 1, "T:2", "T", alpha=1.0, beta=1.0),
            Form("Scale", 1, "T:2", "T", scale=1.0),
            Form("ScaledTanh", 1, "T:2", "T", alpha=1.0, beta=1.0),
            Form("LayerNormalization", 1, "T:2,4 T:4 T:4", "T"),
            Form("SimplifiedLayerNormalization", 1, "T:2,4 T:4", "T"),
            Form("MeanVarianceNormalization", 1, "T:1,2,4,4", "T"),
            Form("ThresholdedRelu", 1, "T:2", "T"),
            Form("GreaterOrEqual", 1, "T:2 T:2", "bool"),
        ]
        for form in forms:
            for opset in (8, 13):
                self.save(f"never/{form.name}-{opset:02}", self.model(self.formed(form), opset))
        # Replaced long ago, at an operator set that all recent releases know; and forms that came before the last one.
        for name, opset in (("Scatter", 22), ("Upsample", 22)):
            self.save(f"never/{name}-{opset}-deprecated", self.model(self.formed(self.form(name, opset)), opset))
        locale = Form("StringNormalizer", 10, "str:2", "str", case_change_action="LOWER", locale="xx_XX")
        self.save("never/StringNormalizer-locale-10", self.model(self.formed(locale), 10))
        for opset in (9, 10):
            self.save(f"never/Upsample-attribute-{opset:02}", self.model(self.formed(self.form("Upsample", 8)), opset))

    def microsoft(self):
        for form in MICROSOFT:
            form.domain = "com.microsoft"
            opsets = {"": 13, "com.microsoft": 1}
            self.save(f"com.microsoft/{form.name}", self.model(self.formed(form), opsets))
            takes_type = any(it.startswith("T:") for it in form.inputs)
            if takes_type and form.name in (
                "Attention",
                "FastGelu",
                "FusedMatMul",
                "Gelu",
                "GroupQueryAttention",
                "MatMulNBits",
                "MultiHeadAttention",
                "QuickGelu",
                "RotaryEmbedding",
                "SkipLayerNormalization",
            ):
                for element in ("f16", "bf16", "f64"):
                    graph = self.formed(form, element)
                    self.save(f"com.microsoft/{form.name}-{self.word(element)}", self.model(graph, opsets))

    def domains(self):
        def one(name, domain, operator="Custom", opsets=None, form="T:2", **attributes):
            graph = self.formed(Form(operator, 1, form, "T", domain=domain, **attributes))
            opsets = {"": 13} | ({domain: 1} if opsets is None else opsets)
            self.save(f"domain/{name}", self.model(graph, opsets))

        one("custom-imported", "com.example")
        one("custom-not-imported", "com.example", opsets={})
        one("extensions", "ai.onnx.contrib", "BertTokenizer")
        one("extensions-not-imported", "ai.onnx.contrib", "BertTokenizer", opsets={})
        one("microsoft-not-imported", "com.microsoft", "Gelu", opsets={}, form="T:2,4")
        one("microsoft-2", "com.microsoft", "Gelu", opsets={"com.microsoft": 2}, form="T:2,4")
        one("microsoft-3", "com.microsoft", "Gelu", opsets={"com.microsoft": 3}, form="T:2,4")
        one("microsoft-0", "com.microsoft", "Gelu", opsets={"com.microsoft": 0}, form="T:2,4")
        one("nchwc", "com.microsoft.nchwc", "Conv", form="T:1,8,3,3 T:8,8,2,2")
        one("nhwc-internal", "com.ms.internal.nhwc", "Conv", form="T:1,3,3,1 T:1,1,2,2")
        one("experimental", "com.microsoft.experimental", "Thing")
        one("mlfeaturizers", "com.microsoft.mlfeaturizers", "StringTransformer")
        one("torch-aten", "org.pytorch.aten", "ATen")
        one("torch-prims", "prims", "add")
        one("torchvision", "org.pytorch.torchvision", "nms")
        one("onnxscript", "pkg.onnxscript.torch_lib", "aten_relu")
        one("mmdeploy", "mmdeploy", "grid_sampler")
        one("tensorrt-plugin", "trt.plugins", "EfficientNMS_TRT")
        one("tensorrt-default-domain", "", "EfficientNMS_TRT", opsets={})
        one("nvidia", "com.nvidia", "TRT_Thing")
        one("preview-training", "ai.onnx.preview.training", "Adam", form="f32: i64: T:2 T:2 T:2 T:2")
        one("training", "ai.onnx.training", "Adam", form="f32: i64: T:2 T:2 T:2 T:2")
        one("preview", "ai.onnx.preview", "FlexAttention", form="T:1,2,3,4 T:1,2,3,4 T:1,2,3,4")
        one("named-ai-onnx", "ai.onnx", "Relu", opsets={})
        one("named-ai-onnx-imported", "ai.onnx", "Relu", opsets={"ai.onnx": 13})
        one("upper-case", "AI.ONNX.ML", "Normalizer")
        one("qualcomm", "com.qti.aisw", "Thing")
        unused = self.model(self.graph([self.node("Relu")]), {"": 13, "com.example": 1})
        self.save("domain/custom-imported-unused", unused)
        dead = [self.node("Relu"), self.node("Custom", "x", "z", domain="com.example")]
        self.save("domain/custom-output-unused", self.model(self.graph(dead), {"": 13, "com.example": 1}))

    def functions(self):
        def function(name, nodes, opsets, domain="local", inputs=("x",), outputs=("y",), **more):
            imports = [self.helper.make_opsetid(it, version) for it, version in opsets.items()]
            return self.helper.make_function(domain, name, list(inputs), list(outputs), nodes, imports, **more)

        def save(name, functions, opset=15, ir=8, nodes=None, imports=None):
            graph = self.graph(nodes or [self.node("F", domain="local")])
            opsets = {"": opset, "local": 1} if imports is None else imports
            self.save(f"function/{name}", self.model(graph, opsets, ir, functions=functions))

        relu, gelu = self.node("Relu"), self.node("Gelu")
        plain = function("F", [relu], {"": 15})
        save("plain", [plain])
        for ir in (4, 7):
            save(f"plain-ir-{ir}", [plain], ir=ir)
        save("older-opset-inside", [function("F", [relu], {"": 13})])
        save("newer-opset-inside", [function("F", [relu], {"": 16})])
        save("newest-opset-inside", [function("F", [relu], {"": self.newest})])
        save("operator-too-new-inside", [function("F", [gelu], {"": 15})])
        save("operator-of-newer-opset-inside", [function("F", [gelu], {"": 20})])
        save("gelu-20", [function("F", [gelu], {"": 20})], opset=20)
        save("gelu-20-outside-15", [function("F", [gelu], {"": 15})], opset=20)
        save("unknown-operator-inside", [function("F", [self.node("NoSuchOperator")], {"": 15})])
        custom = self.node("Custom", domain="com.example")
        save("custom-inside-not-imported", [function("F", [custom], {"": 15})])
        save("custom-inside-imported-there", [function("F", [custom], {"": 15, "com.example": 1})])
        everywhere = {"": 15, "local": 1, "com.example": 1}
        save("custom-inside-imported-everywhere", [function("F", [custom], {"": 15, "com.example": 1})], imports=everywhere)
        save("microsoft-inside", [function("F", [self.node("Gelu", domain="com.microsoft")], {"": 15, "com.microsoft": 1})])
        save("nothing-imported-inside", [function("F", [relu], {})])
        save("not-imported", [plain], imports={"": 15})
        save("domain-version-2", [plain], imports={"": 15, "local": 2})
        save("missing", [function("G", [relu], {"": 15})])
        save("unused-plain", [plain], nodes=[self.node("Relu")])
        save("unused-unknown-operator", [function("F", [self.node("NoSuchOperator")], {"": 15})], nodes=[self.node("Relu")])
        save("unused-custom", [function("F", [custom], {"": 15, "com.example": 1})], nodes=[self.node("Relu")])
        nested = [function("F", [self.node("G", domain="local")], {"": 15, "local": 1}), function("G", [relu], {"": 15})]
        save("nested", nested)
        save("nested-other-order", nested[::-1])
        save("recursive", [function("F", [self.node("F", domain="local")], {"": 15, "local": 1})])
        save("twice-defined", [plain, function("F", [self.node("Sin")], {"": 15})])
        save(
            "overrides-standard",
            [function("Relu", [self.node("Sin")], {"": 15}, domain="")],
            nodes=[self.node("Relu")],
            imports={"": 15},
        )
        save(
            "default-domain-own-name",
            [function("NoSuchOperator", [relu], {"": 15}, domain="")],
            nodes=[self.node("NoSuchOperator")],
            imports={"": 15},
        )
        save(
            "overrides-custom",
            [function("Custom", [relu], {"": 15}, domain="com.example")],
            nodes=[custom],
            imports={"": 15, "com.example": 1},
        )
        save("wrong-input-count", [function("F", [self.node("Add", "x z")], {"": 15}, inputs=("x", "z"))])
        overloads = [function("F", [relu], {"": 15}, overload="a")]
        call = self.node("F", domain="local")
        call.overload = "a"
        save("overload", overloads, ir=10, nodes=[call])
        save("overload-missing", [plain], ir=10, nodes=[call])
        kernel = self.node("Erf")
        model = self.model(
            self.graph([self.node("F", domain="local")], "x=f64:2", "y=f64"),
            {"": 15, "local": 1},
            8,
            functions=[function("F", [kernel], {"": 15})],
        )
        self.save("function/no-kernel-inside", model)

    def subgraphs(self):
        def branch(node, name):
            graph = self.graph([node], "", "z=f32", name=name)
            return graph

        def save(name, node, opset=15, condition=None, outer="x", **more):
            then, other = branch(node, "then"), branch(self.node("Relu", "x", "z"), "else")
            choice = self.node("If", "c", "y", then_branch=then, else_branch=other)
            weights = [] if condition is None else [self.helper.make_tensor("c", self.number("bool"), [], [condition])]
            graph = self.graph([choice], "x=f32:2" if weights else "x=f32:2 c=bool:", weights=weights)
            self.save(f"subgraph/{name}", self.model(graph, {"": opset} | more.pop("opsets", {})))

        relu, gelu = self.node("Relu", "x", "z"), self.node("Gelu", "x", "z")
        unknown, custom = self.node("NoSuchOperator", "x", "z"), self.node("Custom", "x", "z", domain="com.example")
        save("if-plain", relu)
        for opset in (7, 11, 13, 16, 19, 21, 23, 24, 25):
            save(f"if-plain-{opset:02}", relu, opset)
        save("if-too-new-inside", gelu)
        save("if-too-new-not-taken", gelu, condition=False)
        save("if-gelu-20", gelu, 20)
        save("if-unknown-inside", unknown)
        save("if-unknown-not-taken", unknown, condition=False)
        save("if-custom-inside", custom, opsets={"com.example": 1})
        save("if-custom-inside-not-imported", custom)
        save("if-custom-not-taken", custom, opsets={"com.example": 1}, condition=False)
        save("if-microsoft-inside", self.node("Gelu", "x", "z", domain="com.microsoft"), opsets={"com.microsoft": 1})
        inner = self.node(
            "If",
            "c",
            "z",
            then_branch=self.graph([self.node("Gelu", "x", "w")], "", "w=f32"),
            else_branch=self.graph([self.node("Relu", "x", "w")], "", "w=f32"),
        )
        save("if-if-too-new", inner)
        save("if-if-gelu-20", inner, 20)
        save("if-outer-name-missing", self.node("Relu", "nowhere", "z"))
        save("if-upsample-deprecated", self.node("Upsample", "x x", "z"))
        empty = self.graph([], "", "x=f32")
        choice = self.node("If", "c", "y", then_branch=empty, else_branch=empty)
        self.save("subgraph/if-branch-outer-value", self.model(self.graph([choice], "x=f32:2 c=bool:"), 15))

        def loop(name, node, opset=15):
            body = self.graph([self.node("Identity", "k", "k2"), node], "i=i64: k=bool: v=f32:2", "k2=bool: z=f32:2", name="body")
            graph = self.graph([self.node("Loop", "n k0 x", "y", body=body)], "n=i64: k0=bool: x=f32:2")
            self.save(f"subgraph/loop-{name}", self.model(graph, opset))

        loop("plain", self.node("Relu", "v", "z"))
        loop("plain-08", self.node("Relu", "v", "z"), 8)
        loop("plain-11", self.node("Relu", "v", "z"), 11)
        for opset in (16, 19, 21, 23, 24, 25):
            loop(f"plain-{opset}", self.node("Relu", "v", "z"), opset)
        loop("too-new", self.node("Gelu", "v", "z"))
        loop("gelu-20", self.node("Gelu", "v", "z"), 20)
        loop("unknown", self.node("NoSuchOperator", "v", "z"))
        loop("erf-09", self.node("Erf", "v", "z"), 9)
        loop("erf-08-too-new", self.node("Erf", "v", "z"), 8)

        def scan(name, node, opset=15):
            body = self.graph([node], "v=f32:2", "z=f32:2", name="body")
            graph = self.graph([self.node("Scan", "x", "y", body=body, num_scan_inputs=1)], "x=f32:3,2")
            self.save(f"subgraph/scan-{name}", self.model(graph, opset))

        scan("plain", self.node("Relu", "v", "z"))
        for opset in (9, 11, 16, 19, 21, 23, 24, 25):
            scan(f"plain-{opset:02}", self.node("Relu", "v", "z"), opset)
        scan("too-new", self.node("Gelu", "v", "z"))
        scan("gelu-20", self.node("Gelu", "v", "z"), 20)
        scan("unknown", self.node("NoSuchOperator", "v", "z"))

    def types(self):
        """Every element type that a schema allows, where kernels may have fewer."""
        shorts = {name: short for short, name in SHORT.items()}
        for opset, names in TYPED.items():
            for name in sorted(set(names.split())):
                form = self.form(name, opset)
                versions = self.history["", name]
                schema = versions[max(it for it in versions if it <= opset)]
                allowed = {it.type_param_str: it.allowed_type_strs for it in schema.type_constraints}
                at = form.inputs.index(next((it for it in form.inputs if it.split(":")[0].split("=")[0] == "T"), form.inputs[0]))
                carrier = schema.outputs[0] if form.inputs[at][0] != "T" else schema.inputs[min(at, len(schema.inputs) - 1)]
                texts = allowed.get(carrier.type_str, [carrier.type_str])
                words = {it[7:-1] for it in texts if it.startswith("tensor(")}
                upper = sorted({"float": "FLOAT", "double": "DOUBLE"}.get(it, it.upper()) for it in words)
                for kind in upper:
                    # The family `operator` asks for float32; after 13, schemas that take nearly all types only gain small ones.
                    known = kind in WIDE or (opset > 13 and kind not in SMALL)
                    if kind == "FLOAT" or (known and len(upper) > 7 and name not in ASKED_FOR_ALL):
                        continue
                    short = shorts[kind]
                    model = self.model(self.formed(form, short), opset)
                    try:
                        self.save(f"type/{name}-{opset}-{self.word(short)}", model, checked=True)
                    except self.onnx.shape_inference.InferenceError as error:
                        raise ValueError(f"{name} {opset} {short}: {error}") from error
        # Types that the schema does not have: another fault than a missing kernel.
        for name, opset, short in (
            ("Relu", 13, "bool"),
            ("Relu", 13, "i32"),
            ("Add", 12, "bf16"),
            ("Conv", 13, "i8"),
            ("Conv", 13, "bf16"),
            ("Softmax", 13, "i64"),
            ("MatMul", 13, "u8"),
            ("Cast", 13, "f8e4m3fn"),
            ("Cast", 19, "i4"),
            ("Erf", 13, "str"),
            ("Identity", 13, "f8e5m2"),
            ("Transpose", 13, "i4"),
            ("Gemm", 13, "i8"),
            ("Sin", 13, "bf16"),
        ):
            model = self.model(self.formed(self.form(name, opset), short), opset)
            self.save(f"type-not-in-schema/{name}-{opset}-{self.word(short)}", model)
        # A type that is only carried: graph inputs, weights, Identity, Constant.
        for short in ("f16", "bf16", "f8e4m3fn", "f8e8m0", "f4e2m1", "i4", "u4", "i2", "u2", "c64", "str"):
            constant = self.helper.make_node("Constant", [], ["w"], value=self.tensor("w", f"{short}=1,1"))
            nodes = [self.node("Relu"), constant]
            opset = {"f8e4m3fn": 19, "i4": 21, "u4": 21, "f4e2m1": 23, "f8e8m0": 24, "i2": 25, "u2": 25}.get(short, 13)
            self.save(
                f"type-carried/unused-input-{self.word(short)}",
                self.model(self.graph([self.node("Relu")], f"x=f32:2 w={short}:2"), opset),
            )
            weights = [self.tensor("w", f"{short}=1,1")]
            self.save(
                f"type-carried/unused-weight-{self.word(short)}",
                self.model(self.graph([self.node("Relu")], weights=weights), opset),
            )
            self.save(f"type-carried/unused-constant-{self.word(short)}", self.model(self.graph(nodes), opset))
            self.save(
                f"type-carried/constant-output-{self.word(short)}", self.model(self.graph([constant], "", f"w={short}"), opset)
            )
            if short not in ("c64",):
                cast = self.graph([self.node("Cast", "w", "y", to=1)], "", "y=f32", weights=weights)
                self.save(f"type-carried/weight-cast-{self.word(short)}", self.model(cast, opset))
        # Two nodes: casts to a type that has kernels, round an operator that has none for it.
        for short in ("f16", "bf16", "f64"):
            nodes = [
                self.node("Cast", "x", "a", to=self.number(short)),
                self.node("Erf", "a", "b"),
                self.node("Cast", "b", "y", to=1),
            ]
            self.save(f"type-carried/cast-erf-cast-{self.word(short)}", self.model(self.graph(nodes), 13))
            nodes = [self.node("Erf", "x", "y"), self.node("Erf", "y", "z"), self.node("Relu", "z", "w")]
            self.save(
                f"type-carried/erf-erf-relu-{self.word(short)}", self.model(self.graph(nodes, f"x={short}:2", f"w={short}"), 13)
            )
            dead = [self.node("Relu", "x", "y"), self.node("Erf", "v", "z")]
            self.save(
                f"type-carried/erf-output-unused-{self.word(short)}", self.model(self.graph(dead, f"x=f32:2 v={short}:2"), 13)
            )
            folded = [self.node("Erf", "w", "z"), self.node("Add", "x z", "y")]
            graph = self.graph(folded, f"x={short}:2", f"y={short}", weights=[self.tensor("w", f"{short}=1,1")])
            self.save(f"type-carried/erf-of-weight-{self.word(short)}", self.model(graph, 13))

    def external(self):
        def save(name, location, offset=None, length=None, dims=(4,), element="f32", extra=None, keep=False, other=4):
            tensor = self.onnx.TensorProto(name="w", data_type=self.number(element), dims=dims)
            tensor.data_location = self.onnx.TensorProto.EXTERNAL
            pairs = {"location": location, "offset": offset, "length": length} | (extra or {})
            for key, value in pairs.items():
                if value is not None:
                    tensor.external_data.add(key=key, value=str(value))
            if keep:
                tensor.raw_data = b"\0" * 16
            graph = self.graph([self.node("Add", "x w")], f"x=f32:{other}", weights=[tensor])
            self.save(f"external/{name}", self.model(graph))

        # 64 bytes beside the models, and the same outside of their folder.
        (self.folder / "external" / "deeper").mkdir(parents=True, exist_ok=True)
        for path in ("external/weights.bin", "external/deeper/weights.bin", "outside.bin"):
            (self.folder / path).write_bytes(bytes(64))
        (self.folder / "external" / "empty.bin").write_bytes(b"")
        (self.folder / "external" / "short.bin").write_bytes(bytes(12))
        save("right", "weights.bin", 0, 16)
        save("right-no-offset-no-length", "weights.bin")
        save("right-offset", "weights.bin", 32, 16)
        save("right-last-bytes", "weights.bin", 48, 16)
        save("right-folder", "deeper/weights.bin", 0, 16)
        save("right-dot", "./weights.bin", 0, 16)
        save("right-checksum", "weights.bin", 0, 16, extra={"checksum": "0" * 40})
        save("wrong-checksum-key-unknown", "weights.bin", 0, 16, extra={"sha256": "0"})
        save("no-length", "weights.bin", 0)
        save("offset-unaligned", "weights.bin", 3, 16)
        save("file-longer-than-tensor", "weights.bin", 0)
        save("missing-file", "absent.bin", 0, 16)
        save("missing-folder", "absent/weights.bin", 0, 16)
        save("missing-location-key", None, 0, 16)
        save("location-empty", "", 0, 16)
        save("location-is-folder", "deeper", 0, 16)
        save("short-file", "short.bin", 0, 16)
        save("short-file-no-length", "short.bin")
        save("empty-file", "empty.bin", 0, 16)
        save("offset-beyond", "weights.bin", 64, 16)
        save("offset-partly-beyond", "weights.bin", 56, 16)
        save("offset-negative", "weights.bin", -16, 16)
        save("offset-not-a-number", "weights.bin", "x", 16)
        save("length-too-small", "weights.bin", 0, 12)
        save("length-too-large", "weights.bin", 0, 20)
        save("length-beyond-file", "weights.bin", 0, 4096)
        save("length-zero", "weights.bin", 0, 0)
        save("outside-parent", "../outside.bin", 0, 16)
        save("outside-and-back", "../external/weights.bin", 0, 16)
        save("outside-deeper-and-back", "deeper/../weights.bin", 0, 16)
        save("outside-parent-missing", "../absent.bin", 0, 16)
        save("absolute-missing", "/absent.bin", 0, 16)
        save("backslash", "deeper\\weights.bin", 0, 16)
        save("url", "https://models.example/weights.bin", 0, 16)
        save("raw-data-as-well", "weights.bin", 0, 16, keep=True)
        save("no-elements", "weights.bin", 0, 0, dims=(0,), other=1)
        save("no-elements-file-missing", "absent.bin", 0, 0, dims=(0,), other=1)
        save("string", "weights.bin", 0, 16, element="str")
        unused = self.onnx.TensorProto(name="w", data_type=1, dims=(4,), data_location=self.onnx.TensorProto.EXTERNAL)
        unused.external_data.add(key="location", value="absent.bin")
        self.save("external/unused-missing-file", self.model(self.graph([self.node("Relu")], weights=[unused])))
        constant = self.helper.make_node("Constant", [], ["w"], value=unused)
        self.save("external/constant-missing-file", self.model(self.graph([constant, self.node("Add", "x w")], "x=f32:4")))
        present = self.onnx.TensorProto()
        present.CopyFrom(unused)
        present.external_data[0].value = "weights.bin"
        constant = self.helper.make_node("Constant", [], ["w"], value=present)
        self.save("external/constant-right", self.model(self.graph([constant, self.node("Add", "x w")], "x=f32:4")))
        branch = self.graph([self.node("Add", "x w", "z")], "", "z=f32", weights=[unused])
        other = self.graph([self.node("Relu", "x", "z")], "", "z=f32")
        choice = self.node("If", "c", "y", then_branch=branch, else_branch=other)
        self.save("external/subgraph-missing-file", self.model(self.graph([choice], "x=f32:4 c=bool:")))

    def signatures(self):
        """Graphs that do not hold together, and some that look so and do."""
        node, graph, helper = self.node, self.graph, self.helper

        def save(name, made, opset=13, ir=4, **more):
            self.save(
                f"graph/{name}",
                self.model(made, opset, ir, **more) if not isinstance(made, (bytes, self.onnx.ModelProto)) else made,
            )

        relu = node("Relu")
        save("right", graph([relu]))
        save("no-nodes-input-is-output", graph([], outputs="x=f32"))
        save("no-nodes-nothing", graph([], "", ""))
        save("no-outputs", graph([relu], outputs=""))
        save("no-inputs", graph([self.node("RandomNormal", "", "y", shape=[2])], ""))
        save("output-not-made", graph([relu], outputs="q=f32"))
        save("output-twice", graph([relu], outputs="y=f32 y=f32"))
        save("output-is-input-too", graph([relu], outputs="y=f32 x=f32"))
        save("output-is-weight", graph([relu], outputs="y=f32 w=f32", weights=[self.tensor("w", "f32=1")]))
        save("output-untyped", self.untyped(graph([relu])))
        save("output-type-wrong", graph([relu], outputs="y=i64"))
        save("output-type-f16-of-f32", graph([relu], outputs="y=f16"))
        save("output-shape-wrong", graph([relu], outputs="y=f32:3"))
        save("output-rank-wrong", graph([relu], outputs="y=f32:1,2"))
        save("input-twice", graph([relu], "x=f32:2 x=f32:2"))
        save("input-undeclared", graph([relu], ""))
        save("input-unused", graph([relu], "x=f32:2 q=f32:2"))
        save("input-untyped", self.untyped(graph([relu]), "input"))
        save("input-no-shape", graph([relu], "x=f32"))
        save("input-negative-dimension", graph([relu], "x=f32:-1"))
        save("input-zero-dimension", graph([relu], "x=f32:0"))
        save("input-sequence", graph([self.node("SequenceLength", "x", "y")], "x=seq(f32)", "y=i64"))
        save("input-undefined-type", self.undefined(graph([relu]), 0))
        save("input-type-99", self.undefined(graph([relu]), 99))
        save("node-output-twice", graph([relu, node("Sin")]))
        save("node-output-shadows-input", graph([node("Relu", "x", "x"), node("Relu", "x", "y")]))
        save(
            "node-output-shadows-weight",
            graph([node("Relu", "x", "w"), node("Relu", "w", "y")], weights=[self.tensor("w", "f32=1,1")]),
        )
        save("node-unknown-input", graph([node("Add", "x nowhere")]))
        save("node-empty-input", self.inputs(graph([node("Add", "x x")]), ["x", ""]))
        save("node-no-input", self.inputs(graph([relu]), []))
        save("node-too-many-inputs", graph([node("Relu", "x x")]))
        save("node-too-many-outputs", graph([node("Relu", "x", "y z")]))
        save("node-no-output", self.outputs(graph([relu], outputs=""), []))
        save("node-no-operator", self.operator(graph([relu]), ""))
        save("node-lower-case-operator", graph([node("relu")]))
        save("node-names-twice", self.named(graph([node("Relu", "x", "a"), node("Sin", "a", "y")])))
        save("node-order", graph([node("Sin", "a", "y"), node("Relu", "x", "a")]))
        save("node-cycle", graph([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Sin", "b", "y")]))
        save("node-self-cycle", graph([node("Add", "x y", "y")]))
        save("node-unused", graph([relu, node("Sin", "x", "z")]))
        save("node-unused-no-kernel", graph([relu, node("ImageDecoder", "b", "z")], "x=f32:2 b=u8:9"), 20)
        save("attribute-unknown", graph([node("Relu", fresh=1)]))
        save("attribute-missing", graph([self.node("Concat", "x x")]))
        save("attribute-missing-cast-to", graph([self.node("Cast")]))
        save("attribute-wrong-type", graph([node("Concat", "x x", axis="a")]))
        save("attribute-float-for-int", graph([node("Concat", "x x", axis=0.0)]))
        twice = graph([node("Concat", "x x", axis=0)])
        twice.node[0].attribute.add().CopyFrom(twice.node[0].attribute[0])
        save("attribute-twice", twice)
        nothing = graph([node("Constant", "", "y")], "")
        save("attribute-constant-without-value", nothing)
        reference = graph([node("Elu", alpha=1.0)])
        reference.node[0].attribute[0].ref_attr_name = "outer"
        save("attribute-refers-outside-function", reference)
        save("cast-to-undefined", graph([node("Cast", to=0)]))
        save("cast-to-99", graph([node("Cast", to=99)]))
        save("type-mismatch-add", graph([node("Add", "x z")], "x=f32:2 z=i64:2"))
        save("type-mismatch-where", graph([node("Where", "c x z")], "c=f32:2 x=f32:2 z=f32:2"))
        save("type-mismatch-gather", graph([node("Gather", "x z")], "x=f32:2 z=f32:2"))
        save("shape-mismatch-add", graph([node("Add", "x z")], "x=f32:2 z=f32:3"))
        save("shape-mismatch-matmul", graph([node("MatMul", "x z")], "x=f32:2,3 z=f32:2,3"))
        save("shape-mismatch-gemm", graph([node("Gemm", "x z")], "x=f32:2,3 z=f32:2,3"))
        save("shape-mismatch-concat", graph([node("Concat", "x z", axis=0)], "x=f32:2,3 z=f32:2,4"))
        save("shape-mismatch-reshape", graph([node("Reshape", "x s")], "x=f32:4", weights=[self.tensor("s", "i64=3")]))
        save("rank-mismatch-conv", graph([node("Conv", "x z")], "x=f32:2,3 z=f32:2,3"))
        save("rank-mismatch-gemm", graph([node("Gemm", "x z")], "x=f32:1,2,3 z=f32:3,2"))
        save("axis-out-of-range", graph([node("Concat", "x x", axis=5)]))
        save("axis-out-of-range-softmax", graph([node("Softmax", axis=5)]))
        save("axes-as-attribute-13", graph([node("Squeeze", axes=[0])], "x=f32:1,2"))
        save("axes-as-input-12", graph([node("Squeeze", "x a")], "x=f32:1,2", weights=[self.tensor("a", "i64=0")]), 12)
        save("clip-attributes-11", graph([node("Clip", min=0.0)]), 11)
        save("clip-inputs-10", graph([node("Clip", "x m")], "x=f32:2 m=f32:"), 10)
        save("dropout-ratio-attribute-12", graph([node("Dropout", ratio=0.5)]), 12)
        save("pad-attribute-11", graph([node("Pad", pads=[1, 1])]), 11)
        save("split-attribute-13", graph([node("Split", "x", "y z", split=[1, 1])], outputs="y=f32 z=f32"))
        save("reducemean-attribute-18", graph([node("ReduceMean", axes=[0])]), 18)
        save("reducemean-input-17", graph([node("ReduceMean", "x a")], weights=[self.tensor("a", "i64=0")]), 17)
        save("split-num-outputs-17", graph([node("Split", "x", "y z", num_outputs=2)], outputs="y=f32 z=f32"), 17)
        save("unsqueeze-attribute-13", graph([node("Unsqueeze", axes=[0])]))
        save(
            "resize-two-inputs-11", graph([node("Resize", "x s")], "x=f32:1,1,2,2", weights=[self.tensor("s", "f32=1,1,2,2")]), 11
        )
        save(
            "batchnormalization-training-outputs-13",
            graph([node("BatchNormalization", "x s s s s", "y a b c d")], "x=f32:1,2,2 s=f32:2"),
        )
        save("topk-attribute-10", graph([node("TopK", "x", "y i", k=1)], outputs="y=f32 i=i64"), 10)
        save("gelu-attribute-wrong", graph([node("Gelu", approximate="fast")]), 20)
        save("weight-unused", graph([relu], weights=[self.tensor("w", "f32=1")]))
        save("weight-twice", graph([node("Add", "x w")], weights=[self.tensor("w", "f32=1,1")] * 2))
        save("weight-unnamed", graph([relu], weights=[self.tensor("", "f32=1")]))
        raw = self.onnx.TensorProto(name="w", data_type=1, dims=[2], raw_data=bytes(8))
        save("weight-raw", graph([node("Add", "x w")], weights=[raw]))
        for name, content, dims in (("short", bytes(4), [2]), ("long", bytes(12), [2]), ("absent", b"", [2])):
            tensor = self.onnx.TensorProto(name="w", data_type=1, dims=dims, raw_data=content)
            save(f"weight-raw-{name}", graph([node("Add", "x w")], weights=[tensor]))
        floats = self.onnx.TensorProto(name="w", data_type=1, dims=[3], float_data=[1.0, 1.0])
        save("weight-floats-short", graph([node("Add", "x w")], "x=f32:3", weights=[floats]))
        wrong = self.onnx.TensorProto(name="w", data_type=1, dims=[2], int64_data=[1, 1])
        save("weight-in-wrong-field", graph([node("Add", "x w")], weights=[wrong]))
        save(
            "weight-negative-dimension",
            graph([node("Add", "x w")], weights=[self.onnx.TensorProto(name="w", data_type=1, dims=[-2])]),
        )
        save(
            "weight-undefined-type",
            graph([relu], weights=[self.onnx.TensorProto(name="w", data_type=0, dims=[1], raw_data=bytes(4))]),
        )
        save(
            "weight-type-99", graph([relu], weights=[self.onnx.TensorProto(name="w", data_type=99, dims=[1], raw_data=bytes(4))])
        )
        save(
            "weight-type-differs-from-input",
            graph([node("Add", "x w")], "x=f32:2 w=i64:2", weights=[self.tensor("w", "f32=1,1")]),
        )
        save(
            "weight-shape-differs-from-input",
            graph([node("Add", "x w")], "x=f32:2 w=f32:3", weights=[self.tensor("w", "f32=1,1")]),
        )
        text = self.onnx.TensorProto(name="w", data_type=8, dims=[1], raw_data=b"a")
        save("weight-string-raw", graph([relu], weights=[text]))

        def sparse(short, **more):
            values, indices = self.tensor("w", f"{short}=1"), helper.make_tensor("i", 7, [1], [1])
            made = graph([node("Add", "x w")], f"x={short}:2", f"y={short}")
            made.sparse_initializer.add(dims=[2], values=values, indices=indices)
            return made

        save("sparse-weight", sparse("f32"))
        save("sparse-weight-f64", sparse("f64"))
        save("sparse-weight-bf16", sparse("bf16"))
        save("value-info-type-wrong", self.informed(graph([node("Relu", "x", "a"), node("Sin", "a", "y")]), "a=i64:2"))
        save("value-info-shape-wrong", self.informed(graph([node("Relu", "x", "a"), node("Sin", "a", "y")]), "a=f32:7"))
        training = self.model(graph([relu]), 13, 7)
        training.training_info.add().algorithm.CopyFrom(graph([node("Asinh")], name="step"))
        save("training-info", training)
        strange = self.model(graph([relu]), 13, 7)
        strange.training_info.add().algorithm.CopyFrom(graph([node("NoSuchOperator")], name="step"))
        save("training-info-unknown-operator", strange)
        metadata = self.model(graph([relu]))
        for _ in range(2):
            metadata.metadata_props.add(key="k", value="v")
        save("metadata-twice", metadata)
        nameless = graph([relu])
        nameless.name = ""
        save("graph-name-empty", nameless)
        save("quantization-annotation", self.annotated(graph([relu])))
        none = self.onnx.ModelProto(ir_version=4, opset_import=[helper.make_opsetid("", 13)])
        save("no-graph", none)
        whole = self.model(graph([relu])).SerializeToString(deterministic=True)
        save("file-empty", b"")
        save("file-cut-off", whole[:-7])
        save("file-trailing-zeros", whole + bytes(8))
        save("file-trailing-unknown-field", whole + b"\xfa\x01\x02hi")
        save("file-text", b"not a model\n")
        save("file-html", b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n")
        save("file-lfs-pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 4096\n")

    def forms(self):
        """Graphs at the edge: what looks wrong and is not, and faults where they do not count."""
        node, graph, helper = self.node, self.graph, self.helper

        def save(name, made, opset=13, ir=8, **more):
            self.save(f"form/{name}", self.model(made, opset, ir, **more))

        # Recurrent layers.
        for name, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
            weights = [helper.make_tensor(it, 1, [1, gates * 3, size], [0.0] * gates * 3 * size) for it, size in (("w", 2), ("r", 3))]
            for what, attributes in (
                ("batch-second", {"hidden_size": 3, "layout": 0}),
                ("batch-first", {"hidden_size": 3, "layout": 1}),
                ("no-hidden-size", {}),
            ):
                made = graph([node(name, "x w r", "y", **attributes)], "x=f32:4,1,2", weights=weights)
                save(f"{name}-{what}", made, 14)
        # Weights that are not what they say, where something uses them and where nothing does.
        faulty = {
            "short": self.onnx.TensorProto(name="w", data_type=1, dims=[2], raw_data=bytes(4)),
            "negative": self.onnx.TensorProto(name="w", data_type=1, dims=[-2]),
            "no-data": self.onnx.TensorProto(name="w", data_type=1, dims=[2]),
            "wrong-field": self.onnx.TensorProto(name="w", data_type=1, dims=[2], int64_data=[1, 1]),
            "half-in-int32": self.onnx.TensorProto(name="w", data_type=10, dims=[2], int32_data=[1, 1]),
            "byte-in-int32": self.onnx.TensorProto(name="w", data_type=2, dims=[2], int32_data=[1, 1]),
            "bool-in-int32": self.onnx.TensorProto(name="w", data_type=9, dims=[2], int32_data=[1, 1]),
            "uint32-in-uint64": self.onnx.TensorProto(name="w", data_type=12, dims=[2], uint64_data=[1, 1]),
            "raw-and-floats": self.onnx.TensorProto(name="w", data_type=1, dims=[2], raw_data=bytes(8), float_data=[1, 1]),
            "empty": self.onnx.TensorProto(name="w", data_type=1, dims=[0]),
            "scalar": self.onnx.TensorProto(name="w", data_type=1, float_data=[1]),
            "too-many": self.onnx.TensorProto(name="w", data_type=1, dims=[2], float_data=[1, 1, 1]),
        }
        branch = graph([node("Identity", "w", "z")], "", "z=f32", name="b")
        plain = graph([node("Relu", "x", "z")], "", "z=f32", name="c")
        for name, weight in faulty.items():
            element = next(short for short, word in SHORT.items() if self.onnx.TensorProto.DataType.Value(word) == weight.data_type)
            save(f"weight-{name}-used", graph([node("Identity", "w")], "x=f32:2", f"y={element}", weights=[weight]))
            save(f"weight-{name}-unused", graph([node("Relu")], weights=[weight]))
            save(f"weight-{name}-output", graph([node("Relu")], outputs=f"y=f32 w={element}", weights=[weight]))
            if element == "f32":
                choice = node("If", "c", "y", then_branch=branch, else_branch=plain)
                save(f"weight-{name}-in-branch", graph([choice], "x=f32:2 c=bool:", weights=[weight]))
                inner = graph([node("Identity", "w", "z")], "", "z=f32", weights=[weight], name="b")
                choice = node("If", "c", "y", then_branch=inner, else_branch=plain)
                save(f"weight-{name}-of-branch", graph([choice], "x=f32:2 c=bool:"))
        # Names in graphs inside each other.
        first = graph([node("Cast", "x", "v", to=7), node("Cast", "v", "z", to=1)], "", "z=f32", name="b")
        second = graph([node("Relu", "x", "v"), node("Relu", "v", "z")], "", "z=f32", name="c")
        choice = node("If", "c", "y", then_branch=first, else_branch=second)
        save("branches-same-names-other-types", graph([choice], "x=f32:2 c=bool:"))
        hides = graph([node("Cast", "x", "a", to=7), node("Cast", "a", "z", to=1)], "", "z=f32", name="b")
        nodes = [node("Relu", "x", "a"), node("If", "c", "q", then_branch=hides, else_branch=second), node("Add", "a q", "y")]
        save("branch-hides-outer-name", graph(nodes, "x=f32:2 c=bool:"))
        nodes = [node("If", "c", "q", then_branch=second, else_branch=plain), node("Relu", "v", "y")]
        save("value-of-branch-used-outside", graph(nodes, "x=f32:2 c=bool:"))
        late = graph([node("Relu", "a", "z")], "", "z=f32", name="b")
        nodes = [node("If", "c", "q", then_branch=late, else_branch=plain), node("Relu", "x", "a"), node("Add", "a q", "y")]
        save("branch-uses-later-value", graph(nodes, "x=f32:2 c=bool:"))
        unsorted = graph([node("Relu", "v", "z"), node("Relu", "x", "v")], "", "z=f32", name="b")
        choice = node("If", "c", "y", then_branch=unsorted, else_branch=plain)
        save("branch-unsorted", graph([choice], "x=f32:2 c=bool:"))
        twice = graph([node("Relu", "x", "z"), node("Sin", "x", "z")], "", "z=f32", name="b")
        choice = node("If", "c", "y", then_branch=twice, else_branch=plain)
        save("branch-makes-twice", graph([choice], "x=f32:2 c=bool:"))
        called = [node("Relu", "x", "v"), node("Relu", "v", "z")]
        for it in called:
            it.name = "same"
        inside = graph(called, "", "z=f32", name="b")
        choice = node("If", "c", "y", then_branch=inside, else_branch=plain)
        save("branch-node-names-twice", graph([choice], "x=f32:2 c=bool:"))
        inner, outer = node("Relu", "x", "z"), node("Relu", "q", "y")
        inner.name = outer.name = "same"
        choice = node("If", "c", "q", then_branch=graph([inner], "", "z=f32", name="b"), else_branch=plain)
        save("node-name-inside-and-outside", graph([choice, outer], "x=f32:2 c=bool:"))
        # Nodes with much, with nothing, and with holes.
        many = " ".join(f"v{at}" for at in range(300))
        save("concat-of-300", graph([node("Split", "x", many, axis=0), node("Concat", many, "y", axis=0)], "x=f32:300"), 13)
        save("dropout-two-outputs", graph([node("Dropout", "x", "y m")], outputs="y=f32 m=bool"), 13)
        left_out = node("Clip", "x m m", "y")
        left_out.input[1] = ""
        save("clip-without-least", graph([left_out], "x=f32:2 m=f32:"), 13)
        trailing = node("Clip", "x m m", "y")
        trailing.input[1] = trailing.input[2] = ""
        save("clip-trailing-holes", graph([trailing]), 13)
        hole = node("TopK", "x k", "v i")
        hole.output[0] = ""
        save("topk-without-values", graph([hole], "x=f32:2", "i=i64", weights=[self.tensor("k", "i64=1")]), 13)
        squeeze = node("Squeeze", "x a", "y")
        squeeze.input[1] = ""
        save("squeeze-empty-axes", graph([squeeze], "x=f32:1,2"), 13)
        untold = graph([node("Elu", alpha=1.0)])
        untold.node[0].attribute[0].ClearField("type")
        save("attribute-type-unset", untold, 13)
        save("attribute-type-unset-ir-1", untold, 13, 1)
        untold = graph([node("Concat", "x x", axis=0)])
        untold.node[0].attribute[0].ClearField("type")
        save("required-attribute-type-unset", untold, 13)
        # Shapes that fit, though not at first sight, and some that do not.
        save("add-scalar", graph([node("Add", "x s")], "x=f32:2,3 s=f32:"), 13)
        save("add-stretched", graph([node("Add", "x s")], "x=f32:2,1,3 s=f32:4,1"), 13)
        save("add-named-sizes", graph([node("Add", "x s")], "x=f32:2,N s=f32:2,M"), 13)
        save("add-rows", graph([node("Add", "x s")], "x=f32:2,3 s=f32:2,2"), 13)
        save("mul-weight", graph([node("Mul", "x w")], "x=f32:2,3", weights=[self.tensor("w", "f32=1,1")]), 13)
        save("matmul-vector", graph([node("MatMul", "x s")], "x=f32:3 s=f32:3,2"), 13)
        save("matmul-vectors", graph([node("MatMul", "x s")], "x=f32:3 s=f32:3"), 13)
        save("matmul-stack", graph([node("MatMul", "x s")], "x=f32:5,2,3 s=f32:3,4"), 13)
        save("matmul-stacks-differ", graph([node("MatMul", "x s")], "x=f32:5,2,3 s=f32:4,3,4"), 13)
        save("gemm-turned", graph([node("Gemm", "x s", transA=1, transB=1)], "x=f32:3,2 s=f32:4,3"), 13)
        save("gemm-no-turn", graph([node("Gemm", "x s", transB=0)], "x=f32:2,3 s=f32:3,4"), 13)
        save("concat-axis-negative", graph([node("Concat", "x s", axis=-1)], "x=f32:2,3 s=f32:2,4"), 13)
        save("concat-ranks", graph([node("Concat", "x s", axis=0)], "x=f32:2,3 s=f32:2"), 13)
        save("softmax-axis-rank-11", graph([node("Softmax", "x", "y", axis=1)], "x=f32:2"), 11)
        save("conv-scalar-shape", graph([node("Conv", "x s")], "x=f32 s=f32:1,1,1"), 13)
        weight = [self.tensor("w", "f32=1,1")]
        save("weight-is-input-with-named-size", graph([node("Add", "x w")], "x=f32:2 w=f32:N", weights=weight), 13)
        save("weight-is-input-without-shape", graph([node("Add", "x w")], "x=f32:2 w=f32", weights=weight), 13)
        save("weight-is-input-of-other-rank", graph([node("Add", "x w")], "x=f32:2 w=f32:1,2", weights=weight), 13)
        # Types.
        save("pow-mixed", graph([node("Pow", "x z")], "x=f32:2 z=i64:2"), 13)
        save("where-mixed", graph([node("Where", "c x z")], "c=bool:2 x=f32:2 z=f64:2"), 13)
        save("output-stated-int32-of-shape", graph([node("Shape", "x", "y")], outputs="y=i32"), 13)
        save("max-mixed", graph([node("Max", "x z")], "x=f32:2 z=f64:2"), 13)
        unsorted = [node("Add", "a x", "y"), node("Cast", "x", "a", to=7)]
        save("unsorted-types-differ", graph(unsorted), 13)
        # Operator sets that no node asks for, or that cannot be.
        save("odd-unused-0", graph([node("Relu")]), {"": 13, "com.example": 0})
        save("odd-unused-negative", graph([node("Relu")]), {"": 13, "ai.onnx.ml": -1})
        # Bodies of functions.
        def body(name, nodes, inputs="x", outputs="y", calls="F", opsets=None, attributes=(), **more):
            imports = [helper.make_opsetid(it, version) for it, version in (opsets or {"": 15}).items()]
            made = helper.make_function("local", "F", inputs.split(), outputs.split(), nodes, imports, list(attributes))
            call = node(calls, "x", domain="local", **more) if calls == "F" else node(calls, "x")
            save(f"function-{name}", graph([call]), {"": 15, "local": 1}, functions=[made])

        short = helper.make_node("Add", ["x"], ["y"])
        body("input-missing", [short])
        body("input-missing-unused", [short], calls="Relu")
        lacking = helper.make_node("Concat", ["x", "x"], ["y"])
        body("attribute-missing", [lacking])
        body("attribute-missing-unused", [lacking], calls="Relu")
        referring = helper.make_node("Concat", ["x", "x"], ["y"])
        referring.attribute.add(name="axis", type=2, ref_attr_name="axis")
        body("attribute-referred", [referring], attributes=["axis"], axis=0)
        body("attribute-referred-not-given", [referring], attributes=["axis"])
        body("attribute-unknown", [helper.make_node("Relu", ["x"], ["y"], fresh=1)])
        body("value-missing", [helper.make_node("Add", ["x", "nowhere"], ["y"])])
        body("makes-twice", [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Sin", ["x"], ["y"])])
        body("output-missing", [helper.make_node("Relu", ["x"], ["z"])])
        body("type-not-taken", [helper.make_node("Not", ["x"], ["y"])])

    # Parts of graphs that the helpers do not make

    def untyped(self, graph, field="output"):
        getattr(graph, field)[0].ClearField("type")
        return graph

    def undefined(self, graph, number):
        graph.input[0].type.tensor_type.elem_type = number
        return graph

    def inputs(self, graph, names):
        del graph.node[0].input[:]
        graph.node[0].input.extend(names)
        return graph

    def outputs(self, graph, names):
        del graph.node[0].output[:]
        graph.node[0].output.extend(names)
        return graph

    def operator(self, graph, name):
        graph.node[0].op_type = name
        return graph

    def named(self, graph):
        for node in graph.node:
            node.name = "same"
        return graph

    def informed(self, graph, text):
        graph.value_info.append(self.value(*text.split("=")))
        return graph

    def annotated(self, graph):
        annotation = graph.quantization_annotation.add(tensor_name="x")
        annotation.quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="s")
        return graph


def write(onnx, folder):
    """Writes every model below the folder, which is made anew, and returns their names, sorted."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    maker = Maker(onnx, folder)
    maker.opsets()
    maker.ir_versions()
    maker.ml()
    maker.operators()
    maker.never()
    maker.microsoft()
    maker.domains()
    maker.functions()
    maker.subgraphs()
    maker.types()
    maker.external()
    maker.signatures()
    maker.forms()
    return sorted(maker.names)
