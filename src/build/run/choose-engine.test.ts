import { describe, expect, it } from "vitest";
import type { Engine, EngineName } from "../../engines/engine.ts";
import { createFakeEngine } from "../../engines/index.ts";
import { chooseEngine, noEngineText } from "./choose-engine.ts";

const CURATED = "aws/codebuild/standard:7.0";
const signal = AbortSignal.timeout(20_000);

const engine = (name: EngineName, problem?: string): Engine => ({
  ...createFakeEngine([]),
  name,
  describe: () => `${name}: where commands run`,
  problem: async () => problem,
});

async function choice(engines: readonly Engine[], requested: EngineName | "auto", image: string, isMapped = false) {
  const chosen = await chooseEngine(engines, { requested, image, isMapped }, signal);
  return chosen.ok ? [chosen.value.engine.name, chosen.value.notice] : noEngineText(chosen.error);
}

const ALL = [engine("podman"), engine("docker"), engine("host"), engine("sandbox")];

describe("the choice of an engine", () => {
  it("is the sandbox for a curated image, and says so", async () => {
    expect(await choice(ALL, "auto", CURATED)).toEqual(["sandbox", "engine sandbox: where commands run"]);
  });

  it("is this machine itself where the sandbox does not work, with the reason", async () => {
    expect(await choice([engine("host"), engine("sandbox", "no namespaces")], "auto", CURATED)).toEqual([
      "host",
      "engine host: where commands run (sandbox: no namespaces)",
    ]);
  });

  it("is a container engine for another image, and for a curated one that the user has mapped", async () => {
    expect(await choice(ALL, "auto", "alpine:3")).toEqual(["docker", "engine docker: where commands run"]);
    expect(await choice(ALL, "auto", CURATED, true)).toEqual(["docker", "engine docker: where commands run"]);
    expect(await choice([engine("docker", "no socket"), engine("podman")], "auto", "alpine:3")).toEqual([
      "podman",
      "engine podman: where commands run (docker: no socket)",
    ]);
  });

  it("is none where an image needs a container engine and none works", async () => {
    const none = [engine("sandbox"), engine("host"), engine("docker", "no socket"), engine("podman", "not installed")];
    expect(await choice(none, "auto", "alpine:3")).toBe(
      "the image `alpine:3` needs a container engine, and none works here: docker: no socket; podman: not installed; start Docker or Podman, or run with `--engine host` to use this machine's tools instead, or name a curated image such as `aws/codebuild/standard:7.0`, or see what `kiln doctor` says of the engines",
    );
    expect(await choice([engine("host")], "auto", "alpine:3")).toContain("and none works here: there is `host`; ");
  });

  it("is the one asked for, or none", async () => {
    expect(await choice(ALL, "host", "alpine:3")).toEqual(["host", "engine host: where commands run"]);
    expect(await choice([engine("sandbox", "no namespaces")], "sandbox", CURATED)).toBe(
      "the engine `sandbox` is not available here: no namespaces; run with `--engine host` to use this machine's tools, or see what `kiln doctor` says of the engines",
    );
    expect(await choice([engine("host")], "podman", CURATED)).toContain(
      "the engine `podman` is not available here: there is `host`; ",
    );
  });

  it("asks no engine anything for a build that was stopped already", async () => {
    const engines = [engine("sandbox", "not asked"), engine("host")];
    const chosen = await chooseEngine(engines, { requested: "auto", image: CURATED }, AbortSignal.abort());
    expect(chosen.ok && chosen.value.engine.name).toBe("sandbox");
  });
});
