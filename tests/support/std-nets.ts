/** A small net for every block of std, with the shape and the count of parameters worked out by hand. */
export interface StdNet {
  readonly use: readonly string[];
  readonly rows: string;
  readonly input: string;
  readonly shape: string;
  readonly params: number;
}

const net = (use: string, rows: string, input: string, shape: string, params: number): StdNet => ({
  use: use.split(" "),
  rows,
  input,
  shape,
  params,
});
/** Weights of a k x k convolution, and scale and shift of the norm behind it. */
const conv = (k: number, from: number, to: number) => k * k * from * to;
const convBn = (k: number, from: number, to: number) => conv(k, from, to) + 2 * to;
const biased = (k: number, from: number, to: number) => conv(k, from, to) + to;

export const stdNets: readonly StdNet[] = [
  net("identity", "relu + identity(99, stride = 1)", "8x8x3", "8x8x3", 0),
  net("pad", "pad(8) /2", "8x8x3", "4x4x8", 0),
  net("pad", "pad(8, center = true)", "8x8x3", "8x8x8", 0),
  net("project", "project(3)", "8x8x3", "8x8x3", 0),
  net("project", "project(3) /2", "8x8x3", "4x4x3", convBn(1, 3, 3)),
  net("project", "project(5)", "8x8x3", "8x8x5", convBn(1, 3, 5)),
  net("always", "always(3)", "8x8x3", "8x8x3", convBn(1, 3, 3)),
  net("avg_project", "avg_project(3)", "8x8x3", "8x8x3", 0),
  net("avg_project", "avg_project(6) /2", "7x7x3", "4x4x6", convBn(1, 3, 6)),
  net("avg_project", "avg_project(6)", "7x7x3", "7x7x6", convBn(1, 3, 6)),
  net("avg_project", "avg_project(6, dilated = true)", "7x7x3", "7x7x6", convBn(1, 3, 6)),
  net(
    "selective",
    "selective(8, 2) /2",
    "8x8x4",
    "4x4x8",
    2 * convBn(3, 2, 8) + convBn(1, 8, 2) + conv(1, 2, 16),
  ),
  net(
    "selective",
    "selective(8, 2, groups = 4, split = false)",
    "8x8x4",
    "8x8x8",
    2 * convBn(3, 1, 8) + convBn(1, 8, 2) + conv(1, 2, 16),
  ),
  net("res2", "res2(2)", "8x8x8", "8x8x8", 3 * convBn(3, 2, 2)),
  net("res2", "res2(4, 2) /2", "8x8x8", "4x4x8", convBn(3, 4, 4)),
  net(
    "basic",
    "basic(8, smooth = blurpool) /2",
    "8x8x4",
    "4x4x8",
    convBn(3, 4, 8) + convBn(3, 8, 8) + convBn(1, 4, 8),
  ),
  net(
    "bottleneck",
    "bottleneck(2, 8, smooth = avgpool(2x2)) /2",
    "8x8x8",
    "4x4x8",
    convBn(1, 8, 2) + convBn(3, 2, 2) + convBn(1, 2, 8) + convBn(1, 8, 8),
  ),
  net("se", "se(16, divisor = 8)", "4x4x8", "4x4x8", biased(1, 8, 8) + biased(1, 8, 8)),
  net("eca", "eca", "4x4x8", "4x4x8", 3),
  net(
    "global_context",
    "global_context(4)",
    "3x5x8",
    "3x5x8",
    biased(1, 8, 1) + biased(1, 8, 2) + 4 + biased(1, 2, 8),
  ),
  net("eca", "conv(1x1, 2048) -> eca", "2x2x1", "2x2x2048", 2048 + 7),
  net("sum_parts", "sum_parts(3)", "4x4x12", "4x4x4", 0),
  net(
    "split_attention",
    "split_attention(8, 2) /2",
    "8x8x4",
    "4x4x8",
    convBn(3, 2, 16) + biased(1, 8, 2) + 2 * 2 + biased(1, 2, 16),
  ),
  net("fcn_head", "fcn_head(5)", "4x4x8", "4x4x5", convBn(3, 8, 2) + biased(1, 2, 5)),
  net(
    "aspp",
    "aspp(2, rate = 6)",
    "4x6x8",
    "4x6x2",
    convBn(1, 8, 2) + 3 * convBn(3, 8, 2) + convBn(1, 8, 2) + convBn(1, 10, 2),
  ),
  net(
    "deeplab_head",
    "deeplab_head(5, 2)",
    "4x4x8",
    "4x4x5",
    2 * convBn(1, 8, 2) + 3 * convBn(3, 8, 2) + convBn(1, 10, 2) + convBn(3, 2, 2) + biased(1, 2, 5),
  ),
  net("basic", "basic(4)", "8x8x4", "8x8x4", 2 * convBn(3, 4, 4)),
  net("basic", "basic(8) /2", "8x8x4", "4x4x8", convBn(3, 4, 8) + convBn(3, 8, 8) + convBn(1, 4, 8)),
  net("basic always", "basic(4, shortcut = always)", "8x8x4", "8x8x4", 2 * convBn(3, 4, 4) + convBn(1, 4, 4)),
  net(
    "bottleneck",
    "bottleneck(4) /2",
    "8x8x8",
    "4x4x16",
    convBn(1, 8, 4) + convBn(3, 4, 4) + convBn(1, 4, 16) + convBn(1, 8, 16),
  ),
  net(
    "bottleneck identity",
    "bottleneck(4, 8, groups = 2, shortcut = identity)",
    "8x8x8",
    "8x8x8",
    convBn(1, 8, 4) + conv(3, 2, 4) + 8 + convBn(1, 4, 8),
  ),
  net(
    "bottleneck se",
    "bottleneck(4, 8, attend = se(2))",
    "8x8x8",
    "8x8x8",
    convBn(1, 8, 4) + convBn(3, 4, 4) + convBn(1, 4, 8) + biased(1, 8, 4) + biased(1, 4, 8),
  ),
  net(
    "bottleneck",
    "bottleneck(4, early = true) /2",
    "8x8x8",
    "4x4x16",
    convBn(1, 8, 4) + convBn(3, 4, 4) + convBn(1, 4, 16) + convBn(1, 8, 16),
  ),
  net(
    "basic",
    "basic(8, norm = none, act = swish) /2",
    "8x8x4",
    "4x4x8",
    conv(3, 4, 8) + conv(3, 8, 8) + conv(1, 4, 8),
  ),
  net("preact_basic", "preact_basic(4)", "8x8x4", "8x8x4", 8 + convBn(3, 4, 4) + conv(3, 4, 4)),
  net(
    "preact_basic",
    "preact_basic(6) /2",
    "8x8x4",
    "4x4x6",
    8 + convBn(3, 4, 6) + conv(3, 6, 6) + conv(1, 4, 6),
  ),
  net(
    "preact_bottleneck",
    "preact_bottleneck(2) /2",
    "8x8x4",
    "4x4x8",
    8 + convBn(1, 4, 2) + convBn(3, 2, 2) + conv(1, 2, 8) + conv(1, 4, 8),
  ),
  net(
    "preact_bottleneck avg_project",
    "preact_bottleneck(2, 4, early = false, shortcut = avg_project) /2",
    "8x8x4",
    "4x4x4",
    8 + convBn(1, 4, 2) + convBn(3, 2, 2) + conv(1, 2, 4) + conv(1, 4, 4),
  ),
  net("cbr", "cbr(3x3, 6, norm = none, act = prelu)", "9x9x3", "9x9x6", conv(3, 3, 6) + 6),
  net(
    "deep_stem",
    "deep_stem(8, first = 3, norm = none)",
    "8x8x3",
    "4x4x8",
    conv(3, 3, 3) + conv(3, 3, 4) + conv(3, 4, 8),
  ),
  net("inverted", "inverted(4, expand = 1)", "8x8x4", "8x8x4", 9 * 4 + 8 + convBn(1, 4, 4)),
  net("inverted", "inverted(6) /2", "8x8x4", "4x4x6", convBn(1, 4, 24) + 9 * 24 + 48 + convBn(1, 24, 6)),
  net(
    "inverted se",
    "inverted(4, expand = 2.3, kernel = 5x5, divisor = 8, attend = se(4, gate = hsigmoid))",
    "8x8x4",
    "8x8x4",
    convBn(1, 4, 8) + 25 * 8 + 16 + biased(1, 8, 2) + biased(1, 2, 8) + convBn(1, 8, 4),
  ),
  net(
    "inverted",
    "inverted(4, expand = 1, hidden = 4, skip = false)",
    "8x8x4",
    "8x8x4",
    convBn(1, 4, 4) + 9 * 4 + 8 + convBn(1, 4, 4),
  ),
  net("fused_inverted", "fused_inverted(4)", "8x8x4", "8x8x4", convBn(3, 4, 16) + convBn(1, 16, 4)),
  net("fused_inverted", "fused_inverted(6, expand = 1) /2", "8x8x4", "4x4x6", convBn(3, 4, 6)),
  net("scaled", "scaled(16, conv(3x3), by = 1.1) /2", "8x8x4", "4x4x16", conv(3, 4, 16)),
  net("scaled", "scaled(16, conv(1x1), by = 1.2)", "8x8x4", "8x8x24", conv(1, 4, 24)),
  net("scaled", "scaled(16, conv(1x1), by = 1.2, keep = 0)", "8x8x4", "8x8x16", conv(1, 4, 16)),
  net("cbr", "cbr(3x1, 6, groups = 3) /2", "9x9x3", "5x5x6", 3 * 6 + 12),
  net("se", "se(4, divisor = 8, keep = 0.9)", "2x2x72", "2x2x72", biased(1, 72, 24) + biased(1, 24, 72)),
  net("se", "se(2)", "8x8x4", "8x8x4", biased(1, 4, 2) + biased(1, 2, 4)),
  net("eca", "eca(5)", "8x8x4", "8x8x4", 5),
  net("deep_stem", "deep_stem(8)", "8x8x3", "4x4x8", convBn(3, 3, 4) + convBn(3, 4, 4) + convBn(3, 4, 8)),
  net("dropout drop_path", "relu -> dropout(0.2) -> drop_path", "8x8x3", "8x8x3", 0),
  net(
    "fpn",
    "a: conv(3x3, 2) /2\n b: conv(3x3, 3) /2\n c: conv(3x3, 4) /2\n d: conv(3x3, 5) /2\n f: fpn(a, b, c, d, width = 6)",
    "32x32x1",
    "16x16x6",
    conv(3, 1, 2) +
      conv(3, 2, 3) +
      conv(3, 3, 4) +
      conv(3, 4, 5) +
      biased(1, 2, 6) +
      biased(1, 3, 6) +
      biased(1, 4, 6) +
      biased(1, 5, 6) +
      // Of the four results only the finest is read.
      biased(3, 6, 6),
  ),
];
