import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createMemoryWorkspace, rules } from "./index.ts";
import { neededRules } from "./needed-rules.ts";
import { knowledgeRules } from "./rules/knowledge-rules.ts";
import { sourceRules } from "./rules/source-rules.ts";
import { runRules } from "./run-rules.ts";

const plain = "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n";
const needed = (text: string, more: object = {}) =>
  neededRules([
    { workspace: createMemoryWorkspace({ "buildspec.yml": text }), scope: { region: "eu-west-1" }, ...more },
  ]);

describe("the rules a command needs", () => {
  it("are those about the source where nothing else is known", async () => {
    expect(await needed(plain)).toBe(sourceRules);
  });

  it("are all of them for a batch, for a suppression and with knowledge", async () => {
    for (const every of [
      needed(`${plain}batch:\n  build-list:\n    - identifier: one\n`),
      needed(plain.replace("make", "make # kiln-ignore role/over-broad: ours")),
      needed(plain, { project: {} }),
      needed(plain, { role: { name: "builder", policies: [] } }),
      neededRules([
        { workspace: createMemoryWorkspace({}), text: plain },
        { workspace: createMemoryWorkspace({}), text: plain, parameterNames: "/app/**" },
      ]),
    ]) {
      expect(await every).toBe(rules);
    }
  });

  it("find what all of them find in every golden case's buildspec, by itself", () => {
    const root = fileURLToPath(new URL("../../test/golden/check", import.meta.url));
    const texts = readdirSync(root)
      .flatMap((rule) => readdirSync(`${root}/${rule}`).map((name) => `${root}/${rule}/${name}/buildspec.yml`))
      .filter((file) => existsSync(file))
      .map((file) => readFileSync(file, "utf8"))
      .filter((text) => !/batch|kiln-/.test(text));
    expect(texts.length).toBeGreaterThan(200);
    const ofKnowledge = new Set(knowledgeRules.map(({ id }) => id));
    const wrong = texts.flatMap((text) =>
      runRules(rules, { workspace: createMemoryWorkspace({ "buildspec.yml": text }) }).diagnostics.filter(({ code }) =>
        ofKnowledge.has(code),
      ),
    );
    expect(wrong.map(({ code, message }) => `${code}: ${message}`)).toEqual([]);
  });
});
