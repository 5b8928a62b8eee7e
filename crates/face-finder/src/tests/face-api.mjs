// Lets face-api.js find boxes and landmarks in squares of pixels, which it takes as they are.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const { stdin, stdout } = process;
const MODULES = "node_modules";
const PACKAGE = `${MODULES}/@vladmandic/face-api`;
const BACKEND = `${MODULES}/@tensorflow/tfjs-backend-wasm/dist/`;

// The library's build for browsers takes Node for a worker of a browser when it is shown one.
const bundle = pathToFileURL(`${PACKAGE}/dist/face-api.esm.js`).href;
Object.assign(globalThis, {
  self: globalThis,
  process: undefined,
  location: { href: "http://localhost/" },
  importScripts: () => {},
  WorkerGlobalScope: Object,
  fetch: async (/** @type {string} */ path) =>
    new Response(await readFile(path), { headers: { "Content-Type": "application/wasm" } }),
});

const { env, nets, tf, TinyFaceDetectorOptions } = await import(bundle);
env.setEnv({ Canvas: class {}, Image: class {}, Video: class {}, ImageData: class {} });
tf.setWasmPaths(BACKEND);
tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
if (!(await tf.setBackend("wasm"))) throw new Error("no backend");
await load(nets.tinyFaceDetector, "tiny_face_detector_model");
await load(nets.faceLandmark68TinyNet, "face_landmark_68_tiny_model");

/**
 * @param {any} net
 * @param {string} name
 */
async function load(net, name) {
  const manifest = await readFile(`${PACKAGE}/model/${name}-weights_manifest.json`, "utf8");
  const { buffer, byteOffset, byteLength } = await readFile(`${PACKAGE}/model/${name}.bin`);
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  net.loadFromWeightMap(tf.io.decodeWeights(bytes, JSON.parse(manifest)[0].weights));
}

/**
 * @param {string} pixels in base64
 */
function square(pixels) {
  const bytes = Buffer.from(pixels, "base64");
  const side = Math.sqrt(bytes.length / 3);
  return { side, tensor: tf.tensor3d(new Int32Array(bytes), [side, side, 3], "int32") };
}

let text = "";
for await (const part of stdin) text += part;
const { pictures, faces, scoreThreshold } = JSON.parse(text);

const boxes = [];
for (const pixels of pictures) {
  const { side, tensor } = square(pixels);
  const options = new TinyFaceDetectorOptions({ inputSize: side, scoreThreshold });
  const found = await nets.tinyFaceDetector.locateFaces(tensor, options);
  boxes.push(found.map(({ box: { x, y, width, height }, score }) => [x, y, width, height, score]));
}
const landmarks = [];
for (const pixels of faces) {
  const { positions } = await nets.faceLandmark68TinyNet.detectLandmarks(square(pixels).tensor);
  landmarks.push(positions.map(({ x, y }) => [x, y]));
}
stdout.write(JSON.stringify({ boxes, landmarks }));
