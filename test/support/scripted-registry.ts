/**
 * A registry of the network as far as a client can tell: TLS, a token service on another port, blobs behind a redirect, and
 * the troubles of a network on demand. Blobs and manifests in memory.
 */
import { createHash } from "node:crypto";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { makeSelfSigned, type TestCertificate } from "./self-signed.ts";

export interface ScriptedRegistry {
  /** `127.0.0.1:port` */
  readonly host: string;
  readonly certificate: TestCertificate;
  readonly blobs: Map<string, Buffer>;
  /** By `repository:tag` and `repository@digest`. */
  readonly manifests: Map<string, { readonly type: string; readonly bytes: Buffer }>;
  /** `METHOD path` of each request to the registry itself. */
  readonly asked: string[];
  /** Authorization headers that the place of redirected blobs saw. */
  readonly seenElsewhere: (string | undefined)[];
  /** Troubles to come: taken from the front, each one once. */
  readonly troubles: Trouble[];
  close(): Promise<void>;
}

/** What happens to the next request whose `METHOD path` matches. */
export interface Trouble {
  readonly on: RegExp;
  /** `cut`: after this many bytes of the body, or of what is uploaded; `busy`: 503 with `Retry-After: 0`. */
  readonly does: "cut" | "busy";
  readonly bytes?: number;
}

const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export async function startScriptedRegistry(
  options: { readonly isPlain?: boolean; readonly user?: string | undefined; readonly mounts?: boolean } = {},
): Promise<ScriptedRegistry> {
  const certificate = makeSelfSigned();
  const blobs = new Map<string, Buffer>();
  const manifests: ScriptedRegistry["manifests"] = new Map();
  const asked: string[] = [];
  /** `repository digest` */
  const held = new Set<string>();
  const seenElsewhere: (string | undefined)[] = [];
  const troubles: Trouble[] = [];
  const tls = { key: certificate.key, cert: certificate.cert };
  let place = "";

  const elsewhere = createHttpsServer(tls, (request, response) => {
    const url = new URL(request.url ?? "", "https://x");
    if (url.pathname === "/token") {
      const expected = `Basic ${Buffer.from(options.user ?? "").toString("base64")}`;
      if (request.headers.authorization !== expected)
        return answer(response, 401, { details: "incorrect username or password" });
      return answer(response, 200, { access_token: url.searchParams.getAll("scope").join(" ") });
    }
    seenElsewhere.push(request.headers.authorization);
    sendBlob(request, response, blobs.get(url.pathname.slice(1)));
  });

  function sendBlob(request: IncomingMessage, response: ServerResponse, blob: Buffer | undefined): void {
    if (!blob) {
      answer(response, 404, { errors: [{ code: "BLOB_UNKNOWN", message: "blob unknown" }] });
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const part = blob.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": part.length });
    const trouble = takeTrouble("GET blob");
    if (trouble?.does !== "cut") return void response.end(part);
    response.write(part.subarray(0, trouble.bytes ?? 0), () => request.socket.destroy());
  }

  function takeTrouble(what: string): Trouble | undefined {
    const index = troubles.findIndex(({ on }) => on.test(what));
    return index < 0 ? undefined : troubles.splice(index, 1)[0];
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? "", "https://x");
    const method = request.method ?? "";
    asked.push(`${method} ${url.pathname}${url.search}`);
    const trouble = takeTrouble(`${method} ${url.pathname}`);
    if (trouble?.does === "busy") return void response.writeHead(503, { "retry-after": "0" }).end();
    if (trouble) {
      request.once("data", () => request.socket.destroy());
      return;
    }
    const token = request.headers.authorization?.replace(/^Bearer /, "") ?? "";
    const repository = /^\/v2\/(.+?)\/(?:blobs|manifests)\//.exec(url.pathname)?.[1] ?? "";
    if (
      options.user !== undefined &&
      !token.split(" ").some((scope) => scope.startsWith(`repository:${repository}:`))
    ) {
      const realm = `https://${place}/token`;
      const scope = `repository:${repository}:pull`;
      response.setHeader("www-authenticate", `Bearer realm="${realm}",service="scripted",scope="${scope}"`);
      return answer(response, 401, { errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] });
    }
    if (url.pathname === "/v2/") return answer(response, 200, {});
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const digest = url.searchParams.get("digest") ?? "";
    const manifest = /^\/v2\/(.+)\/manifests\/(.+)$/.exec(url.pathname);
    if (manifest) {
      const wanted = manifest[2] ?? "";
      const key = `${repository}${wanted.startsWith("sha256:") ? "@" : ":"}${wanted}`;
      if (method === "PUT") {
        manifests.set(key, { type: request.headers["content-type"] ?? "", bytes: body });
        return void response.writeHead(201, { "docker-content-digest": sha256(body) }).end();
      }
      const found = manifests.get(key);
      if (!found) return answer(response, 404, { errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] });
      return void response.writeHead(200, { "content-type": found.type }).end(found.bytes);
    }
    const blob = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(url.pathname)?.[1];
    if (blob !== undefined && method === "HEAD")
      return void response.writeHead(held.has(`${repository} ${blob}`) ? 200 : 404).end();
    if (blob !== undefined) return void response.writeHead(307, { location: `https://${place}/${blob}` }).end();
    if (method === "POST") {
      const mount = url.searchParams.get("mount") ?? "";
      if (options.mounts && held.has(`${url.searchParams.get("from")} ${mount}`)) {
        held.add(`${repository} ${mount}`);
        return void response.writeHead(201).end();
      }
      return void response.writeHead(202, { location: `${url.pathname}1?state=a` }).end();
    }
    if (method === "PATCH") {
      uploads.set(url.pathname, body);
      return void response.writeHead(202, { location: `${url.pathname}?state=b` }).end();
    }
    const bytes = Buffer.concat([uploads.get(url.pathname) ?? Buffer.alloc(0), body]);
    if (sha256(bytes) !== digest) return answer(response, 400, { errors: [{ code: "DIGEST_INVALID", message: "" }] });
    blobs.set(digest, bytes);
    held.add(`${repository} ${digest}`);
    return void response.writeHead(201).end();
  };
  const uploads = new Map<string, Buffer>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    void handle(request, response).catch(() => response.destroy());
  const server = options.isPlain ? createHttpServer(onRequest) : createHttpsServer(tls, onRequest);
  const listen = async (one: typeof server): Promise<string> => {
    await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(one.address() as AddressInfo).port}`;
  };
  place = await listen(elsewhere);
  const host = await listen(server);
  return {
    host,
    certificate,
    blobs,
    manifests,
    asked,
    seenElsewhere,
    troubles,
    async close() {
      for (const one of [server, elsewhere]) {
        one.closeAllConnections();
        await new Promise((resolve) => one.close(resolve));
      }
    },
  };
}

function answer(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}
