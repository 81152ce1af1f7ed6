"""Models that PyTorch wrote, for `onnx_load_matrix.py`: by its old exporter, with and without functions, and by its new one.

    python tests/scripts/onnx_torch_models.py FOLDER

Runs where `REQUIREMENTS` are installed, Python 3.11. Weights are drawn with a fixed seed; what an exporter refuses, and
what takes more than `LIMIT` bytes, is left out.
"""

import pathlib
import sys
import warnings

REQUIREMENTS = ["numpy==1.26.4", "onnx==1.18.0", "onnxscript==0.7.2", "torch==2.7.1"]
OPSETS = (9, 11, 12, 13, 14, 16, 17, 18, 20)
LIMIT = 3_000


def modules(torch):
    """Names, modules and what they are called with."""
    nn, functional = torch.nn, torch.nn.functional

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            return self.attention(x, x, x)[0]

    class Product(nn.Module):
        def forward(self, x):
            return functional.scaled_dot_product_attention(x, x, x, is_causal=True)

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.layer = nn.Embedding(16, 8), nn.LSTM(8, 4, batch_first=True, bidirectional=True)

        def forward(self, x):
            return self.layer(self.words(x))[0]

    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.GRU(8, 4, num_layers=2)

        def forward(self, x):
            return self.layer(x)[0]

    class Image(nn.Sequential):
        def __init__(self):
            super().__init__(
                nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Hardswish(), nn.MaxPool2d(2), nn.ConvTranspose2d(4, 4, 2, 2),
                nn.GroupNorm(2, 4), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2), nn.LogSoftmax(1),
            )  # fmt: skip

    class Larger(nn.Module):
        def forward(self, x):
            smooth = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            return smooth + functional.interpolate(x, size=(16, 16), mode="nearest")

    class Places(nn.Module):
        def forward(self, x):
            x = x.clone()
            x[:, 0] = 1
            high = x > 0.5
            return x.masked_fill(high, 0).cumsum(1)[:, -2:], torch.nonzero(high), x.topk(2).values, x.argsort(1)

    class Norms(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.LayerNorm(8), nn.RMSNorm(8)

        def forward(self, x):
            return functional.gelu(self.a(x)) + functional.gelu(self.b(x), approximate="tanh")

    class Sums(nn.Module):
        def forward(self, x):
            soft = torch.einsum("bij,bkj->bik", x, x).tril().softmax(-1)
            return soft, torch.linalg.norm(x, dim=-1), x.std(), x.var(dim=1), torch.clamp(x, 0, 6), x.roll(1, 0)

    class Grid(nn.Module):
        def forward(self, x):
            turn = torch.eye(2, 3)[None].expand(x.shape[0], 2, 3)
            grid = functional.affine_grid(turn, x.shape, align_corners=False)
            wider = functional.pad(x, (1, 1, 1, 1), mode="reflect")
            return functional.grid_sample(x, grid, align_corners=False), wider, functional.pixel_shuffle(x[:, :4], 2)

    class Dense(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x):
            return functional.gelu(self.layer(x))

    class Steps(nn.Module):
        def forward(self, x, count: int):
            for _ in range(count):
                if bool(x.sum() > 0):
                    x = x * 2
                else:
                    x = x - 1
            return x

    class Spectrum(nn.Module):
        def forward(self, x):
            return torch.stft(x, 16, 8, window=torch.hann_window(16), return_complex=False, center=False, onesided=True)

    rand = torch.rand
    return {
        "attention": (Attention().eval(), (rand(1, 4, 8),)),
        "product": (Product(), (rand(1, 2, 4, 8),)),
        "words": (Words(), (torch.zeros(1, 4, dtype=torch.long),)),
        "gated": (Gated(), (rand(4, 1, 8),)),
        "image": (Image().eval(), (rand(1, 3, 8, 8),)),
        "image-training": (Image().train(), (rand(2, 3, 8, 8),)),
        "larger": (Larger(), (rand(1, 3, 8, 8),)),
        "places": (Places(), (rand(3, 8),)),
        "norms": (Norms(), (rand(2, 8),)),
        "sums": (Sums(), (rand(2, 4, 8),)),
        "grid": (Grid(), (rand(1, 4, 8, 8),)),
        "dense-half": (Dense().half(), (rand(2, 8).half(),)),
        "dense-bfloat16": (Dense().bfloat16(), (rand(2, 8).bfloat16(),)),
        "dense-double": (Dense().double(), (rand(2, 8).double(),)),
        "steps": (torch.jit.script(Steps()), (rand(3), 3)),
        "spectrum": (Spectrum(), (rand(1, 64),)),
    }


def write(folder):
    """Writes every model below the folder and returns their names."""
    import torch

    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    (folder / "torch").mkdir(parents=True, exist_ok=True)
    names = []

    def save(name, export):
        path = folder / "torch" / f"{name}.onnx"
        try:
            export(str(path))
        except Exception as error:  # noqa: BLE001 - exporters raise what they like
            print(f"no {name}: {type(error).__name__}", file=sys.stderr)
            path.unlink(missing_ok=True)
        if path.is_file():
            if path.stat().st_size > LIMIT:
                path.unlink()
            else:
                names.append(f"torch/{name}")

    for name, (module, given) in modules(torch).items():
        training = {}
        if name == "image-training":
            training = {"training": torch.onnx.TrainingMode.TRAINING, "do_constant_folding": False}
        for opset in OPSETS:
            save(f"{name}-{opset:02}", lambda path: torch.onnx.export(module, given, path, opset_version=opset, **training))
        save(f"{name}-functions-17", lambda path: torch.onnx.export(
            module, given, path, opset_version=17, export_modules_as_functions=True))  # fmt: skip
        if name != "steps":
            save(f"{name}-dynamo", lambda path: torch.onnx.export(module, given, dynamo=True, verbose=False).save(path))
    return sorted(names)


if __name__ == "__main__":
    print("\n".join(write(pathlib.Path(sys.argv[1]))))
