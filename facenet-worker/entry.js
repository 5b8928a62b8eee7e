// The Worker's entry: the classes that Cloudflare calls, by the names that wrangler looks for, the
// sandbox, and the weights with which it finds faces. Only an import brings these files along, and
// Rust has no imports of that kind.
import finder from "./face-finder.bin";
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

globalThis.CFACE_SANDBOX = { module: sandbox, finder, call };

export default Entrypoint;
export const FaceNetShard1 = object("FaceNetShard1");
export const FaceNetShard2 = object("FaceNetShard2");
