/** Takes sources as a build does, with a scripted role, into a temporary folder. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BuildLog } from "../../src/build/run/build-log.ts";
import type { BuildRequest, BuildSource, RunDependencies } from "../../src/build/run/build-request.ts";
import type { BuildEvent, PhaseContext } from "../../src/build/run/events.ts";
import { type TakenSources, takeSources } from "../../src/build/run/sources/index.ts";
import { systemClock, TestClock } from "../../src/core/clock.ts";
import { TestIds } from "../../src/core/ids.ts";
import { type RoleScript, scriptedRole, TEST_UUID } from "./run-test-build.ts";

export interface TestSources {
  readonly source: BuildSource;
  readonly version?: string;
  readonly secondary?: readonly BuildSource[];
  readonly role?: RoleScript;
  readonly cache?: BuildRequest["cache"];
  readonly dependencies?: Partial<RunDependencies>;
  readonly signal?: AbortSignal;
  readonly certificate?: string;
}

export interface TestedSources {
  /** The sources; undefined after a failure. */
  readonly taken: TakenSources | undefined;
  readonly failure: PhaseContext | undefined;
  readonly events: readonly BuildEvent[];
  readonly workDir: string;
}

/** Folders of all builds of a test file; call `remove` at its end. */
export class SourceBench {
  readonly #folders: string[] = [];

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "kiln-src-"));
    this.#folders.push(folder);
    return folder;
  }

  async take(input: TestSources): Promise<TestedSources> {
    const workDir = await this.folder();
    const events: BuildEvent[] = [];
    const request = {
      buildId: `my-project:${TEST_UUID}`,
      projectName: "my-project",
      scope: { partition: "aws", region: "us-east-1", accountId: "111122223333" },
      source: input.source,
      sourceVersion: input.version,
      secondarySources: input.secondary ?? [],
      cache: input.cache ?? { type: "NO_CACHE" },
      certificate: input.certificate,
    } as unknown as BuildRequest;
    const dependencies = {
      role: scriptedRole(input.role ?? {}),
      ids: new TestIds(),
      clock: systemClock,
      workDir,
      privateDir: join(workDir, "private"),
      ...input.dependencies,
    } as unknown as RunDependencies;
    const log = new BuildLog(request.buildId, new TestClock(), (event) => void events.push(event));
    const result = await takeSources({
      request,
      dependencies,
      log,
      signal: input.signal ?? new AbortController().signal,
      toEnvironmentPath: (path) => path,
    });
    return {
      taken: result.ok ? result.value : undefined,
      failure: result.ok ? undefined : result.error,
      events,
      workDir,
    };
  }

  async remove(): Promise<void> {
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }
}
