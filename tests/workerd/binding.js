// Calls the methods of a Vectorize binding for a test, as `vectorize-local` does at `/call`.
// It is in JavaScript, because the class of the binding is written in it.
export default {
  async fetch(request, env) {
    const { method, args = [] } = await request.json();
    try {
      const result = await env.VECTORIZE[method](...args);
      return Response.json({ result, class: env.VECTORIZE.constructor.name });
    } catch (error) {
      return Response.json({ error: error.message });
    }
  },
};
