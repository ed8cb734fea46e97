/** A Kiln with the control API, in memory or on a folder of its own, and a client of that API. */
import { type Kiln, type KilnOptions, startKiln } from "../../src/app.ts";
import { type RawAnswer, rawRequest } from "./raw-request.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
type Json = any;

export interface ControlAnswer {
  readonly status: number;
  readonly body: Json;
  readonly headers: RawAnswer["headers"];
}

export const startControlled = (options: KilnOptions = {}): Promise<Kiln> =>
  startKiln({ ...(options.stateDir === undefined && { memory: true }), port: 0, control: true, ...options });

/** One request to the control API; `body` is sent as JSON. */
export async function control(
  { url }: Pick<Kiln, "url">,
  method: string,
  path = "",
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<ControlAnswer> {
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  const answer = await rawRequest(url, {
    method,
    path: `/_kiln/control${path}`,
    headers: {
      Host: new URL(url).host,
      ...(method !== "GET" && { "Content-Type": "application/json" }),
      ...(text !== undefined && { "Content-Length": String(Buffer.byteLength(text)) }),
      ...headers,
    },
    ...(text !== undefined && { body: text }),
  });
  return { ...answer, body: answer.body === "" ? undefined : JSON.parse(answer.body) };
}
