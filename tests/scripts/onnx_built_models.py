"""Models as exporters and optimisers write them, for `onnx_load_matrix.py`: whole layers, quantised graphs, control flow, functions.

`write(onnx, folder)` makes them with the `onnx` package, the same bytes each time, and returns their names without `.onnx`.
Most are written in ONNX's text form; an input whose name starts with `w_` is made a weight of zeros (of ones if it starts
with `w_one`), and `{O}` is the operator set. Nobody looked at envcheck's verdicts while these were written: the first
comparison with them is how far it is right about models that it was not made for.
"""

import numpy

TEXTS = {}


def text(name, body, *opsets, imports="", functions="", ir=8):
    """Adds a graph for each of some operator sets."""
    for opset in opsets or (17,):
        made = body.replace("{O}", str(opset))
        header = f'<ir_version: {ir}, opset_import: ["" : {opset}{imports and ", " + imports}]>\n'
        title = name if len(opsets) < 2 else f"{name}-{opset:02}"
        TEXTS[title] = header + made + functions.replace("{O}", str(opset))


OWN = '"com.microsoft": 1'
ML3, ML1, ML4, ML5 = '"ai.onnx.ml": 3', '"ai.onnx.ml": 1', '"ai.onnx.ml": 4', '"ai.onnx.ml": 5'

# Layers

text("layer/norm-decomposed", """
g (float[N,8] x, float[8] w_g, float[8] w_b) => (float[N,8] y) {
  m = ReduceMean<axes = [-1]>(x)
  d = Sub(x, m)
  two = Constant<value_float = 2.0>()
  p = Pow(d, two)
  v = ReduceMean<axes = [-1]>(p)
  e = Constant<value = float {1e-5}>()
  ve = Add(v, e)
  s = Sqrt(ve)
  n = Div(d, s)
  ng = Mul(n, w_g)
  y = Add(ng, w_b)
}""", 12, 13, 17)
text("layer/norm-decomposed-axes-input", """
g (float[N,8] x, float[8] w_g) => (float[N,8] y) {
  a = Constant<value_ints = [-1]>()
  m = ReduceMean(x, a)
  d = Sub(x, m)
  v = ReduceMean<keepdims = 1>(d, a)
  y = Mul(v, w_g)
}""", 18, 20, 22, 24)
text("layer/norm-old-axes-at-18", """
g (float[N,8] x) => (float[N,1] y) { y = ReduceMean<axes = [-1]>(x) }""", 18, 21)
text("layer/norm", """
g (float[N,8] x, float[8] w_g, float[8] w_b) => (float[N,8] y) { y, mean, inv = LayerNormalization<axis = -1>(x, w_g, w_b) }""", 17, 18, 21, 23)
text("layer/norm-half-stash-double", """
g (float16[N,8] x, float16[8] w_g) => (float16[N,8] y) { y, mean, inv = LayerNormalization<stash_type = 11>(x, w_g) }""")
text("layer/norm-double", """
g (double[N,8] x, double[8] w_g) => (double[N,8] y) { y = LayerNormalization(x, w_g) }""", 17, 22)
text("layer/norm-bfloat16", """
g (bfloat16[N,8] x, bfloat16[8] w_g) => (bfloat16[N,8] y) { y = LayerNormalization(x, w_g) }""", 17, 22)
text("layer/norm-mixed-types", """
g (float16[N,8] x, float[8] w_g) => (float16[N,8] y) { y = LayerNormalization(x, w_g) }""")
text("layer/rms-norm", """
g (float[N,8] x, float[8] w_g) => (float[N,8] y) { y = RMSNormalization(x, w_g) }""", 23, 24, ir=10)
text("layer/rms-norm-half", """
g (float16[N,8] x, float16[8] w_g) => (float16[N,8] y) { y = RMSNormalization(x, w_g) }""", 23, ir=10)
text("layer/rms-norm-decomposed-half", """
g (float16[N,8] x, float16[8] w_g) => (float16[N,8] y) {
  f = Cast<to = 1>(x)
  two = Constant<value_float = 2.0>()
  p = Pow(f, two)
  a = Constant<value = int64[1] {-1}>()
  m = ReduceMean(p, a)
  e = Constant<value_float = 1e-6>()
  me = Add(m, e)
  s = Sqrt(me)
  r = Reciprocal(s)
  n = Mul(f, r)
  h = Cast<to = 10>(n)
  y = Mul(w_g, h)
}""", 18, 21)
text("layer/gelu-decomposed", """
g (float[N,8] x) => (float[N,8] y) {
  k = Constant<value_float = 1.4142135>()
  d = Div(x, k)
  e = Erf(d)
  o = Constant<value_float = 1.0>()
  a = Add(e, o)
  m = Mul(x, a)
  h = Constant<value_float = 0.5>()
  y = Mul(m, h)
}""", 12, 13, 20)
text("layer/gelu-tanh", """
g (float[N,8] x) => (float[N,8] y) { y = Gelu<approximate = "tanh">(x) }""", 19, 20, 22, ir=9)
text("layer/gelu-types", """
g (double[N,8] x) => (double[N,8] y) { y = Gelu(x) }""", 20, ir=9)
text("layer/attention-decomposed", """
g (float[B,S,8] x, float[8,8] w_q, float[8,8] w_k, float[8,8] w_v, float[8] w_bq, int64[B,S] mask) => (float[B,S,8] y) {
  q0 = MatMul(x, w_q)
  q1 = Add(q0, w_bq)
  k0 = MatMul(x, w_k)
  v0 = MatMul(x, w_v)
  shape = Constant<value = int64[4] {0, 0, 2, 4}>()
  q2 = Reshape(q1, shape)
  k2 = Reshape(k0, shape)
  v2 = Reshape(v0, shape)
  q = Transpose<perm = [0, 2, 1, 3]>(q2)
  k = Transpose<perm = [0, 2, 3, 1]>(k2)
  v = Transpose<perm = [0, 2, 1, 3]>(v2)
  s0 = MatMul(q, k)
  r = Constant<value_float = 2.0>()
  s1 = Div(s0, r)
  ax = Constant<value = int64[2] {1, 2}>()
  m0 = Unsqueeze(mask, ax)
  m1 = Cast<to = 1>(m0)
  one = Constant<value_float = 1.0>()
  m2 = Sub(one, m1)
  low = Constant<value_float = -3.4028235e38>()
  m3 = Mul(m2, low)
  s2 = Add(s1, m3)
  p = Softmax<axis = -1>(s2)
  c = MatMul(p, v)
  ct = Transpose<perm = [0, 2, 1, 3]>(c)
  os = Constant<value = int64[3] {0, 0, 8}>()
  y = Reshape(ct, os)
}""", 13, 14, 17, 21, 23)
text("layer/attention", """
g (float[B,2,S,4] q, float[B,2,S,4] k, float[B,2,S,4] v) => (float[B,2,S,4] y) { y = Attention<is_causal = 1>(q, k, v) }""", 22, 23, 24, ir=10)
text("layer/attention-mask-cache", """
g (float[B,2,1,4] q, float[B,2,1,4] k, float[B,2,1,4] v, bool[1,S] m, float[B,2,P,4] pk, float[B,2,P,4] pv)
  => (float[B,2,1,4] y, float[B,2,T,4] ck, float[B,2,T,4] cv) {
  y, ck, cv = Attention<scale = 0.5>(q, k, v, m, pk, pv)
}""", 23, 24, ir=10)
text("layer/attention-3d-heads", """
g (float16[B,S,8] q, float16[B,S,8] k, float16[B,S,8] v) => (float16[B,S,8] y) {
  y = Attention<q_num_heads = 2, kv_num_heads = 2>(q, k, v)
}""", 23, ir=10)
text("layer/rotary", """
g (float[B,2,S,4] x, float[S,2] w_c, float[S,2] w_s, int64[B,S] p) => (float[B,2,S,4] y) { y = RotaryEmbedding(x, w_c, w_s, p) }""", 23, ir=10)
text("layer/swiglu-decomposed", """
g (float[N,8] x, float[8,16] w_1, float[8,16] w_3, float[16,8] w_2) => (float[N,8] y) {
  a = MatMul(x, w_1)
  s = Sigmoid(a)
  g1 = Mul(a, s)
  b = MatMul(x, w_3)
  c = Mul(g1, b)
  y = MatMul(c, w_2)
}""", 13, 18, 21)
text("layer/embedding-position", """
g (int64[B,S] ids, float[100,8] w_e, float[64,8] w_p, int64[1,64] w_pos) => (float[B,S,8] y) {
  e = Gather(w_e, ids)
  sh = Shape(ids)
  i = Constant<value = int64 {1}>()
  n = Gather<axis = 0>(sh, i)
  a0 = Constant<value = int64[1] {0}>()
  n1 = Unsqueeze(n, a0)
  st = Constant<value = int64[1] {0}>()
  ax = Constant<value = int64[1] {1}>()
  p = Slice(w_pos, st, n1, ax)
  pe = Gather(w_p, p)
  y = Add(e, pe)
}""", 13, 15, 19, 21)
text("layer/embedding-int32-ids", """
g (int32[B,S] ids, float16[100,8] w_e) => (float16[B,S,8] y) { y = Gather(w_e, ids) }""", 11, 13)
text("layer/causal-mask", """
g (float[B,1,S,S] x) => (float[B,1,S,S] y) {
  sh = Shape<start = 2>(x)
  v = Constant<value = float[1] {-10000.0}>()
  f = ConstantOfShape<value = float[1] {-10000.0}>(sh)
  k = Constant<value = int64 {1}>()
  t = Trilu<upper = 1>(f, k)
  y = Add(x, t)
}""", 14, 15, 17, 22)
text("layer/causal-mask-bool", """
g (float[B,1,4,4] x, bool[4,4] w_one_m) => (float[B,1,4,4] y) {
  t = Trilu<upper = 0>(w_one_m)
  low = Constant<value_float = -1e9>()
  y = Where(t, x, low)
}""", 14, 17)
text("layer/range-cumsum-positions", """
g (int64[B,S] mask) => (int64[B,S] p) {
  ax = Constant<value = int64 {1}>()
  c = CumSum(mask, ax)
  one = Constant<value = int64 {1}>()
  p = Sub(c, one)
}""", 11, 14)
text("layer/range-arange", """
g (float[N,8] x) => (int64[K] p) {
  sh = Shape(x)
  z = Constant<value = int64 {0}>()
  n = Gather(sh, z)
  one = Constant<value = int64 {1}>()
  p = Range(z, n, one)
}""", 11, 13, 19)
text("layer/einsum-attention", """
g (float[B,H,S,D] q, float[B,H,T,D] k) => (float[B,H,S,T] y) { y = Einsum<equation = "bhsd,bhtd->bhst">(q, k) }""", 12, 17)
text("layer/einsum-half", """
g (float16[B,S,D] q, float16[B,D,T] k) => (float16[B,S,T] y) { y = Einsum<equation = "bsd,bdt->bst">(q, k) }""", 12)
text("layer/einsum-int64", """
g (int64[B,S] q, int64[B,S] k) => (int64[B] y) { y = Einsum<equation = "bs,bs->b">(q, k) }""", 12)

# Convolutional networks

text("conv/block", """
g (float[N,3,16,16] x, float[8,3,3,3] w_k, float[8] w_s, float[8] w_b, float[8] w_m, float[8] w_one_v) => (float[N,8] y) {
  c = Conv<kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]>(x, w_k)
  b = BatchNormalization<epsilon = 1e-5>(c, w_s, w_b, w_m, w_one_v)
  r = Relu(b)
  p = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(r)
  a = GlobalAveragePool(p)
  y = Flatten<axis = 1>(a)
}""", 9, 11, 13, 15, 22)
text("conv/block-half", """
g (float16[N,3,16,16] x, float16[8,3,3,3] w_k, float16[8] w_b) => (float16[N,8,16,16] y) {
  c = Conv<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(x, w_k, w_b)
  y = LeakyRelu<alpha = 0.1>(c)
}""", 11, 16, 22)
text("conv/block-bfloat16", """
g (bfloat16[N,3,16,16] x, bfloat16[8,3,3,3] w_k) => (bfloat16[N,8,14,14] y) { y = Conv(x, w_k) }""", 22, ir=10)
text("conv/relu6-old", """
g (float[N,8,4,4] x) => (float[N,8,4,4] y) { y = Clip<min = 0.0, max = 6.0>(x) }""", 6, 10)
text("conv/relu6-old-at-11", """
g (float[N,8,4,4] x) => (float[N,8,4,4] y) { y = Clip<min = 0.0, max = 6.0>(x) }""", 11, 13)
text("conv/relu6", """
g (float[N,8,4,4] x, float w_lo, float w_one_hi) => (float[N,8,4,4] y) { y = Clip(x, w_lo, w_one_hi) }""", 11, 13)
text("conv/relu6-int-bounds", """
g (float[N,8,4,4] x, int64 w_lo, int64 w_one_hi) => (float[N,8,4,4] y) { y = Clip(x, w_lo, w_one_hi) }""", 12)
text("conv/hardswish", """
g (float[N,8,4,4] x) => (float[N,8,4,4] y) { y = HardSwish(x) }""", 13, 14, 17, 22)
text("conv/hardswish-decomposed", """
g (float[N,8,4,4] x) => (float[N,8,4,4] y) {
  s = HardSigmoid<alpha = 0.16666667, beta = 0.5>(x)
  y = Mul(x, s)
}""", 11, 14, 22)
text("conv/depthwise-1d", """
g (float[N,4,L] x, float[4,1,3] w_k) => (float[N,4,M] y) { y = Conv<group = 4, kernel_shape = [3], pads = [2, 0], dilations = [1]>(x, w_k) }""", 11)
text("conv/three-dimensional", """
g (float[N,1,4,4,4] x, float[2,1,3,3,3] w_k) => (float[N,2,2,2,2] y) { y = Conv(x, w_k) }""", 11)
text("conv/matrix-without-batch", """
g (float[4,4] x, float[2,4,3,3] w_k) => (float y) { y = Conv(x, w_k) }""", 13)
text("conv/transpose-output-padding", """
g (float[N,4,4,4] x, float[4,2,3,3] w_k, float[2] w_b) => (float[N,2,8,8] y) {
  y = ConvTranspose<strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1], kernel_shape = [3, 3]>(x, w_k, w_b)
}""", 11, 22)
text("conv/transpose-output-shape", """
g (float[1,4,4,4] x, float[4,2,3,3] w_k) => (float[1,2,8,8] y) { y = ConvTranspose<strides = [2, 2], output_shape = [8, 8]>(x, w_k) }""", 11)
text("conv/transpose-half", """
g (float16[1,4,4,4] x, float16[4,2,3,3] w_k) => (float16[1,2,6,6] y) { y = ConvTranspose(x, w_k) }""", 11)
text("conv/resize-nearest-scales", """
g (float[N,3,8,8] x, float[0] w_roi, float[4] w_one_s) => (float[N,3,H,W] y) {
  y = Resize<mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">(x, w_roi, w_one_s)
}""", 11, 13, 18, 19)
text("conv/resize-roi-left-out", """
g (float[N,3,8,8] x, float[4] w_one_s) => (float[N,3,H,W] y) { y = Resize<mode = "linear">(x, "", w_one_s) }""", 11, 13, 18)
text("conv/resize-sizes", """
g (float[1,3,8,8] x, int64[4] w_one_z) => (float[A,B,C,D] y) { y = Resize<mode = "cubic", cubic_coeff_a = -0.75>(x, "", "", w_one_z) }""", 13, 18)
text("conv/resize-antialias", """
g (float[1,3,8,8] x, int64[2] w_one_z) => (float[A,B,C,D] y) {
  y = Resize<mode = "linear", antialias = 1, axes = [2, 3], keep_aspect_ratio_policy = "not_larger">(x, "", "", w_one_z)
}""", 17, 18, 19)
text("conv/resize-half-pixel-symmetric", """
g (float[1,3,8,8] x, int64[4] w_one_z) => (float[A,B,C,D] y) {
  y = Resize<mode = "linear", coordinate_transformation_mode = "half_pixel_symmetric">(x, "", "", w_one_z)
}""", 18, 19, ir=9)
text("conv/resize-half", """
g (float16[1,3,8,8] x, float[4] w_one_s) => (float16[A,B,C,D] y) { y = Resize(x, "", w_one_s) }""", 13)
text("conv/resize-uint8", """
g (uint8[1,3,8,8] x, float[4] w_one_s) => (uint8[A,B,C,D] y) { y = Resize(x, "", w_one_s) }""", 13)
text("conv/resize-int64", """
g (int64[1,3,8,8] x, float[4] w_one_s) => (int64[A,B,C,D] y) { y = Resize(x, "", w_one_s) }""", 13)
text("conv/upsample-scales-attribute", """
g (float[1,3,8,8] x) => (float[1,3,16,16] y) { y = Upsample<scales = [1.0, 1.0, 2.0, 2.0], mode = "nearest">(x) }""", 7, 8, 9)
text("conv/upsample-scales-input", """
g (float[1,3,8,8] x, float[4] w_one_s) => (float[A,B,C,D] y) { y = Upsample<mode = "linear">(x, w_one_s) }""", 9, 10, 13)
text("conv/grid-sample-bilinear", """
g (float[N,3,8,8] x, float[N,4,4,2] grid) => (float[N,3,4,4] y) { y = GridSample<mode = "bilinear", align_corners = 1>(x, grid) }""", 15, 16, 18, 20, 22)
text("conv/grid-sample-linear", """
g (float[N,3,8,8] x, float[N,4,4,2] grid) => (float[N,3,4,4] y) { y = GridSample<mode = "linear", padding_mode = "border">(x, grid) }""", 20, ir=9)
text("conv/grid-sample-volume", """
g (float[N,3,4,4,4] x, float[N,2,2,2,3] grid) => (float[N,3,2,2,2] y) { y = GridSample<mode = "linear">(x, grid) }""", 16, 20, ir=9)
text("conv/group-norm", """
g (float[N,4,8] x, float[4] w_s, float[4] w_b) => (float[N,4,8] y) { y = GroupNormalization<num_groups = 2>(x, w_s, w_b) }""", 18, 21, 22, ir=10)
text("conv/instance-norm-as-group-norm", """
g (float[N,4,8] x, float[2] w_s, float[2] w_b, float[4,1] w_g) => (float[N,4,8] y) {
  a = Constant<value = int64[3] {0, 2, -1}>()
  r = Reshape(x, a)
  i = InstanceNormalization<epsilon = 1e-5>(r, w_s, w_b)
  sh = Shape(x)
  o = Reshape(i, sh)
  y = Mul(o, w_g)
}""", 11, 14, 22)
text("conv/pixel-shuffle", """
g (float[N,8,4,4] x) => (float[N,2,8,8] y) { y = DepthToSpace<blocksize = 2, mode = "CRD">(x) }""", 9, 11, 13)
text("conv/pixel-unshuffle", """
g (float[N,2,8,8] x) => (float[N,8,4,4] y) { y = SpaceToDepth<blocksize = 2>(x) }""", 13)
text("conv/average-pool-ceil-dilated", """
g (float[N,2,8,8] x) => (float[N,2,A,B] y) { y = AveragePool<kernel_shape = [3, 3], ceil_mode = 1, dilations = [2, 2]>(x) }""", 11, 19, 22, ir=9)
text("conv/max-pool-indices", """
g (float[N,2,8,8] x) => (float[N,2,A,B] y, int64[N,2,A,B] i) { y, i = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(x) }""", 8, 12, 22)
text("conv/max-pool-int8", """
g (int8[N,2,8,8] x) => (int8[N,2,A,B] y) { y = MaxPool<kernel_shape = [2, 2]>(x) }""", 11, 12)
text("conv/max-unpool", """
g (float[1,2,4,4] x, int64[1,2,4,4] i, int64[4] w_one_z) => (float[A,B,C,D] y) { y = MaxUnpool<kernel_shape = [2, 2], strides = [2, 2]>(x, i, w_one_z) }""", 11)
text("conv/lp-pool", """
g (float[N,2,8,8] x) => (float[N,2,A,B] y) { y = LpPool<kernel_shape = [2, 2], p = 2>(x) }""", 11, 18, 22)
text("conv/roi-align", """
g (float[1,2,8,8] x, float[R,4] r, int64[R] i) => (float[R,2,4,4] y) {
  y = RoiAlign<output_height = 4, output_width = 4, spatial_scale = 0.25, coordinate_transformation_mode = "half_pixel">(x, r, i)
}""", 10, 16, 22)
text("conv/deform", """
g (float[1,2,8,8] x, float[4,2,3,3] w_k, float[1,18,6,6] o, float[1,9,6,6] m) => (float[1,4,6,6] y) { y = DeformConv<kernel_shape = [3, 3]>(x, w_k, o, "", m) }""", 18, 19, 22, ir=9)
text("conv/local-response", """
g (float[N,4,8,8] x) => (float[N,4,8,8] y) { y = LRN<size = 5, alpha = 1e-4>(x) }""", 7, 13)
text("conv/pad-reflect", """
g (float[1,2,8,8] x, int64[8] w_p) => (float[A,B,C,D] y) { y = Pad<mode = "reflect">(x, w_p) }""", 11, 13, 18, 21)
text("conv/pad-wrap", """
g (float[1,2,8,8] x, int64[8] w_p) => (float[A,B,C,D] y) { y = Pad<mode = "wrap">(x, w_p) }""", 18, 19, ir=9)
text("conv/pad-axes", """
g (float[1,2,8,8] x, int64[2] w_p, float w_c, int64[1] w_a) => (float[A,B,C,D] y) { y = Pad(x, w_p, w_c, w_a) }""", 13, 18, 19, ir=9)
text("conv/pad-attribute", """
g (float[1,2,8,8] x) => (float[A,B,C,D] y) { y = Pad<mode = "constant", pads = [0, 0, 1, 1, 0, 0, 1, 1]>(x) }""", 9, 10, 11)
text("conv/pad-bool", """
g (bool[4] x, int64[2] w_p) => (bool[A] y) { y = Pad(x, w_p) }""", 13)
text("conv/pad-int8-value", """
g (int8[4] x, int64[2] w_p, int8 w_v) => (int8[A] y) { y = Pad(x, w_p, w_v) }""", 13)
text("conv/pad-half", """
g (float16[4] x, int64[2] w_p) => (float16[A] y) { y = Pad(x, w_p) }""", 11, 13)
text("conv/dropout-old", """
g (float[N,8] x) => (float[N,8] y) { y = Dropout<ratio = 0.5>(x) }""", 7, 10, 12)
text("conv/dropout-with-mode", """
g (float[N,8] x, float w_r, bool w_t) => (float[N,8] y, bool[N,8] m) { y, m = Dropout<seed = 1>(x, w_r, w_t) }""", 12, 13, 22)
text("conv/dropout-mode-from-input", """
g (float[N,8] x, float r, bool t) => (float[N,8] y) { y = Dropout(x, r, t) }""", 13)
text("conv/dropout-old-mask", """
g (float[N,8] x) => (float[N,8] y, bool[N,8] m) { y, m = Dropout<ratio = 0.5>(x) }""", 10)
text("conv/dropout-old-mask-as-float", """
g (float[N,8] x) => (float[N,8] y, float[N,8] m) { y, m = Dropout<ratio = 0.5>(x) }""", 7, 10)
text("conv/batch-norm-training", """
g (float[N,2,4] x, float[2] w_s, float[2] w_b, float[2] w_m, float[2] w_one_v) => (float[N,2,4] y, float[2] rm, float[2] rv) {
  y, rm, rv = BatchNormalization<training_mode = 1>(x, w_s, w_b, w_m, w_one_v)
}""", 14, 15)
text("conv/batch-norm-training-outputs-unasked", """
g (float[N,2,4] x, float[2] w_s, float[2] w_b, float[2] w_m, float[2] w_one_v) => (float[N,2,4] y) {
  y, rm, rv = BatchNormalization(x, w_s, w_b, w_m, w_one_v)
}""", 14, 15)
text("conv/batch-norm-spatial-0", """
g (float[N,2,4] x, float[2,4] w_s, float[2,4] w_b, float[2,4] w_m, float[2,4] w_one_v) => (float[N,2,4] y) {
  y = BatchNormalization<spatial = 0>(x, w_s, w_b, w_m, w_one_v)
}""", 7, 9)
text("conv/batch-norm-five-outputs", """
g (float[N,2,4] x, float[2] w_s, float[2] w_b, float[2] w_m, float[2] w_one_v) => (float[N,2,4] y) {
  y, a, b, c, d = BatchNormalization(x, w_s, w_b, w_m, w_one_v)
}""", 9, 13)
text("conv/batch-norm-double-statistics", """
g (float16[N,2,4] x, float16[2] w_s, float16[2] w_b, float[2] w_m, float[2] w_one_v) => (float16[N,2,4] y) {
  y = BatchNormalization(x, w_s, w_b, w_m, w_one_v)
}""", 9, 14, 15)
text("conv/channel-scale-wrong", """
g (float[N,8,4,4] x, float[3,1,1] w_s) => (float[N,8,4,4] y) { y = Mul(x, w_s) }""", 13)
text("conv/gemm-head", """
g (float[N,8] x, float[10,8] w_k, float[10] w_b) => (float[N,10] y) {
  l = Gemm<transB = 1, alpha = 1.0, beta = 1.0>(x, w_k, w_b)
  y = Softmax<axis = 1>(l)
}""", 9, 11, 13)
text("conv/gemm-head-wrong-weight", """
g (float[N,8] x, float[8,10] w_k, float[10] w_b) => (float[N,10] y) { y = Gemm<transB = 1>(x, w_k, w_b) }""", 11, 13)
text("conv/gemm-old-broadcast", """
g (float[N,8] x, float[10,8] w_k, float[10] w_b) => (float[N,10] y) { y = Gemm<transB = 1, broadcast = 1>(x, w_k, w_b) }""", 6, 7)
text("conv/gemm-without-bias", """
g (float[N,8] x, float[10,8] w_k) => (float[N,10] y) { y = Gemm<transB = 1>(x, w_k) }""", 9, 11)
text("conv/old-broadcast-add", """
g (float[2,3,4] x, float[3] w_b) => (float[2,3,4] y) { y = Add<broadcast = 1, axis = 1>(x, w_b) }""", 6, 7)
text("conv/prelu-slope", """
g (float[N,4,2,2] x, float[4,1,1] w_s) => (float[N,4,2,2] y) { y = PRelu(x, w_s) }""", 7, 9, 16)
text("conv/mish-decomposed", """
g (float[N,4] x) => (float[N,4] y) {
  s = Softplus(x)
  t = Tanh(s)
  y = Mul(x, t)
}""", 9, 13, 22)

# Detection and post-processing

text("post/nms", """
g (float[1,K,4] b, float[1,C,K] s, int64[1] w_one_n, float[1] w_i, float[1] w_t) => (int64[M,3] y) {
  y = NonMaxSuppression<center_point_box = 1>(b, s, w_one_n, w_i, w_t)
}""", 10, 11, 13)
text("post/nms-int32-limit", """
g (float[1,K,4] b, float[1,C,K] s, int32[1] w_one_n) => (int64[M,3] y) { y = NonMaxSuppression(b, s, w_one_n) }""", 11)
text("post/nms-half", """
g (float16[1,K,4] b, float16[1,C,K] s) => (int64[M,3] y) { y = NonMaxSuppression(b, s) }""", 11)
text("post/top-k-then-gather", """
g (float[K,4] b, float[K] s, int64[1] w_one_k) => (float[M,4] y) {
  v, i = TopK<axis = 0, largest = 1, sorted = 1>(s, w_one_k)
  y = Gather<axis = 0>(b, i)
}""", 10, 11, 24)
text("post/top-k-int32-k", """
g (float[K] s, int32[1] w_one_k) => (float[M] v) { v, i = TopK(s, w_one_k) }""", 11)
text("post/top-k-half", """
g (float16[K] s, int64[1] w_one_k) => (float16[M] v) { v, i = TopK(s, w_one_k) }""", 11)
text("post/arg-max-last-index", """
g (float[N,K] s) => (int64[N] i) { i = ArgMax<axis = 1, keepdims = 0, select_last_index = 1>(s) }""", 11, 12, 13)
text("post/arg-max-bool", """
g (bool[N,K] s) => (int64[N] i) { i = ArgMax<axis = 1, keepdims = 0>(s) }""", 13)
text("post/arg-max-int64", """
g (int64[N,K] s) => (int64[N] i) { i = ArgMax<axis = 1, keepdims = 0>(s) }""", 13)
text("post/scatter-nd", """
g (float[4,4] x, int64[N,2] i, float[N] u) => (float[4,4] y) { y = ScatterND(x, i, u) }""", 11, 13, 16, 18)
text("post/scatter-nd-add", """
g (float[4,4] x, int64[N,2] i, float[N] u) => (float[4,4] y) { y = ScatterND<reduction = "add">(x, i, u) }""", 13, 16, 18)
text("post/scatter-nd-max", """
g (float[4,4] x, int64[N,2] i, float[N] u) => (float[4,4] y) { y = ScatterND<reduction = "max">(x, i, u) }""", 16, 18)
text("post/scatter-nd-int32-indices", """
g (float[4,4] x, int32[N,2] i, float[N] u) => (float[4,4] y) { y = ScatterND(x, i, u) }""", 13)
text("post/scatter-elements-add", """
g (float[4,4] x, int64[1,2] i, float[1,2] u) => (float[4,4] y) { y = ScatterElements<axis = 1, reduction = "add">(x, i, u) }""", 13, 16, 18)
text("post/scatter-elements-mul-half", """
g (float16[4,4] x, int64[1,2] i, float16[1,2] u) => (float16[4,4] y) { y = ScatterElements<axis = 1, reduction = "mul">(x, i, u) }""", 16)
text("post/scatter-old", """
g (float[4,4] x, int64[1,2] i, float[1,2] u) => (float[4,4] y) { y = Scatter<axis = 1>(x, i, u) }""", 9, 11)
text("post/gather-elements-int32", """
g (double[4,4] x, int32[1,2] i) => (double[1,2] y) { y = GatherElements<axis = 1>(x, i) }""", 11, 13)
text("post/gather-nd-batch", """
g (float[2,4,4] x, int64[2,3,1] i) => (float[2,3,4] y) { y = GatherND<batch_dims = 1>(x, i) }""", 11, 12, 13)
text("post/gather-index-float", """
g (float[4,4] x, float[2] i) => (float[2,4] y) { y = Gather(x, i) }""", 13)
text("post/non-zero-transposed", """
g (float[K] s) => (int64[M,1] y) {
  t = Constant<value_float = 0.5>()
  m = Greater(s, t)
  z = NonZero(m)
  y = Transpose<perm = [1, 0]>(z)
}""", 9, 12, 13)
text("post/compress", """
g (float[K,4] x, bool[K] c) => (float[M,4] y) { y = Compress<axis = 0>(x, c) }""", 9, 11)
text("post/unique-counts", """
g (int64[K] x) => (int64[M] y, int64[M] c) { y, i, r, c = Unique<sorted = 1>(x) }""", 11)
text("post/unique-string", """
g (string[K] x) => (string[M] y) { y = Unique(x) }""", 11)
text("post/one-hot", """
g (int64[N] i, int64 w_one_d, float[2] w_v) => (float[N,K] y) { y = OneHot<axis = -1>(i, w_one_d, w_v) }""", 9, 11)
text("post/one-hot-int32", """
g (int32[N] i, int32 w_one_d, int32[2] w_v) => (int32[N,K] y) { y = OneHot(i, w_one_d, w_v) }""", 11)
text("post/one-hot-half", """
g (int64[N] i, int64[1] w_one_d, float16[2] w_v) => (float16[N,K] y) { y = OneHot(i, w_one_d, w_v) }""", 11)
text("post/split-sizes-attribute", """
g (float[N,6] x) => (float[N,2] a, float[N,4] b) { a, b = Split<axis = 1, split = [2, 4]>(x) }""", 11, 13)
text("post/split-sizes-input", """
g (float[N,6] x) => (float[N,3] a, float[N,3] b) {
  s = Constant<value = int64[2] {3, 3}>()
  a, b = Split<axis = 1>(x, s)
}""", 11, 13, 18)
text("post/split-num-outputs", """
g (float[N,6] x) => (float[N,3] a, float[N,3] b) { a, b = Split<axis = 1, num_outputs = 2>(x) }""", 13, 18)
text("post/split-nothing-said-18", """
g (float[N,6] x) => (float[N,3] a, float[N,3] b) { a, b = Split<axis = 1>(x) }""", 13, 18)
text("post/squeeze-attribute", """
g (float[N,1,4] x) => (float[N,4] y) { y = Squeeze<axes = [1]>(x) }""", 11, 13)
text("post/unsqueeze-attribute", """
g (float[N,4] x) => (float[N,1,4] y) { y = Unsqueeze<axes = [1]>(x) }""", 11, 13)
text("post/reduce-sum-noop", """
g (float[N,4] x, int64[0] w_a) => (float[A,B] y) { y = ReduceSum<noop_with_empty_axes = 1>(x, w_a) }""", 13)
text("post/reduce-max-int8", """
g (int8[N,4] x) => (int8[N,1] y) { y = ReduceMax<axes = [1]>(x) }""", 12, 13)
text("post/reduce-max-bool", """
g (bool[N,4] x, int64[1] w_one_a) => (bool[N,1] y) { y = ReduceMax(x, w_one_a) }""", 18, 20, ir=9)
text("post/reduce-l2-int32", """
g (int32[N,4] x) => (int32[N,1] y) { y = ReduceL2<axes = [1]>(x) }""", 13)
text("post/reduce-mean-int64", """
g (int64[N,4] x) => (int64[N,1] y) { y = ReduceMean<axes = [1]>(x) }""", 13)
text("post/reduce-prod-int64", """
g (int64[N,4] x) => (int64[N,1] y) { y = ReduceProd<axes = [1]>(x) }""", 13)
text("post/reduce-sum-half", """
g (float16[N,4] x, int64[1] w_one_a) => (float16[N,1] y) { y = ReduceSum(x, w_one_a) }""", 13)
text("post/mod-float", """
g (float[N] x, float[N] z) => (float[N] y) { y = Mod<fmod = 1>(x, z) }""", 10, 13)
text("post/mod-float-without-fmod", """
g (float[N] x, float[N] z) => (float[N] y) { y = Mod(x, z) }""", 13)
text("post/pow-int64", """
g (int64[N] x) => (int64[N] y) {
  two = Constant<value = int64 {2}>()
  y = Pow(x, two)
}""", 11, 12, 13)
text("post/div-int64-float", """
g (int64[N] x, float[N] z) => (float[N] y) { y = Div(x, z) }""", 13)
text("post/equal-string", """
g (string[N] x, string[N] z) => (bool[N] y) { y = Equal(x, z) }""", 13, 19, ir=9)
text("post/equal-float-at-7", """
g (float[N] x, float[N] z) => (bool[N] y) { y = Equal(x, z) }""", 7, 11)
text("post/less-or-equal-int32", """
g (int32[N] x, int32[N] z) => (bool[N] y) { y = LessOrEqual(x, z) }""", 12, 16)
text("post/is-inf-is-nan", """
g (float[N] x) => (bool[N] y) {
  a = IsInf<detect_negative = 0>(x)
  b = IsNaN(x)
  y = Or(a, b)
}""", 10, 13, 20)
text("post/is-nan-double", """
g (double[N] x) => (bool[N] y) { y = IsNaN(x) }""", 9, 13)
text("post/is-inf-half", """
g (float16[N] x) => (bool[N] y) { y = IsInf(x) }""", 20, ir=9)
text("post/where-int64", """
g (bool[N] c, int64[N] x) => (int64[N] y) {
  z = Constant<value = int64 {0}>()
  y = Where(c, x, z)
}""", 9, 16)
text("post/where-bool", """
g (bool[N] c, bool[N] a, bool[N] b) => (bool[N] y) { y = Where(c, a, b) }""", 9)
text("post/where-half", """
g (bool[N] c, float16[N] a, float16[N] b) => (float16[N] y) { y = Where(c, a, b) }""", 9)
text("post/where-condition-int64", """
g (int64[N] c, float[N] a, float[N] b) => (float[N] y) { y = Where(c, a, b) }""", 9)
text("post/cast-saturate", """
g (float[N] x) => (float8e4m3fn[N] y) { y = Cast<to = 17, saturate = 0>(x) }""", 18, 19, 21, ir=9)
text("post/cast-string", """
g (float[N] x) => (string[N] y) { y = Cast<to = 8>(x) }""", 9, 13, 19)
text("post/cast-from-string", """
g (string[N] x) => (double[N] y) { y = Cast<to = 11>(x) }""", 9, 13)
text("post/cast-bfloat16-back", """
g (float[N] x) => (float[N] y) {
  b = Cast<to = 16>(x)
  y = Cast<to = 1>(b)
}""", 13, 19)
text("post/cast-to-int4", """
g (float[N] x) => (int4[N] y) { y = Cast<to = 22>(x) }""", 21, ir=10)
text("post/cast-complex", """
g (float[N] x) => (complex64[N] y) { y = Cast<to = 14>(x) }""", 13)
text("post/cast-nothing", """
g (float[N] x) => (float[N] y) { y = Cast<to = 0>(x) }""", 13)
text("post/cast-like", """
g (float[N] x, int64[N] z) => (int64[N] y) { y = CastLike(x, z) }""", 15, 19)
text("post/bit-shift", """
g (uint8[N] x, uint8[N] z) => (uint8[N] y) { y = BitShift<direction = "RIGHT">(x, z) }""", 11)
text("post/bit-shift-uint16", """
g (uint16[N] x, uint16[N] z) => (uint16[N] y) { y = BitShift<direction = "RIGHT">(x, z) }""", 11)
text("post/bitwise-and", """
g (int64[N] x, int64[N] z) => (int64[N] y) { y = BitwiseAnd(x, z) }""", 17, 18)
text("post/tile-repeat", """
g (float[1,4] x, int64[2] w_one_r) => (float[A,B] y) { y = Tile(x, w_one_r) }""", 6, 13)
text("post/tile-bool", """
g (bool[1,4] x, int64[2] w_one_r) => (bool[A,B] y) { y = Tile(x, w_one_r) }""", 13)
text("post/tile-half", """
g (float16[1,4] x, int64[2] w_one_r) => (float16[A,B] y) { y = Tile(x, w_one_r) }""", 13)
text("post/expand-bool", """
g (bool[1,4] x, int64[2] w_one_r) => (bool[A,B] y) { y = Expand(x, w_one_r) }""", 13)
text("post/reverse-sequence", """
g (float[T,N,4] x, int64[N] l) => (float[T,N,4] y) { y = ReverseSequence<batch_axis = 1, time_axis = 0>(x, l) }""", 10)
text("post/slice-attributes", """
g (float[N,8] x) => (float[N,4] y) { y = Slice<axes = [1], starts = [0], ends = [4]>(x) }""", 9, 10)
text("post/slice-int32-bounds", """
g (float[N,8] x, int32[1] w_s, int32[1] w_one_e) => (float[A,B] y) { y = Slice(x, w_s, w_one_e) }""", 10, 11, 13)
text("post/slice-mixed-bounds", """
g (float[N,8] x, int32[1] w_s, int64[1] w_one_e) => (float[A,B] y) { y = Slice(x, w_s, w_one_e) }""", 11)
text("post/slice-steps", """
g (int32[N,8] x, int64[1] w_s, int64[1] w_one_e, int64[1] w_one_a, int64[1] w_one_t) => (int32[A,B] y) { y = Slice(x, w_s, w_one_e, w_one_a, w_one_t) }""", 11, 13)
text("post/reshape-allow-zero", """
g (float[A,4] x, int64[2] w_s) => (float[C,D] y) { y = Reshape<allowzero = 1>(x, w_s) }""", 13, 14)
text("post/reshape-attribute", """
g (float[2,2] x) => (float[4] y) { y = Reshape<shape = [4]>(x) }""", 4, 5)
text("post/reshape-string", """
g (string[2,2] x, int64[1] w_s) => (string[C] y) { y = Reshape(x, w_s) }""", 13)
text("post/concat-mixed", """
g (float[2] x, int64[2] z) => (float[4] y) { y = Concat<axis = 0>(x, z) }""", 13)
text("post/concat-strings", """
g (string[2] x, string[2] z) => (string[4] y) { y = Concat<axis = 0>(x, z) }""", 11, 13)
text("post/shape-start-end", """
g (float[2,3,4] x) => (int64[2] y) { y = Shape<start = 1, end = 3>(x) }""", 13, 15)
text("post/size", """
g (string[2,3] x) => (int64 y) { y = Size(x) }""", 13)
text("post/det-inverse", """
g (double[3,3] x) => (double y) { y = Det(x) }""", 11)
text("post/eye-like", """
g (int64[3,3] x) => (float16[3,3] y) { y = EyeLike<dtype = 10>(x) }""", 9, 22)
text("post/hardmax", """
g (float[N,4] x) => (float[N,4] y) { y = Hardmax<axis = 1>(x) }""", 11, 13)
text("post/softmax-axis-out-of-rank", """
g (float[N,4] x) => (float[N,4] y) { y = Softmax<axis = 3>(x) }""", 11, 13)
text("post/flatten-axis-out-of-rank", """
g (float[N,4] x) => (float[A,B] y) { y = Flatten<axis = 4>(x) }""", 13)
text("post/transpose-perm-short", """
g (float[2,3,4] x) => (float[A,B,C] y) { y = Transpose<perm = [1, 0]>(x) }""", 13)
text("post/transpose-perm-twice", """
g (float[2,3] x) => (float[A,B] y) { y = Transpose<perm = [0, 0]>(x) }""", 13)
text("post/concat-axis-out-of-rank", """
g (float[2,3] x) => (float[A,B] y) { y = Concat<axis = 2>(x, x) }""", 13)
text("post/reduce-axis-out-of-rank", """
g (float[2,3] x) => (float[A,B] y) { y = ReduceMean<axes = [2]>(x) }""", 13)
text("post/gather-axis-out-of-rank", """
g (float[2,3] x, int64[1] i) => (float[A,B] y) { y = Gather<axis = 2>(x, i) }""", 13)
text("post/unsqueeze-axes-twice", """
g (float[2,3] x) => (float[A,B,C,D] y) { y = Unsqueeze<axes = [0, 0]>(x) }""", 11)
text("post/squeeze-of-two", """
g (float[2,3] x) => (float[A] y) { y = Squeeze<axes = [0]>(x) }""", 11)
text("post/reshape-too-few", """
g (float[2,3] x) => (float[A,B] y) {
  s = Constant<value = int64[2] {4, 2}>()
  y = Reshape(x, s)
}""", 13)
text("post/reshape-two-unknown", """
g (float[2,3] x) => (float[A,B] y) {
  s = Constant<value = int64[2] {-1, -1}>()
  y = Reshape(x, s)
}""", 13)
text("post/matmul-inner-differ-through-relu", """
g (float[2,3] x, float[4,2] w_k) => (float[A,B] y) {
  r = Relu(x)
  y = MatMul(r, w_k)
}""", 13)
text("post/add-differ-through-transpose", """
g (float[2,3] x, float[2,3] z) => (float[A,B] y) {
  t = Transpose<perm = [1, 0]>(x)
  y = Add(t, z)
}""", 13)
text("post/output-shape-differs", """
g (float[2,3] x) => (float[2,4] y) { y = Relu(x) }""", 13)
text("post/output-rank-differs", """
g (float[2,3] x) => (float[2,3,1] y) { y = Relu(x) }""", 13)
text("post/conv-channels-differ", """
g (float[N,3,8,8] x, float[8,4,3,3] w_k) => (float[N,8,6,6] y) { y = Conv(x, w_k) }""", 13)
text("post/conv-kernel-shape-differs", """
g (float[N,3,8,8] x, float[8,3,3,3] w_k) => (float[N,8,4,4] y) { y = Conv<kernel_shape = [5, 5]>(x, w_k) }""", 13)
text("post/conv-kernel-rank-differs", """
g (float[N,3,8,8] x, float[8,3,3] w_k) => (float[N,8,4,4] y) { y = Conv(x, w_k) }""", 13)
text("post/gemm-through-flatten", """
g (float[N,2,4] x, float[9,3] w_k) => (float[N,3] y) {
  f = Flatten(x)
  y = Gemm(f, w_k)
}""", 13)
text("post/gemm-of-three-dimensions-through-relu", """
g (float[N,2,4] x, float[4,3] w_k) => (float[A,B] y) {
  r = Relu(x)
  y = Gemm(r, w_k)
}""", 13)

# Quantised graphs

text("quantised/qdq-conv", """
g (float[1,3,8,8] x, float w_one_xs, uint8 w_xz, int8[4,3,3,3] w_k, float[4] w_one_ks, int8[4] w_kz, int32[4] w_b, float[4] w_one_bs, int32[4] w_bz)
  => (float[1,4,6,6] y) {
  xq = QuantizeLinear(x, w_one_xs, w_xz)
  xd = DequantizeLinear(xq, w_one_xs, w_xz)
  kd = DequantizeLinear<axis = 0>(w_k, w_one_ks, w_kz)
  bd = DequantizeLinear<axis = 0>(w_b, w_one_bs, w_bz)
  c = Conv(xd, kd, bd)
  cq = QuantizeLinear(c, w_one_xs, w_xz)
  y = DequantizeLinear(cq, w_one_xs, w_xz)
}""", 11, 13, 19, 21)
text("quantised/qdq-conv-without-axis", """
g (float[1,3,8,8] x, float w_one_xs, uint8 w_xz, int8[4,3,3,3] w_k, float w_one_ks, int8 w_kz) => (float[1,4,6,6] y) {
  xq = QuantizeLinear(x, w_one_xs, w_xz)
  xd = DequantizeLinear(xq, w_one_xs, w_xz)
  kd = DequantizeLinear(w_k, w_one_ks, w_kz)
  y = Conv(xd, kd)
}""", 10, 12, 13)
text("quantised/qdq-int16", """
g (float[4] x, float w_one_s, int16 w_z) => (float[4] y) {
  q = QuantizeLinear(x, w_one_s, w_z)
  y = DequantizeLinear(q, w_one_s, w_z)
}""", 13, 19, 21, ir=10)
text("quantised/qdq-int16-microsoft", """
g (float[4] x, float w_one_s, int16 w_z) => (float[4] y) {
  q = com.microsoft.QuantizeLinear(x, w_one_s, w_z)
  y = com.microsoft.DequantizeLinear(q, w_one_s, w_z)
}""", 13, imports=OWN)
text("quantised/qdq-int4-weights", """
g (float[2,8] x, int4[8,4] w_k, float[4] w_one_s, int4[4] w_z) => (float[2,4] y) {
  k = DequantizeLinear<axis = 1>(w_k, w_one_s, w_z)
  y = MatMul(x, k)
}""", 20, 21, 23, ir=10)
text("quantised/qdq-uint4-blocks", """
g (float[2,32] x, uint4[32,4] w_k, float[2,4] w_one_s, uint4[2,4] w_z) => (float[2,4] y) {
  k = DequantizeLinear<axis = 0, block_size = 16>(w_k, w_one_s, w_z)
  y = MatMul(x, k)
}""", 19, 21, ir=10)
text("quantised/qdq-float8", """
g (float[2,8] x, float8e4m3fn[8,4] w_k, float w_one_s, float8e4m3fn w_z) => (float[2,4] y) {
  k = DequantizeLinear(w_k, w_one_s, w_z)
  y = MatMul(x, k)
}""", 19, 21, ir=9)
text("quantised/qdq-float8-half", """
g (float16[2,8] x, float16 w_one_s, float8e5m2 w_z) => (float16[2,8] y) {
  q = QuantizeLinear(x, w_one_s, w_z)
  y = DequantizeLinear(q, w_one_s, w_z)
}""", 19, 21, ir=9)
text("quantised/qdq-float4", """
g (float[2,8] x, float4e2m1[8,4] w_k, float[4] w_one_s) => (float[2,4] y) {
  k = DequantizeLinear<axis = 1>(w_k, w_one_s)
  y = MatMul(x, k)
}""", 23, ir=11)
text("quantised/qdq-int2", """
g (float[2,8] x, int2[8,4] w_k, float[4] w_one_s) => (float[2,4] y) {
  k = DequantizeLinear<axis = 1>(w_k, w_one_s)
  y = MatMul(x, k)
}""", 25, ir=13)
text("quantised/q-output-dtype", """
g (float[4] x, float w_one_s) => (int8[4] y) { y = QuantizeLinear<output_dtype = 3>(x, w_one_s) }""", 13, 21, ir=10)
text("quantised/q-output-dtype-and-zero-point", """
g (float[4] x, float w_one_s, uint8 w_z) => (int8[4] y) { y = QuantizeLinear<output_dtype = 3>(x, w_one_s, w_z) }""", 21, ir=10)
text("quantised/q-zero-point-type-differs", """
g (float[4] x, float w_one_s, uint8 w_z) => (float[4] y) {
  q = QuantizeLinear(x, w_one_s)
  i = Cast<to = 3>(q)
  y = DequantizeLinear(i, w_one_s, w_z)
}""", 13, 19)
text("quantised/dq-int32", """
g (int32[4] x, float w_one_s) => (float[4] y) { y = DequantizeLinear(x, w_one_s) }""", 10, 13, 21)
text("quantised/dq-scale-double", """
g (uint8[4] x, double w_one_s) => (double[4] y) { y = DequantizeLinear(x, w_one_s) }""", 13, 19)
text("quantised/q-of-int32", """
g (int32[4] x, float w_one_s, uint8 w_z) => (uint8[4] y) { y = QuantizeLinear(x, w_one_s, w_z) }""", 10, 13)
text("quantised/q-of-half", """
g (float16[4] x, float16 w_one_s, uint8 w_z) => (uint8[4] y) { y = QuantizeLinear(x, w_one_s, w_z) }""", 13, 19, 21)
text("quantised/dynamic", """
g (float[2,8] x, uint8[8,4] w_k, float w_one_ks, uint8 w_kz) => (float[2,4] y) {
  q, s, z = DynamicQuantizeLinear(x)
  i = MatMulInteger(q, w_k, z, w_kz)
  f = Cast<to = 1>(i)
  ss = Mul(s, w_one_ks)
  y = Mul(f, ss)
}""", 11, 13, 19)
text("quantised/dynamic-int8-weights", """
g (float[2,8] x, int8[8,4] w_k, float[4] w_one_ks, int8[4] w_kz) => (float[2,4] y) {
  q, s, z = DynamicQuantizeLinear(x)
  i = MatMulInteger(q, w_k, z, w_kz)
  f = Cast<to = 1>(i)
  ss = Mul(s, w_one_ks)
  y = Mul(f, ss)
}""", 11, 13)
text("quantised/matmul-integer-int8-input", """
g (int8[2,8] x, int8[8,4] w_k) => (int32[2,4] y) { y = MatMulInteger(x, w_k) }""", 10)
text("quantised/conv-integer-int8", """
g (int8[1,3,8,8] x, int8[4,3,3,3] w_k) => (int32[1,4,6,6] y) { y = ConvInteger(x, w_k) }""", 10)
text("quantised/conv-integer-dynamic", """
g (float[1,3,8,8] x, uint8[4,3,3,3] w_k, uint8 w_kz) => (int32[1,4,6,6] y) {
  q, s, z = DynamicQuantizeLinear(x)
  y = ConvInteger(q, w_k, z, w_kz)
}""", 11)
text("quantised/qlinear-conv", """
g (uint8[1,3,8,8] x, float w_one_xs, uint8 w_xz, uint8[4,3,3,3] w_k, float w_one_ks, uint8 w_kz, float w_one_ys, uint8 w_yz, int32[4] w_b)
  => (uint8[1,4,6,6] y) { y = QLinearConv(x, w_one_xs, w_xz, w_k, w_one_ks, w_kz, w_one_ys, w_yz, w_b) }""", 10, 13)
text("quantised/qlinear-conv-int8-per-channel", """
g (int8[1,3,8,8] x, float w_one_xs, int8 w_xz, int8[4,3,3,3] w_k, float[4] w_one_ks, int8[4] w_kz, float w_one_ys, int8 w_yz)
  => (int8[1,4,6,6] y) { y = QLinearConv(x, w_one_xs, w_xz, w_k, w_one_ks, w_kz, w_one_ys, w_yz) }""", 10)
text("quantised/qlinear-conv-mixed", """
g (uint8[1,3,8,8] x, float w_one_xs, uint8 w_xz, int8[4,3,3,3] w_k, float w_one_ks, int8 w_kz, float w_one_ys, int8 w_yz)
  => (int8[1,4,6,6] y) { y = QLinearConv(x, w_one_xs, w_xz, w_k, w_one_ks, w_kz, w_one_ys, w_yz) }""", 10)
text("quantised/qlinear-conv-float-bias", """
g (uint8[1,3,8,8] x, float w_one_xs, uint8 w_xz, uint8[4,3,3,3] w_k, float w_one_ks, uint8 w_kz, float w_one_ys, uint8 w_yz, float[4] w_b)
  => (uint8[1,4,6,6] y) { y = QLinearConv(x, w_one_xs, w_xz, w_k, w_one_ks, w_kz, w_one_ys, w_yz, w_b) }""", 10)
text("quantised/qlinear-matmul", """
g (uint8[2,8] x, float w_one_xs, uint8 w_xz, int8[8,4] w_k, float w_one_ks, int8 w_kz, float w_one_ys, uint8 w_yz) => (uint8[2,4] y) {
  y = QLinearMatMul(x, w_one_xs, w_xz, w_k, w_one_ks, w_kz, w_one_ys, w_yz)
}""", 10, 21)
text("quantised/qlinear-add-chain", """
g (float[2,8] x, float w_one_s, uint8 w_z) => (float[2,8] y) {
  q = QuantizeLinear(x, w_one_s, w_z)
  a = com.microsoft.QLinearAdd(q, w_one_s, w_z, q, w_one_s, w_z, w_one_s, w_z)
  m = com.microsoft.QLinearMul(a, w_one_s, w_z, q, w_one_s, w_z, w_one_s, w_z)
  l = com.microsoft.QLinearLeakyRelu<alpha = 0.1>(m, w_one_s, w_z, w_one_s, w_z)
  s = com.microsoft.QLinearSigmoid(l, w_one_s, w_z, w_one_s, w_z)
  y = DequantizeLinear(s, w_one_s, w_z)
}""", 12, 13, imports=OWN)
text("quantised/qlinear-pool", """
g (uint8[1,2,8,8] x, float w_one_s, uint8 w_z) => (uint8[1,2,1,1] y) {
  a = com.microsoft.QLinearAveragePool<kernel_shape = [2, 2]>(x, w_one_s, w_z, w_one_s, w_z)
  y = com.microsoft.QLinearGlobalAveragePool(a, w_one_s, w_z, w_one_s, w_z)
}""", 12, imports=OWN)
text("quantised/qlinear-concat-two", """
g (uint8[2] x, uint8[2] z, float w_one_s, uint8 w_z) => (uint8[4] y) {
  y = com.microsoft.QLinearConcat<axis = 0>(w_one_s, w_z, x, w_one_s, w_z, z, w_one_s, w_z)
}""", 12, imports=OWN)
text("quantised/qgemm", """
g (uint8[2,8] x, float w_one_s, uint8 w_z, int8[4,8] w_k, int8 w_kz, int32[4] w_b) => (uint8[2,4] y) {
  y = com.microsoft.QGemm<transB = 1>(x, w_one_s, w_z, w_k, w_one_s, w_kz, w_b, w_one_s, w_z)
}""", 13, imports=OWN)
text("quantised/matmul-nbits", """
g (float[B,S,32] x, uint8[8,2,8] w_k, float[16] w_one_s, uint8[8] w_z) => (float[B,S,8] y) {
  y = com.microsoft.MatMulNBits<K = 32, N = 8, bits = 4, block_size = 16>(x, w_k, w_one_s, w_z)
}""", 17, 21, imports=OWN)
text("quantised/matmul-nbits-8-bits", """
g (float[B,S,32] x, uint8[8,2,16] w_k, float[16] w_one_s) => (float[B,S,8] y) {
  y = com.microsoft.MatMulNBits<K = 32, N = 8, bits = 8, block_size = 16, accuracy_level = 4>(x, w_k, w_one_s)
}""", 17, imports=OWN)
text("quantised/matmul-nbits-half", """
g (float16[B,S,32] x, uint8[8,2,8] w_k, float16[16] w_one_s) => (float16[B,S,8] y) {
  y = com.microsoft.MatMulNBits<K = 32, N = 8, bits = 4, block_size = 16>(x, w_k, w_one_s)
}""", 17, imports=OWN)
text("quantised/dynamic-lstm", """
g (float[T,N,4] x, uint8[1,4,32] w_w, uint8[1,8,32] w_r, float[1] w_one_ws, uint8[1] w_wz, float[1] w_one_rs, uint8[1] w_rz) => (float[T,1,N,8] y) {
  y = com.microsoft.DynamicQuantizeLSTM<hidden_size = 8>(x, w_w, w_r, "", "", "", "", "", w_one_ws, w_wz, w_one_rs, w_rz)
}""", 13, imports=OWN)
text("quantised/embed-layer", """
g (int32[B,S] ids, int32[B,S] seg, float[16,8] w_we, float[16,8] w_pe, float[2,8] w_se, float[8] w_one_g, float[8] w_b) => (float[B,S,8] y, int32[B] m) {
  y, m = com.microsoft.EmbedLayerNormalization<epsilon = 1e-12>(ids, seg, w_we, w_pe, w_se, w_one_g, w_b)
}""", 13, imports=OWN)
text("quantised/attention-microsoft", """
g (float[B,S,8] x, float[8,24] w_k, float[24] w_b, int32[B] m) => (float[B,S,8] y) {
  a = com.microsoft.Attention<num_heads = 2>(x, w_k, w_b, m)
  y = com.microsoft.SkipLayerNormalization(x, a, w_b, w_b)
}""", 13, imports=OWN)
text("quantised/fused-transformer", """
g (float[B,S,8] x, float[8,24] w_k, float[24] w_b, float[8] w_one_g, float[8] w_be, float[8,16] w_f, float[16] w_fb) => (float[B,S,16] y) {
  a = com.microsoft.Attention<num_heads = 2, unidirectional = 1>(x, w_k, w_b)
  s = com.microsoft.SkipLayerNormalization<epsilon = 1e-5>(x, a, w_one_g, w_be)
  m = MatMul(s, w_f)
  y = com.microsoft.BiasGelu(m, w_fb)
}""", 11, 13, 17, 20, imports=OWN)
text("quantised/group-query", """
g (float[B,1,16] q, float[B,1,8] k, float[B,1,8] v, float[B,1,P,8] pk, float[B,1,P,8] pv, int32[B] l, int32 t, float[16,4] w_c, float[16,4] w_s)
  => (float[B,1,16] y, float[B,1,T,8] ck, float[B,1,T,8] cv) {
  y, ck, cv = com.microsoft.GroupQueryAttention<num_heads = 2, kv_num_heads = 1, do_rotary = 1, local_window_size = -1>(q, k, v, pk, pv, l, t, w_c, w_s)
}""", 14, 21, imports=OWN)
text("quantised/skip-simplified", """
g (float[B,S,8] x, float[B,S,8] r, float[8] w_one_g) => (float[B,S,8] y, float[B,S,8] s) {
  n = SimplifiedLayerNormalization<axis = -1, epsilon = 1e-6, stash_type = 1>(x, w_one_g)
  y, "", "", s = com.microsoft.SkipSimplifiedLayerNormalization<epsilon = 1e-6>(n, r, w_one_g)
}""", 14, 21, imports=OWN)
text("quantised/simplified-norm-half", """
g (float16[B,S,8] x, float16[8] w_one_g) => (float16[B,S,8] y) { y = SimplifiedLayerNormalization<axis = -1>(x, w_one_g) }""", 14)
text("quantised/fast-gelu-fused-matmul", """
g (float[B,S,8] x, float[8,16] w_k, float[16] w_b) => (float[B,S,16] y) {
  m = com.microsoft.FusedMatMul<alpha = 0.5, transA = 0>(x, w_k)
  y = com.microsoft.FastGelu(m, w_b)
}""", 13, imports=OWN)
text("quantised/unknown-attribute-of-fused", """
g (float[B,S,8] x, float[8,16] w_k) => (float[B,S,16] y) { y = com.microsoft.FusedMatMul<fresh = 1>(x, w_k) }""", 13, imports=OWN)
text("quantised/fused-conv-activation", """
g (float[1,3,8,8] x, float[4,3,3,3] w_k) => (float[1,4,6,6] y) { y = com.microsoft.FusedConv<activation = "LeakyRelu", activation_params = [0.1], kernel_shape = [3, 3]>(x, w_k) }""", 11, imports=OWN)
text("quantised/nhwc-conv", """
g (uint8[1,8,8,4] x, float w_one_s, uint8 w_z, uint8[4,4,3,3] w_k) => (uint8[1,6,6,4] y) {
  y = com.microsoft.QLinearConv<channels_last = 1>(x, w_one_s, w_z, w_k, w_one_s, w_z, w_one_s, w_z)
}""", 13, imports=OWN)
text("quantised/microsoft-not-imported", """
g (float[B,S,8] x) => (float[B,S,8] y) { y = com.microsoft.Gelu(x) }""", 13)
text("quantised/multi-head-mask", """
g (float[B,S,8] q, float[B,S,8] k, float[B,S,8] v, float[24] w_b, int32[B,S] m) => (float[B,S,8] y) {
  y = com.microsoft.MultiHeadAttention<num_heads = 2>(q, k, v, w_b, m)
}""", 16, imports=OWN)
text("quantised/gather-block", """
g (int64[N] i, uint4[16,32] w_d, float[16,2] w_one_s) => (float[N,32] y) { y = com.microsoft.GatherBlockQuantized<block_size = 16, quantize_axis = 1>(w_d, i, w_one_s) }""", 21, imports=OWN, ir=10)
text("quantised/matmul-bnb4-half", """
g (float16[1,16] x, uint8[8] w_k, float16[1] w_a) => (float16[1,1] y) { y = com.microsoft.MatMulBnb4<K = 16, N = 1, block_size = 16, quant_type = 1>(x, w_k, w_a) }""", 17, imports=OWN)
text("quantised/beam-search-less-inputs", """
g (int32[B,S] x) => (int32[B,K,T] y) { y = com.microsoft.BeamSearch<eos_token_id = 0, pad_token_id = 0>(x) }""", 13, imports=OWN)

# Control flow

BRANCHES = """<then_branch = t () => (float[A] a) { a = Relu(x) }, else_branch = e () => (float[B] b) { b = Neg(x) }>"""
text("flow/if-of-input", f"g (float[N] x, bool c) => (float[M] y) {{ y = If (c) {BRANCHES} }}", 1, 11, 13, 16, 21)
text("flow/if-of-constant", f"g (float[N] x) => (float[M] y) {{\n c = Constant<value = bool {{1}}>()\n y = If (c) {BRANCHES} }}", 13)
text("flow/if-of-comparison", f"""g (float[N] x) => (float[M] y) {{
  s = Shape(x)
  z = Constant<value = int64[1] {{0}}>()
  q = Equal(s, z)
  r = Squeeze(q)
  y = If (r) {BRANCHES}
}}""", 13, 21)
text("flow/if-types-differ", """
g (float[N] x, bool c) => (float[M] y) {
  y = If (c) <then_branch = t () => (float[A] a) { a = Relu(x) }, else_branch = e () => (int64[B] b) { b = Cast<to = 7>(x) }>
}""", 13)
text("flow/if-output-counts-differ", """
g (float[N] x, bool c) => (float[M] y) {
  y = If (c) <then_branch = t () => (float[A] a) { a = Relu(x) }, else_branch = e () => (float[B] b, float[B] d) { b = Neg(x)  d = Abs(x) }>
}""", 13)
text("flow/if-condition-int64", f"g (float[N] x, int64 c) => (float[M] y) {{ y = If (c) {BRANCHES} }}", 13)
text("flow/if-branch-has-input", """
g (float[N] x, bool c) => (float[M] y) {
  y = If (c) <then_branch = t (float[A] q) => (float[A] a) { a = Relu(q) }, else_branch = e () => (float[B] b) { b = Neg(x) }>
}""", 13)
text("flow/if-output-untyped", """
g (float[N] x, bool c) => (float[M] y) {
  z = If (c) <then_branch = t () => (a) { a = Cast<to = 11>(x) }, else_branch = e () => (b) { b = Cast<to = 11>(x) }>
  y = Cast<to = 1>(z)
}""", 13)
text("flow/if-no-kernel-inside", """
g (float[N] x, bool c) => (float[M] y) {
  y = If (c) <then_branch = t () => (float[A] a) { h = Cast<to = 16>(x)  r = Sin(h)  a = Cast<to = 1>(r) }, else_branch = e () => (float[B] b) { b = Neg(x) }>
}""", 13)
text("flow/if-result-type-known", """
g (float[N] x, bool c) => (float[M] y) {
  z = If (c) <then_branch = t () => (bfloat16[A] a) { a = Cast<to = 16>(x) }, else_branch = e () => (bfloat16[A] b) { b = Cast<to = 16>(x) }>
  s = Sin(z)
  y = Cast<to = 1>(s)
}""", 13)
text("flow/if-nested", f"""
g (float[N] x, bool c, bool d) => (float[M] y) {{
  y = If (c) <
    then_branch = t () => (float[A] a) {{
      a = If (d) <then_branch = tt () => (float[A] p) {{ p = Sin(x) }}, else_branch = te () => (float[A] q) {{ q = Cos(x) }}>
    }},
    else_branch = e () => (float[B] b) {{ b = Neg(x) }}>
}}""", 11, 13)
text("flow/if-sequence-result", """
g (float[N] x, bool c) => (float[M] y) {
  s = If (c) <then_branch = t () => (seq(float[A]) a) { a = SequenceConstruct(x, x) }, else_branch = e () => (seq(float[A]) b) { b = SequenceConstruct(x) }>
  y = ConcatFromSequence<axis = 0>(s)
}""", 11, 13, 16)
text("flow/if-weight-inside", """
g (float[2] x, bool c) => (float[M] y) {
  y = If (c) <then_branch = t () => (float[A] a) { k = Constant<value = float[2] {1.0, 2.0}>()  a = Add(x, k) }, else_branch = e () => (float[B] b) { b = Identity(x) }>
}""", 13)
text("flow/if-outer-weight", """
g (float[2] x, bool c, float[2] w_k) => (float[M] y) {
  y = If (c) <then_branch = t () => (float[A] a) { a = Add(x, w_k) }, else_branch = e () => (float[B] b) { b = Mul(x, w_k) }>
}""", 13)
text("flow/loop-greedy", """
g (int64 n, bool c, float[N] x) => (float[N] y, float[K,N] all) {
  y, all = Loop (n, c, x) <body = b (int64 i, bool k, float[N] s) => (bool k2, float[N] s2, float[N] o) {
    k2 = Identity(k)
    s2 = Relu(s)
    o = Add(s2, x)
  }>
}""", 8, 11, 13, 16, 21)
text("flow/loop-untyped-body", """
g (int64 n, bool c, float[N] x) => (float[N] y) {
  y = Loop (n, c, x) <body = b (i, k, s) => (k2, s2) { k2 = Identity(k)  s2 = Sin(s) }>
}""", 11, 13)
text("flow/loop-untyped-body-bfloat16", """
g (int64 n, bool c, bfloat16[N] x) => (bfloat16[N] y) {
  y = Loop (n, c, x) <body = b (i, k, s) => (k2, s2) { k2 = Identity(k)  s2 = Sin(s) }>
}""", 13)
text("flow/loop-without-limits", """
g (float[N] x) => (float[N] y) {
  y = Loop ("", "", x) <body = b (int64 i, bool k, float[N] s) => (bool k2, float[N] s2) { k2 = Not(k)  s2 = Relu(s) }>
}""", 13)
text("flow/loop-body-one-output-less", """
g (int64 n, bool c, float[N] x) => (float[N] y) {
  y = Loop (n, c, x) <body = b (int64 i, bool k, float[N] s) => (bool k2) { k2 = Identity(k) }>
}""", 13)
text("flow/loop-body-one-input-less", """
g (int64 n, bool c, float[N] x) => (float[N] y) {
  y = Loop (n, c, x) <body = b (int64 i, bool k) => (bool k2, float[N] s2) { k2 = Identity(k)  s2 = Relu(x) }>
}""", 13)
text("flow/loop-state-changes-type", """
g (int64 n, bool c, float[N] x) => (int64[N] y) {
  y = Loop (n, c, x) <body = b (int64 i, bool k, float[N] s) => (bool k2, int64[N] s2) { k2 = Identity(k)  s2 = Cast<to = 7>(s) }>
}""", 13)
text("flow/loop-limit-int32", """
g (int32 n, bool c, float[N] x) => (float[N] y) {
  y = Loop (n, c, x) <body = b (int64 i, bool k, float[N] s) => (bool k2, float[N] s2) { k2 = Identity(k)  s2 = Relu(s) }>
}""", 13)
text("flow/loop-sequence-state", """
g (int64 n, bool c, float[2] x) => (float[M] y) {
  e = SequenceEmpty<dtype = 1>()
  s = Loop (n, c, e) <body = b (int64 i, bool k, seq(float[2]) q) => (bool k2, seq(float[2]) q2) { k2 = Identity(k)  q2 = SequenceInsert(q, x) }>
  y = ConcatFromSequence<axis = 0>(s)
}""", 11, 13, 16)
text("flow/loop-in-if", """
g (int64 n, bool c, float[2] x) => (float[M] y) {
  y = If (c) <then_branch = t () => (float[A] a) {
    a = Loop (n, c, x) <body = b (int64 i, bool k, float[2] s) => (bool k2, float[2] s2) { k2 = Identity(k)  s2 = Add(s, x) }>
  }, else_branch = e () => (float[B] z) { z = Identity(x) }>
}""", 13)
text("flow/scan-cumulative", """
g (float[4] h, float[T,4] x) => (float[4] hn, float[T,4] y) {
  hn, y = Scan (h, x) <num_scan_inputs = 1, body = b (float[4] s, float[4] e) => (float[4] s2, float[4] o) { s2 = Add(s, e)  o = Identity(s2) }>
}""", 9, 11, 16, 19)
text("flow/scan-old", """
g (float[1,4] h, float[1,T,4] x) => (float[1,4] hn, float[1,T,4] y) {
  hn, y = Scan ("", h, x) <num_scan_inputs = 1, body = b (float[4] s, float[4] e) => (float[4] s2, float[4] o) { s2 = Add(s, e)  o = Identity(s2) }>
}""", 8)
text("flow/scan-without-count", """
g (float[4] h, float[T,4] x) => (float[4] hn, float[T,4] y) {
  hn, y = Scan (h, x) <body = b (float[4] s, float[4] e) => (float[4] s2, float[4] o) { s2 = Add(s, e)  o = Identity(s2) }>
}""", 11)
text("flow/sequence-map", """
g (seq(float[2]) s, float[2] x) => (seq(float[2]) y) {
  y = SequenceMap (s, x) <body = b (float[2] a, float[2] c) => (float[2] d) { d = Add(a, c) }>
}""", 16, 17, 18)
text("flow/sequence-at", """
g (float[N] x, float[N] z, int64 i) => (float[N] y, int64 n) {
  s = SequenceConstruct(x, z)
  y = SequenceAt(s, i)
  n = SequenceLength(s)
}""", 11, 13)
text("flow/sequence-int32-position", """
g (seq(float[N]) s, int32 i) => (float[N] y) { y = SequenceAt(s, i) }""", 11)
text("flow/sequence-of-mixed", """
g (float[N] x, int64[N] z) => (seq(float[N]) s) { s = SequenceConstruct(x, z) }""", 11)
text("flow/split-to-sequence", """
g (float[N,4] x, int64 w_one_n) => (seq(float[A,B]) s) { s = SplitToSequence<axis = 1, keepdims = 0>(x, w_one_n) }""", 11)
text("flow/split-to-sequence-half", """
g (float16[N,4] x) => (seq(float16[A,B]) s) { s = SplitToSequence<axis = 1>(x) }""", 11)
text("flow/sequence-identity", """
g (seq(float[N]) s) => (seq(float[N]) y) { y = Identity(s) }""", 13, 14, 16)
text("flow/sequence-input-only", """
g (seq(int64[N]) s) => (int64 n) { n = SequenceLength(s) }""", 11)
text("flow/optional-has", """
g (optional(float[N]) o) => (bool h) { h = OptionalHasElement(o) }""", 15, 18)
text("flow/optional-get", """
g (optional(float[N]) o) => (float[N] y) { y = OptionalGetElement(o) }""", 15, 18)
text("flow/optional-has-of-tensor", """
g (float[N] x) => (bool h) { h = OptionalHasElement(x) }""", 15, 18)
text("flow/optional-has-of-nothing", """
g (float[N] x) => (bool h) { h = OptionalHasElement() }""", 15, 18)
text("flow/optional-of-sequence", """
g (optional(seq(float[N])) o) => (seq(float[N]) y) { y = OptionalGetElement(o) }""", 15, 18)
text("flow/optional-identity", """
g (optional(float[N]) o) => (optional(float[N]) y) { y = Identity(o) }""", 14, 16)
text("flow/optional-in-if", """
g (optional(float[N]) o, float[N] x) => (float[N] y) {
  h = OptionalHasElement(o)
  y = If (h) <then_branch = t () => (float[N] a) { a = OptionalGetElement(o) }, else_branch = e () => (float[N] b) { b = Identity(x) }>
}""", 16, 18)

# Recurrent layers, signals, text, chance

text("recurrent/lstm-bidirectional", """
g (float[T,N,4] x, float[2,32,4] w_w, float[2,32,8] w_r, float[2,64] w_b, float[2,N,8] h, float[2,N,8] c) => (float[T,2,N,8] y, float[2,N,8] hn, float[2,N,8] cn) {
  y, hn, cn = LSTM<direction = "bidirectional", hidden_size = 8>(x, w_w, w_r, w_b, "", h, c)
}""", 7, 13, 14, 22)
text("recurrent/lstm-lengths-int64", """
g (float[T,N,4] x, float[1,32,4] w_w, float[1,32,8] w_r, int64[N] l) => (float[T,1,N,8] y) { y = LSTM<hidden_size = 8>(x, w_w, w_r, "", l) }""", 13)
text("recurrent/lstm-lengths", """
g (float[T,N,4] x, float[1,32,4] w_w, float[1,32,8] w_r, int32[N] l) => (float[T,1,N,8] y) { y = LSTM<hidden_size = 8>(x, w_w, w_r, "", l) }""", 13)
text("recurrent/lstm-double", """
g (double[T,N,4] x, double[1,32,4] w_w, double[1,32,8] w_r) => (double[T,1,N,8] y) { y = LSTM<hidden_size = 8>(x, w_w, w_r) }""", 7, 14)
text("recurrent/lstm-half", """
g (float16[T,N,4] x, float16[1,32,4] w_w, float16[1,32,8] w_r) => (float16[T,1,N,8] y) { y = LSTM<hidden_size = 8>(x, w_w, w_r) }""", 7, 14)
text("recurrent/lstm-peephole", """
g (float[T,N,4] x, float[1,32,4] w_w, float[1,32,8] w_r, float[1,24] w_p) => (float[T,1,N,8] y) { y = LSTM<hidden_size = 8, clip = 3.0, input_forget = 1>(x, w_w, w_r, "", "", "", "", w_p) }""", 7)
text("recurrent/lstm-activations", """
g (float[T,N,4] x, float[1,32,4] w_w, float[1,32,8] w_r) => (float[T,1,N,8] y) { y = LSTM<hidden_size = 8, activations = ["Sigmoid", "Relu", "Tanh"]>(x, w_w, w_r) }""", 7)
text("recurrent/lstm-unknown-activation", """
g (float[T,N,4] x, float[1,32,4] w_w, float[1,32,8] w_r) => (float[T,1,N,8] y) { y = LSTM<hidden_size = 8, activations = ["Sigmoid", "Gelu", "Tanh"]>(x, w_w, w_r) }""", 7)
text("recurrent/lstm-unknown-direction", """
g (float[T,N,4] x, float[1,32,4] w_w, float[1,32,8] w_r) => (float[T,1,N,8] y) { y = LSTM<hidden_size = 8, direction = "backward">(x, w_w, w_r) }""", 7)
text("recurrent/gru-linear-before-reset", """
g (float[T,N,4] x, float[1,24,4] w_w, float[1,24,8] w_r, float[1,48] w_b) => (float[T,1,N,8] y, float[1,N,8] hn) {
  y, hn = GRU<hidden_size = 8, linear_before_reset = 1>(x, w_w, w_r, w_b)
}""", 7, 14, 22)
text("recurrent/gru-squeezed", """
g (float[T,N,4] x, float[1,24,4] w_w, float[1,24,8] w_r) => (float[T,N,8] z) {
  y, "" = GRU<hidden_size = 8>(x, w_w, w_r)
  a = Constant<value = int64[1] {1}>()
  z = Squeeze(y, a)
}""", 13, 14)
text("recurrent/rnn-reverse", """
g (float[T,N,4] x, float[1,8,4] w_w, float[1,8,8] w_r) => ("", float[1,N,8] hn) { "", hn = RNN<hidden_size = 8, direction = "reverse">(x, w_w, w_r) }""".replace('"", float[1,N,8] hn) {', "float[1,N,8] hn) {"), 7, 14)
text("recurrent/layout-0-stated", """
g (float[T,N,4] x, float[1,24,4] w_w, float[1,24,8] w_r) => (float[T,1,N,8] y) { y = GRU<hidden_size = 8, layout = 0>(x, w_w, w_r) }""", 13, 14)
text("signal/spectrogram", """
g (float[1,L,1] x, float[16] w_one_w) => (float[1,F,9,2] y) {
  h = Constant<value = int64 {8}>()
  y = STFT<onesided = 1>(x, h, w_one_w)
}""", 16, 17, 20)
text("signal/spectrogram-length", """
g (double[1,L,1] x) => (double[1,F,9,2] y) {
  h = Constant<value = int64 {8}>()
  n = Constant<value = int64 {16}>()
  w = HannWindow<output_datatype = 11>(n)
  y = STFT(x, h, w, n)
}""", 17)
text("signal/spectrogram-half", """
g (float16[1,L,1] x, float16[16] w_one_w) => (float16[1,F,9,2] y) {
  h = Constant<value = int64 {8}>()
  y = STFT(x, h, w_one_w)
}""", 17)
text("signal/dft-inverse", """
g (float[1,8,2] x) => (float[1,8,2] y) { y = DFT<axis = 1, inverse = 1>(x) }""", 17, 20)
text("signal/dft-axis-input", """
g (float[1,8,1] x, int64 w_one_a) => (float[1,5,2] y) { y = DFT<onesided = 1>(x, "", w_one_a) }""", 17, 20)
text("signal/mel", """
g (float[F,9] x) => (float[F,4] y) {
  b = Constant<value = int64 {4}>()
  l = Constant<value = int64 {16}>()
  r = Constant<value = int64 {8000}>()
  lo = Constant<value = float {0}>()
  hi = Constant<value = float {4000}>()
  m = MelWeightMatrix<output_datatype = 1>(b, l, r, lo, hi)
  y = MatMul(x, m)
}""", 17)
text("signal/windows", """
g (int64 n) => (float[M] y) {
  a = HannWindow<periodic = 0>(n)
  b = HammingWindow(n)
  c = BlackmanWindow(n)
  d = Add(a, b)
  y = Add(c, d)
}""", 17)
text("signal/window-int64", """
g (int64 n) => (int64[M] y) { y = HannWindow<output_datatype = 7>(n) }""", 17)
text("text/normalise-and-count", """
g (string[N] x) => (float[M] y) {
  n = StringNormalizer<case_change_action = "LOWER", is_case_sensitive = 0, locale = "C">(x)
  y = TfIdfVectorizer<mode = "TF", min_gram_length = 1, max_gram_length = 1, max_skip_count = 0, ngram_counts = [0], ngram_indexes = [0, 1], pool_strings = ["a", "b"]>(n)
}""", 10, 13)
text("text/split-concat", """
g (string[N] x, string[N] z) => (string[N,M] y, int64[N] n) {
  c = StringConcat(x, z)
  y, n = StringSplit<delimiter = " ", maxsplit = 3>(c)
}""", 19, 20, ir=9)
text("text/regex", """
g (string[N] x) => (bool[N] y) { y = RegexFullMatch<pattern = "[a-z]+">(x) }""", 20, 21, ir=9)
text("text/regex-broken", """
g (string[N] x) => (bool[N] y) { y = RegexFullMatch<pattern = "[a-z">(x) }""", 20, ir=9)
text("text/tokenizer-microsoft", """
g (string[N] x) => (string[N,M] y) { y = com.microsoft.Tokenizer<mark = 1, mincharnum = 1, pad_value = "#", tokenexp = "[a-z]+">(x) }""", 13, imports=OWN)
text("text/word-conv-microsoft", """
g (int32[N,W] s, int32[N,W,C] x, float[8,1,3,4] w_k, float[8] w_b, float[16,4] w_e) => (float[A,B,D] y) {
  y = com.microsoft.WordConvEmbedding(x, w_k, w_b, w_e)
}""", 13, imports=OWN)
text("text/extensions", """
g (string[N] x) => (string[N] y) { y = ai.onnx.contrib.StringUpper(x) }""", 13, imports='"ai.onnx.contrib": 1')
text("chance/bernoulli", """
g (float[N] x) => (double[N] y) { y = Bernoulli<dtype = 11, seed = 1.0>(x) }""", 14, 15, 22)
text("chance/normal", """
g (float[N] x) => (float[2,3] y) { y = RandomNormal<dtype = 1, mean = 0.0, scale = 1.0, shape = [2, 3], seed = 1.0>() }""", 1, 13, 22)
text("chance/normal-half", """
g (float[N] x) => (float16[2,3] y) { y = RandomNormal<dtype = 10, shape = [2, 3]>() }""", 13)
text("chance/normal-like", """
g (int64[N] x) => (float[N] y) { y = RandomNormalLike<dtype = 1>(x) }""", 1, 13)
text("chance/normal-like-untold", """
g (int64[N] x) => (int64[N] y) { y = RandomNormalLike(x) }""", 13)
text("chance/uniform", """
g (float[N] x) => (double[4] y) { y = RandomUniform<dtype = 11, low = 0.0, high = 1.0, shape = [4]>() }""", 13, 22)
text("chance/uniform-without-shape", """
g (float[N] x) => (float[4] y) { y = RandomUniform<dtype = 1>() }""", 13)
text("chance/multinomial", """
g (float[N,4] x) => (int64[N,2] y) { y = Multinomial<dtype = 7, sample_size = 2>(x) }""", 7, 13, 22)
text("chance/sampling-microsoft", """
g (float[N,4] x) => (int64[N] y) {
  n = RandomUniformLike(x)
  l = Log(n)
  m = Neg(l)
  d = Div(x, m)
  y = ArgMax<axis = 1, keepdims = 0>(d)
}""", 13, 22)
text("chance/loss", """
g (float[N,4] x, int64[N] t) => (float y, float[N,4] p) { y, p = SoftmaxCrossEntropyLoss<reduction = "mean", ignore_index = -100>(x, t) }""", 12, 13)
text("chance/nll", """
g (float[N,4] x, int32[N] t, float[4] w_one_w) => (float y) { y = NegativeLogLikelihoodLoss<reduction = "sum">(x, t, w_one_w) }""", 12, 13)
text("training/adam", """
g (float r, int64 t, float[2] x, float[2] g1, float[2] v, float[2] h) => (float[2] a, float[2] b, float[2] c) {
  a, b, c = ai.onnx.preview.training.Adam<alpha = 0.9>(r, t, x, g1, v, h)
}""", 12, imports='"ai.onnx.preview.training": 1')
text("training/gradient", """
g (float[2] x) => (float[2] y) {
  z = Mul(x, x)
  y = ai.onnx.preview.training.Gradient<xs = ["x"], y = "z">(x)
}""", 12, imports='"ai.onnx.preview.training": 1')
text("training/softmax-grad-microsoft", """
g (float[2] d, float[2] x) => (float[2] y) { y = com.microsoft.SoftmaxGrad<axis = 0>(d, x) }""", 13, imports=OWN)

# Functions of the model

F15 = '"local": 1'


def call(name, body, functions, *opsets, **more):
    text(name, body, *(opsets or (15,)), imports=more.pop("imports", F15), functions=functions, **more)


call("written/linear", """
g (float[N,4] x, float[4,2] w_k, float[2] w_b) => (float[N,2] y) { y = local.Linear(x, w_k, w_b) }""", """
<opset_import: ["" : {O}], domain: "local">
Linear (X, W, B) => (Y) { M = MatMul(X, W)  Y = Add(M, B) }""", 13, 15, 18, 21)
call("written/nested", """
g (float[N,4] x, float[4,4] w_k, float[4] w_b) => (float[N,4] y) {
  a = local.Block(x, w_k, w_b)
  y = local.Block(a, w_k, w_b)
}""", """
<opset_import: ["" : {O}, "local": 1], domain: "local">
Block (X, W, B) => (Y) { L = local.Linear(X, W, B)  Y = local.Act(L) }
<opset_import: ["" : {O}], domain: "local">
Linear (X, W, B) => (Y) { M = MatMul(X, W)  Y = Add(M, B) }
<opset_import: ["" : {O}], domain: "local">
Act (X) => (Y) { S = Sigmoid(X)  Y = Mul(X, S) }""", 15, 18)
call("written/bfloat16-given", """
g (bfloat16[N,4] x) => (bfloat16[N,4] y) { y = local.Wave(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Wave (X) => (Y) { S = Sin(X)  Y = Cos(S) }""")
call("written/half-given", """
g (float16[N,4] x) => (float16[N,4] y) { y = local.Wave(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Wave (X) => (Y) { S = Sin(X)  Y = Cos(S) }""")
call("written/int64-to-float-operator", """
g (int64[N,4] x) => (int64[N,4] y) { y = local.Wave(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Wave (X) => (Y) { Y = Sin(X) }""")
call("written/two-types", """
g (float[N] x, bfloat16[N] z) => (float[N] y, bfloat16[N] q) { y = local.Wave(x)  q = local.Wave(z) }""", """
<opset_import: ["" : {O}], domain: "local">
Wave (X) => (Y) { Y = Sin(X) }""")
call("written/casts-itself", """
g (bfloat16[N] x) => (bfloat16[N] y) { y = local.Wave(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Wave (X) => (Y) { F = Cast<to = 1>(X)  S = Sin(F)  Y = Cast<to = 16>(S) }""")
call("written/type-attribute", """
g (float[N] x) => (bfloat16[N] y) { y = local.As<to = 16>(x) }""", """
<opset_import: ["" : {O}], domain: "local">
As <to> (X) => (Y) { Z = Cast<to: int = @to>(X)  Y = Sin(Z) }""")
call("written/attribute-reference", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act<alpha = 0.5>(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act <alpha> (X) => (Y) { Y = Elu<alpha: float = @alpha>(X) }""")
call("written/attribute-default", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act <alpha: float = 0.5> (X) => (Y) { Y = Elu<alpha: float = @alpha>(X) }""")
call("written/required-attribute-reference", """
g (float[N,4] x) => (float[N,8] y) { y = local.Twice<axis = 1>(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Twice <axis> (X) => (Y) { Y = Concat<axis: int = @axis>(X, X) }""")
call("written/attribute-reference-not-given", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act <alpha> (X) => (Y) { Y = Elu<alpha: float = @alpha>(X) }""")
call("written/attribute-not-declared", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act<beta = 1.0>(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act (X) => (Y) { Y = Relu(X) }""")
call("written/attribute-reference-of-other-type", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act<alpha = 1>(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act <alpha> (X) => (Y) { Y = Elu<alpha: float = @alpha>(X) }""")
call("written/input-left-out", """
g (float[N,4] x, float[4,2] w_k) => (float[N,2] y) { y = local.Head(x, w_k) }""", """
<opset_import: ["" : {O}], domain: "local">
Head (X, W, B) => (Y) { Y = Gemm(X, W, B) }""")
call("written/too-many-inputs", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x, x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act (X) => (Y) { Y = Relu(X) }""")
call("written/fewer-outputs-taken", """
g (float[N,4] x) => (float[N,4] y) { y = local.Two(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Two (X) => (Y, Z) { Y = Relu(X)  Z = Sin(X) }""")
call("written/subgraph-inside", """
g (float[N,4] x, bool c) => (float[N,4] y) { y = local.Choose(x, c) }""", """
<opset_import: ["" : {O}], domain: "local">
Choose (X, C) => (Y) { Y = If (C) <then_branch = t () => (a) { a = Relu(X) }, else_branch = e () => (b) { b = Neg(X) }> }""")
call("written/called-in-branch", """
g (float[N,4] x, bool c) => (float[N,4] y) {
  y = If (c) <then_branch = t () => (float[N,4] a) { a = local.Act(x) }, else_branch = e () => (float[N,4] b) { b = Neg(x) }>
}""", """
<opset_import: ["" : {O}], domain: "local">
Act (X) => (Y) { S = Sigmoid(X)  Y = Mul(X, S) }""")
call("written/constants-inside", """
g (float[N,4] x) => (float[N,4] y) { y = local.Scale(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Scale (X) => (Y) { K = Constant<value_float = 2.0>()  Y = Mul(X, K) }""")
call("written/constant-type-clashes", """
g (double[N,4] x) => (double[N,4] y) { y = local.Scale(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Scale (X) => (Y) { K = Constant<value_float = 2.0>()  Y = Mul(X, K) }""")
call("written/cast-like-inside", """
g (double[N,4] x) => (double[N,4] y) { y = local.Scale(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Scale (X) => (Y) { K = Constant<value_float = 2.0>()  L = CastLike(K, X)  Y = Mul(X, L) }""", 15, 19)
call("written/unused-types-clash", """
g (double[N,4] x) => (double[N,4] y) { y = Relu(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Scale (X) => (Y) { K = Constant<value_float = 2.0>()  I = Constant<value_int = 2>()  Y = Mul(K, I) }""")
call("written/named-like-an-operator", """
g (float[N,4] x) => (float[N,4] y) { y = local.Relu(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Relu (X) => (Y) { Y = Sin(X) }""")
call("written/overrides-gelu", """
g (float[N,4] x) => (float[N,4] y) { y = com.microsoft.Gelu(x) }""", """
<opset_import: ["" : {O}], domain: "com.microsoft">
Gelu (X) => (Y) { Y = Sin(X) }""", imports=OWN)
call("written/microsoft-inside", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : {O}, "com.microsoft": 1], domain: "local">
Act (X) => (Y) { Y = com.microsoft.Gelu(X) }""")
call("written/custom-inside", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : {O}, "com.example": 1], domain: "local">
Act (X) => (Y) { Y = com.example.Gelu(X) }""")
call("written/older-opset-inside", """
g (float[N,4] x) => (float[N,4] y) { y = local.Mean(x) }""", """
<opset_import: ["" : 13], domain: "local">
Mean (X) => (Y) { Y = ReduceMean<axes = [1]>(X) }""", 13, 17, 18)
call("written/newer-opset-inside", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : 20], domain: "local">
Act (X) => (Y) { Y = Gelu(X) }""", 18, 20, ir=9)
call("written/value-unmade", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act (X) => (Y) { Y = Add(X, Nowhere) }""")
call("written/output-unmade", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act (X) => (Y) { Z = Relu(X) }""")
call("written/output-is-input", """
g (float[N,4] x) => (float[N,4] y) { z = local.Act(x)  y = Relu(z) }""", """
<opset_import: ["" : {O}], domain: "local">
Act (X) => (X) { Z = Relu(X) }""")
call("written/unsorted-inside", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Act (X) => (Y) { Y = Sin(Z)  Z = Relu(X) }""")
call("written/calls-itself", """
g (float[N,4] x) => (float[N,4] y) { y = local.Act(x) }""", """
<opset_import: ["" : {O}, "local": 1], domain: "local">
Act (X) => (Y) { Y = local.Act(X) }""")
call("written/same-names-as-graph", """
g (float[N,4] x, float[4] w_k) => (float[N,4] y) { z = Add(x, w_k)  q = local.Act(z)  y = Neg(q) }""", """
<opset_import: ["" : {O}], domain: "local">
Act (x) => (y) { z = Relu(x)  q = Sin(z)  y = Cos(q) }""")
call("written/shapes-clash-inside", """
g (float[2,3] x) => (float[A,B] y) { y = local.Twice(x) }""", """
<opset_import: ["" : {O}], domain: "local">
Twice (X) => (Y) { Y = MatMul(X, X) }""")
call("written/torch-style", """
g (float[N,8] x, float[8,8] w_k, float[8] w_b, float[8] w_one_g) => (float[N,8] y) {
  a = pkg.torch.nn.Linear(x, w_k, w_b)
  b = pkg.torch.nn.LayerNorm(a, w_one_g, w_b)
  y = pkg.onnxscript.aten_gelu(b)
}""", """
<opset_import: ["" : {O}], domain: "pkg.torch">
nn.Linear (X, W, B) => (Y) { T = Transpose<perm = [1, 0]>(W)  M = MatMul(X, T)  Y = Add(M, B) }""".replace("nn.Linear", "Linear"),
     18, imports='"pkg.torch": 1, "pkg.torch.nn": 1, "pkg.onnxscript": 1')
call("written/torch-dynamo", """
g (float[N,8] x, float[8,8] w_k, float[8] w_b, float[8] w_one_g) => (float[N,8] y) {
  a = pkg.torch.Linear(x, w_k, w_b)
  y = pkg.torch.Norm(a, w_one_g, w_b)
}""", """
<opset_import: ["" : {O}, "pkg.aten": 1], domain: "pkg.torch">
Linear (X, W, B) => (Y) { T = pkg.aten.t(W)  Y = pkg.aten.addmm(B, X, T) }
<opset_import: ["" : {O}], domain: "pkg.torch">
Norm (X, W, B) => (Y) { Y, M, I = LayerNormalization<axis = -1>(X, W, B) }
<opset_import: ["" : {O}], domain: "pkg.aten">
t (X) => (Y) { Y = Transpose<perm = [1, 0]>(X) }
<opset_import: ["" : {O}], domain: "pkg.aten">
addmm (C, A, B) => (Y) { Y = Gemm<alpha = 1.0, beta = 1.0>(A, B, C) }""", 17, 18, 21, imports='"pkg.torch": 1, "pkg.aten": 1')

# Trees and other models of ai.onnx.ml

TREE = """nodes_falsenodeids = [2, 0, 0], nodes_featureids = [0, 0, 0], nodes_hitrates = [1.0, 1.0, 1.0],
  nodes_missing_value_tracks_true = [0, 0, 0], nodes_modes = ["BRANCH_LEQ", "LEAF", "LEAF"], nodes_nodeids = [0, 1, 2],
  nodes_treeids = [0, 0, 0], nodes_truenodeids = [1, 0, 0], nodes_values = [0.5, 0.0, 0.0]"""
CLASSES = "class_ids = [0, 1], class_nodeids = [1, 2], class_treeids = [0, 0], class_weights = [1.0, 1.0], classlabels_int64s = [0, 1]"
for ml, words in (("1", ML1), ("3", ML3), ("4", ML4), ("5", ML5)):
    text(f"trees/classifier-zipmap-ml{ml}", f"""
g (float[N,4] x) => (int64[N] label, seq(map(int64, float)) probabilities) {{
  label, p = ai.onnx.ml.TreeEnsembleClassifier<{CLASSES}, post_transform = "LOGISTIC", {TREE}>(x)
  probabilities = ai.onnx.ml.ZipMap<classlabels_int64s = [0, 1]>(p)
}}""", 9, 15, imports=words)
    text(f"trees/regressor-ml{ml}", f"""
g (float[N,4] x) => (float[N,1] y) {{
  y = ai.onnx.ml.TreeEnsembleRegressor<n_targets = 1, target_ids = [0, 0], target_nodeids = [1, 2], target_treeids = [0, 0],
    target_weights = [1.0, 2.0], aggregate_function = "SUM", {TREE}>(x)
}}""", 15, imports=words)
text("trees/classifier-double-input", f"""
g (double[N,4] x) => (int64[N] label) {{
  label, p = ai.onnx.ml.TreeEnsembleClassifier<{CLASSES}, {TREE}>(x)
}}""", 15, imports=ML3)
text("trees/classifier-string-labels", f"""
g (int64[N,4] x) => (string[N] label) {{
  label, p = ai.onnx.ml.TreeEnsembleClassifier<{CLASSES.replace("classlabels_int64s = [0, 1]", 'classlabels_strings = ["a", "b"]')}, {TREE}>(x)
}}""", 15, imports=ML3)
text("trees/classifier-string-labels-as-int64", f"""
g (float[N,4] x) => (int64[N] label) {{
  label, p = ai.onnx.ml.TreeEnsembleClassifier<{CLASSES.replace("classlabels_int64s = [0, 1]", 'classlabels_strings = ["a", "b"]')}, {TREE}>(x)
}}""", 15, imports=ML3)
text("trees/regressor-double-thresholds", """
g (double[N,4] x) => (double[N,1] y) {
  y = ai.onnx.ml.TreeEnsembleRegressor<n_targets = 1, target_ids = [0], target_nodeids = [0], target_treeids = [0],
    target_weights_as_tensor = double[1] {1.0}, nodes_values_as_tensor = double[1] {0.0}, nodes_falsenodeids = [0], nodes_featureids = [0],
    nodes_modes = ["LEAF"], nodes_nodeids = [0], nodes_treeids = [0], nodes_truenodeids = [0]>(x)
}""", 15, imports=ML3)
text("trees/missing-node", f"""
g (float[N,4] x) => (int64[N] label) {{
  label, p = ai.onnx.ml.TreeEnsembleClassifier<{CLASSES}, {TREE.replace("nodes_truenodeids = [1", "nodes_truenodeids = [9")}>(x)
}}""", 15, imports=ML3)
text("learned/linear-classifier-strings", """
g (float[N,2] x) => (string[N] label, seq(map(string, float)) p) {
  label, s = ai.onnx.ml.LinearClassifier<classlabels_strings = ["no", "yes"], coefficients = [0.1, 0.2, -0.1, -0.2], intercepts = [0.0, 0.0], multi_class = 0, post_transform = "SOFTMAX">(x)
  n = ai.onnx.ml.Normalizer<norm = "L1">(s)
  p = ai.onnx.ml.ZipMap<classlabels_strings = ["no", "yes"]>(n)
}""", 9, 13, imports=ML1)
text("learned/zipmap-of-double", """
g (double[N,2] x) => (seq(map(int64, float)) p) { p = ai.onnx.ml.ZipMap<classlabels_int64s = [0, 1]>(x) }""", 13, imports=ML1)
text("learned/zipmap-both-labels", """
g (float[N,2] x) => (seq(map(int64, float)) p) { p = ai.onnx.ml.ZipMap<classlabels_int64s = [0, 1], classlabels_strings = ["a", "b"]>(x) }""", 13, imports=ML1)
text("learned/zipmap-no-labels", """
g (float[N,2] x) => (seq(map(int64, float)) p) { p = ai.onnx.ml.ZipMap(x) }""", 13, imports=ML1)
text("learned/scaler-int64-imputer", """
g (int64[N,2] x) => (float[N,2] y) { y = ai.onnx.ml.Scaler<offset = [1.0, 1.0], scale = [0.5, 0.5]>(x) }""", 13, imports=ML1)
text("learned/imputer-then-scaler", """
g (float[N,2] x) => (float[N,2] y) {
  i = ai.onnx.ml.Imputer<imputed_value_floats = [0.0, 1.0], replaced_value_float = 0.5>(x)
  y = ai.onnx.ml.Scaler<offset = [1.0, 1.0], scale = [0.5, 0.5]>(i)
}""", 13, imports=ML1)
text("learned/imputer-int64-given-floats", """
g (int64[N,2] x) => (int64[N,2] y) { y = ai.onnx.ml.Imputer<imputed_value_floats = [0.0, 1.0], replaced_value_float = 0.5>(x) }""", 13, imports=ML1)
text("learned/imputer-double", """
g (double[N,2] x) => (double[N,2] y) { y = ai.onnx.ml.Imputer<imputed_value_floats = [0.0, 1.0]>(x) }""", 13, imports=ML1)
text("learned/label-encoder-string-float", """
g (string[N] x) => (float[N] y) { y = ai.onnx.ml.LabelEncoder<keys_strings = ["a", "b"], values_floats = [0.0, 1.0]>(x) }""", 13, imports='"ai.onnx.ml": 2')
text("learned/label-encoder-int64-int64", """
g (int64[N] x) => (int64[N] y) { y = ai.onnx.ml.LabelEncoder<keys_int64s = [0, 1], values_int64s = [1, 0]>(x) }""", 13, imports='"ai.onnx.ml": 2')
text("learned/label-encoder-float-key-of-int64", """
g (int64[N] x) => (int64[N] y) { y = ai.onnx.ml.LabelEncoder<keys_floats = [0.0, 1.0], values_int64s = [1, 0]>(x) }""", 13, imports='"ai.onnx.ml": 2')
text("learned/label-encoder-tensors", """
g (double[N] x) => (int64[N] y) { y = ai.onnx.ml.LabelEncoder<keys_tensor = double[2] {0.0, 1.0}, values_tensor = int64[2] {1, 0}>(x) }""", 15, imports=ML4)
text("learned/label-encoder-old-at-2", """
g (string[N] x) => (int64[N] y) { y = ai.onnx.ml.LabelEncoder<classes_strings = ["a", "b"], default_int64 = -1>(x) }""", 13, imports='"ai.onnx.ml": 2')
text("learned/label-encoder-old-at-1", """
g (string[N] x) => (int64[N] y) { y = ai.onnx.ml.LabelEncoder<classes_strings = ["a", "b"], default_int64 = -1>(x) }""", 13, imports=ML1)
text("learned/one-hot-encoder-strings", """
g (string[N,1] x) => (float[N,1,2] y) { y = ai.onnx.ml.OneHotEncoder<cats_strings = ["a", "b"], zeros = 1>(x) }""", 13, imports=ML1)
text("learned/one-hot-encoder-int32", """
g (int32[N,1] x) => (float[N,1,2] y) { y = ai.onnx.ml.OneHotEncoder<cats_int64s = [0, 1]>(x) }""", 13, imports=ML1)
text("learned/svm-rbf", """
g (float[N,2] x) => (int64[N] label, float[N,2] p) {
  label, p = ai.onnx.ml.SVMClassifier<classlabels_ints = [0, 1], coefficients = [1.0, -1.0], kernel_params = [0.5, 0.0, 3.0], kernel_type = "RBF", post_transform = "NONE", rho = [0.1], support_vectors = [0.0, 1.0, 1.0, 0.0], vectors_per_class = [1, 1], prob_a = [1.0], prob_b = [0.0]>(x)
}""", 13, imports=ML1)
text("learned/svm-kernel-unknown", """
g (float[N,2] x) => (float[N,1] p) {
  p = ai.onnx.ml.SVMRegressor<coefficients = [1.0], kernel_params = [0.5, 0.0, 3.0], kernel_type = "COSINE", rho = [0.1], n_supports = 1, support_vectors = [0.0, 1.0]>(x)
}""", 13, imports=ML1)
text("learned/svm-one-class-double", """
g (double[N,2] x) => (float[N,1] p) {
  p = ai.onnx.ml.SVMRegressor<coefficients = [1.0], kernel_params = [0.5, 0.0, 3.0], kernel_type = "RBF", rho = [0.1], n_supports = 1, one_class = 1, support_vectors = [0.0, 1.0]>(x)
}""", 13, imports=ML1)
text("learned/feature-vectorizer-mixed", """
g (float[N,2] x, int64[N,1] z) => (float[N,3] y) { y = ai.onnx.ml.FeatureVectorizer<inputdimensions = [2, 1]>(x, z) }""", 13, imports=ML1)
text("learned/concat-columns-cast", """
g (float[N,1] a, int64[N,1] b, string[N,1] c) => (float[N,M] y) {
  bf = Cast<to = 1>(b)
  o = ai.onnx.ml.OneHotEncoder<cats_strings = ["a", "b"]>(c)
  s = Constant<value = int64[2] {-1, 2}>()
  r = Reshape(o, s)
  y = Concat<axis = 1>(a, bf, r)
}""", 9, 13, imports=ML1)
text("learned/array-feature-extractor-strings", """
g (string[1,2] x, int64[1] i) => (string[1,1] y) { y = ai.onnx.ml.ArrayFeatureExtractor(x, i) }""", 13, imports=ML1)
text("learned/array-feature-extractor-int32-index", """
g (float[1,2] x, int32[1] i) => (float[1,1] y) { y = ai.onnx.ml.ArrayFeatureExtractor(x, i) }""", 13, imports=ML1)
text("learned/dict-vectorizer-linear", """
g (map(string, float) x) => (float[N,1] y) {
  v = ai.onnx.ml.DictVectorizer<string_vocabulary = ["a", "b"]>(x)
  y = ai.onnx.ml.LinearRegressor<coefficients = [1.0, 2.0], intercepts = [0.5], targets = 1>(v)
}""", 9, imports=ML1)
text("learned/dict-vectorizer-int64", """
g (map(int64, double) x) => (double[N] y) { y = ai.onnx.ml.DictVectorizer<int64_vocabulary = [1, 2]>(x) }""", 9, imports=ML1)
text("learned/cast-map-sparse", """
g (map(int64, string) x) => (string[N,M] y) { y = ai.onnx.ml.CastMap<cast_to = "TO_STRING", map_form = "SPARSE", max_map = 4>(x) }""", 9, imports=ML1)
text("learned/category-mapper", """
g (int64[N] x) => (string[N] y) { y = ai.onnx.ml.CategoryMapper<cats_int64s = [0, 1], cats_strings = ["a", "b"], default_string = "?">(x) }""", 9, imports=ML1)
text("learned/binarizer-double", """
g (double[N,2] x) => (double[N,2] y) { y = ai.onnx.ml.Binarizer<threshold = 0.5>(x) }""", 13, imports=ML1)
text("learned/k-means-as-skl2onnx", """
g (float[N,2] x, float[3] w_n, float[3,2] w_c) => (int64[N] label, float[N,3] scores) {
  sq = ReduceSumSquare<axes = [1], keepdims = 1>(x)
  gm = Gemm<alpha = -2.0, transB = 1>(x, w_c)
  z = Add(sq, gm)
  z2 = Add(w_n, z)
  label = ArgMin<axis = 1, keepdims = 0>(z2)
  scores = Sqrt(z2)
}""", 9, 11, 13, imports=ML1)
text("learned/gaussian-process-cdist", """
g (double[N,2] x, double[3,2] w_c) => (double[N,3] y) { y = com.microsoft.CDist<metric = "sqeuclidean">(x, w_c) }""", 13, imports=OWN)

# What is broken, and what only looks so

text("broken/name-twice", "g (float[N] x) => (float[N] y) { y = Relu(x)  y = Sin(x) }", 13)
text("broken/input-missing", "g (float[N] x) => (float[N] y) { y = Add(x, nowhere) }", 13)
text("broken/output-missing", "g (float[N] x) => (float[N] y, float[N] z) { y = Relu(x) }", 13)
text("broken/unsorted", "g (float[N] x) => (float[N] y) { y = Sin(a)  a = Relu(x) }", 13)
text("broken/unsorted-deep", "g (float[N] x) => (float[N] y) { y = Sin(c)  c = Cos(b)  b = Tanh(a)  a = Relu(x) }", 13)
text("broken/unsorted-bfloat16", "g (float[N] x) => (float[N] y) { y = Cast<to = 1>(s)  s = Sin(b)  b = Cast<to = 16>(x) }", 13)
text("broken/circle", "g (float[N] x) => (float[N] y) { a = Add(x, b)  b = Relu(a)  y = Sin(a) }", 13)
text("broken/output-is-input", "g (float[N] x) => (float[N] x) { y = Relu(x) }", 13)
text("broken/output-twice", "g (float[N] x) => (float[N] y, float[N] y) { y = Relu(x) }", 13)
text("broken/output-is-weight", "g (float[N] x, float[2] w_k) => (float[N] y, float[2] w_k2) { y = Relu(x)  w_k2 = Identity(w_k) }", 13)
text("broken/unused-node-without-kernel", "g (float[N] x) => (float[N] y) { y = Relu(x)  b = Cast<to = 16>(x)  u = Sin(b) }", 13)
text("broken/unused-node-unknown", "g (float[N] x) => (float[N] y) { y = Relu(x)  u = NoSuchThing(x) }", 13)
text("broken/unused-input-of-odd-type", "g (float[N] x, complex64[N] z) => (float[N] y) { y = Relu(x) }", 13)
text("broken/unused-bfloat16-weight", "g (float[N] x, bfloat16[4] w_k) => (float[N] y) { y = Relu(x) }", 13)
text("broken/bfloat16-weight-cast", "g (float[4] x, bfloat16[4] w_k) => (float[4] y) { k = Cast<to = 1>(w_k)  y = Mul(x, k) }", 13, 21)
text("broken/half-weight-cast", "g (float[4] x, float16[4] w_k) => (float[4] y) { k = Cast<to = 1>(w_k)  y = Mul(x, k) }", 11, 13)
text("broken/bfloat16-weight-through-sin", "g (float[4] x, bfloat16[4] w_k) => (float[4] y) { s = Sin(w_k)  k = Cast<to = 1>(s)  y = Mul(x, k) }", 13)
text("broken/bfloat16-weight-transposed", "g (float[2,2] x, bfloat16[2,2] w_k) => (float[2,2] y) { t = Transpose(w_k)  k = Cast<to = 1>(t)  y = Mul(x, k) }", 13)
text("broken/bfloat16-add-of-weights", "g (float[4] x, bfloat16[4] w_k) => (float[4] y) { t = Add(w_k, w_k)  k = Cast<to = 1>(t)  y = Mul(x, k) }", 13)
text("broken/double-through-folding", "g (double[4] x, double[4] w_k) => (double[4] y) { t = Tanh(w_k)  y = Mul(x, t) }", 13)
text("broken/identity-chain-bfloat16", "g (bfloat16[4] x) => (bfloat16[4] y) { a = Identity(x)  y = Identity(a) }", 13, 16)
text("broken/dropout-of-bfloat16", "g (bfloat16[4] x) => (bfloat16[4] y) { y = Dropout(x) }", 13)
text("broken/noop-cast", "g (bfloat16[4] x) => (bfloat16[4] y) { y = Cast<to = 16>(x) }", 13)
text("broken/noop-slice-int16", "g (int16[4] x) => (int16[4] y) { s = Constant<value = int64[1] {0}>()  e = Constant<value = int64[1] {9223372036854775807}>()  y = Slice(x, s, e) }", 13)
text("broken/add-zero-int16", "g (int16[4] x) => (int16[4] y) { z = Constant<value = int16[1] {0}>()  y = Add(x, z) }", 14)
text("broken/mul-int8", "g (int8[4] x) => (int8[4] y) { y = Mul(x, x) }", 13, 14)
text("broken/relu-int32", "g (int32[4] x) => (int32[4] y) { y = Relu(x) }", 13, 14)
text("broken/relu-int64", "g (int64[4] x) => (int64[4] y) { y = Relu(x) }", 13, 14)
text("broken/abs-bfloat16", "g (bfloat16[4] x) => (bfloat16[4] y) { y = Abs(x) }", 13)
text("broken/not-of-float", "g (float[4] x) => (bool[4] y) { y = Not(x) }", 13)
text("broken/output-stated-otherwise", "g (float[4] x) => (double[4] y) { y = Relu(x) }", 13)
text("broken/value-info-otherwise", "g (float[4] x) => (float[4] y) <double[4] z> { z = Relu(x)  y = Sin(z) }", 13)
text("broken/value-info-shape-otherwise", "g (float[4] x) => (float[4] y) <float[5] z> { z = Relu(x)  y = Sin(z) }", 13)
text("broken/value-info-of-nothing", "g (float[4] x) => (float[4] y) <float[5] q> { y = Relu(x) }", 13)
text("broken/negative-dimension", "g (float[-1,4] x) => (float[-1,4] y) { y = Relu(x) }", 13)
text("broken/opset-19-on-ir-3", "g (float[N] x) => (float[N] y) { y = Relu(x) }", 19, ir=3)
text("broken/opset-26", "g (float[N] x) => (float[N] y) { y = Relu(x) }", 25, 26, 27, 28, 29, ir=13)
text("broken/ir-13-opset-17", "g (float[N] x) => (float[N] y) { y = Relu(x) }", 17, ir=13)
text("broken/ir-12-opset-23", "g (float[N] x) => (float[N] y) { y = Relu(x) }", 23, ir=12)
text("broken/ml-6", """
g (float[N,2] x) => (float[N,2] y) { y = ai.onnx.ml.Scaler<offset = [1.0, 1.0], scale = [0.5, 0.5]>(x) }""", 13, imports='"ai.onnx.ml": 6')
text("broken/experimental", "g (float[N,4] x, float[4] w_s, float[4] w_b) => (float[N,4] y) { y = ScaledTanh<alpha = 1.0, beta = 2.0>(x) }", 1, 9)
text("broken/affine", "g (float[N,4] x) => (float[N,4] y) { y = Affine<alpha = 1.0, beta = 2.0>(x) }", 1, 9, 13)
text("broken/image-scaler", "g (float[N,3,4,4] x) => (float[N,3,4,4] y) { y = ImageScaler<bias = [1.0, 1.0, 1.0], scale = 2.0>(x) }", 1, 9, 13)
text("broken/crop", "g (float[N,3,4,4] x) => (float[N,3,2,2] y) { y = Crop<border = [1, 1, 1, 1]>(x) }", 1, 13)
text("broken/parametric-softplus", "g (float[N,4] x) => (float[N,4] y) { y = ParametricSoftplus<alpha = 1.0>(x) }", 1, 13)
text("broken/aten-fallback", "g (float[N,4] x) => (float[N,4] y) { y = org.pytorch.aten.ATen<operator = \"special_erfcx\">(x) }", 13, imports='"org.pytorch.aten": 1')
text("broken/prim-list", "g (float[N,4] x) => (float[N,4] y) { l = prim.ListConstruct(x)  y = Relu(x) }", 13, imports='"prim": 1')
text("broken/tensorrt-plugin", "g (float[1,K,4] b, float[1,K,2] s) => (int32[1,1] n) { n, d, e, f = TRT.EfficientNMS_TRT<max_output_boxes = 10>(b, s) }", 13, imports='"TRT": 1')
text("broken/tensorrt-plugin-in-default", "g (float[1,K,4] b, float[1,K,2] s) => (int32[1,1] n) { n, d, e, f = EfficientNMS_TRT<max_output_boxes = 10, background_class = -1>(b, s) }", 13)
text("broken/mmdeploy", "g (float[1,K,4] b) => (float[1,K,4] y) { y = mmdeploy.NMSRotated<iou_threshold = 0.5>(b) }", 11, imports='"mmdeploy": 1')
text("broken/domain-without-import", "g (float[N] x) => (float[N] y) { y = com.example.Thing(x) }", 13)
text("broken/relu-in-long-domain", "g (float[N] x) => (float[N] y) { y = ai.onnx.Relu(x) }", 13)
text("broken/quick-gelu", "g (float[N] x) => (float[N] y) { y = com.microsoft.QuickGelu<alpha = 1.702>(x) }", 13, imports=OWN)
text("broken/nchwc-internal", "g (float[N] x) => (float[N] y) { y = com.microsoft.nchwc.ReorderInput(x) }", 13, imports='"com.microsoft.nchwc": 1')
text("broken/internal-nhwc", "g (float[1,4,4,2] x, float[2,2,1,1] w_k) => (float[1,4,4,2] y) { y = com.ms.internal.nhwc.Conv(x, w_k) }", 13, imports='"com.ms.internal.nhwc": 13')
text("broken/mixed-precision-add", "g (float16[4] x, float[4] w_k) => (float16[4] y) { y = Add(x, w_k) }", 13)
text("broken/mixed-precision-fixed", "g (float16[4] x, float[4] w_k) => (float16[4] y) { k = Cast<to = 10>(w_k)  y = Add(x, k) }", 13)
text("broken/half-matmul-float-bias", "g (float16[N,4] x, float16[4,2] w_k, float[2] w_b) => (float16[N,2] y) { m = MatMul(x, w_k)  y = Add(m, w_b) }", 13)
text("broken/half-reduce-range", "g (float16 a, float16 b, float16 c) => (float16[N] y) { y = Range(a, b, c) }", 11)
text("broken/half-cumsum", "g (float16[N] x) => (float16[N] y) { z = Constant<value = int64 {0}>()  y = CumSum(x, z) }", 14)
text("broken/int32-cumsum", "g (int32[N] x) => (int32[N] y) { z = Constant<value = int32 {0}>()  y = CumSum(x, z) }", 11, 14)
text("broken/uint8-cast-normalise", """
g (uint8[N,8,8,3] x, float[3] w_m, float[3] w_one_s) => (float[N,3,8,8] y) {
  f = Cast<to = 1>(x)
  k = Constant<value = float {255.0}>()
  d = Div(f, k)
  c = Sub(d, w_m)
  n = Div(c, w_one_s)
  y = Transpose<perm = [0, 3, 1, 2]>(n)
}""", 9, 13, 18)
text("broken/uint8-normalise-without-cast", "g (uint8[N,3] x, float[3] w_m) => (float[N,3] y) { y = Sub(x, w_m) }", 13)
text("broken/uint8-sub", "g (uint8[N,3] x, uint8[3] w_m) => (uint8[N,3] y) { y = Sub(x, w_m) }", 13, 14)
text("broken/gather-of-shape-int32", "g (float[N,3] x) => (int64 y) { s = Shape(x)  i = Constant<value = int32 {0}>()  y = Gather(s, i) }", 13)
text("broken/concat-of-shapes", """
g (float[N,3] x) => (float[A,B] y) {
  s = Shape(x)
  i = Constant<value = int64[1] {0}>()
  n = Gather(s, i)
  m = Constant<value_ints = [-1]>()
  t = Concat<axis = 0>(n, m)
  y = Reshape(x, t)
}""", 11, 12, 13)
text("broken/constant-value-ints-at-11", "g (int64[N] x) => (int64[N] y) { c = Constant<value_ints = [1]>()  y = Add(x, c) }", 11, 12)
text("broken/constant-value-and-more", "g (float[N] x) => (float[N] y) { c = Constant<value_float = 1.0, value_int = 1>()  y = Add(x, c) }", 13)
text("broken/constant-value-string", "g (string[1] x) => (bool[1] y) { c = Constant<value_strings = [\"a\"]>()  y = Equal(x, c) }", 19, ir=9)
text("broken/constant-of-shape-int32", "g (int64[1] s) => (int32[N] y) { y = ConstantOfShape<value = int32[1] {1}>(s) }", 9, 13)
text("broken/constant-of-shape-two-values", "g (int64[1] s) => (float[N] y) { y = ConstantOfShape<value = float[2] {1.0, 2.0}>(s) }", 13)
text("broken/constant-bfloat16", "g (bfloat16[1] x) => (float[1] y) { c = Constant<value = bfloat16[1] {1}>()  f = Cast<to = 1>(c)  q = Cast<to = 1>(x)  y = Add(f, q) }", 13)
text("broken/swish", "g (float[N] x) => (float[N] y) { y = Swish(x) }", 23, 24, ir=11)
text("broken/tensor-scatter", "g (float[1,4,2] c, float[1,1,2] u, int64[1] i) => (float[1,4,2] y) { y = TensorScatter<axis = 1>(c, u, i) }", 23, 24, ir=11)
text("broken/attribute-of-newer-schema", "g (float[N,4] x) => (float[N,4] y) { y = Elu<alpha = 1.0, beta = 2.0>(x) }", 13)
text("broken/attribute-of-wrong-type", "g (float[N,4] x) => (float[N,4] y) { y = Elu<alpha = 1>(x) }", 13)
text("broken/gemm-float-transpose", "g (float[N,4] x, float[2,4] w_k) => (float[N,2] y) { y = Gemm<transB = 1.0>(x, w_k) }", 13)
text("broken/softmax-axis-float", "g (float[N,4] x) => (float[N,4] y) { y = Softmax<axis = 1.0>(x) }", 13)
text("broken/lower-case-operator", "g (float[N,4] x) => (float[N,4] y) { y = relu(x) }", 13)
text("broken/max-of-one", "g (float[N] x) => (float[N] y) { y = Max(x) }", 8, 13)
text("broken/sum-of-none", "g (float[N] x) => (float[N] y) { y = Sum() }", 13)
text("broken/mean-of-mixed-ranks", "g (float[2,3] x, float[3] z) => (float[2,3] y) { y = Mean(x, z) }", 6, 8, 13)
text("broken/graph-without-nodes", "g (float[N] x) => (float[N] x) { }", 13)
text("broken/no-inputs", "g () => (float[1] y) { y = Constant<value = float[1] {1.0}>() }", 13)
text("broken/no-outputs", "g (float[N] x) => () { y = Relu(x) }", 13)
text("broken/zero-dimension", "g (float[0,4] x) => (float[0,4] y) { y = Relu(x) }", 13)
text("broken/same-dimension-other-size", "g (float[N] x, float[N] z) => (float[N] y) { y = Add(x, z) }", 13)


def weights(onnx, model):
    """Moves the inputs that stand for weights to the initialisers."""
    graph = model.graph
    inputs = [it for it in graph.input if not it.name.startswith("w_")]
    for value in (it for it in graph.input if it.name.startswith("w_")):
        kind = value.type.tensor_type
        dims = [it.dim_value for it in kind.shape.dim]
        count = int(numpy.prod(dims, dtype=int))
        number = 1 if value.name.startswith("w_one") else 0
        graph.initializer.append(onnx.helper.make_tensor(value.name, kind.elem_type, dims, [number] * count))
    del graph.input[:]
    graph.input.extend(inputs)
    return model


def edited(onnx, base):
    """Models that the text form cannot say: sparse weights, external data, odd fields."""
    helper, made = onnx.helper, {}

    def model(graph, opset=13, ir=8, **more):
        done = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir, **more)
        done.producer_name = done.producer_version = ""
        return done

    def value(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)

    x, y = value("x", 1, [2, 4]), value("y", 1, None)
    for name, index_dims, indices in (("flat", [2], [1, 5]), ("pairs", [2, 2], [0, 1, 1, 1])):
        sparse = helper.make_sparse_tensor(
            helper.make_tensor("w", 1, [2], [1.0, 2.0]), helper.make_tensor("i", 7, index_dims, indices), [4, 2]
        )
        nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
        made[f"edited/sparse-weight-{name}"] = model(helper.make_graph(nodes, "g", [x], [y], sparse_initializer=[sparse]))
    sparse = helper.make_sparse_tensor(helper.make_tensor("", 1, [1], [1.0]), helper.make_tensor("", 7, [1], [3]), [4])
    nodes = [helper.make_node("Constant", [], ["c"], sparse_value=sparse), helper.make_node("Add", ["x", "c"], ["y"])]
    for opset in (10, 11, 13):
        made[f"edited/sparse-constant-{opset}"] = model(helper.make_graph(nodes, "g", [x], [y]), opset)
    # Data outside of the model.
    for name, entries in {
        "beside": {"location": "edited/weights.bin", "offset": "0", "length": "16"},
        "parent-of-models": {"location": "../outside.bin", "length": "16"},
        "escapes": {"location": "../../../../../../../../etc/hostname"},
        "absolute-missing": {"location": "/nowhere/weights.bin"},
        "dot-slash": {"location": "./weights.bin", "length": "16"},
        "missing": {"location": "gone.onnx.data", "length": "16"},
        "offset-beyond": {"location": "weights.bin", "offset": "4096", "length": "16"},
        "aligned": {"location": "weights.bin", "offset": "16", "length": "16"},
        "backslash": {"location": ".\\weights.bin", "length": "16"},
        "sha": {"location": "weights.bin", "length": "16", "sha1": "00"},
    }.items():
        weight = onnx.TensorProto(name="w", data_type=1, dims=[4], data_location=1)
        for key, text_ in entries.items():
            weight.external_data.add(key=key, value=text_)
        made[f"edited/external-{name}"] = model(helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weight]))
    weight = onnx.TensorProto(name="w", data_type=1, dims=[4], raw_data=bytes(16))
    weight.external_data.add(key="location", value="weights.bin")
    made["edited/external-entries-but-inside"] = model(helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weight]))
    inner = onnx.TensorProto(name="", data_type=1, dims=[4], data_location=1)
    inner.external_data.add(key="location", value="weights.bin")
    nodes = [helper.make_node("Constant", [], ["c"], value=inner), helper.make_node("Add", ["x", "c"], ["y"])]
    made["edited/external-constant"] = model(helper.make_graph(nodes, "g", [x], [y]))
    # Weights that are inputs too, as old exporters wrote them.
    weight = helper.make_tensor("w", 1, [4], [1.0] * 4)
    add = [helper.make_node("Add", ["x", "w"], ["y"])]
    made["edited/weight-listed-as-input-ir-3"] = model(helper.make_graph(add, "g", [x, value("w", 1, [4])], [y], [weight]), 8, 3)
    made["edited/weight-not-listed-ir-3"] = model(helper.make_graph(add, "g", [x], [y], [weight]), 8, 3)
    made["edited/weight-listed-other-type"] = model(helper.make_graph(add, "g", [x, value("w", 11, [4])], [y], [weight]), 8)
    made["edited/weight-twice"] = model(helper.make_graph(add, "g", [x], [y], [weight, weight]), 8)
    for opset, axes in ((12, 0), (13, 1)):
        # The axes of Unsqueeze as an input that callers may give.
        nodes = [helper.make_node("Unsqueeze", ["x", "a"], ["y"])]
        axes = helper.make_tensor("a", 7, [1], [0])
        made[f"edited/axes-overridable-{opset}"] = model(helper.make_graph(nodes, "g", [x, value("a", 7, [1])], [y], [axes]), opset)
    # Odd, but legal or overlooked.
    relu = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "", [x], [y])
    made["edited/graph-without-name"] = model(relu)
    doc = model(relu)
    doc.doc_string, doc.producer_name, doc.domain = "a" * 100, "someone", "com.example"
    helper.set_model_props(doc, {"author": "someone", "": ""})
    made["edited/props-with-empty-key"] = doc
    many = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 2), helper.make_opsetid("ai.onnx.training", 1), helper.make_opsetid("com.microsoft", 1), helper.make_opsetid("com.microsoft.nchwc", 1), helper.make_opsetid("com.ms.internal.nhwc", 21), helper.make_opsetid("org.pytorch.aten", 1), helper.make_opsetid("com.microsoft.experimental", 1)]
    all_ = helper.make_model(relu, opset_imports=many, ir_version=8)
    all_.producer_name = all_.producer_version = ""
    made["edited/imports-of-a-saved-session"] = all_
    named = helper.make_graph([helper.make_node("Relu", ["x"], ["a"], name="n"), helper.make_node("Sin", ["a"], ["y"], name="n")], "g", [x], [y])
    made["edited/node-names-twice"] = model(named)
    empty = helper.make_graph([helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Sin", ["a"], ["y"])], "g", [x], [y])
    made["edited/node-names-empty"] = model(empty)
    for text_ in ("é", "a b", "a/b:0"):
        word = "-".join(str(ord(it)) for it in text_)
        graph = helper.make_graph([helper.make_node("Relu", [text_], ["y"])], "g", [value(text_, 1, [2])], [y])
        made[f"edited/input-name-{word}"] = model(graph)
    dims = value("x", 1, ["batch", None, 4])
    made["edited/dimension-unset"] = model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [dims], [y]))
    scalar = value("x", 1, [])
    made["edited/scalar-input"] = model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [scalar], [y]))
    untyped = onnx.ValueInfoProto(name="y")
    made["edited/output-untyped"] = model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [untyped]))
    quant = model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y]))
    quant.graph.quantization_annotation.add(tensor_name="x").quant_parameter_tensor_names.add(key="SCALE_TENSOR", value="gone")
    made["edited/quantization-annotation"] = quant
    device = model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y]), 23, 11)
    configuration = device.configuration.add(name="two", num_devices=2)
    configuration.device.extend(["a", "b"])
    made["edited/device-configuration"] = device
    metadata = model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y]), 21, 10)
    metadata.graph.node[0].metadata_props.add(key="namespace", value="model/relu")
    made["edited/node-metadata"] = metadata
    strings = helper.make_tensor("w", 8, [2], [b"a", b"b"])
    nodes = [helper.make_node("Equal", ["x", "w"], ["y"])]
    made["edited/string-weight"] = model(helper.make_graph(nodes, "g", [value("x", 8, [2])], [value("y", 9, None)], [strings]), 19, 9)
    raw = onnx.TensorProto(name="w", data_type=8, dims=[2], raw_data=b"ab")
    made["edited/string-weight-raw"] = model(helper.make_graph(nodes, "g", [value("x", 8, [2])], [value("y", 9, None)], [raw]), 19, 9)
    int4 = onnx.TensorProto(name="w", data_type=22, dims=[3], raw_data=bytes(2))
    nodes = [helper.make_node("DequantizeLinear", ["w", "s"], ["d"]), helper.make_node("Add", ["x", "d"], ["y"])]
    scale = helper.make_tensor("s", 1, [], [1.0])
    made["edited/int4-odd-length"] = model(helper.make_graph(nodes, "g", [value("x", 1, [3])], [y], [int4, scale]), 21, 10)
    short = onnx.TensorProto(name="w", data_type=22, dims=[3], raw_data=bytes(1))
    made["edited/int4-too-short"] = model(helper.make_graph(nodes, "g", [value("x", 1, [3])], [y], [short, scale]), 21, 10)
    for name, count in (("many-outputs", 120), ("many-inputs", 200)):
        inputs = [value(f"x{at}", 1, [2]) for at in range(count)]
        nodes = [helper.make_node("Sum", [it.name for it in inputs], ["y"])]
        made[f"edited/{name}"] = model(helper.make_graph(nodes, "g", inputs, [y]))
    deep = helper.make_graph([helper.make_node("Relu", ["x"], ["z"])], "b", [], [value("z", 1, None)])
    for at in range(12):
        branch = helper.make_node("If", ["c"], ["z"], then_branch=deep, else_branch=deep if at == 0 else helper.make_graph([helper.make_node("Sin", ["x"], ["z"])], "e", [], [value("z", 1, None)]))
        deep = helper.make_graph([branch], "b", [], [value("z", 1, None)])
    deep.input.extend([x, value("c", 9, [])])
    made["edited/if-twelve-deep"] = model(deep)
    broken = model(relu).SerializeToString(deterministic=True)
    made["edited/cut-off"] = broken[:-7]
    made["edited/trailing-bytes"] = broken + bytes(3)
    made["edited/empty-file"] = b""
    made["edited/pointer"] = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n"
    return made


def write(onnx, folder):
    """Writes every model below the folder and returns their names, sorted."""
    made = {name: weights(onnx, onnx.parser.parse_model(words)) for name, words in TEXTS.items()}
    made |= edited(onnx, folder)
    for name, model in made.items():
        path = folder / f"{name}.onnx"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            raise ValueError(f"two models are called {name}")
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString(deterministic=True))
    (folder / "edited" / "weights.bin").write_bytes(bytes(64))
    return sorted(made)
