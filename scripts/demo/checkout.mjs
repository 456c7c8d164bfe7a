// SPDX-License-Identifier: MIT
// A checkout of the demo's shop: which services it is made of, and so which call tree each one is.

/** What each serves under which path, and whom it asks for it, one after the other. Who is asked comes before who asks. */
export const services = {
  price: { path: "/price", asks: [] },
  stock: { path: "/stock", asks: ["price"] },
  basket: { path: "/basket", asks: [] },
  front: { path: "/checkout", asks: ["basket", "stock"] },
};

/** Who asks for a checkout now and then. */
export const visitor = { name: "visitor", asks: ["front"] };

/** Where the services listen. */
export const place = { family: "IPv4", host: "127.0.0.1" };

export const requestTo = (service) => ({ method: "GET", path: services[service].path });

/** What a process's environment says of it: it is by this name that it is known in traces, and why it is traced at all. */
export const environmentOf = (name) => ({ ...process.env, OTEL_SERVICE_NAME: name });
