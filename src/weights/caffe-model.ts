/**
 * Caffe's NetParameter, as much of it as weights need: the layers, as they are written since 2015 and as before (V1).
 *
 *     NetParameter      1 name, 2 layers (V1), 100 layer
 *     LayerParameter    1 name, 2 type, 7 blobs, 117 inner_product_param { 6 transpose }, 139 batch_norm_param { 3 eps }
 *     V1LayerParameter  1 layer (V0), 4 name, 5 type (a number), 6 blobs
 *     BlobProto         1 num, 2 channels, 3 height, 4 width, 5 data, 7 shape { 1 dim }, 8 double_data
 *
 * Values are packed or a field a number. Opening counts them and compares the count with the shape; they are unpacked
 * when they are asked for.
 */
import { elementBytes } from "./elements.ts";
import { Message } from "./protobuf.ts";
import { checkRank, countElements } from "./shapes.ts";
import { ensure, quote, Unreadable } from "./unreadable.ts";

const NET = { name: 1, oldLayer: 2, layer: 100 } as const;
const BLOB = { width: 4, data: 5, shape: 7, doubleData: 8 } as const;
const SHAPE = { dim: 1 } as const;
const INNER_PRODUCT = { transpose: 6 } as const;
const BATCH_NORM = { eps: 3 } as const;

/** Where the fields of a layer are, before 2015 and since. */
const oldFields = { oldest: 1, name: 4, type: 5, blobs: 6, innerProduct: 0, batchNorm: 0 } as const;
const newFields = { oldest: 0, name: 1, type: 2, blobs: 7, innerProduct: 117, batchNorm: 139 } as const;
type Fields = typeof oldFields | typeof newFields;

/** The layers with weights, by their numbers of before 2015. */
const oldTypes: Readonly<Record<number, string>> = {
  4: "Convolution",
  14: "InnerProduct",
  39: "Deconvolution",
};

/** The wire types of the fields that a net has in front of its layers. */
const wireTypes: Readonly<Record<number, number>> = { 1: 2, 3: 2, 4: 0, 5: 0, 6: 2, 7: 0, 8: 2 };

/** Fields in front of the first layer: a name, and inputs with their shapes. */
const maxHead = 10_000;

/** A network of a thousand layers has a tenth of this. A layer of two bytes takes a hundred in memory. */
const most = { layers: 100_000, blobs: 100_000 } as const;

export interface CaffeBlob {
  readonly shape: readonly number[];
  readonly dtype: "f32" | "f64";
  /** The elements in row-major order, little-endian; perhaps a view on the file. */
  data(): Uint8Array;
}

export interface CaffeLayer {
  readonly name: string;
  /** "Convolution"; "" for one that had no weights before 2015. */
  readonly type: string;
  readonly blobs: readonly CaffeBlob[];
  /** Of a dense layer: whether its matrix is [I, O]. */
  readonly transposed: boolean;
  /** Of a batch normalisation. */
  readonly eps: number | undefined;
}

/** Whether these bytes are a net up to its first layer: no magic number tells. */
export function isCaffe(bytes: Uint8Array): boolean {
  const net = new Message(bytes, "it");
  const isLayer = () => (net.field === NET.layer || net.field === NET.oldLayer) && net.wire === 2;
  let names = 0;
  try {
    for (let fields = 0; fields < maxHead && net.next(); fields++) {
      if (isLayer()) return looksLikeLayer(net.message("a layer"), fieldsOf(net.field));
      if (net.wire !== wireTypes[net.field] || (net.field === NET.name && ++names > 1)) return false;
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
  }
  return false;
}

const fieldsOf = (field: number): Fields => (field === NET.layer ? newFields : oldFields);

/** A name, and a type as a text or a number. */
function looksLikeLayer(layer: Message, fields: Fields): boolean {
  const typeWire = fields === newFields ? 2 : 0;
  let isNamed = false;
  let isTyped = false;
  while (layer.next()) {
    if (layer.field === fields.name) isNamed = layer.wire === 2;
    if (layer.field === fields.type) isTyped = layer.wire === typeWire;
    // In the first format they stand in a message of their own.
    if (layer.field === fields.oldest && layer.wire === 2)
      return looksLikeLayer(layer.message("a layer"), newFields);
  }
  return isNamed && isTyped;
}

/** The layers that have weights. */
export function parseCaffe(bytes: Uint8Array): readonly CaffeLayer[] {
  const net = new Message(bytes, "the net");
  const layers: CaffeLayer[] = [];
  let blobs = 0;
  let count = 0;
  while (net.next()) {
    if (net.field !== NET.layer && net.field !== NET.oldLayer) continue;
    ensure(++count <= most.layers, `it has more than ${most.layers} layers`);
    const layer = readLayer(net.message("a layer of it"), fieldsOf(net.field));
    if (layer.blobs.length === 0) continue;
    layers.push(layer);
    blobs += layer.blobs.length;
    ensure(blobs <= most.blobs, `its layers have more than ${most.blobs} blobs`);
  }
  return layers;
}

function readLayer(layer: Message, fields: Fields): CaffeLayer {
  const blobs: Message[] = [];
  const found = { name: "", type: "", transposed: false, eps: undefined as number | undefined };
  while (layer.next()) {
    const { field } = layer;
    ensure(
      field !== fields.oldest,
      "it is of Caffe's first format: Caffe's upgrade_net_proto_binary turns it into the present one",
    );
    if (field === fields.name) found.name = layer.text();
    else if (field === fields.type) found.type = typeOf(layer);
    else if (field === fields.blobs) {
      ensure(blobs.length < most.blobs, `a layer of it has more than ${most.blobs} blobs`);
      blobs.push(layer.message("a blob of it"));
    } else if (field === fields.innerProduct)
      found.transposed = isTransposed(layer.message("a setting of it"));
    else if (field === fields.batchNorm) found.eps = epsOf(layer.message("a setting of it"));
  }
  const title = quote(found.name);
  return { ...found, blobs: blobs.map((blob, i) => readBlob(blob, `blob ${i} of ${title}`)) };
}

const typeOf = (layer: Message): string => (layer.wire === 0 ? (oldTypes[layer.int()] ?? "") : layer.text());

function isTransposed(settings: Message): boolean {
  let found = false;
  while (settings.next()) if (settings.field === INNER_PRODUCT.transpose) found = settings.int() !== 0;
  return found;
}

function epsOf(settings: Message): number | undefined {
  let eps: number | undefined;
  while (settings.next()) if (settings.field === BATCH_NORM.eps) eps = settings.float();
  return eps;
}

// ---- blobs ------------------------------------------------------------------------------------------

function readBlob(message: Message, title: string): CaffeBlob {
  const counts = { [BLOB.data]: 0, [BLOB.doubleData]: 0 };
  /** Four sides that every blob had before there were shapes. */
  const oldShape = [0, 0, 0, 0];
  let isOld = false;
  let shape: number[] | undefined;
  const fields = message.again();
  while (fields.next()) {
    const { field } = fields;
    if (field === BLOB.data || field === BLOB.doubleData) counts[field] += countValues(fields, title);
    else if (field === BLOB.shape) shape = readShape(fields.message("a shape of it"), title);
    else if (field <= BLOB.width) {
      isOld = true;
      oldShape[field - 1] = fields.int();
    }
  }
  const sides = shape ?? (isOld ? oldShape : []);
  ensure(
    sides.every((side) => Number.isSafeInteger(side) && side >= 0),
    `${title} has no shape of whole numbers`,
  );
  const isDouble = counts[BLOB.doubleData] > 0;
  ensure(!isDouble || counts[BLOB.data] === 0, `${title} has its values in two ways`);
  const field = isDouble ? BLOB.doubleData : BLOB.data;
  const count = countElements(sides, title);
  ensure(
    counts[field] === count,
    `${title} is [${sides.join(", ")}], which is ${count} values, but has ${counts[field]}`,
  );
  const dtype = isDouble ? "f64" : "f32";
  return { shape: sides, dtype, data: () => unpack(message, field, count * elementBytes[dtype]) };
}

function countValues(fields: Message, title: string): number {
  const width = fields.field === BLOB.doubleData ? 8 : 4;
  if (fields.wire === (width === 8 ? 1 : 5)) return 1;
  const bytes = fields.bytes().length;
  ensure(bytes % width === 0, `the values of ${title} are no numbers of ${width} bytes`);
  return bytes / width;
}

function readShape(fields: Message, title: string): number[] {
  const sides: number[] = [];
  while (fields.next()) {
    if (fields.field !== SHAPE.dim) continue;
    fields.integers((low, high) => {
      checkRank(sides.length, title);
      sides.push((high | 0) * 2 ** 32 + low);
    });
  }
  return sides;
}

function unpack(message: Message, field: number, length: number): Uint8Array {
  const fields = message.again();
  const out = new Uint8Array(length);
  let at = 0;
  while (fields.next()) {
    if (fields.field !== field) continue;
    const part = fields.value();
    // One packed field, as Caffe makes: nothing to copy.
    if (part.length === length) return part;
    out.set(part, at);
    at += part.length;
  }
  return out;
}
