// Runs WebAssembly in V8 for `cargo xtask`, which says what to do: a request of one line of JSON
// comes in, an answer goes out. What is done, how often and what it means is decided there.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

/** Every memory that a module makes by itself, as onnxruntime-web does. */
const memories = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
  constructor(...options) {
    super(...options);
    memories.push(this);
  }
};

/** What has been opened, by name. */
const open = {};

/**
 * What a bare module may import: a clock, and the randomness by which Burn names its tensors, under
 * the name that wasm-bindgen gives it. Any other import throws when it is called.
 */
const missing = (name) => () => { throw new Error(`the host has no ${name}`); };
function importsOf(module, memory) {
  const fill = (address, length) =>
    crypto.getRandomValues(new Uint8Array(memory().buffer, address, length));
  const all = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const known = name.startsWith("__wbg_getRandomValues_") ? fill
      : from === "host" && name === "now" ? () => performance.now()
      : missing(`${from}.${name}`);
    (all[from] ??= {})[name] = known;
  }
  return all;
}

/** The numbers in a file. */
async function tensor(file) {
  const { buffer, byteOffset, byteLength } = await readFile(file);
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

/** Times a call: milliseconds by the clock, and those in which this thread had a processor. */
async function timed(call) {
  const [before, began] = [process.threadCpuUsage(), performance.now()];
  const result = await call();
  const ms = performance.now() - began;
  const { user, system } = process.threadCpuUsage(before);
  return { ms, cpuMs: (user + system) / 1e3, result };
}

class Bare {
  constructor(exports) {
    this.exports = exports;
  }

  static async open({ file }) {
    const module = await WebAssembly.compile(await readFile(file));
    const imports = importsOf(module, () => exports.memory);
    const { exports } = await WebAssembly.instantiate(module, imports);
    exports.start?.();
    return new Bare(exports);
  }

  get bytes() {
    return this.exports.memory.buffer.byteLength;
  }

  text() {
    const { memory, message, message_len } = this.exports;
    if (!message) return "";
    return new TextDecoder().decode(new Uint8Array(memory.buffer, message(), message_len()));
  }

  /** Calls an export for each piece of a file, which lies in the buffer that `bytes` gives. */
  async feed({ file, piece }) {
    const content = await readFile(file);
    for (let at = 0; at < content.length; at += piece) {
      const chunk = content.subarray(at, at + piece);
      // Memory that grows gets another buffer, so the call comes first.
      const address = this.exports.bytes(chunk.length);
      new Uint8Array(this.exports.memory.buffer, address).set(chunk);
      this.exports.push(chunk.length);
    }
  }

  /** Calls an export without arguments about bytes that lie in the buffer that `bytes` gives. */
  async read({ function: called, bytes }) {
    const address = this.exports.bytes(bytes.length);
    new Uint8Array(this.exports.memory.buffer, address).set(bytes);
    return timed(() => this.exports[called]());
  }

  #floats(length) {
    const address = this.exports.floats(length);
    return new Float32Array(this.exports.memory.buffer, address, length);
  }

  /** Calls an export about a tensor that lies in the buffer that `floats` gives. */
  compute(called, input) {
    this.#floats(input.length).set(input);
    return timed(() => this.exports[called]());
  }

  async embed(input) {
    const run = await this.compute("embed", input);
    return { ...run, output: this.#floats(input.length).slice(0, 512) };
  }
}

class Onnx {
  static async open({ file }) {
    const { env, InferenceSession, Tensor } = await import("onnxruntime-web");
    env.wasm.numThreads = 1;
    const session = await InferenceSession.create(file, { executionProviders: ["wasm"] });
    return Object.assign(new Onnx(), { session, Tensor });
  }

  get bytes() {
    return memories.reduce((all, memory) => all + memory.buffer.byteLength, 0);
  }

  async embed(input) {
    const feeds = { input: new this.Tensor("float32", input, [1, 3, 160, 160]) };
    const run = await timed(() => this.session.run(feeds));
    return { ...run, output: run.result.output.data };
  }
}

/** The sandbox of the public Worker: a new instance for each question, all over one memory. */
class Sandbox {
  static async open({ file, pages }) {
    const module = await WebAssembly.compile(await readFile(file));
    const [initial, maximum] = pages;
    const memory = new WebAssembly.Memory({ initial, maximum });
    return Object.assign(new Sandbox(), { module, memory });
  }

  get bytes() {
    return this.memory.buffer.byteLength;
  }

  async ask({ asked, rest }) {
    const { memory } = this;
    const { exports } = await WebAssembly.instantiate(this.module, { env: { memory } });
    const head = new TextEncoder().encode(asked);
    const length = 4 + head.length + rest.length;
    const address = exports.reserve(length);
    new DataView(memory.buffer).setUint32(address, head.length, true);
    const frame = new Uint8Array(memory.buffer, address, length);
    frame.set(head, 4);
    frame.set(rest, 4 + head.length);
    return timed(() => exports.run());
  }
}

const operations = {
  /** Instantiates a bare module, or makes a session of an ONNX file, under a name. */
  async open({ name, file, onnx }) {
    open[name] = await (onnx ? Onnx : Bare).open({ file });
    return {};
  },
  async sandbox({ name, ...options }) {
    open[name] = await Sandbox.open(options);
    return {};
  },
  /** Asks the sandbox about the bytes of a file from some byte on, with the finder's weights. */
  async ask({ name, asked, finder, file, from }) {
    const weights = finder ? await readFile(finder) : Buffer.alloc(0);
    const rest = Buffer.concat([weights, (await readFile(file)).subarray(from)]);
    const { ms } = await open[name].ask({ asked, rest });
    return { ms };
  },
  /** Calls an export of a bare module about the bytes of a file. */
  async read({ name, function: called, file }) {
    const { ms } = await open[name].read({ function: called, bytes: await readFile(file) });
    return { ms };
  },
  /** Calls an export of a bare module with numbers. */
  call: ({ name, function: called, args }) => timed(() => open[name].exports[called](...args)),
  text: ({ name }) => ({ text: open[name].text() }),
  async feed({ name, ...piece }) {
    await open[name].feed(piece);
    return {};
  },
  /** Embeds the tensor in a file, so many times. */
  async embed({ name, file, times }) {
    const input = await tensor(file);
    const runs = [];
    while (runs.length < times) {
      runs.push(await open[name].embed(input));
    }
    const each = (figure) => runs.map((run) => run[figure]);
    const { output } = runs.at(-1);
    return { ms: each("ms"), cpuMs: each("cpuMs"), output: Array.from(output) };
  },
  /** Calls an export of a bare module about the tensor in a file. */
  async compute({ name, function: called, file }) {
    await open[name].compute(called, await tensor(file));
    return {};
  },
  memory: ({ name }) => ({ bytes: open[name].bytes }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await operations[request.operation](request);
  } catch (error) {
    const text = open[request.name]?.text?.();
    answer = { error: text ? `${text} (${error.message})` : error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
