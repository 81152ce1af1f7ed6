"""Models that tf2onnx wrote from Keras layers and TensorFlow functions, for `onnx_load_matrix.py`.

    python tests/scripts/onnx_tensorflow_models.py FOLDER

Runs where `REQUIREMENTS` are installed, Python 3.11. Weights are drawn with a fixed seed; what the converter refuses for an
operator set, and what takes more than `LIMIT` bytes, is left out.
"""

import logging
import os
import pathlib
import sys
import warnings

REQUIREMENTS = [
    "flatbuffers==25.12.19", "numpy==1.26.4", "onnx==1.16.2", "protobuf==4.25.8", "requests==2.32.5", "tensorflow-cpu==2.15.1",
]  # fmt: skip
# It asks for an older protobuf than the others, and needs none.
BY_ITSELF = ["tf2onnx==1.16.1"]
OPSETS = (7, 8, 11, 13, 17)
LIMIT = 3_000


def layers(tf):
    """Names and Keras models."""
    keras, of = tf.keras.layers, lambda *all_: tf.keras.Sequential(list(all_))
    words = keras.Input((6, 8))
    return {
        "dense": of(keras.Input((8,)), keras.Dense(4, "relu"), keras.Dropout(0.1), keras.LayerNormalization(), keras.Dense(2, "softmax")),
        "image": of(
            keras.Input((16, 16, 3)), keras.Conv2D(4, 3, 2, "same", activation="swish"), keras.BatchNormalization(),
            keras.DepthwiseConv2D(3), keras.SeparableConv2D(4, 2), keras.MaxPool2D(), keras.GlobalAveragePooling2D(), keras.Dense(2),
        ),
        "larger": of(
            keras.Input((4, 4, 3)), keras.Conv2DTranspose(4, 3, 2), keras.UpSampling2D(2), keras.UpSampling2D(2, interpolation="bilinear"),
            keras.ZeroPadding2D(1), keras.Cropping2D(1), keras.PReLU(), keras.LeakyReLU(),
        ),
        "recurrent": of(keras.Input((5, 3)), keras.LSTM(4, return_sequences=True), keras.Bidirectional(keras.GRU(4)), keras.Dense(1)),
        "simple-recurrent": of(keras.Input((5, 3)), keras.SimpleRNN(4), keras.Dense(1, "hard_sigmoid")),
        "masked": of(keras.Input((5,), dtype="int32"), keras.Embedding(10, 4, mask_zero=True), keras.LSTM(3), keras.Dense(1, "elu")),
        "attention": tf.keras.Model(words, keras.MultiHeadAttention(2, 4)(words, words)),
        "volume": of(keras.Input((4, 4, 4, 2)), keras.Conv3D(2, 2), keras.AveragePooling3D(2), keras.Flatten()),
        "norms": of(keras.Input((4, 4, 8)), keras.GroupNormalization(2), keras.UnitNormalization(), keras.Activation("gelu"), keras.Softmax()),
    }  # fmt: skip


def functions(tf):
    """Names, functions, and the shapes and types that they take."""

    def steps(x):
        for _ in tf.range(3):
            x = x * 2.0 if tf.reduce_sum(x) > 0.0 else x - 1.0
        return x

    def rows(x):
        made = tf.TensorArray(tf.float32, size=0, dynamic_size=True, clear_after_read=False, element_shape=[2])
        for at in tf.range(tf.shape(x)[0]):
            made = made.write(at, x[at] * 2.0)
        return made.stack()

    def doubles(x):
        return (
            tf.nn.softmax(x), tf.math.sin(x), tf.math.tanh(x), tf.reduce_max(x, 1), tf.math.log1p(x), tf.nn.elu(x), tf.math.round(x),
            tf.linalg.matmul(x, tf.ones([4, 2], tf.float64)), tf.nn.selu(x), tf.math.softsign(x),
        )  # fmt: skip

    image, math, one = tf.image, tf.math, tf.float32
    return {
        "order": (lambda x: (tf.nn.top_k(x, 3).values, tf.argsort(x), tf.cumsum(x, 1), tf.where(x > 0), tf.sort(x)), ([None, 8], one)),
        "values": (lambda x: (tf.reduce_logsumexp(x, 1), tf.clip_by_value(x, 0.0, 1.0), tf.linalg.norm(x), math.erf(x), tf.one_hot(tf.argmax(x, 1), 8)), ([None, 8], one)),
        "unique": (lambda x: tf.unique(x), ([None], one)),
        "reshape": (lambda x: (tf.reshape(x, [tf.shape(x)[0], -1]), tf.tile(x, [1, 2, 1]), tf.pad(x, [[0, 0], [1, 1], [0, 0]], "REFLECT"), tf.reverse(x, [1])), ([None, 4, 6], one)),
        "slices": (lambda x: (tf.strided_slice(x, [0, 0, 1], [2, 4, 6], [1, 1, 2]), tf.gather(x, [0, 2], axis=1), tf.split(x, 2, axis=1)[0], tf.roll(x, 1, 1)), ([None, 4, 6], one)),
        "einsum": (lambda x: tf.einsum("bij,bkj->bik", x, x), ([None, 4, 6], one)),
        "resize": (lambda x: (image.resize(x, [16, 16]), image.resize(x, [4, 4], "nearest")), ([1, 8, 8, 3], one)),
        "resize-cubic": (lambda x: image.resize(x, [5, 5], "bicubic"), ([1, 8, 8, 3], one)),
        "crop": (lambda x: image.crop_and_resize(x, [[0.0, 0.0, 1.0, 1.0]], [0], [4, 4]), ([1, 8, 8, 3], one)),
        "depth": (lambda x: tf.nn.depth_to_space(tf.concat([x, x, x, x], 3), 2), ([1, 8, 8, 3], one)),
        "suppression": (lambda b, s: image.non_max_suppression(b, s, 5, 0.5, 0.1), ([None, 4], one), ([None], one)),
        "steps": (steps, ([4], one)),
        "rows": (rows, ([None, 2], one)),
        "map": (lambda x: tf.map_fn(lambda row: row + 1.0, x), ([None, 2], one)),
        "choice": (lambda x, c: tf.cond(c, lambda: x + 1.0, lambda: tf.nn.relu(x)), ([2], one), ([], tf.bool)),
        "texts": (lambda x, y: (tf.equal(x, y), tf.concat([x, y], 0)), ([None], tf.string), ([None], tf.string)),
        "whole": (lambda x: (x // 2, x % 3, math.maximum(x, 2), tf.reduce_prod(x, 1), tf.pow(x, 2), math.less(x, 3), tf.bitwise.bitwise_and(x, x)), ([None, 4], tf.int32)),
        "whole-long": (lambda x: (tf.abs(x), tf.sign(x), tf.cumsum(x, 1, exclusive=True), tf.cast(x, tf.int32)), ([None, 4], tf.int64)),
        "half": (lambda x: (tf.nn.softmax(x), tf.nn.gelu(x), tf.reduce_mean(x, 1), math.rsqrt(x), tf.nn.softplus(x), math.floor(x)), ([None, 4], tf.float16)),
        "double": (doubles, ([None, 4], tf.float64)),
        "spectrum": (lambda x: tf.abs(tf.signal.rfft(x)), ([1, 16], one)),
        "scatter": (lambda x, i, u: (tf.tensor_scatter_nd_update(x, i, u), tf.scatter_nd(i, u, [4, 4]), tf.gather_nd(x, i)), ([4, 4], one), ([2, 1], tf.int32), ([2, 4], one)),
        "segments": (lambda x: math.segment_sum(x, [0, 0, 1, 1]), ([4, 4], one)),
        "diagonal": (lambda x: (tf.linalg.band_part(x, 1, 1), tf.linalg.diag(x[0])), ([4, 4], one)),
        "fake-quantised": (lambda x: tf.quantization.fake_quant_with_min_max_args(x, -1.0, 1.0), ([None, 4], one)),
        "chance": (lambda s: (tf.random.uniform(s), tf.random.normal(s), tf.fill(s, 1.0)), ([2], tf.int32)),
        "ragged": (lambda x, n: (tf.sequence_mask(n, 5), tf.reverse_sequence(x, n, seq_axis=1), tf.boolean_mask(x, x > 0)), ([None, None], one), ([None], tf.int32)),
    }  # fmt: skip


def write(folder):
    """Writes every model below the folder and returns their names."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import tensorflow as tf
    import tf2onnx

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    tf.keras.utils.set_random_seed(0)
    (folder / "tensorflow").mkdir(parents=True, exist_ok=True)
    names = []

    def save(name, convert):
        try:
            data = convert()[0].SerializeToString()
        except Exception as error:  # noqa: BLE001 - the converter raises what it likes
            print(f"no {name}: {type(error).__name__}", file=sys.stderr)
            return
        if len(data) <= LIMIT:
            (folder / "tensorflow" / f"{name}.onnx").write_bytes(data)
            names.append(f"tensorflow/{name}")

    for name, model in layers(tf).items():
        for opset in OPSETS:
            save(f"{name}-{opset:02}", lambda: tf2onnx.convert.from_keras(model, opset=opset))
    for name, (function, *given) in functions(tf).items():
        signature = [tf.TensorSpec(shape, kind) for shape, kind in given]
        for opset in OPSETS:
            save(f"{name}-{opset:02}", lambda: tf2onnx.convert.from_function(
                tf.function(function, input_signature=signature), input_signature=signature, opset=opset))  # fmt: skip
    return sorted(names)


if __name__ == "__main__":
    print("\n".join(write(pathlib.Path(sys.argv[1]))))
