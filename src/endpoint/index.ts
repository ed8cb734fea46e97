/** Public face of the endpoint: start it once in app.ts. */

export { type Endpoint, type EndpointOptions, type Route, startEndpoint } from "./server.ts";
