// What Cloudflare calls: classes whose methods lead to the Worker in WebAssembly.
//
// A trap or a panic ends the module's instance. The next call makes a new instance and new objects
// in it, because the objects lived in the memory of the old one.
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
import * as worker from "./bindings.js";

// Kept by the library `worker`: the number of the instance, and whether that has panicked.
const state = worker.__worker_init_state();

// Ends each call that is under way. Nothing goes on in an instance that has trapped, so these calls
// would wait for ever. The runtime does not notice that while they wait for an object that waits
// too.
const underWay = new Set();

function end() {
    for (const reject of underWay) {
        reject(new Error("The instance has ended"));
    }
    underWay.clear();
}

function renew() {
    if (state.criticalError) {
        console.log("Beginning anew after a trap");
        end();
        state.criticalError = false;
        worker.__wbg_reset_state();
    }
}

function note(error) {
    if (error instanceof WebAssembly.RuntimeError) {
        state.criticalError = true;
        end();
    }
}

// What traps between two awaits arrives here and not at the caller.
addEventListener("error", (event) => note(event.error));

// Calls into the module.
export async function run(call) {
    renew();
    let reject;
    const ended = new Promise((_, rejected) => (reject = rejected));
    underWay.add(reject);
    try {
        return await Promise.race([call(), ended]);
    } catch (error) {
        note(error);
        throw error;
    } finally {
        underWay.delete(reject);
    }
}

export class Entrypoint extends WorkerEntrypoint {
    fetch(request) {
        const response = run(() => worker.fetch(request, this.env, this.ctx));
        // A request goes on to its end even when the caller hangs up. Otherwise it would stop
        // anywhere, with a face half stored, and never give back its permits.
        this.ctx.waitUntil(response);
        return response;
    }
}

// The class of a Durable Object that the Worker calls so.
export function object(name) {
    return class extends DurableObject {
        #object;
        #instance;

        fetch(request) {
            return run(() => this.#current().fetch(request));
        }

        #current() {
            if (this.#instance !== state.instanceId) {
                this.#object = new worker[name](this.ctx, this.env);
                this.#instance = state.instanceId;
            }
            return this.#object;
        }
    };
}
