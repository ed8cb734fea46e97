/** What a registry answers when it refuses, as docker's clients print it. Texts observed with the docker CLI. */
import type { IncomingMessage } from "node:http";
import { parseChallenge } from "./registry-challenge.ts";

/** An answer of 400 and above, or no way to authenticate. The message is what docker prints. */
export class RegistryRequestError extends Error {
  override readonly name = "RegistryRequestError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The error a docker client makes of an answer: OAuth errors of the header first, then the body's. */
export function errorFrom(response: IncomingMessage, bytes: Buffer): RegistryRequestError {
  const status = response.statusCode ?? 500;
  if (status >= 500) {
    return new RegistryRequestError(
      status,
      "",
      `received unexpected HTTP status: ${status} ${response.statusMessage ?? ""}`.trim(),
    );
  }
  const oauth = parseChallenge(response.headers["www-authenticate"])?.parameters ?? {};
  if (oauth["error"] === "insufficient_scope") {
    return new RegistryRequestError(
      status,
      "DENIED",
      `denied: ${oauth["error_description"] ?? "requested access to the resource is denied"}`,
    );
  }
  if (oauth["error"] === "invalid_token") {
    return new RegistryRequestError(
      status,
      "UNAUTHORIZED",
      `unauthorized: ${oauth["error_description"] ?? "authentication required"}`,
    );
  }
  const problem = problemsOf(bytes)[0];
  if (problem) {
    const code = problem.code.toLowerCase().replaceAll("_", " ");
    return new RegistryRequestError(
      status,
      problem.code,
      problem.message === "" ? code : `${code}: ${problem.message}`,
    );
  }
  if (status === 401) return new RegistryRequestError(status, "UNAUTHORIZED", "unauthorized: authentication required");
  return new RegistryRequestError(
    status,
    "",
    `error parsing HTTP ${status} response body: ${bytes.toString("utf8", 0, 200)}`,
  );
}

/** A connection that did not come about, as docker's engine says it; other failures as they are. */
export function networkFailure(url: URL, error: unknown): unknown {
  const {
    code = "",
    message = "",
    address,
    port,
  } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  const reason =
    code === "ENOTFOUND" || code === "EAI_AGAIN"
      ? `dial tcp: lookup ${url.hostname}: no such host`
      : code === "ECONNREFUSED"
        ? `dial tcp ${address}:${port}: connect: connection refused`
        : /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_)/.test(code)
          ? `tls: failed to verify certificate: ${message}`
          : undefined;
  return reason === undefined ? error : new RegistryRequestError(0, "UNREACHABLE", `Get "${url.href}": ${reason}`);
}

interface RegistryProblem {
  /** `UNAUTHORIZED`, `DENIED`, `MANIFEST_UNKNOWN`, …; empty when the body was not the registry's. */
  readonly code: string;
  readonly message: string;
}

function problemsOf(bytes: Buffer): RegistryProblem[] {
  try {
    const parsed = JSON.parse(bytes.toString("utf8")) as { errors?: { code?: unknown; message?: unknown }[] };
    if (!Array.isArray(parsed.errors)) return [];
    return parsed.errors.map((error) => ({ code: String(error.code ?? ""), message: String(error.message ?? "") }));
  } catch {
    return [];
  }
}

/** The text of a token service's refusal: Docker Hub's `details`, or the registry's error list. */
export function tokenProblem(bytes: Buffer): string | undefined {
  const listed = problemsOf(bytes)[0]?.message;
  if (listed !== undefined && listed !== "") return listed;
  try {
    const details = (JSON.parse(bytes.toString("utf8")) as { details?: unknown }).details;
    return typeof details === "string" ? details : undefined;
  } catch {
    return undefined;
  }
}
