/**
 * A Kiln on which rows of the acceptance list happen for real: projects and roles with real policies, sources in folders,
 * builds through StartBuild, then `kiln explain` as a person runs it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { type Kiln, type KilnOptions, startKiln } from "../../src/app.ts";
import { memoryIo } from "../../src/cli/io.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import type { ServiceName } from "../../src/core/aws.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../support/policy-documents.ts";
import { cliError } from "./aws-log.ts";
import type { Expected, Explained } from "./rows.ts";

export interface RealRow extends Expected {
  /** A program of this machine without which the row is skipped, with a printed reason. */
  readonly needs?: string;
  /** Makes what the row needs and answers what is explained. */
  run(at: Acceptance): Promise<Shown>;
}

/** A build by its id, or what an API call printed. */
export type Shown = { readonly buildId: string } | { readonly text: string };

export interface ProjectInput {
  readonly buildspec?: string;
  /** Files of the source folder; with none the project has no source. */
  readonly files?: Readonly<Record<string, string>>;
  /** Actions on everything; logs are always allowed unless `logs` is false. */
  readonly actions?: readonly string[];
  readonly statements?: readonly object[];
  readonly logs?: false;
  readonly privileged?: true;
  readonly more?: object;
}

const ENVIRONMENT = {
  type: "LINUX_CONTAINER",
  image: "aws/codebuild/standard:7.0",
  computeType: "BUILD_GENERAL1_SMALL",
};

export const region = "us-east-1";
export const account = "000000000000";
export const arnOf = (service: string, rest: string): string => `arn:aws:${service}:${region}:${account}:${rest}`;

export class Acceptance {
  readonly folder = mkdtempSync(join(tmpdir(), "kiln-acceptance-"));
  #kiln: Kiln | undefined;
  readonly #shown = new Map<string, Shown | Error>();

  async start(options: KilnOptions = {}): Promise<void> {
    this.#kiln = await startKiln({ stateDir: join(this.folder, "state"), port: 0, strict: true, ...options });
  }

  async close(): Promise<void> {
    await this.#kiln?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  get kiln(): Kiln {
    if (!this.#kiln) throw new Error("not started");
    return this.#kiln;
  }

  call<T = object>(service: ServiceName, operation: string, input: object): Promise<T> {
    return this.kiln.root.call<T>(service, operation, input);
  }

  /** A role with a policy of its own; its ARN. */
  async role(name: string, { actions = [], statements = [], logs }: ProjectInput): Promise<string> {
    await this.call("iam", "CreateRole", { RoleName: name, AssumeRolePolicyDocument: CODEBUILD_TRUST });
    const all = [
      ...(logs === false ? [] : [allow("logs:*")]),
      ...(actions.length > 0 ? [allow(actions)] : []),
      ...statements,
    ];
    if (all.length > 0) {
      await this.call("iam", "PutRolePolicy", {
        RoleName: name,
        PolicyName: "build",
        PolicyDocument: documentText(...all),
      });
    }
    return `arn:aws:iam::${account}:role/${name}`;
  }

  /** Files of a source, below the folder of the row; the folder. */
  files(name: string, files: Readonly<Record<string, string>>): string {
    const folder = join(this.folder, "sources", name);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return folder;
  }

  async project(name: string, input: ProjectInput): Promise<void> {
    const { buildspec, files, privileged, more = {} } = input;
    const serviceRole = await this.role(name, input);
    const source = files
      ? {
          type: "GITHUB",
          location: `file://${this.files(name, { ...files, ...(buildspec === undefined ? {} : { "buildspec.yml": buildspec }) })}`,
        }
      : { type: "NO_SOURCE", buildspec };
    await this.call("codebuild", "CreateProject", {
      name,
      source,
      artifacts: { type: "NO_ARTIFACTS" },
      environment: { ...ENVIRONMENT, privilegedMode: privileged ?? false },
      serviceRole,
      ...more,
    });
  }

  /** Starts a build and waits for its end. */
  async build(projectName: string, overrides: object = {}): Promise<Shown> {
    const { build } = await this.call<{ build: { id: string } }>("codebuild", "StartBuild", {
      projectName,
      ...overrides,
    });
    for await (const event of this.kiln.events(build.id)) void event;
    return { buildId: build.id };
  }

  /** A project and one build of it. */
  async projectBuild(name: string, input: ProjectInput): Promise<Shown> {
    await this.project(name, input);
    return this.build(name);
  }

  /** What the aws CLI would print of this call. */
  async refused(operation: string, input: object): Promise<Shown> {
    try {
      await this.call("codebuild", operation, input);
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      return { text: cliError(code, operation, message) };
    }
    throw new Error(`${operation} was not refused`);
  }

  /** Runs every row, some at the same time, and closes: explanations then read what is on disk. */
  async runAll(rows: readonly RealRow[]): Promise<void> {
    const waiting = [...rows];
    const work = async (): Promise<void> => {
      for (let row = waiting.shift(); row; row = waiting.shift()) {
        const { id } = row;
        const shown = row.run(this).catch((error: unknown) => new Error(`${id} was not shown`, { cause: error }));
        this.#shown.set(id, await shown);
      }
    };
    await Promise.all([work(), work(), work()]);
    await this.#kiln?.close();
    this.#kiln = undefined;
  }

  /** `kiln explain … -o json` of what the row showed. */
  async explain(row: RealRow): Promise<Explained> {
    const shown = this.#shown.get(row.id);
    if (!shown || shown instanceof Error) throw shown ?? new Error(`${row.id} was not run`);
    const cwd = join(this.folder, "here");
    mkdirSync(cwd, { recursive: true });
    const words =
      "buildId" in shown ? [shown.buildId, "--state-dir", join(this.folder, "state")] : [this.#saved(row, shown.text)];
    const io = memoryIo({ cwd });
    expect(await runCli(["explain", ...words, "-o", "json"], io), io.complained()).toBe(0);
    return (JSON.parse(io.written()) as { diagnosis: Explained }).diagnosis;
  }

  #saved(row: RealRow, text: string): string {
    const file = join(this.folder, `${row.id}.txt`);
    writeFileSync(file, text);
    return file;
  }
}

/** Whether the program is on PATH. */
export function isHere(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** One `build` phase with these commands; `rest` follows. */
export const spec = (commands: readonly string[], rest = ""): string =>
  `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((one) => `      - ${one}\n`).join("")}${rest}`;
