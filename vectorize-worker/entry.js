// The Worker's entry: the classes that Cloudflare calls, by the names that wrangler looks for.
import * as worker from "./bindings.js";
import { Entrypoint, run } from "./shim.js";

export default class extends Entrypoint {
    scheduled(event) {
        return run(() => worker.scheduled(event, this.env, this.ctx));
    }
}
