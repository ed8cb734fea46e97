import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createFakeEngine } from "../engines/index.ts";
import { enginePlaces, engines, versionOf } from "./doctor.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-doctor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function program(script: string): string {
  const path = join(folder, "aws");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("the version of a tool", () => {
  it("is the first line it prints, wherever", async () => {
    expect(await versionOf(program("echo aws-cli/1.44.2 >&2; echo more >&2"))).toBe("aws-cli/1.44.2");
    expect(await versionOf(program("exit 1"))).toBeUndefined();
  });

  it("is not waited for where the tool or a child of it hangs", async () => {
    const path = program("trap '' TERM; sleep 3; echo late");
    expect(await versionOf(path, 100)).toBe("no answer to --version within 0.1 s");
  });
});

describe("the engines", () => {
  it("are listed in order, each with what it does or why it does not work", async () => {
    const works = {
      ...createFakeEngine([]),
      name: "sandbox" as const,
      describe: () => "sandbox: a view of this machine",
    };
    const fails = { ...createFakeEngine([]), name: "docker" as const, problem: async () => "no socket answers" };
    expect(await engines([works, fails])).toEqual([
      { topic: "engine sandbox", status: "ok", text: "a view of this machine" },
      { topic: "engine docker", status: "note", text: "no socket answers" },
    ]);
  });
});

describe("the places where a container engine is looked for", () => {
  it("are all named, with the reason", async () => {
    const findings = await enginePlaces({ DOCKER_HOST: `unix://${folder}/none.sock`, HOME: folder });
    expect(findings.at(-1)).toMatchObject({ topic: "docker engine", status: "note" });
    expect(findings.at(-1)?.text).toContain(
      `none at unix://${folder}/none.sock (DOCKER_HOST): there is no such socket, `,
    );
    expect(findings.at(-1)?.text).toContain(`${folder}/.docker/run/docker.sock: there is no such socket`);
  });
});
