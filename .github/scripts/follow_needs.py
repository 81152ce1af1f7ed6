#!/usr/bin/env python3
"""Writes rows of `src/knowledge/needs.toml` for packages that are followed by runs of releases.

    python3 .github/scripts/follow_needs.py [--check] [--offline-cache DIR] [--package NAME ...]

For each project below and each component of it, `Requires-Dist` of every release is read (of the Linux x86_64 wheel for
the newest Python, as `refresh_knowledge.py` does it, with which this script shares its reading), and neighbouring
releases with the same range become one row. The rows are printed as TOML; they take the place of what follows the
comment `Runs of releases` in the table. Nothing is written: read the difference before. `--check` prints only the
difference, rows that are new with `+` and those that are gone with `-`, and exits with 3 if there is one.

A run ends where a release has no such wheel, since nothing is known of that one. A range that differs by Python
counts with what holds on all of them. Ranges without an upper bound are left out, but for the components with a `+`:
those that refuse to work below. Rows are grounds for warnings, since many environments work against such a range;
projects in `CHECKED` hold themselves to it when they are imported.
"""

import argparse
import json
import pathlib
import re
import sys
import types

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import refresh_knowledge as refresh  # noqa: E402

# Projects and what they need; `+` keeps lower bounds, too.
FOLLOWED = """
albumentations: albucore numpy
apache-beam: numpy protobuf+ pyarrow
autoawq: torch transformers
auto-gptq: torch transformers
bentoml: pydantic starlette
blis: numpy
chex: jax jaxlib numpy
ctranslate2: numpy
datasets: fsspec huggingface-hub+ numpy pyarrow+
deepspeed: numpy pydantic
evaluate: huggingface-hub
fastapi: pydantic starlette+
faster-whisper: ctranslate2+ huggingface-hub onnxruntime tokenizers
feast: numpy pandas protobuf+ pyarrow pydantic
flask: werkzeug+ jinja2
flax: jax+ numpy
gensim: numpy scipy
google-ai-generativelanguage: protobuf+
google-api-core: protobuf+
google-cloud-aiplatform: protobuf+ pydantic
google-cloud-bigquery: protobuf+ pyarrow
opentelemetry-proto: protobuf+
googleapis-common-protos: protobuf+
gradio: fastapi gradio-client huggingface-hub numpy pandas pillow pydantic starlette
gradio-client: huggingface-hub
grpcio-health-checking: grpcio+ protobuf+
grpcio-reflection: grpcio+ protobuf+
grpcio-status: grpcio+ protobuf+
grpcio-tools: grpcio+ protobuf+
imbalanced-learn: numpy scikit-learn scipy
kserve: fastapi grpcio numpy pandas protobuf+ pydantic ray
langchain: langchain-core+ langchain-community numpy pydantic
langchain-community: langchain langchain-core+ numpy
langchain-core: pydantic
langchain-huggingface: huggingface-hub langchain-core+ tokenizers transformers
langchain-openai: langchain-core+ openai+
lightning: fsspec numpy torch torchmetrics
mlflow: numpy pandas protobuf+ pyarrow pydantic scikit-learn scipy
mlflow-skinny: fastapi protobuf+ pydantic
monai: numpy torch
numba: llvmlite numpy
numpyro: jax+ jaxlib+
opencv-contrib-python: numpy
opencv-contrib-python-headless: numpy
opencv-python: numpy
opencv-python-headless: numpy
openai: httpx pydantic
optax: chex jax jaxlib numpy
optimum: datasets huggingface-hub numpy torch transformers+
orbax-checkpoint: jax numpy
pandas: numpy
proto-plus: protobuf+
pymc: numpy pytensor+ pandas scipy
pytensor: numba numpy scipy
pytorch-lightning: fsspec numpy torch torchmetrics
ray: numpy protobuf+ pydantic
sagemaker: numpy protobuf+ pandas
scikit-learn: numpy scipy
scipy: numpy
sglang: torch transformers
shap: numba numpy
skl2onnx: onnx scikit-learn
spacy: numpy pydantic thinc+
spacy-transformers: numpy spacy torch transformers
statsmodels: numpy pandas scipy
streamlit: numpy pandas pillow protobuf+ pyarrow
tensorboard: numpy protobuf+
tensorboardx: numpy protobuf+
tensorflow-data-validation: numpy pandas protobuf+ pyarrow tensorflow
tensorflow-datasets: numpy protobuf+
tensorflow-metadata: protobuf+
tensorflow-model-analysis: numpy pandas protobuf+ pyarrow tensorflow
tensorflow-serving-api: protobuf+ tensorflow+
tensorflow-text: tensorflow
tensorflow-transform: numpy protobuf+ pyarrow tensorflow
tf-keras: tensorflow
tfx-bsl: numpy pandas protobuf+ pyarrow tensorflow
thinc: blis numpy pydantic
tokenizers: huggingface-hub
torchmetrics: numpy torch
tritonclient: numpy protobuf
trl: accelerate datasets numpy peft torch transformers+
ultralytics: numpy torch torchvision
umap-learn: numba numpy scikit-learn
wandb: protobuf pydantic
"""

# They raise when they are imported with another version.
CHECKED = {("numba", "numpy"), ("numba", "llvmlite")}


def rows_of(work, name, release_list, component, keeps):
    """Runs of releases with one range for a component."""
    runs = []
    for release, metadata in release_list:
        if metadata is None:
            runs.append(None)
            continue
        found = refresh.required(metadata, component, release.runs_on() or work.pythons, "")
        common = [
            clause
            for clause in refresh.clauses(next(iter(found), ""))
            if all(clause in refresh.clauses(text) for text in found)
        ]
        # Old metadata may leave out a comma.
        text = re.sub(r"([0-9A-Za-z*])(?=[<>=!~])", r"\1,", ",".join(common))
        bounded = re.search(r"(^|,)(<|==|~=)", text)
        if not text or not (bounded or keeps):
            runs.append(None)
        elif runs and runs[-1] and refresh.canonical(runs[-1][2]) == refresh.canonical(text):
            runs[-1][1] = release.version
        else:
            runs.append([release.version, release.version, text])
    for run in filter(None, runs):
        first, last, text = run
        row = {
            "package": name,
            "release": str(first) if first == last else f">={first},<={last}",
            "component": component,
            "range": text,
        }
        if (name, component) not in CHECKED:
            row["grounds"] = "warning"
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--offline-cache", type=pathlib.Path, metavar="DIR", help="keep answers here")
    parser.add_argument("--package", action="append", help="only this project (may be given several times)")
    parser.add_argument("--check", action="store_true", help="print how the table differs")
    options = parser.parse_args()
    work = refresh.Work(
        types.SimpleNamespace(offline_cache=options.offline_cache, newest_python=None, package=None, limit=0)
    )
    # What stands in the table release by release is left to `refresh_knowledge.py`, and reports and runs stay, too.
    above, _, below = (refresh.KNOWLEDGE / "needs.toml").read_text().partition("# Runs of releases")
    above, below = (refresh.tomllib.loads(part)["row"] for part in (above, "#" + below))
    pairs = [{(row["package"], row["component"]) for row in rows} for rows in (above, below)]
    taken = pairs[0] - pairs[1]
    followed = {}
    for line in FOLLOWED.split("\n"):
        if line:
            name, _, components = line.partition(":")
            followed[name] = components.split()
    names = [name for name in followed if not options.package or name in options.package]
    failed, found = 0, []
    for name, project in work.read_projects(names).items():
        if isinstance(project, refresh.Unread):
            print(f"{name}: {project}", file=sys.stderr)
            failed += 1
            continue
        versions = [
            release
            for version, release in sorted(project.items())
            if not version.is_prerelease and release.yanked is None
        ]
        metadata = work.read_metadata({release.version: release for release in versions})
        read = [
            (release, None if isinstance(metadata[release.version], refresh.Unread) else metadata[release.version])
            for release in versions
        ]
        for word in followed[name]:
            component = word.rstrip("+")
            if (name, component) in taken:
                print(f"{name}: {component} stands above the runs", file=sys.stderr)
                continue
            found += rows_of(work, name, read, component, word.endswith("+"))
    if not options.check:
        for row in found:
            print("[[row]]")
            print("".join(f"{key} = {json.dumps(value)}\n" for key, value in row.items()))
        return 1 if failed else 0
    known = [row for row in below if row["package"] in names]
    differences = [f"+ {spoken(row)}" for row in found if row not in known]
    differences += [f"- {spoken(row)}" for row in known if row not in found]
    print("\n".join(sorted(differences, key=lambda line: line[2:])) or "the runs are as they were")
    return 1 if failed else 3 if differences else 0


def spoken(row):
    return f"{row['package']} {row['release']}: {row['component']}{row['range']}"


if __name__ == "__main__":
    sys.exit(main())
