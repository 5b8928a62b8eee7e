// The Worker's entry: the classes that Cloudflare calls, by the names in wrangler.toml, and the
// sandbox with the weights by which it finds faces. These files have to be imported, which Rust
// cannot do.
import finder from "./face-finder.bin";
import sandbox from "./sandbox.wasm";
import { Entrypoint, object } from "./shim.js";

// Gives the number that an export returns, or the message of what it has thrown. An error that
// went through the Worker's own module would count as a trap of that module.
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
