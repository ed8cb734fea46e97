/** A Kiln with a project whose builds run in a container, for tests: one state in memory, one source folder. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Kiln, type KilnOptions, startKiln } from "../../src/app.ts";
import type { BuildEvent } from "../../src/build/run/events.ts";
import { CODEBUILD_TRUST } from "../support/policy-documents.ts";

export interface FinishedBuild {
  readonly status: string;
  /** CodeBuild's log: its own lines and the commands' output. */
  readonly log: string;
  readonly notices: string;
  readonly phases: Readonly<Record<string, { readonly status: string; readonly message: string }>>;
  readonly record: Record<string, unknown>;
}

export interface ContainerProject {
  readonly kiln: Kiln;
  /** Where artifacts of builds land. */
  readonly artifactsDir: string;
  /** Runs one build of these files. */
  build(input: {
    readonly files: Readonly<Record<string, string>>;
    readonly environment: object;
    readonly more?: object;
    readonly onEvent?: (event: BuildEvent, buildId: string) => void;
  }): Promise<FinishedBuild>;
  /** Another build of the same project. */
  again(built: FinishedBuild): Promise<FinishedBuild>;
  close(): Promise<void>;
}

const ROLE = "arn:aws:iam::000000000000:role/ContainerBuilds";

export async function openContainerProject(
  options: KilnOptions,
  statements: readonly object[] = [{ Effect: "Allow", Action: "*", Resource: "*" }],
): Promise<ContainerProject> {
  const folder = await mkdtemp(join(tmpdir(), "kiln-container-"));
  const kiln = await startKiln({ stateDir: join(folder, "state"), port: 0, ...options });
  await kiln.root.call("iam", "CreateRole", {
    RoleName: "ContainerBuilds",
    AssumeRolePolicyDocument: CODEBUILD_TRUST,
  });
  await kiln.root.call("iam", "PutRolePolicy", {
    RoleName: "ContainerBuilds",
    PolicyName: "build",
    PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
  });
  const artifactsDir = join(folder, "artifacts");
  let number = 0;
  const start = async (
    projectName: string,
    onEvent?: (event: BuildEvent, buildId: string) => void,
  ): Promise<FinishedBuild> => {
    const { build } = await kiln.root.call<{ build: { id: string } }>("codebuild", "StartBuild", { projectName });
    const lines: string[] = [];
    const notices: string[] = [];
    for await (const event of kiln.events(build.id)) {
      onEvent?.(event, build.id);
      if (event.type === "log") lines.push(event.text);
      if (event.type === "notice") notices.push(event.text);
    }
    const { builds } = await kiln.root.call<{ builds: Record<string, unknown>[] }>("codebuild", "BatchGetBuilds", {
      ids: [build.id],
    });
    const record = builds[0] ?? {};
    const phases = (record["phases"] ?? []) as {
      phaseType: string;
      phaseStatus?: string;
      contexts?: { message?: string }[];
    }[];
    return {
      status: String(record["buildStatus"]),
      log: `${lines.join("\n")}\n`,
      notices: notices.join("\n"),
      phases: Object.fromEntries(
        phases.map((phase) => [
          phase.phaseType,
          { status: phase.phaseStatus ?? "", message: phase.contexts?.[0]?.message ?? "" },
        ]),
      ),
      record,
    };
  };
  return {
    kiln,
    artifactsDir,
    async build({ files, environment, more = {}, onEvent }) {
      const name = `project-${number++}`;
      const source = join(folder, name);
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(source, path)), { recursive: true });
        await writeFile(join(source, path), text);
      }
      await kiln.root.call("codebuild", "CreateProject", {
        name,
        source: { type: "S3", location: pathToFileURL(source).href },
        artifacts: { type: "S3", location: pathToFileURL(artifactsDir).href, packaging: "NONE" },
        environment: { type: "LINUX_CONTAINER", computeType: "BUILD_GENERAL1_SMALL", ...environment },
        serviceRole: ROLE,
        ...more,
      });
      return start(name, onEvent);
    },
    again: ({ record }) => start(String(record["projectName"])),
    async close() {
      await kiln.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
