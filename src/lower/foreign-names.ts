/**
 * What PyTorch, Keras, Caffe, Darknet and ONNX call the operations, parameters, kinds and counts of this language. Names are
 * looked up without case, `_` and a trailing dimension: `nn.BatchNorm2d`, `batch_norm` and `BatchNormalization` are one.
 */

export interface ForeignName {
  readonly hint: string;
  /** The word that can stand in its place as it is; absent where more must change than the word. */
  readonly meant?: string;
}

const word = (meant: string): ForeignName => ({ hint: `it is called \`${meant}\` here`, meant });
const form = (hint: string): ForeignName => ({ hint });

const names: Readonly<Record<string, ForeignName>> = {
  ...same(
    ["conv", "convolution", "convolutional", "separableconv"],
    form("a convolution is `conv(3x3, 64) /2`: kernel, channels out, stride; those that come in are known"),
  ),
  ...same(
    ["depthwiseconv", "convolutiondepthwise"],
    form("a depthwise convolution has as many groups as channels: `conv(3x3, 64, groups = 64)`"),
  ),
  ...same(
    ["convtranspose", "deconvolution", "conv2dtranspose"],
    form("there are no transposed convolutions; `upsample(2)` makes maps larger"),
  ),
  ...same(
    ["batchnorm", "batchnormalization", "scale", "frozenbatchnorm"],
    form("batch normalisation is `bn`; the channels are known"),
  ),
  ...same(
    ["groupnorm", "groupnormalization"],
    form("group normalisation is `gn(groups = 32)`; the channels are known"),
  ),
  ...same(
    ["layernorm", "layernormalization", "layernorm2d"],
    form(
      "layer normalisation is `ln`, over the channels of each place; `gn(groups = 1)` normalises a whole picture",
    ),
  ),
  ...same(["rmsnorm", "rmsnorm2d"], word("rms")),
  ...same(
    ["instancenorm", "instancenorm2d"],
    form("there is no such norm; `gn` with as many groups as channels is one"),
  ),
  ...same(
    ["linear", "innerproduct", "connected", "fullyconnected", "gemm", "matmul"],
    form("a fully connected layer is `dense(1000)`: what comes in is known"),
  ),
  ...same(
    ["maxpool", "maxpooling", "pooling"],
    form("pooling is `maxpool(3x3) /2` or `avgpool(3x3) /2`: kernel and stride"),
  ),
  ...same(
    ["avgpool", "averagepooling", "averagepool"],
    form("pooling is `avgpool(2x2) /2`: kernel and stride"),
  ),
  ...same(
    ["adaptiveavgpool", "globalaveragepooling", "globalavgpool", "globalaveragepool", "gap", "reducemean"],
    form("the mean of the whole map is `avgpool`, without arguments"),
  ),
  ...same(
    ["globalmaxpooling", "adaptivemaxpool", "globalmaxpool"],
    form("there is no global maximum; a kernel as large as the map is one: `maxpool(7x7, pad = 0)`"),
  ),
  ...same(["flatten", "reshape", "view", "squeeze"], form("leave it out: `dense` reads the whole map")),
  ...same(
    ["sequential", "modulelist"],
    form("steps are joined with `->`, or stand in the rows of `[ ... ]`"),
  ),
  ...same(
    ["makelayer", "makestage", "makelayers"],
    form("a stage is a repeated block: `basic(64) x 3`, with its stride `basic(64) x 3 /2`"),
  ),
  ...same(["add", "eltwise", "sum"], form("paths are added with a sign: `a + b`")),
  ...same(["concat", "concatenate", "cat", "route"], form("paths are put side by side with a sign: `a | b`")),
  ...same(["multiply", "mul"], form("paths are multiplied with a sign: `a * b`")),
  ...same(
    ["shortcut", "residual", "skip", "downsample"],
    form("a shortcut is a sum: `[ conv(3x3, 64) -> bn ] + in`"),
  ),
  ...same(["silu"], word("swish")),
  ...same(["hardswish", "hardsilu"], word("hswish")),
  ...same(["hardsigmoid"], word("hsigmoid")),
  ...same(["leakyrelu"], word("leaky")),
  ...same(["logsoftmax"], word("softmax")),
  ...same(
    ["zeropadding", "zeropad", "padding", "constantpad"],
    form("zeros are put around a map with `extend(top = 1, bottom = 1, left = 1, right = 1)`"),
  ),
  ...same(
    ["upsampling", "interpolate", "resize"],
    form("maps are made larger with `upsample(2)`, by the nearest neighbour"),
  ),
  ...same(
    ["localresponsenorm", "localresponsenormalization"],
    form("local response normalisation is `lrn(5)`"),
  ),
  ...same(
    ["activation", "nonlinearity"],
    form("an activation is a step of its own name: `relu`, `sigmoid`, `swish`"),
  ),
  ...same(
    ["squeezeexcite", "squeezeexcitation", "semodule", "selayer"],
    form("squeeze and excitation is `se`, from std"),
  ),
  ...same(
    ["stochasticdepth", "droppath"],
    form("stochastic depth is `drop_path`, from std; it does nothing at inference"),
  ),
  ...same(["range", "len"], form("a block is repeated with `x 3`")),
  ...same(["self", "this"], form("rows are named by their labels alone: `conv1: conv(3x3, 64)`")),
};

const libraries = new Set([
  "nn",
  "torch",
  "f",
  "tf",
  "keras",
  "layers",
  "k",
  "l",
  "caffe",
  "timm",
  "torchvision",
  "np",
  "self",
]);

const parameters: Readonly<Record<string, ForeignName>> = {
  ...same(["kernelsize", "kernelshape", "ksize", "size", "k", "poolsize", "window"], word("kernel")),
  ...same(["outchannels", "filters", "numoutput", "planes", "width", "out", "features"], word("channels")),
  ...same(["outfeatures", "numclasses", "classes", "outputdim"], word("units")),
  ...same(["strides", "s", "subsample"], word("stride")),
  ...same(["padding", "pads", "paddings", "p"], word("pad")),
  ...same(["dilations", "dilationrate"], word("dilation")),
  ...same(["group", "cardinality"], word("groups")),
  ...same(["numgroups"], word("groups")),
  ...same(["usebias", "biasterm"], word("bias")),
  ...same(["epsilon"], word("eps")),
  ...same(["negativeslope", "alpha"], word("slope")),
  ...same(["scalefactor", "factor"], word("scale")),
  ...same(["gamma", "useglobalstats"], word("scale")),
  ...same(["ceilmode"], word("ceil")),
  ...same(["countincludepad"], word("count_pad")),
  ...same(["center"], word("shift")),
};

/** Settings that say nothing here; they can be left out. */
const superfluous: Readonly<Record<string, string>> = {
  ...same(
    ["inchannels", "infeatures", "inputdim", "inputshape", "numfeatures", "inplanes"],
    "what comes in is known: leave it out",
  ),
  ...same(["momentum", "trackrunningstats", "decay", "renorm"], "that is of training: leave it out"),
  ...same(
    [
      "inplace",
      "device",
      "dtype",
      "name",
      "kernelinitializer",
      "kernelregularizer",
      "weightfiller",
      "lrmult",
    ],
    "that says nothing of the network: leave it out",
  ),
};

const activations = form("an activation is a step of its own: `conv(3x3, 64) -> relu`");
const affine = form("`scale` and `shift` say that, each for itself: `bn(scale = false, shift = false)`");

const kinds: Readonly<Record<string, string>> = {
  ...same(["integer", "number", "i32", "i64", "uint", "long", "count", "natural"], "int"),
  ...same(["double", "real", "f32", "decimal", "rate"], "float"),
  ...same(["boolean", "flag"], "bool"),
  ...same(["string", "str"], "text"),
  ...same(["shape", "tuple", "pair", "kernel"], "size"),
  ...same(["block", "layer", "module", "op", "operation", "net", "function", "callable"], "path"),
};

const metrics: Readonly<Record<string, ForeignName>> = {
  ...same(["parameters", "weights", "numparams", "paramcount", "nparams", "param"], word("params")),
  ...same(["mac", "gmacs", "multadds", "madds", "multiplyadds", "ops"], word("macs")),
  ...same(
    ["flops", "gflops"],
    form("multiply-adds are counted, as `macs`: half of what is usually called flops"),
  ),
  ...same(["layers", "numlayers"], word("depth")),
  ...same(["buffers", "statistics", "nontrainable"], word("state")),
};

function same<T>(words: readonly string[], value: T): Readonly<Record<string, T>> {
  return Object.fromEntries(words.map((one) => [one, value]));
}

const bare = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll("_", "")
    .replace(/[123]d$/, "");

const find = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, bare(name)) ? table[bare(name)] : undefined;

/** What a name of another framework is here. */
export const foreignName = (name: string): ForeignName | undefined => find(names, name);

/** Whether a name is what other frameworks keep their operations in, as `nn` of `nn.Conv2d`. */
export const isLibrary = (name: string): boolean => libraries.has(name.toLowerCase());

/** What a parameter of another framework is called here, among those there are. */
export function foreignParameter(name: string, known: readonly string[]): ForeignName | undefined {
  const found = find(parameters, name);
  if (found?.meant !== undefined && known.includes(found.meant)) return found;
  if (["numoutput", "outfeatures", "features"].includes(bare(name)) && known.includes("units"))
    return word("units");
  if (bare(name) === "activation" || bare(name) === "activationfn") return activations;
  if (bare(name) === "affine" && known.includes("scale")) return affine;
  return undefined;
}

/** Why a parameter of another framework can be left out. */
export const superfluousParameter = (name: string): string | undefined => find(superfluous, name);

export const foreignKind = (name: string): string | undefined => find(kinds, name);

export const foreignMetric = (name: string): ForeignName | undefined => find(metrics, name);
