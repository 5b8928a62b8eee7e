/**
 * What the detector uses of @vladmandic/face-api and of the TensorFlow.js inside it. The package's
 * own types need the types of TensorFlow.js, of which it names a version that is not installed.
 */

/** A result on the backend that computes. It is freed by hand. */
export interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}

export interface Tensorflow {
  env(): { set(flag: string, value: boolean): void };
  /** Chooses the folder from which the WebAssembly backend is loaded. */
  setWasmPaths(folder: string): void;
  /** Answers false when the backend does not start. */
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  ready(): Promise<void>;
}

export type Picture = HTMLCanvasElement | OffscreenCanvas;

interface Network {
  isLoaded: boolean;
  /** Loads the weights by a request of its own. */
  loadFromUri(folder: string): Promise<void>;
}

interface Detector extends Network {
  forward(picture: Picture, inputSize: number): Promise<Tensor>;
}

/** A face without landmarks, in pixels of the picture. */
export interface Detection {
  box: { x: number; y: number; width: number; height: number };
  score: number;
}

/** One face, in pixels of the picture. */
export interface Detected {
  detection: Detection;
  landmarks: { positions: { x: number; y: number }[] };
}

export interface Library {
  tf: Tensorflow;
  /** Says what to use where the library would look for a browser's window. */
  env: { setEnv(environment: object): void };
  nets: { tinyFaceDetector: Detector; faceLandmark68TinyNet: Network };
  TinyFaceDetectorOptions: new (options: { inputSize: number; scoreThreshold: number }) => object;
  detectAllFaces(
    picture: Picture,
    options: object,
  ): PromiseLike<Detection[]> & { withFaceLandmarks(useTinyModel: boolean): Promise<Detected[]> };
}
