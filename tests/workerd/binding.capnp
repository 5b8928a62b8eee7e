# A Worker whose binding VECTORIZE is of the class that workerd has for it in production. Behind it is
# the index at the address given by --external-addr. Wrangler cannot do this: it connects the class to
# Cloudflare alone.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "index", external = (http = ())),
  ],
  sockets = [(name = "http", http = (), service = "main")],
);

const worker :Workerd.Worker = (
  modules = [(name = "binding.js", esModule = embed "binding.js")],
  compatibilityDate = "2026-04-01",
  bindings = [(
    name = "VECTORIZE",
    wrapped = (
      moduleName = "cloudflare-internal:vectorize-api",
      innerBindings = [
        (name = "fetcher", service = "index"),
        (name = "indexId", text = "index"),
        (name = "indexVersion", text = "v2"),
        (name = "useNdJson", json = "true"),
      ],
    ),
  )],
);
