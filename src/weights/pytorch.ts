/**
 * What torch.save writes, in both of its containers:
 *
 *     zip (since 1.6):   NAME/data.pkl, NAME/data/KEY for each storage, NAME/byteorder, NAME/version
 *     legacy:            pickle of a magic number, of 1001, of {little_endian, …}, of the object, of the list of
 *                        storage keys; then for each key an int64 count and the elements
 *
 * In the object a storage is a persistent id: ("storage", type, key, location, count[, view]). Tensors are
 * windows on storages, so weights that share memory are read from one place.
 */
import type { Checkpoint } from "./checkpoint.ts";
import { elementBytes } from "./elements.ts";
import { type PickleHost, unpickle } from "./pickle.ts";
import { countOf, isKind, itemsOf, kindOf, textOf, type Value } from "./pickle-values.ts";
import { findStateDict } from "./state-dict.ts";
import { type StorageType, torchGlobal } from "./torch-globals.ts";
import { makeStorage, type TorchStorage } from "./torch-tensor.ts";
import { ensure, RefusedGlobal, shorten, Unreadable } from "./unreadable.ts";
import type { ZipEntry } from "./zip.ts";

/** LONG1 of ten bytes: 0x1950a86a20f9469cfc6c. */
const magic = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** The magic number comes first, after PROTO and from protocol 4 on perhaps a FRAME. */
export const isLegacyPytorch = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x80 && [2, 11].some((at) => magic.every((byte, i) => bytes[at + i] === byte));

/** Of the whole file and what is in it: places are counted from the file's start. */
export function readZippedPytorch(bytes: Uint8Array, entries: ReadonlyMap<string, ZipEntry>): Checkpoint {
  const names = [...entries.keys()];
  const pickleName = names.find((name) => /(^|\/)data\.pkl$/.test(name));
  if (!pickleName) throw new Unreadable(describeArchive(names));
  const folder = pickleName.slice(0, -"data.pkl".length);
  ensure(
    !entries.has(`${folder}constants.pkl`),
    "it is a TorchScript archive: save model.state_dict() instead",
  );
  const order = entries.get(`${folder}byteorder`);
  ensure(
    !order || new TextDecoder().decode(order.read()) === "little",
    "its numbers have the highest byte first",
  );
  const data = entries.get(pickleName)!.read();
  const storages = new Storages(data.byteOffset - bytes.byteOffset);
  const { value } = unpickle(data, storages);
  for (const [key, storage] of storages.byKey) {
    const entry = entries.get(`${folder}data/${key}`);
    ensure(entry, `the data of storage ${shorten(key)} is not in the archive`);
    storage.bytes = firstElements(entry.read(), storage, key);
  }
  return checkpointOf(value, bytes);
}

function describeArchive(names: readonly string[]): string {
  if (names.some((name) => name.endsWith(".npy"))) {
    return "it is a zip archive of NumPy arrays and other things: an .npz file has arrays only";
  }
  return "it is a zip archive without a data.pkl, so torch.save did not write it";
}

export function readLegacyPytorch(bytes: Uint8Array): Checkpoint {
  const plain = new Storages(0);
  const start = unpickle(bytes, plain).end;
  const protocol = unpickle(bytes, plain, start);
  ensure(protocol.value === 1001, "it is of a torch.save protocol other than 1001");
  const system = unpickle(bytes, plain, protocol.end);
  const littleEndian = isKind(system.value, "dict") ? system.value.entries.get("little_endian") : undefined;
  ensure(littleEndian !== false, "its numbers have the highest byte first");
  const storages = new Storages(0);
  const object = unpickle(bytes, storages, system.end);
  const keys = unpickle(bytes, plain, object.end);
  let at = keys.end;
  for (const item of itemsOf(keys.value, "its list of storages")) {
    const key = textOf(item, "the key of a storage");
    const storage = storages.byKey.get(key);
    ensure(storage, `nothing describes storage ${shorten(key)}`);
    ensure(!storage.bytes, `storage ${shorten(key)} is in the file twice`);
    ensure(
      at + 8 <= bytes.length,
      `storage ${shorten(key)} should start at byte ${at}, the file has ${bytes.length}`,
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
    const count = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
    const end = at + 8 + count * elementBytes[storage.element];
    ensure(
      end <= bytes.length,
      `storage ${shorten(key)} ends at byte ${end}, the file has ${bytes.length}: it was cut short`,
    );
    storage.bytes = firstElements(bytes.subarray(at + 8, end), storage, key);
    at = end;
  }
  for (const [key, storage] of storages.byKey)
    ensure(storage.bytes, `the data of storage ${shorten(key)} is not in the file`);
  storages.fillViews();
  return checkpointOf(object.value, bytes);
}

/** Blocks that are used several times name their tensors as often; this often nobody uses them. */
const maxRepeats = 64;
/** So much is fine in files of any size. */
const freeBytes = 2 ** 20;

/**
 * Each tensor lies in its storage, but thousands may look at the same one: bounded is what reading all of them takes,
 * so that a small file cannot ask for any amount of memory or time.
 */
function checkpointOf(value: Value, bytes: Uint8Array): Checkpoint {
  const found = findStateDict(value);
  let total = 0;
  for (const { shape, dtype } of found.tensors.values())
    total += shape.reduce((product, side) => product * side, elementBytes[dtype]);
  ensure(
    total <= freeBytes + maxRepeats * bytes.length,
    `its tensors have ${total} bytes together, the file has ${bytes.length}: they repeat the same storages`,
  );
  return { format: "pytorch", layout: "torch", ...found };
}

/** The part of the data that the pickle spoke of. */
function firstElements(data: Uint8Array, { count, element }: TorchStorage, key: string): Uint8Array {
  const wanted = count * elementBytes[element];
  ensure(data.length >= wanted, `storage ${shorten(key)} should have ${wanted} bytes, it has ${data.length}`);
  return data.subarray(0, wanted);
}

interface View {
  readonly root: TorchStorage;
  readonly offset: number;
  readonly storage: TorchStorage;
}

/** Resolves the persistent ids of one pickle: each key is one storage, however often it is named. */
class Storages implements PickleHost {
  readonly byKey = new Map<string, TorchStorage>();
  readonly #globals = new Map<string, Map<string, Value>>();
  readonly #views: View[] = [];
  readonly #viewsByKey = new Map<string, TorchStorage>();
  readonly #start: number;

  /** `start` is where the pickle stands in the file, so that places count from the file's start. */
  constructor(start: number) {
    this.#start = start;
  }

  /** What was named before is not looked up again: a pickle of Python 2 names the same three with each tensor. */
  global(module: string, name: string, offset: number): Value {
    const names = this.#globals.get(module) ?? new Map<string, Value>();
    const value = names.get(name) ?? torchGlobal(module, name, this.#start + offset);
    this.#globals.set(module, names.set(name, value));
    return value;
  }

  extension(code: number, offset: number): never {
    const danger = "it stands for a function that the file does not name";
    throw new RefusedGlobal(`extension ${code}`, this.#start + offset, danger);
  }

  persistent(id: Value): Value {
    const [kind, type, keyItem, , countItem, viewItem = null] = itemsOf(id, "a persistent id");
    ensure(kind === "storage", "it holds a whole model: in Python, save model.state_dict() instead");
    const isType = isKind(type, "object") && type.type === "storage type";
    ensure(isType, `a storage in it has type ${kindOf(type)}`);
    const { element } = type as StorageType;
    const key = textOf(keyItem, "the key of a storage");
    const count = countOf(countItem, "the size of a storage");
    let root = this.byKey.get(key);
    if (!root) {
      root = makeStorage(element, count);
      this.byKey.set(key, root);
    }
    ensure(
      root.element === element && root.count === count,
      `storage ${shorten(key)} is described twice, differently`,
    );
    return viewItem === null ? root : this.#view(root, viewItem);
  }

  /** Torch before 0.4 stored views of storages: (key, offset, count) in elements of the root. */
  #view(root: TorchStorage, item: Value): TorchStorage {
    const [keyItem, offsetItem, countItem] = itemsOf(item, "a view of a storage");
    const key = textOf(keyItem, "the key of a view");
    const known = this.#viewsByKey.get(key);
    if (known) return known;
    const offset = countOf(offsetItem, "the offset of a view");
    const storage = makeStorage(root.element, countOf(countItem, "the size of a view"));
    ensure(offset + storage.count <= root.count, `view ${shorten(key)} of a storage reaches behind its end`);
    this.#viewsByKey.set(key, storage);
    this.#views.push({ root, offset, storage });
    return storage;
  }

  fillViews(): void {
    for (const { root, offset, storage } of this.#views) {
      const width = elementBytes[root.element];
      storage.bytes = root.bytes?.subarray(offset * width, (offset + storage.count) * width);
    }
  }
}
