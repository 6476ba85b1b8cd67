// Made by onnx2wasm: types of the loader of @WASM@.

export type TypedArray =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array
  | Uint32Array | BigInt64Array | BigUint64Array;

export interface Tensor<A = TypedArray | string[]> {
  data: A;
  dims: number[];
}

/** What a sequence or an optional holds: tensors, or lists again. */
export interface List {
  kind: 'sequence' | 'optional';
  list?: List;
  dtype?: string;
  onnx_dtype?: number;
  /** Sizes that all elements have, null where they differ; null as a whole where ranks do. */
  shape?: (number | string | null)[] | null;
}

export interface Port {
  name: string;
  /** Of a sequence or an optional, whose dtype is "list". */
  list?: List;
  /** Element type: "float32", "int64", "bool", ... */
  dtype: string;
  /** ONNX TensorProto.DataType. */
  onnx_dtype: number;
  /** Sizes; one that varies is a name or an expression over names. Null of an output whose rank only the run tells. */
  shape: (number | string)[] | null;
}

export interface Metadata {
  format: number;
  compiler: string;
  model: { name: string; opset: number; sha256: string };
  inputs: Port[];
  outputs: Port[];
  /** Bounds of the sizes that vary. */
  dims: Record<string, { min: number; max: number }>;
  memory: { weights: number; arena: number | null };
  /** Where the weights are in files beside the module: their place in its memory, and the files in order. */
  weights?: { address: number; bytes: number; hash: string; files: { name: string; bytes: number; sha256: string }[] };
}

export interface Inputs {
@INPUTS@}

export interface Outputs {
@OUTPUTS@}

export declare class ModelError extends Error {
  /** Of wasi-nn: 1 wrong argument, 5 failure while running, 7 out of memory. */
  readonly errno: number;
}

export declare class Model {
  readonly inputs: Port[];
  readonly outputs: Port[];
  readonly metadata: Metadata;
  readonly exports: WebAssembly.Exports;
  run(inputs: Inputs): Outputs;
}

export type Source = URL | string | ArrayBuffer | ArrayBufferView | Response;

export declare function create(
  source?: Source | WebAssembly.Module,
  options?: { weights?: Source | Source[] },
): Promise<Model>;
export default create;
