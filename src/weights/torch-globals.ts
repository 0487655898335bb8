/**
 * The globals a checkpoint may name, and what they build: tensors, storages, containers, NumPy values and a
 * few records that training scripts leave behind. Whatever is not in these tables is refused, with a word on
 * what it could have done.
 */
import type { ElementType } from "./elements.ts";
import { numpyGlobals } from "./numpy-globals.ts";
import {
  dict,
  isKind,
  itemsOf,
  kindOf,
  latin1Bytes,
  list,
  type PyCallable,
  type PyObject,
  set,
  textOf,
  tuple,
  type Value,
} from "./pickle-values.ts";
import { makeTensor } from "./torch-tensor.ts";
import { ensure, quote, RefusedGlobal, Unreadable } from "./unreadable.ts";

/** `torch.FloatStorage` and the like: the type of the elements, named in a persistent id. */
export interface StorageType extends PyObject {
  readonly type: "storage type";
  readonly element: ElementType;
}

/** `torch.float32` and the like. */
export interface DType extends PyObject {
  readonly type: "dtype";
  readonly element: ElementType;
}

const storageTypes: Readonly<Record<string, ElementType>> = {
  DoubleStorage: "f64",
  FloatStorage: "f32",
  HalfStorage: "f16",
  BFloat16Storage: "bf16",
  LongStorage: "i64",
  IntStorage: "i32",
  ShortStorage: "i16",
  CharStorage: "i8",
  ByteStorage: "u8",
  BoolStorage: "bool",
  UntypedStorage: "u8",
  _UntypedStorage: "u8",
};

const dtypes: Readonly<Record<string, ElementType>> = {
  float64: "f64",
  double: "f64",
  float32: "f32",
  float: "f32",
  float16: "f16",
  half: "f16",
  bfloat16: "bf16",
  int64: "i64",
  long: "i64",
  int32: "i32",
  int: "i32",
  int16: "i16",
  short: "i16",
  int8: "i8",
  uint8: "u8",
  uint16: "u16",
  uint32: "u32",
  uint64: "u64",
  bool: "bool",
};

/** Something of which only the presence matters, such as a device or a namespace of options. */
const inert = (type: string): PyObject => ({ kind: "object", type });

const callable = (name: string, call: PyCallable["call"]): PyCallable => ({ kind: "callable", name, call });

const rebuildTensor: PyCallable["call"] = ([storage, offset, shape, strides]) =>
  makeTensor(storage, offset, shape, strides);

/** What `_rebuild_from_type_v2(function, type, arguments, state)` calls is on this list too, and not itself. */
const rebuildFromType: PyCallable["call"] = ([callee, , args], budget) => {
  if (!isKind(callee, "callable")) throw new Unreadable(`its pickle rebuilds a tensor by ${kindOf(callee)}`);
  ensure(
    !callee.name.endsWith(" _rebuild_from_type_v2"),
    "its pickle rebuilds a tensor by rebuilding a tensor",
  );
  return callee.call(itemsOf(args, "the arguments of a tensor"), budget);
};

const copyItems = (items: Value | undefined, spend: (units: number) => void): Value[] => {
  if (items === undefined) return [];
  const copied = isKind(items, "dict") ? [...items.entries.keys()] : itemsOf(items, "what a list is made of");
  spend(copied.length);
  return [...copied];
};

const makeDict: PyCallable["call"] = ([pairs], budget) => {
  const made = dict();
  if (isKind(pairs, "dict")) {
    budget.spend(pairs.entries.size);
    for (const [key, value] of pairs.entries) made.entries.set(key, value);
  } else if (pairs !== undefined) {
    for (const pair of copyItems(pairs, (units) => budget.spend(units))) {
      const [key = null, value = null] = itemsOf(pair, "an entry of a dict");
      const isSecond = typeof key === "string" && made.entries.has(key);
      ensure(!isSecond, `a dict of its pickle has two entries called ${quote(String(key))}`);
      made.entries.set(key, value);
    }
  }
  return made;
};

/** `_codecs.encode(text, "latin1")` is how protocol 2 writes bytes. */
const encode: PyCallable["call"] = ([text, encoding], budget) => {
  const from = textOf(text, "what _codecs.encode gets");
  if (encoding !== "latin1" && encoding !== "latin-1")
    throw new Unreadable("its pickle encodes text other than latin1");
  return latin1Bytes(from, budget);
};

const firstOr =
  (fallback: Value): PyCallable["call"] =>
  ([value]) =>
    value ?? fallback;

const python: Readonly<Record<string, PyCallable["call"]>> = {
  "collections OrderedDict": makeDict,
  "collections defaultdict": ([, ...pairs], budget) => makeDict(pairs, budget),
  "collections Counter": makeDict,
  "builtins dict": makeDict,
  "builtins list": ([items], budget) => list(copyItems(items, (units) => budget.spend(units))),
  "builtins tuple": ([items], budget) => tuple(copyItems(items, (units) => budget.spend(units))),
  "builtins set": ([items], budget) => set(copyItems(items, (units) => budget.spend(units))),
  "builtins frozenset": ([items], budget) => set(copyItems(items, (units) => budget.spend(units))),
  "builtins int": firstOr(0),
  "builtins float": firstOr(0),
  "builtins str": firstOr(""),
  "builtins bool": firstOr(false),
  "builtins bytes": firstOr(new Uint8Array()),
  "builtins bytearray": ([bytes, encoding], budget) =>
    typeof bytes === "string" ? encode([bytes, encoding], budget) : (bytes ?? new Uint8Array()),
  "builtins complex": () => inert("complex"),
  "builtins slice": () => inert("slice"),
  "builtins range": () => inert("range"),
  "builtins object": () => inert("object"),
  "_codecs encode": encode,
  "argparse Namespace": () => inert("Namespace"),
  "types SimpleNamespace": () => inert("SimpleNamespace"),
  "pathlib PosixPath": () => inert("Path"),
  "pathlib PurePosixPath": () => inert("Path"),
  "pathlib WindowsPath": () => inert("Path"),
  // Protocols 0 and 1 make objects by _reconstructor(class, object, None); the class was on this list.
  "copyreg _reconstructor": ([type], budget) => {
    if (!isKind(type, "callable")) throw new Unreadable(`its pickle makes an object of ${kindOf(type)}`);
    return type.call([], budget);
  },
};

const torch: Readonly<Record<string, PyCallable["call"]>> = {
  "torch._utils _rebuild_tensor": rebuildTensor,
  "torch._utils _rebuild_tensor_v2": rebuildTensor,
  "torch._utils _rebuild_tensor_v3": ([storage, offset, shape, strides, , , dtype]) =>
    makeTensor(storage, offset, shape, strides, dtype),
  "torch._utils _rebuild_parameter": ([data]) => data ?? null,
  "torch._utils _rebuild_parameter_with_state": ([data]) => data ?? null,
  "torch._tensor _rebuild_from_type_v2": rebuildFromType,
  "torch.nn.parameter Parameter": ([data]) => data ?? null,
  "torch Tensor": ([data]) => data ?? null,
  "torch._tensor Tensor": ([data]) => data ?? null,
  "torch Size": ([sizes], budget) => tuple(copyItems(sizes, (units) => budget.spend(units))),
  "torch device": () => inert("device"),
  "torch.serialization _get_layout": () => inert("layout"),
};

/** Python 2 called these modules otherwise, and protocols 0 to 2 keep its names. */
const renamed: Readonly<Record<string, string>> = { __builtin__: "builtins", copy_reg: "copyreg" };

/** The value of a global; throws RefusedGlobal. `offset` counts from the start of the file. */
export function torchGlobal(module: string, name: string, offset: number): Value {
  const key = `${Object.hasOwn(renamed, module) ? renamed[module] : module} ${name}`;
  for (const table of [python, torch, numpyGlobals]) {
    if (Object.hasOwn(table, key)) return callable(key, table[key]);
  }
  const inTorch = module === "torch" || module === "torch.cuda" || module === "torch.storage";
  if (inTorch && Object.hasOwn(storageTypes, name)) {
    return { kind: "object", type: "storage type", element: storageTypes[name] } as StorageType;
  }
  if (module === "torch" && Object.hasOwn(dtypes, name)) {
    return { kind: "object", type: "dtype", element: dtypes[name] } as DType;
  }
  // An empty module name is how STACK_GLOBAL could hide; show what there is.
  const shown = `${module}.${name}`.slice(0, 200);
  const { danger, hint } = dangerOf(module, name);
  throw new RefusedGlobal(shown, offset, danger, hint);
}

const root = (module: string): string => module.split(".")[0];
const moduleWord = (words: string) => new Set(words.split(" "));
const programs = moduleWord(
  "os posix nt subprocess commands pty popen2 multiprocessing asyncio ctypes _posixsubprocess",
);
const code = moduleWord(
  "builtins __builtin__ runpy code codeop importlib imp pickle _pickle cPickle marshal types functools operator " +
    "sys inspect timeit pdb bdb cProfile profile pip distutils setuptools shelve dill cloudpickle joblib",
);
const files = moduleWord("shutil pathlib io tempfile glob zipfile tarfile linecache");
const network = moduleWord(
  "socket urllib urllib2 requests http httplib ftplib smtplib ssl webbrowser telnetlib",
);

function dangerOf(module: string, name: string): { readonly danger: string; readonly hint?: string } {
  if (programs.has(root(module))) return { danger: "it can run any program on this machine" };
  if (network.has(root(module))) return { danger: "it can send data over the network" };
  if (files.has(root(module))) return { danger: "it can read and write files" };
  if (code.has(root(module))) return { danger: "it can run any Python code" };
  const hint = "in Python, `torch.save(model.state_dict(), path)` writes weights alone";
  if (module === "torch.storage" && name === "_load_from_bytes") {
    return { danger: "it loads another pickle, hidden in this one", hint };
  }
  if (/^torch\.nn\.modules|^torchvision\.models|^timm\./.test(module)) {
    return { danger: "the file holds a whole model, which only its Python classes can rebuild", hint };
  }
  if (module === "torch._utils" || root(module) === "torch") {
    return { danger: "it builds something that is no plain tensor", hint };
  }
  return { danger: "it runs code of its own module", hint };
}
