// The Worker's entry: gives it its sandbox. Only an import makes a module of a file, and Rust has
// no imports of that kind.
import module from "./sandbox.wasm";

// Gives the number that an export returns, or says what it died of. An error that came through
// the Worker's own code would count as that code's death.
function call(fn, argument) {
    try {
        return fn(argument);
    } catch (error) {
        return String(error?.message);
    }
}

globalThis.CFACE_SANDBOX = { module, call };

export * from "./index.js";
export { default } from "./index.js";
