/**
 * Answers on their way out: what was thrown as the registry's JSON error, and an answer's head and body to the socket.
 * Called by registry.ts, which decides what is answered.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { AwsError, KilnError } from "../core/errors.ts";
import { debug } from "../core/log.ts";
import { DigestMismatch } from "../store/store.ts";
import { API_VERSION, RegistryError } from "./errors.ts";
import type { Answer } from "./exchange.ts";

/** The error that clients are told. */
export function registryErrorFrom(thrown: unknown): RegistryError {
  if (thrown instanceof RegistryError) return thrown;
  if (thrown instanceof DigestMismatch) return new RegistryError("digestInvalid");
  // The policy engine's refusal: clients print the text only on 4xx with this code.
  if (thrown instanceof AwsError && thrown.fault === "client")
    return new RegistryError("denied", { message: thrown.message });
  if (thrown instanceof KilnError && thrown.code === "KILN_E_STATE_FOLDER_FULL") {
    return new RegistryError("storageFull", { message: thrown.message });
  }
  return new RegistryError("internal", thrown instanceof KilnError ? { message: thrown.message } : {});
}

/** Writes the answer, without its body for HEAD. Never rejects: a broken connection is cut. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  requestId: string,
): Promise<void> {
  const isHead = request.method === "HEAD";
  try {
    response.writeHead(answer.status, {
      ...API_VERSION,
      "x-content-type-options": "nosniff",
      "x-amzn-requestid": requestId,
      ...answer.headers,
    });
    if (isHead || answer.body === undefined) return void response.end();
    if (typeof answer.body === "string" || answer.body instanceof Uint8Array) return void response.end(answer.body);
    const chunks = typeof answer.body === "function" ? answer.body() : answer.body;
    for await (const chunk of chunks) await written(response, chunk);
    response.end();
  } catch (error) {
    // The client left, or the bytes could not be read: the length is announced, so cutting is the only honest end.
    debug(
      "registry",
      () =>
        `${request.method} ${request.url?.split("?", 1)[0]} was cut: ${error instanceof Error ? error.message : error}`,
    );
    response.destroy();
  }
}

/** Resolves when the system has taken the chunk, whose memory may be used again then. */
const written = (response: ServerResponse, chunk: Uint8Array | string): Promise<void> =>
  new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
