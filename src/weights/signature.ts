/**
 * What a file is, by its first bytes: so that "this is no checkpoint" can say what it is instead. A failed
 * download is the usual cause: an error page, a git-lfs pointer, an empty file.
 */

const hdf5Start = "\x89HDF\r\n\x1a\n";
const zipStart = "PK\x03\x04";

export const isHdf5 = (bytes: Uint8Array): boolean => latin1(bytes, 0, hdf5Start.length) === hdf5Start;
export const isZip = (bytes: Uint8Array): boolean => latin1(bytes, 0, zipStart.length) === zipStart;

/** The first bytes of formats that people mistake for weights or pictures; latin-1. */
const signatures: readonly (readonly [start: string, what: string, offset?: number])[] = [
  ["\x89PNG\r\n\x1a\n", "a PNG picture"],
  ["\xff\xd8\xff", "a JPEG picture"],
  ["GIF8", "a GIF picture, which resnetc does not read"],
  ["WEBP", "a WebP picture, which resnetc does not read", 8],
  ["ftypavif", "an AVIF picture, which resnetc does not read", 4],
  ["ftyphei", "a HEIC picture, which resnetc does not read", 4],
  ["BM", "a BMP picture, which resnetc does not read"],
  ["II*\0", "a TIFF picture, which resnetc does not read"],
  ["MM\0*", "a TIFF picture, which resnetc does not read"],
  [hdf5Start, "an HDF5 file (Keras .h5)"],
  ["\x93NUMPY", "a NumPy array (.npy)"],
  ["TFL3", "a TensorFlow Lite model, which resnetc does not read", 4],
  ["GGUF", "a GGUF file, which resnetc does not read"],
  [zipStart, "a zip archive"],
  ["\x1f\x8b", "compressed with gzip: unpack it first"],
  ["\xfd7zXZ\0", "compressed with xz: unpack it first"],
  ["\x28\xb5\x2f\xfd", "compressed with zstd: unpack it first"],
  ["BZh", "compressed with bzip2: unpack it first"],
  ["7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"],
  ["Rar!", "a RAR archive: unpack it first"],
  ["%PDF", "a PDF document"],
  ["\x7fELF", "a program"],
  ["\0asm", "a WebAssembly module"],
  ["ustar", "a tar archive: unpack it first", 257],
];

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end));

/** What these bytes are, as the end of the sentence "FILE cannot be read: it is …". */
export function describeContent(bytes: Uint8Array): string {
  if (bytes.length === 0) return "it is empty";
  const head = latin1(bytes, 0, 512);
  const pointer = lfsPointer(head);
  if (pointer) return pointer;
  for (const [start, what, offset = 0] of signatures) {
    if (head.startsWith(start, offset)) return `it is ${what}`;
  }
  if (/^(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml|!--|\w+[ >])/i.test(head)) {
    return "it is a web page (HTML), as a failed download leaves behind";
  }
  if (isText(bytes) && /(^|\n)\s*layers?\s*\{/.test(head))
    return "it is a prototxt, which says how a Caffe net is made: its weights are in a .caffemodel";
  if (isText(bytes))
    return `it is text: "${head
      .trim()
      .split(/\s*[\r\n]/)[0]
      .slice(0, 60)}"`;
  if (bytes[0] === 0x80 && bytes[1] <= 5) return "it is a Python pickle that torch.save did not write";
  // Both are protocol buffers that start with a version; that of SavedModel is 1, and ONNX is past it.
  if (head.startsWith("\x08\x01\x12")) return "it is a TensorFlow SavedModel, which resnetc does not read";
  if (bytes[0] === 0x08 && bytes[1] < 32 && bytes[2] === 0x12) {
    return "it looks like an ONNX model, but has no graph: it was cut short";
  }
  return "it is none of safetensors, PyTorch (torch.save), tfjs weight manifests, NumPy archives, ONNX and Caffe models and files of Keras";
}

/** A git-lfs pointer is a text of three lines that stands in for a large file. */
function lfsPointer(head: string): string | undefined {
  if (!head.startsWith("version https://git-lfs.github.com/spec/")) return undefined;
  const size = /\nsize (\d{1,15})\n/.exec(head)?.[1];
  const real = size ? `, the real file has ${Number(size).toLocaleString("en")} bytes` : "";
  return `it is a git-lfs pointer${real}: run \`git lfs pull\``;
}

export function looksLikeJson(bytes: Uint8Array): boolean {
  return /^(\xef\xbb\xbf)?\s*[[{]/.test(latin1(bytes, 0, 64));
}

function isText(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 512).every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}
