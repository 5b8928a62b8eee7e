// The Worker's entry: the class that Cloudflare calls.
import * as worker from "./bindings.js";
import { Entrypoint, run } from "./shim.js";

export default class extends Entrypoint {
    scheduled(event) {
        return run(() => worker.scheduled(event, this.env, this.ctx));
    }
}
