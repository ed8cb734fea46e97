/**
 * Buildspecs as public projects write them (Docker, ECS, EKS, SAM, CDK, Terraform, monorepos, Android, Windows), all
 * right: the rules about commands stay silent. test/golden/command-traps/ holds them, one file each.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { check, createMemoryWorkspace } from "./index.ts";

const folder = fileURLToPath(new URL("../../test/golden/command-traps", import.meta.url));
const aboutCommands = /^(?:aws-cli|commands|docker|shell)\/|^env\/secret-in-command$/;

describe("the rules about commands, on buildspecs that are right", () => {
  it.each(readdirSync(folder))("%s", (name) => {
    const text = readFileSync(`${folder}/${name}`, "utf8");
    const found = check({ workspace: createMemoryWorkspace({ "buildspec.yml": text, Dockerfile: "" }) })
      .filter(({ code, severity }) => aboutCommands.test(code) && severity !== "info")
      .map(({ span, severity, code, message }) => `${span?.line} ${severity} ${code}: ${message}`);
    expect(found).toEqual([]);
  });
});
