"""Models that an old PyTorch wrote, for `onnx_load_matrix.py`: the exporter of 1.12, operator sets 8 to 16.

    python tests/scripts/onnx_torch_old_models.py FOLDER

Runs where `REQUIREMENTS` are installed, Python 3.10. Weights are drawn with a fixed seed; what the exporter refuses, and
what takes more than `LIMIT` bytes, is left out.
"""

import pathlib
import sys
import warnings

PYTHON = "3.10"
REQUIREMENTS = ["numpy==1.26.4", "onnx==1.14.1", "protobuf==4.25.8", "torch==1.12.1", "typing_extensions==4.15.0"]
OPSETS = (8, 9, 11, 13, 15)
LIMIT = 3_000


def modules(torch):
    """Names, modules or functions, and what they are called with."""
    nn, functional = torch.nn, torch.nn.functional

    class Squeezed(nn.Module):
        def __init__(self):
            super().__init__()
            self.down, self.up = nn.Conv2d(6, 2, 1), nn.Conv2d(2, 6, 1)

        def forward(self, x):
            small = functional.relu(self.down(functional.adaptive_avg_pool2d(x, 1)))
            return x * torch.sigmoid(self.up(small))

    class Inverted(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Sequential(
                nn.Conv2d(3, 6, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU6(), nn.Conv2d(6, 6, 3, padding=1, groups=6), nn.BatchNorm2d(6),
                nn.Hardswish(), Squeezed(), nn.Conv2d(6, 3, 1),
            )  # fmt: skip

        def forward(self, x):
            return x + self.block(x)

    class Past(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 12)

        def forward(self, x, keys, values):
            query, key, value = self.layer(x).chunk(3, -1)
            keys, values = torch.cat([keys, key], 1), torch.cat([values, value], 1)
            return torch.softmax(query @ keys.transpose(1, 2) / 2, -1) @ values, keys, values

    class Grid(nn.Module):
        def forward(self, x):
            many, channels, height, width = x.shape
            y, z = torch.meshgrid(torch.arange(height), torch.arange(width))
            grid = torch.stack((z, y), 2).view(1, height * width, 2).float()
            x = x.view(many, channels, height * width).permute(0, 2, 1)
            return torch.cat([(x[..., :2].sigmoid() * 2 - 0.5 + grid) / 8, x[..., 2:].sigmoid()], -1)

    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.LSTM(2, 2, batch_first=True)

        def forward(self, x, lengths):
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            return nn.utils.rnn.pad_packed_sequence(self.layer(packed)[0], batch_first=True)[0]

    class Each(nn.Module):
        def forward(self, x):
            made = []
            for at in range(x.shape[0]):
                made.append(x[at] * 2)
            return torch.stack(made)

    class Whether(nn.Module):
        def forward(self, x):
            if x.size(0) > 2:
                made = torch.zeros(1)
            else:
                made = x.sum().view(1)
            return made

    class Until(nn.Module):
        def forward(self, x, count: int):
            at = 0
            while at < count and bool(x.sum() < 100):
                x = x * 2
                at += 1
            return x, at

    class Of(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, *given):
            return self.function(*given)

    rand, whole, script = torch.rand, lambda most, *shape: torch.randint(0, most, shape), torch.jit.script
    return {
        "inverted": (Inverted().eval(), (rand(1, 3, 8, 8),)),
        "past": (Past(), (rand(1, 1, 4), rand(1, 3, 4), rand(1, 3, 4))),
        "grid": (Grid(), (rand(1, 6, 4, 4),)),
        "packed": (Packed(), (rand(2, 5, 2), torch.tensor([5, 3]))),
        "each": (script(Each()), (rand(3, 2),)),
        "whether": (script(Whether()), (rand(3),)),
        "until": (script(Until()), (rand(3), 4)),
        "bag": (nn.EmbeddingBag(6, 2, mode="sum"), (whole(6, 6), torch.tensor([0, 3]))),
        "pool": (nn.Sequential(nn.AvgPool2d(3, 2, ceil_mode=True), nn.LPPool2d(2, 2), nn.AdaptiveMaxPool2d(1)), (rand(1, 3, 17, 17),)),
        "pool-flat": (nn.Sequential(nn.MaxPool1d(2), nn.AvgPool1d(2), nn.AdaptiveAvgPool1d(2)), (rand(1, 3, 16),)),
        "pool-volume": (nn.Sequential(nn.MaxPool3d(2), nn.AvgPool3d(2)), (rand(1, 3, 8, 8, 8),)),
        "instance-norm": (nn.Sequential(nn.InstanceNorm2d(3, affine=True), nn.LocalResponseNorm(2), nn.PReLU(3)), (rand(1, 3, 4, 4),)),
        "batch-norm": (nn.BatchNorm1d(4).eval(), (rand(2, 4),)),
        "weight-norm": (nn.utils.weight_norm(nn.Linear(4, 2)), (rand(1, 4),)),
        "activations": (Of(lambda x: (functional.celu(x), functional.softplus(x), functional.hardsigmoid(x), functional.mish(x), functional.hardshrink(x), functional.glu(x, -1))), (rand(2, 4),)),
        "math": (Of(lambda x: (x.log2(), x.log1p(), x.expm1(), x.rsqrt(), x.round(), x.trunc(), x.acosh(), torch.fmod(x, 2.0), torch.remainder(x, 2.0), 2**x)), (rand(2, 4) + 1,)),
        "reduce": (Of(lambda x: (x.mean((0, 1)), x.max(1)[0], x.min(0)[1], x.prod(1), x.norm(2, 1), x.logsumexp(1), x.std(1), x.any(1), x.amax(1))), (rand(3, 4),)),
        "reduce-whole": (Of(lambda x: (x.sum(1), x.max(1)[0], x.prod(1), x.argmax(1), x.cumsum(1), x // 2, x % 3)), (whole(9, 3, 4),)),
        "reduce-short": (Of(lambda x: (x.sum(1), x.max(1)[0], x.cumsum(1), x // 2, x.clamp(0, 3), x.sign())), (whole(9, 3, 4).int(),)),
        "truth": (Of(lambda x: (x & x, x | x, ~x, x.sum(), torch.where(x, 1.0, 0.0), x.nonzero())), (rand(4) > 0.5,)),
        "bytes": (Of(lambda x: (x.float() / 255, x + 1, x > 3, x.max(), x // 2)), (whole(9, 3, 4).to(torch.uint8),)),
        "double": (Of(lambda x: (x.softmax(1), x @ x.t(), x.mean(1), x.cumsum(1), x.erf(), functional.gelu(x), x.topk(2)[0], functional.selu(x), x.tan(), x.round())), (rand(3, 4).double(),)),
        "bfloat16": (Of(lambda x: (x.relu(), x + 1, x > 0, x.float())), (rand(3, 4).bfloat16(),)),
        "places": (Of(lambda x, i: (x[i], x[:, i], x.gather(1, i[None].expand(4, -1)), x[x > 0.5], x[..., None, ::2], x.tril(), x.flip(0), x.unfold(1, 2, 1), x.repeat_interleave(2, 0))), (rand(4, 4), torch.tensor([0, 2]))),
        "scatter": (Of(lambda x, i, u: (x.scatter(1, i, u), x.scatter_add(1, i, u), x.index_put((i[0],), u[0, 0]), x.masked_scatter(x > 0.5, u))), (rand(4, 4), torch.tensor([[0, 2], [1, 3]]), rand(2, 4))),
        "made": (Of(lambda x: (torch.arange(x.shape[0]), torch.full_like(x, 2.0), torch.eye(3), torch.linspace(0, 1, 5), torch.rand_like(x), x.new_zeros(2))), (rand(2, 3),)),
        "unique": (Of(lambda x: torch.unique(x, return_inverse=True, return_counts=True)), (whole(4, 8),)),
        "products": (Of(lambda x: (torch.baddbmm(x, x, x), torch.einsum("bij,bjk->bik", x, x), torch.cdist(x, x), torch.det(x), functional.cosine_similarity(x, x, -1))), (rand(2, 4, 4),)),
        "vision": (Of(lambda x: (functional.interpolate(x, scale_factor=2.0, mode="bicubic"), functional.pixel_shuffle(x, 2), functional.pad(x, (1, 2, 3, 1), value=0.5), functional.unfold(x, 2))), (rand(1, 4, 8, 8),)),
        "as-large-as": (Of(lambda x, y: functional.interpolate(x, size=y.shape[-2:], mode="nearest")), (rand(1, 4, 8, 8), rand(1, 1, 5, 5))),
        "losses": (Of(lambda x, t: (functional.cross_entropy(x, t), functional.mse_loss(x, x), functional.binary_cross_entropy_with_logits(x, x))), (rand(2, 4), torch.tensor([1, 0]))),
        "recurrent": (nn.RNN(2, 2, 2, nonlinearity="relu", bidirectional=True), (rand(5, 1, 2),)),
        "gated": (nn.GRU(2, 2, bias=False), (rand(5, 1, 2), rand(1, 1, 2))),
        "cell": (nn.LSTMCell(2, 2), (rand(1, 2),)),
        "transposed-flat": (nn.ConvTranspose1d(3, 2, 4, 2, 1, output_padding=1), (rand(1, 3, 5),)),
        "same": (nn.Conv2d(2, 2, 3, padding="same"), (rand(1, 2, 5, 5),)),
        "fake-quantised": (Of(lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -128, 127)), (rand(2, 4),)),
    }  # fmt: skip


def write(folder):
    """Writes every model below the folder and returns their names."""
    import torch

    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    (folder / "torch-old").mkdir(parents=True, exist_ok=True)
    names = []
    for name, (module, given) in modules(torch).items():
        for opset in OPSETS:
            path = folder / "torch-old" / f"{name}-{opset:02}.onnx"
            try:
                torch.onnx.export(module, given, str(path), opset_version=opset)
            except Exception as error:  # noqa: BLE001 - exporters raise what they like
                print(f"no {path.stem}: {type(error).__name__}", file=sys.stderr)
                path.unlink(missing_ok=True)
            if path.is_file() and path.stat().st_size > LIMIT:
                path.unlink()
            elif path.is_file():
                names.append(f"torch-old/{path.stem}")
    return sorted(names)


if __name__ == "__main__":
    print("\n".join(write(pathlib.Path(sys.argv[1]))))
