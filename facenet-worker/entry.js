// The Worker's entry: the classes that Cloudflare calls, by the names that wrangler looks for, and
// the sandbox. Only an import makes a module of a file, and Rust has no imports of that kind.
import sandbox from "./sandbox.wasm";
import { Entrypoint, object } from "./shim.js";

// Gives the number that an export returns, or says what it died of. An error that came through
// the Worker's own code would count as that code's death.
function call(fn, argument) {
    try {
        return fn(argument);
    } catch (error) {
        return String(error?.message);
    }
}

globalThis.CFACE_SANDBOX = { module: sandbox, call };

export default Entrypoint;
export const FaceNetShard1 = object("FaceNetShard1");
export const FaceNetShard2 = object("FaceNetShard2");
