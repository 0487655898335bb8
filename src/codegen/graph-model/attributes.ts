/** Attributes of nodes as TensorFlow's protocol buffers are written in JSON: strings in base64, whole numbers as strings. */

export type Attribute = Readonly<Record<string, unknown>>;
export type Attributes = Readonly<Record<string, Attribute>>;

/** Names of operations and paddings: ASCII. */
const base64 = (text: string): string => btoa(text);

export const text = (value: string): Attribute => ({ s: base64(value) });
export const texts = (values: readonly string[]): Attribute => ({ list: { s: values.map(base64) } });
export const int = (value: number): Attribute => ({ i: String(value) });
export const ints = (values: readonly number[]): Attribute => ({ list: { i: values.map(String) } });
export const float = (value: number): Attribute => ({ f: value });
export const flag = (value: boolean): Attribute => ({ b: value });

export type ValueType = "float32" | "int32";

const typeNames: Readonly<Record<ValueType, string>> = { float32: "DT_FLOAT", int32: "DT_INT32" };
export const type = (value: ValueType): Attribute => ({ type: typeNames[value] });

/** -1 is a side of any length. */
export const sides = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size: String(size) })) });
export const shapeOf = (shape: readonly number[]): Attribute => ({ shape: sides(shape) });
