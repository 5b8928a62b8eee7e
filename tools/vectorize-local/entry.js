// The Worker's entry: the classes that Cloudflare calls, by the names in wrangler.toml.
import * as worker from "./bindings.js";
import { Entrypoint, object, run } from "./shim.js";

// The methods of Vectorize's binding, which other Workers call.
export default class extends Entrypoint {
    deleteByIds(...values) {
        return run(() => worker.deleteByIds(...values));
    }

    describe() {
        return run(() => worker.describe());
    }

    getByIds(...values) {
        return run(() => worker.getByIds(...values));
    }

    query(...values) {
        return run(() => worker.query(...values));
    }

    upsert(...values) {
        return run(() => worker.upsert(...values));
    }
}

export const VectorIndex = object("VectorIndex");
