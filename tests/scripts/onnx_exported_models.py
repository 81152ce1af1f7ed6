"""Models that converters wrote, for `onnx_load_matrix.py`: scikit-learn, LightGBM, XGBoost and CatBoost, and what the tools of
ONNX Runtime make of models (quantised, in float16).

    python tests/scripts/onnx_exported_models.py FOLDER

Runs where `REQUIREMENTS` are installed, Python 3.11. Models are trained on a few rows drawn with a fixed seed, so that they
stay small; a converter that refuses an operator set writes none, and what takes more than `LIMIT` bytes is left out.
"""

import pathlib
import sys
import tempfile
import warnings

REQUIREMENTS = [
    "catboost==1.2.10", "lightgbm==4.5.0", "numpy==1.26.4", "onnx==1.17.0", "onnxconverter-common==1.16.0",
    "onnxmltools==1.13.0", "onnxruntime==1.20.1", "pandas==3.0.6", "protobuf==5.29.6", "scikit-learn==1.5.2",
    "skl2onnx==1.18.0", "sympy==1.14.0", "xgboost==2.1.4",
]  # fmt: skip

# Larger models are left out.
LIMIT = 3_000


def estimators():
    """Names, estimators, and what they learn: `c` classes, `r` numbers, `u` nothing."""
    from sklearn import (
        cluster, decomposition, discriminant_analysis, ensemble, feature_selection, gaussian_process, isotonic, linear_model,
        mixture, multiclass, multioutput, naive_bayes, neighbors, neural_network, preprocessing, svm, tree,
    )  # fmt: skip

    few = {"n_estimators": 3, "max_depth": 2, "random_state": 0}
    return {
        "logistic": (linear_model.LogisticRegression(), "c"),
        "sgd-classifier": (linear_model.SGDClassifier(loss="log_loss", random_state=0), "c"),
        "perceptron": (linear_model.Perceptron(random_state=0), "c"),
        "ridge": (linear_model.Ridge(), "r"),
        "lasso": (linear_model.Lasso(alpha=0.1), "r"),
        "elastic-net": (linear_model.ElasticNet(alpha=0.1), "r"),
        "poisson": (linear_model.PoissonRegressor(), "r"),
        "tree-classifier": (tree.DecisionTreeClassifier(max_depth=2, random_state=0), "c"),
        "tree-regressor": (tree.DecisionTreeRegressor(max_depth=2, random_state=0), "r"),
        "forest-classifier": (ensemble.RandomForestClassifier(**few), "c"),
        "forest-regressor": (ensemble.RandomForestRegressor(**few), "r"),
        "extra-trees": (ensemble.ExtraTreesClassifier(**few), "c"),
        "gradient-boosting": (ensemble.GradientBoostingClassifier(**few), "c"),
        "gradient-boosting-regressor": (ensemble.GradientBoostingRegressor(**few), "r"),
        "hist-gradient-boosting": (ensemble.HistGradientBoostingClassifier(max_iter=3, max_depth=2, random_state=0), "c"),
        "ada-boost": (ensemble.AdaBoostClassifier(n_estimators=2, algorithm="SAMME", random_state=0), "c"),
        "bagging": (ensemble.BaggingClassifier(n_estimators=2, random_state=0), "c"),
        "voting": (ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", tree.DecisionTreeClassifier(max_depth=1, random_state=0))], voting="soft"), "c"),
        "stacking": (ensemble.StackingRegressor([("a", linear_model.Ridge())], final_estimator=linear_model.Ridge(), cv=2), "r"),
        "isolation-forest": (ensemble.IsolationForest(n_estimators=2, max_samples=8, random_state=0), "u"),
        "svc": (svm.SVC(probability=True, random_state=0), "c"),
        "svc-linear": (svm.LinearSVC(random_state=0), "c"),
        "svr": (svm.SVR(), "r"),
        "one-class-svm": (svm.OneClassSVM(), "u"),
        "knn": (neighbors.KNeighborsClassifier(n_neighbors=2), "c"),
        "knn-regressor": (neighbors.KNeighborsRegressor(n_neighbors=2), "r"),
        "outlier-factor": (neighbors.LocalOutlierFactor(n_neighbors=2, novelty=True), "u"),
        "gaussian-nb": (naive_bayes.GaussianNB(), "c"),
        "bernoulli-nb": (naive_bayes.BernoulliNB(), "c"),
        "mlp": (neural_network.MLPClassifier((4,), max_iter=5, random_state=0), "c"),
        "mlp-regressor": (neural_network.MLPRegressor((4,), max_iter=5, random_state=0), "r"),
        "k-means": (cluster.KMeans(2, n_init=1, random_state=0), "u"),
        "gaussian-mixture": (mixture.GaussianMixture(2, random_state=0), "u"),
        "gaussian-process": (gaussian_process.GaussianProcessRegressor(gaussian_process.kernels.RBF()), "r"),
        "pca": (decomposition.PCA(2, random_state=0), "t"),
        "truncated-svd": (decomposition.TruncatedSVD(2, random_state=0), "t"),
        "lda": (discriminant_analysis.LinearDiscriminantAnalysis(), "c"),
        "qda": (discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.5), "c"),
        "one-vs-rest": (multiclass.OneVsRestClassifier(linear_model.LogisticRegression()), "c"),
        "multi-output": (multioutput.MultiOutputRegressor(linear_model.Ridge()), "m"),
        "standard-scaler": (preprocessing.StandardScaler(), "t"),
        "min-max": (preprocessing.MinMaxScaler(clip=True), "t"),
        "robust": (preprocessing.RobustScaler(), "t"),
        "normalizer": (preprocessing.Normalizer("l1"), "t"),
        "binarizer": (preprocessing.Binarizer(), "t"),
        "polynomial": (preprocessing.PolynomialFeatures(2), "t"),
        "power": (preprocessing.PowerTransformer(), "t"),
        "k-bins": (preprocessing.KBinsDiscretizer(2, encode="onehot-dense", strategy="uniform"), "t"),
        "select-k": (feature_selection.SelectKBest(k=2), "c"),
    }


def scikit_learn(save):
    """Single estimators for several operator sets, pipelines with text and categories."""
    import numpy
    import pandas
    import skl2onnx
    from sklearn import compose, feature_extraction, impute, linear_model, pipeline, preprocessing
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType

    random = numpy.random.RandomState(0)
    x = random.rand(24, 3).astype(numpy.float32)
    learned = {"c": (x[:, 0] > 0.5).astype(int), "r": x.sum(axis=1), "m": x[:, :2], "u": None, "t": None}
    opsets = [{"": 9, "ai.onnx.ml": 1}, {"": 12, "ai.onnx.ml": 1}, {"": 15, "ai.onnx.ml": 1}, {"": 15, "ai.onnx.ml": 3}, {"": 18, "ai.onnx.ml": 3}, {"": 21, "ai.onnx.ml": 3}]
    for at, (name, (estimator, kind)) in enumerate(estimators().items()):
        estimator.fit(x, learned[kind])
        # Not every estimator at every operator set: two each, in turn, so that all meet all.
        for opset in (opsets[at % 6], opsets[(at + 3) % 6]):
            for word, kind_of in (("", FloatTensorType), ("-double", DoubleTensorType)):
                if word and at % 2:
                    continue
                save(f"sklearn/{name}{word}-{opset['']:02}-ml{opset['ai.onnx.ml']}", lambda: skl2onnx.to_onnx(
                    estimator, initial_types=[("x", kind_of([None, 3]))], target_opset=opset))  # fmt: skip
    logistic = linear_model.LogisticRegression().fit(x, learned["c"])
    for word, options in (("no-zipmap", {"zipmap": False}), ("columns", {"zipmap": "columns"}), ("raw", {"zipmap": False, "raw_scores": True})):
        save(f"sklearn/logistic-{word}", lambda: skl2onnx.to_onnx(
            logistic, initial_types=[("x", FloatTensorType([None, 3]))], options={"zipmap": False} | options, target_opset=15))  # fmt: skip
    names = numpy.array(["no", "yes"])[learned["c"]]
    labelled = linear_model.LogisticRegression().fit(x, names)
    save("sklearn/logistic-strings", lambda: skl2onnx.to_onnx(labelled, initial_types=[("x", FloatTensorType([None, 3]))], target_opset=15))
    save("sklearn/logistic-int64", lambda: skl2onnx.to_onnx(logistic, initial_types=[("x", Int64TensorType([None, 3]))], target_opset=15))
    table = pandas.DataFrame({"age": x[:, 0], "sum": x[:, 1], "town": random.choice(["a", "b", "c"], 24), "code": random.randint(0, 3, 24)})
    mixed = compose.ColumnTransformer([
        ("numbers", pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()), ["age", "sum"]),
        ("towns", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["town"]),
        ("codes", preprocessing.OrdinalEncoder(), ["code"]),
    ])  # fmt: skip
    model = pipeline.make_pipeline(mixed, linear_model.LogisticRegression()).fit(table, learned["c"])
    types = [("age", FloatTensorType([None, 1])), ("sum", FloatTensorType([None, 1])), ("town", StringTensorType([None, 1])), ("code", Int64TensorType([None, 1]))]
    for opset in opsets:
        save(f"sklearn/columns-{opset['']:02}-ml{opset['ai.onnx.ml']}", lambda: skl2onnx.to_onnx(model, initial_types=types, target_opset=opset))
    words = numpy.array(["good one", "bad one", "good thing", "bad thing"] * 6)
    for name, vectorizer in {
        "tf-idf": feature_extraction.text.TfidfVectorizer(),
        "tf-idf-pattern": feature_extraction.text.TfidfVectorizer(token_pattern="[a-z]+", ngram_range=(1, 2)),
        "counts": feature_extraction.text.CountVectorizer(),
        "characters": feature_extraction.text.TfidfVectorizer(analyzer="char", ngram_range=(1, 2)),
    }.items():
        texts = pipeline.make_pipeline(vectorizer, linear_model.LogisticRegression()).fit(words, learned["c"])
        for opset in (opsets[0], opsets[3], opsets[5]):
            save(f"sklearn/{name}-{opset['']:02}-ml{opset['ai.onnx.ml']}", lambda: skl2onnx.to_onnx(
                texts, initial_types=[("text", StringTensorType([None]))], target_opset=opset))  # fmt: skip
    for name, made in {
        "imputer-median": impute.SimpleImputer(strategy="median").fit(x),
        "imputer-constant": impute.SimpleImputer(strategy="constant", fill_value=0.0).fit(x),
        "knn-imputer": impute.KNNImputer(n_neighbors=2).fit(x),
    }.items():
        save(f"sklearn/{name}", lambda: skl2onnx.to_onnx(made, initial_types=[("x", FloatTensorType([None, 3]))], target_opset=15))


def boosted(save):
    """LightGBM, XGBoost and CatBoost."""
    import lightgbm
    import numpy
    import onnxmltools
    import xgboost
    from catboost import CatBoostClassifier, CatBoostRegressor
    from onnxmltools.convert.common.data_types import FloatTensorType

    random = numpy.random.RandomState(0)
    x = random.rand(40, 3).astype(numpy.float32)
    two, three, number = (x[:, 0] > 0.5).astype(int), (x[:, 0] * 3).astype(int), x.sum(axis=1)
    types = [("x", FloatTensorType([None, 3]))]
    few = {"n_estimators": 3, "max_depth": 2}
    light = {
        "binary": lightgbm.LGBMClassifier(verbose=-1, min_child_samples=2, **few).fit(x, two),
        "classes": lightgbm.LGBMClassifier(verbose=-1, min_child_samples=2, **few).fit(x, three),
        "regressor": lightgbm.LGBMRegressor(verbose=-1, min_child_samples=2, **few).fit(x, number),
        "poisson": lightgbm.LGBMRegressor(objective="poisson", verbose=-1, min_child_samples=2, **few).fit(x, number),
    }
    for name, model in light.items():
        for opset in (9, 13, 15):
            save(f"lightgbm/{name}-{opset:02}", lambda: onnxmltools.convert_lightgbm(model, initial_types=types, target_opset=opset))
        save(f"lightgbm/{name}-plain", lambda: onnxmltools.convert_lightgbm(model, initial_types=types, target_opset=15, zipmap=False, split=None))
    boost = {
        "binary": xgboost.XGBClassifier(**few).fit(x, two),
        "classes": xgboost.XGBClassifier(**few).fit(x, three),
        "regressor": xgboost.XGBRegressor(**few).fit(x, number),
        "ranker": xgboost.XGBRFRegressor(**few).fit(x, number),
    }
    for name, model in boost.items():
        for opset in (9, 13, 15):
            save(f"xgboost/{name}-{opset:02}", lambda: onnxmltools.convert_xgboost(model, initial_types=types, target_opset=opset))
    cats = {"binary": CatBoostClassifier, "classes": CatBoostClassifier, "regressor": CatBoostRegressor}
    for name, kind in cats.items():
        target = {"binary": two, "classes": three, "regressor": number}[name]
        made = kind(iterations=2, depth=2, verbose=False, random_seed=0, thread_count=1, allow_writing_files=False).fit(x, target)
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "m.onnx")
            made.save_model(str(path), format="onnx")
            save(f"catboost/{name}", path.read_bytes)


def nets():
    """Small networks that the tools of ONNX Runtime are let loose on."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    random = numpy.random.RandomState(0)

    def weight(name, *shape):
        return numpy_helper.from_array(random.rand(*shape).astype(numpy.float32), name)

    def value(name, *shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def model(nodes, inputs, outputs, weights, opset):
        ir = {11: 6, 13: 7, 17: 8, 21: 10}[opset]
        graph = helper.make_graph(nodes, "g", inputs, outputs, weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir)

    node = helper.make_node
    for opset in (11, 17, 21):
        yield f"conv-{opset}", model(
            [node("Conv", ["x", "k", "b"], ["c"], name="c", pads=[1, 1, 1, 1]), node("Relu", ["c"], ["r"], name="r"),
             node("MaxPool", ["r"], ["p"], name="p", kernel_shape=[2, 2], strides=[2, 2]), node("GlobalAveragePool", ["p"], ["a"], name="a"),
             node("Flatten", ["a"], ["f"], name="f"), node("Gemm", ["f", "w", "wb"], ["l"], name="l", transB=1), node("Softmax", ["l"], ["y"], name="y", axis=1)],
            [value("x", 1, 2, 8, 8)], [value("y", 1, 3)],
            [weight("k", 4, 2, 3, 3), weight("b", 4), weight("w", 3, 4), weight("wb", 3)], opset)  # fmt: skip
        yield f"linear-{opset}", model(
            [node("MatMul", ["x", "w"], ["m"], name="m"), node("Add", ["m", "b"], ["a"], name="a"), node("Sigmoid", ["a"], ["s"], name="s"),
             node("Mul", ["a", "s"], ["g"], name="g"), node("MatMul", ["g", "v"], ["y"], name="y")],
            [value("x", "N", 32)], [value("y", "N", 8)], [weight("w", 32, 32), weight("b", 32), weight("v", 32, 8)], opset)  # fmt: skip
        yield f"gather-{opset}", model(
            [node("ArgMax", ["x"], ["i"], name="i", axis=1, keepdims=0), node("Gather", ["e", "i"], ["g"], name="g"),
             node("LSTM", ["g3", "lw", "lr"], ["o"], name="o", hidden_size=4), node("Reshape", ["g", "s"], ["g3"], name="g3"), node("Squeeze", ["o"], ["y"], name="y")],
            [value("x", 4, 8)], [value("y", 4, 4)],
            [weight("e", 8, 4), weight("lw", 1, 16, 4), weight("lr", 1, 16, 4), numpy_helper.from_array(numpy.array([4, 1, 4]), "s")], opset)  # fmt: skip
        yield f"mixed-{opset}", model(
            [node("Conv", ["x", "k"], ["c"], name="c"), node("BatchNormalization", ["c", "g", "b", "m", "v"], ["n"], name="n"), node("LeakyRelu", ["n"], ["r"], name="r"),
             node("Resize", ["r", "roi", "z"], ["u"], name="u", mode="nearest"), node("Concat", ["u", "u"], ["cc"], name="cc", axis=1), node("ConvTranspose", ["cc", "t"], ["y"], name="y")],
            [value("x", 1, 2, 8, 8)], [value("y", 1, 2, 14, 14)],
            [weight("k", 4, 2, 3, 3), weight("g", 4), weight("b", 4), weight("m", 4), weight("v", 4), weight("t", 8, 2, 3, 3),
             numpy_helper.from_array(numpy.array([], numpy.float32), "roi"), numpy_helper.from_array(numpy.array([1, 1, 2, 2], numpy.float32), "z")], opset)  # fmt: skip


def tools(save):
    """What the tools of ONNX Runtime write."""
    import numpy
    import onnx
    from onnxconverter_common import float16
    from onnxruntime import quantization as q

    class Rows(q.CalibrationDataReader):
        def __init__(self, model):
            value = model.graph.input[0]
            dims = [it.dim_value or 1 for it in value.type.tensor_type.shape.dim]
            rows = [numpy.full(dims, at, numpy.float32) for at in (0.0, 1.0)]
            self.rows = iter([{value.name: it} for it in rows])

        def get_next(self):
            return next(self.rows, None)

    kinds = q.QuantType
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder, "a.onnx"), pathlib.Path(folder, "b.onnx")
        for name, model in nets():
            source.write_bytes(model.SerializeToString(deterministic=True))

            def made(call, **more):
                target.unlink(missing_ok=True)
                call(str(source), str(target), **more)
                return target.read_bytes()

            static = {
                "qdq": {"quant_format": q.QuantFormat.QDQ},
                "qdq-channels": {"quant_format": q.QuantFormat.QDQ, "per_channel": True, "weight_type": kinds.QInt8, "activation_type": kinds.QUInt8},
                "qdq-16": {"quant_format": q.QuantFormat.QDQ, "activation_type": kinds.QUInt16, "weight_type": kinds.QInt8},
                "qdq-int4": {"quant_format": q.QuantFormat.QDQ, "activation_type": kinds.QUInt8, "weight_type": kinds.QInt4},
                "qdq-float8": {"quant_format": q.QuantFormat.QDQ, "activation_type": kinds.QFLOAT8E4M3FN, "weight_type": kinds.QFLOAT8E4M3FN, "calibrate_method": q.CalibrationMethod.Distribution},
                "operators": {"quant_format": q.QuantFormat.QOperator},
                "operators-int8": {"quant_format": q.QuantFormat.QOperator, "activation_type": kinds.QInt8, "weight_type": kinds.QInt8},
            }
            for word, options in static.items():
                save(f"tools/{name}-{word}", lambda: made(q.quantize_static, calibration_data_reader=Rows(model), **options))
            save(f"tools/{name}-dynamic", lambda: made(q.quantize_dynamic))
            save(f"tools/{name}-dynamic-int8", lambda: made(q.quantize_dynamic, weight_type=kinds.QInt8, per_channel=True))
            save(f"tools/{name}-half", lambda: float16.convert_float_to_float16(onnx.load(source)))

            def blocks(**options):
                from onnxruntime.quantization import matmul_4bits_quantizer as four

                made = four.MatMul4BitsQuantizer(onnx.load(source), block_size=16, **options)
                made.process()
                return made.model.model

            save(f"tools/{name}-four-bits", lambda: blocks(is_symmetric=False))
            save(f"tools/{name}-four-bits-qdq", lambda: blocks(is_symmetric=True, quant_format=q.QuantFormat.QDQ))
        for name, model in nets():
            # What a session writes that is told to: its own operators, at the level of its own fusions.
            import onnxruntime

            source.write_bytes(model.SerializeToString(deterministic=True))
            for word in ("EXTENDED",):
                options = onnxruntime.SessionOptions()
                options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_ENABLE_{word}")
                options.optimized_model_filepath = str(target)

                def saved():
                    target.unlink(missing_ok=True)
                    onnxruntime.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])
                    return target.read_bytes()

                save(f"tools/{name}-saved-{word.lower()}", saved)


def write(folder):
    """Writes every model below the folder and returns their names; what a converter refuses is said."""
    names = []

    def save(name, make):
        try:
            model = make()
        except Exception as error:  # noqa: BLE001 - converters raise what they like
            print(f"no {name}: {type(error).__name__}: {str(error)[:100]}", file=sys.stderr)
            return
        if isinstance(model, tuple):
            model = model[0]
        content = model if isinstance(model, bytes) else model.SerializeToString(deterministic=True)
        if len(content) > LIMIT:
            return
        path = folder / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        names.append(name)

    warnings.simplefilter("ignore")
    scikit_learn(save)
    boosted(save)
    tools(save)
    return sorted(names)


if __name__ == "__main__":
    print("\n".join(write(pathlib.Path(sys.argv[1]))))
