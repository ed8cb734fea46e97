/** Real git repositories in temporary folders, and a small HTTP server in front of them (`git http-backend`). */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";

export class TestRepository {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.git("init", "-q", "-b", "main");
  }

  git(...args: string[]): string {
    const settings = ["user.name=t", "user.email=t@example.com", "commit.gpgsign=false", "protocol.file.allow=always"];
    return execFileSync("git", [...settings.flatMap((line) => ["-c", line]), ...args], {
      cwd: this.folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  }

  /** Writes the files and commits them; the commit's id. */
  commit(files: Readonly<Record<string, string>>, message = "commit"): string {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true });
      writeFileSync(join(this.folder, name), text);
    }
    this.git("add", "-A");
    this.git("commit", "-q", "--allow-empty", "-m", message);
    return this.git("rev-parse", "HEAD");
  }
}

export interface GitServer {
  /** `http://127.0.0.1:port`, or `https://…` */
  readonly url: string;
  /** Paths that were asked for, with the service. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export interface GitServerOptions {
  /** `user:password` that requests must bring. */
  readonly credentials?: string;
  /** PEM texts; makes it an HTTPS server. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Serves the repositories below `root`, bare ones and work trees: `/owner/name` is `<root>/owner/name`. */
export async function serveGit(root: string, options: GitServerOptions = {}): Promise<GitServer> {
  const requests: string[] = [];
  const answer: RequestListener = (request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    requests.push(`${request.method} ${url.pathname}${url.search}`);
    const expected = options.credentials && `Basic ${Buffer.from(options.credentials).toString("base64")}`;
    if (expected !== undefined && request.headers.authorization !== expected) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
      return;
    }
    const backend = spawn("git", ["-c", "safe.directory=*", "http-backend"], {
      env: {
        PATH: process.env["PATH"],
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        REQUEST_METHOD: request.method,
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        CONTENT_TYPE: request.headers["content-type"] ?? "",
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
        GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
        REMOTE_USER: "tester",
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    backend.stdin.on("error", () => {});
    request.pipe(backend.stdin);
    const chunks: Buffer[] = [];
    backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    backend.on("close", () => {
      const said = Buffer.concat(chunks);
      const end = said.indexOf("\r\n\r\n");
      const headers = said.subarray(0, end).toString().split("\r\n");
      const status = /^Status: (\d+)/.exec(headers.find((line) => line.startsWith("Status:")) ?? "")?.[1];
      response.statusCode = Number(status ?? 200);
      for (const line of headers) {
        const colon = line.indexOf(": ");
        if (colon > 0 && !line.startsWith("Status:")) response.setHeader(line.slice(0, colon), line.slice(colon + 2));
      }
      response.end(said.subarray(end + 4));
    });
  };
  const server = options.tls ? createTlsServer(options.tls, answer) : createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
