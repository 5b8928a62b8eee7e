// @ts-check
/**
 * Chooses which of the library's backends computes, by the time that each needs for the same
 * picture on this device. WebGL may be the fastest or, without a graphics card, by far the slowest.
 * On some devices it gives wrong numbers without an error, so the numbers are compared too.
 */

/** @typedef {import("../../types/face-api.js").Tensorflow} Tensorflow */

/** Names of renderers that compute on the processor. */
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

/** @typedef {{backend: string, milliseconds: number}} Choice  the time is that of one probe */

/** Ten pictures a second are enough for the viewfinder. Trying other backends takes seconds. */
const FAST_ENOUGH_MS = 100;

/** Backends round differently, by less than this share of the largest number. */
const DIFFERENCE_MAX = 0.02;

/**
 * @param {Tensorflow} tf
 * @param {string} files the folder with the WebAssembly backend
 * @param {() => Promise<Float32Array>} probe computes something with the present backend
 * @returns {Promise<Choice>} the backend that is now in use, and its time for a probe
 */
export async function chooseBackend(tf, files, probe) {
  // The threaded build wants a worker from a blob, which the content security policy forbids.
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  tf.setWasmPaths(files);
  const exact = (await measure(tf, "wasm", probe)) ?? (await measure(tf, "cpu", probe));
  if (!exact) throw new Error("no backend starts");
  if (exact.milliseconds > FAST_ENOUGH_MS && hasGraphicsCard()) {
    const webgl = await measure(tf, "webgl", probe);
    const better = webgl && webgl.milliseconds < exact.milliseconds;
    if (better && agree(webgl.numbers, exact.numbers)) return choice(webgl);
    await tf.setBackend(exact.backend);
  }
  return choice(exact);
}

/** Whether WebGL runs on a graphics card. Software needs seconds to show that it is slow. */
function hasGraphicsCard() {
  const inWorker = typeof document === "undefined";
  const canvas = inWorker ? new OffscreenCanvas(1, 1) : document.createElement("canvas");
  const context = /** @type {WebGL2RenderingContext | null} */ (canvas.getContext("webgl2"));
  if (!context) return false;
  const name = context.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL;
  return !SOFTWARE.test(String(context.getParameter(name ?? context.RENDERER)));
}

/** @param {Choice} measured */
function choice({ backend, milliseconds }) {
  return { backend, milliseconds: Math.round(milliseconds) };
}

/**
 * @param {Tensorflow} tf
 * @param {string} backend
 * @param {() => Promise<Float32Array>} probe
 * @returns {Promise<(Choice & {numbers: Float32Array}) | undefined>} nothing if it does not work
 */
async function measure(tf, backend, probe) {
  try {
    // A backend that does not start answers false, and another one stays in use.
    if (!(await tf.setBackend(backend))) return undefined;
    await tf.ready();
    if (tf.getBackend() !== backend) return undefined;
    await probe(); // the first run compiles
    const begun = performance.now();
    const numbers = await probe();
    return { backend, milliseconds: performance.now() - begun, numbers };
  } catch (error) {
    console.info(`detector: ${backend} does not work:`, error);
    return undefined;
  }
}

/**
 * @param {Float32Array} some
 * @param {Float32Array} others
 */
function agree(some, others) {
  const largest = others.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
  const near = (/** @type {number} */ number, /** @type {number} */ at) =>
    Math.abs(number - others[at]) <= DIFFERENCE_MAX * largest;
  return some.length === others.length && largest > 0 && some.every(near);
}
