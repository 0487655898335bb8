/**
 * The part of a generated module that checks what callers hand in, as text: each mistake has a sentence of its
 * own. It reads the module's table `inputs`, of names and shapes.
 */
export const inputChecksText = `function checkArrays(given) {
  checkNames(given);
  const arrays = inputs.map(({ name, shape }) => {
    const array = given[name];
    if (!(array instanceof Float32Array)) {
      throw new Error(\`The input "\${name}" must be a Float32Array, not \${kindOf(array)}.\`);
    }
    const size = sizeOf(shape);
    if (array.length === 0 || array.length % size !== 0) {
      throw new Error(
        \`The input "\${name}" takes \${size} values a picture (\${shape.join(" x ")}), \` +
          \`this has \${array.length}.\`,
      );
    }
    return array;
  });
  return { arrays, batch: checkBatch(arrays.map((array, i) => array.length / sizeOf(inputs[i].shape))) };
}

function checkNames(given) {
  const names = inputs.map(({ name }) => name);
  if (given === null || typeof given !== "object") {
    throw new Error(\`The inputs must be an object with \${names.join(", ")}, not \${kindOf(given)}.\`);
  }
  const missing = names.find((name) => !Object.hasOwn(given, name));
  if (missing !== undefined) throw new Error(\`The input "\${missing}" is missing.\`);
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(\`There is no input "\${unknown}"; this network takes \${names.join(", ")}.\`);
  }
}

function checkBatch(batches) {
  const odd = batches.findIndex((batch) => batch !== batches[0]);
  if (odd > 0) {
    throw new Error(
      \`The input "\${inputs[0].name}" has \${batches[0]} pictures, \` +
        \`but "\${inputs[odd].name}" has \${batches[odd]}.\`,
    );
  }
  return batches[0];
}

const sizeOf = (shape) => shape.reduce((product, side) => product * side, 1);

const kindOf = (value) => (value === Object(value) ? (value.constructor?.name ?? "object") : String(value));
`;
