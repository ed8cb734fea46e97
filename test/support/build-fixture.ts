/** For tests of the embedded builder by itself: a layer store, contexts on disk, what a build told while it went on. */
import { chmod, copyFile, mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../../src/core/clock.ts";
import type { BuildReporter, TransferStatus, VertexEnd } from "../../src/docker-api/embedded/build/build-reporter.ts";
import { BuildError, type BuildRequest } from "../../src/docker-api/embedded/build/build-request.ts";
import { buildImage } from "../../src/docker-api/embedded/build/builder.ts";
import { detectIsolation } from "../../src/docker-api/embedded/isolation.ts";
import type { Image } from "../../src/images/image.ts";
import { LayerStore } from "../../src/images/layer-store.ts";
import { findFile } from "../../src/images/layered-root.ts";
import { removeTree } from "../../src/images/remove-tree.ts";
import { staticBusybox } from "./docker-fixture.ts";

export interface Told {
  readonly names: readonly string[];
  /** How each vertex ended, by name. */
  readonly ends: ReadonlyMap<string, VertexEnd>;
  readonly output: string;
  readonly statuses: readonly TransferStatus[];
  readonly remarks: readonly string[];
  readonly warnings: readonly string[];
  /** Names started before any of them had ended, at most. */
  readonly mostAtOnce: number;
}

export interface Built extends Told {
  readonly image: Image;
  /** Text of a file of the image, or undefined. */
  file(path: string): Promise<string | undefined>;
  /** `mode uid:gid` of a file. */
  meta(path: string): Promise<string | undefined>;
}

export type ContextFiles = Readonly<Record<string, string | { readonly text: string; readonly mode: number }>>;

/** What all tests build on: busybox, two users. */
export const BASE = `FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /etc /tmp && chmod 1777 /tmp && printf 'root:x:0:0:root:/root:/bin/sh\\napp:x:1000:1001::/home/app:/bin/sh\\n' > /etc/passwd && printf 'root:x:0:\\napp:x:1001:\\nextra:x:50:app\\n' > /etc/group
`;

export class BuildFixture {
  readonly dir: string;
  readonly store: LayerStore;
  readonly images = new Map<string, Image>();
  readonly #isolation: BuildRequest["isolation"];
  #count = 0;

  private constructor(dir: string, store: LayerStore, isolation: BuildRequest["isolation"]) {
    this.dir = dir;
    this.store = store;
    this.#isolation = isolation;
  }

  static async open(): Promise<BuildFixture> {
    const dir = await mkdtemp(join(tmpdir(), "kiln-build-"));
    const store = await LayerStore.open(join(dir, "images"));
    return new BuildFixture(dir, store, await detectIsolation(store));
  }

  async context(files: ContextFiles): Promise<string> {
    const folder = join(this.dir, `context-${++this.#count}`);
    await mkdir(folder);
    for (const [name, content] of Object.entries(files)) {
      const { text, mode } = typeof content === "string" ? { text: content, mode: 0o644 } : content;
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
      await chmod(join(folder, name), mode);
    }
    const busybox = await staticBusybox();
    if (busybox !== undefined) await copyFile(busybox, join(folder, "busybox"));
    return folder;
  }

  /** Builds; `options.context` is used as it is. With a reporter of one's own nothing is told here. */
  async build(
    dockerfile: string,
    files: ContextFiles = {},
    options: Partial<BuildRequest> = {},
    reporter?: BuildReporter,
  ): Promise<Built> {
    const context = options.context ?? { dir: await this.context(files) };
    await writeFile(join(context.dir, "Dockerfile"), dockerfile);
    const told = recorder();
    const image = await buildImage({
      style: "buildkit",
      context,
      dockerfile: { dir: context.dir, name: "Dockerfile" },
      namedContexts: {},
      buildArgs: {},
      labels: {},
      target: "",
      noCache: false,
      cacheFrom: [],
      platform: undefined,
      network: "host",
      extraHosts: [],
      shmSizeBytes: undefined,
      ulimits: [],
      exportNames: [],
      store: this.store,
      isolation: this.#isolation,
      clock: systemClock,
      signal: new AbortController().signal,
      secret: async () => undefined,
      resolveImage: async (name) => {
        const found = this.images.get(name);
        if (!found) throw new BuildError(`${name}: not found`);
        return found;
      },
      ...options,
      reporter: reporter ?? told.reporter,
    });
    const root = this.store.root(image.layers);
    return {
      ...told.told(),
      image,
      file: async (path) => {
        const found = await findFile(root, path);
        return found && (await readFile(found.hostPath, "utf8"));
      },
      meta: async (path) => {
        const found = (await root.resolve(path)).found;
        return found && `${(found.stats.mode & 0o7777).toString(8)} ${found.stats.uid}:${found.stats.gid}`;
      },
    };
  }

  /** The error a build ends with. */
  async failure(
    dockerfile: string,
    files: ContextFiles = {},
    options: Partial<BuildRequest> = {},
  ): Promise<BuildError> {
    try {
      await this.build(dockerfile, files, options);
    } catch (error) {
      if (error instanceof BuildError) return error;
      throw error;
    }
    throw new Error("the build did not fail");
  }

  close(): Promise<void> {
    return removeTree(this.dir);
  }
}

function recorder(): { reporter: BuildReporter; told(): Told } {
  const names: string[] = [];
  const ends = new Map<string, VertexEnd>();
  const byDigest = new Map<string, string>();
  const statuses: TransferStatus[] = [];
  const remarks: string[] = [];
  const warnings: string[] = [];
  let output = "";
  let running = 0;
  let mostAtOnce = 0;
  return {
    reporter: {
      started: ({ digest, name }) => {
        names.push(name);
        byDigest.set(digest, name);
        mostAtOnce = Math.max(mostAtOnce, ++running);
      },
      output: (_digest, _stream, text) => {
        output += text;
      },
      status: (_digest, status) => void statuses.push(status),
      completed: (digest, end) => {
        running--;
        ends.set(byDigest.get(digest) ?? "", end);
      },
      warning: (_, { short }) => void warnings.push(short),
      remark: (text) => void remarks.push(text),
    },
    told: () => ({ names, ends, output, statuses, remarks, warnings, mostAtOnce }),
  };
}
