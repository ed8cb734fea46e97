/** The buildspec asks for a runtime or version that the image does not have, or for none where one is needed (R05, T20). */
import type { Buildspec } from "../../build/buildspec/buildspec.ts";
import { curatedImage } from "../../build/plan/index.ts";
import { nearest } from "../../core/nearest.ts";
import { ownValue } from "../../core/own-value.ts";
import type { Cause, Finding } from "../cause.ts";
import { at } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";

const RUNTIMES = "https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html";

export const unknownRuntime: Cause = {
  id: "runtime/unknown-version",
  sources: [RUNTIMES],
  match(failure, facts) {
    const match =
      /^Unknown runtime version named '([^']*)' of (\S+?)\. This build image has the following versions: (.*)$/.exec(
        failure.message,
      );
    if (!match) return undefined;
    const [, version = "", runtime = "", list = ""] = match;
    const place = facts.plan?.runtimeVersions.find((r) => r.runtime === runtime);
    const located = facts.buildspec?.phases
      .flatMap((phase) => phase.runtimeVersions)
      .find((r) => r.runtime.value === runtime);
    const newest = list.split(/,\s*/).filter(Boolean).toSorted(byVersion).at(-1);
    const file = facts.buildspec?.file ?? facts.plan?.buildspecFile;
    const line = located?.version.span.line ?? place?.line;
    return {
      cause:
        newest === undefined
          ? `there is no \`${runtime}\` where the build runs, so no version \`${version}\` of it`
          : `the build image has no \`${runtime}\` \`${version}\`; it has ${list}`,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      evidence: [failure.message],
      ...(located && facts.buildspec && newest !== undefined
        ? { fix: replaceValue(facts.buildspec, located.version, newest, `use \`${runtime}: ${newest}\``) }
        : {}),
      next:
        newest === undefined
          ? `with the engines \`sandbox\` and \`host\`, runtimes are those of this machine: install \`${runtime}\`; \`kiln doctor\` shows what there is`
          : "or choose an image that has this version: `kiln run --image IMAGE`, `environment.image` of the project",
      confidence: "certain",
    };
  },
};

export const unknownRuntimeName: Cause = {
  id: "runtime/unknown-name",
  sources: [RUNTIMES],
  match(failure, facts): Finding | undefined {
    const match = /^Unknown runtime named '([^']*)'\. This build image has the following runtimes: (.*)$/.exec(
      failure.message,
    );
    if (!match) return undefined;
    const [, runtime = "", list = ""] = match;
    const located = facts.buildspec?.phases
      .flatMap((phase) => phase.runtimeVersions)
      .find((one) => one.runtime.value === runtime)?.runtime;
    const near = ownValue(ALIASES, runtime) ?? nearest(runtime, list.split(/,\s*/));
    return {
      cause: `the build image has no runtime \`${runtime}\`${near === undefined ? `; it has ${list}` : `; it is called \`${near}\``}`,
      ...at(facts.buildspec?.file ?? facts.plan?.buildspecFile, located?.span.line),
      evidence: [failure.message],
      ...(near !== undefined && located && facts.buildspec
        ? {
            fix: {
              kind: "edit" as const,
              title: `use \`${near}\``,
              edits: [
                {
                  file: facts.buildspec.file,
                  startOffset: located.span.startOffset,
                  endOffset: located.span.endOffset,
                  newText: near,
                },
              ],
            },
          }
        : {
            next:
              runtime === "docker"
                ? "take it out: docker comes with the image, and needs privileged mode"
                : `take it out and install \`${runtime}\` with a command, or choose an image that has it`,
          }),
      confidence: "certain",
    };
  },
};

const ALIASES: Readonly<Record<string, string>> = { node: "nodejs", go: "golang", jdk: "java", openjdk: "java" };

export const noRuntimeSelected: Cause = {
  id: "runtime/none-selected",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html"],
  match(failure, facts): Finding | undefined {
    if (failure.message !== "This build image requires selecting at least one runtime version.") return undefined;
    const name = facts.build.environment?.image;
    const runtimes = Object.entries(curatedImage(name)?.runtimes ?? {});
    const [runtime, [version] = []] = runtimes.find(([known]) => known === "python") ??
      runtimes[0] ?? ["python", ["3.9"]];
    const install = facts.buildspec?.phases.find((phase) => phase.name === "install");
    return {
      cause: `the image${name === undefined ? "" : ` \`${name}\``} needs \`runtime-versions\`, and the buildspec has none`,
      ...at(facts.buildspec?.file, install?.span.line),
      ...fieldOf("environment.image", name),
      evidence: [failure.message],
      ...(facts.buildspec ? { fix: addRuntime(facts.buildspec, runtime, version ?? "latest") } : {}),
      why: "the images before Ubuntu standard 5.0 and Amazon Linux 2 4.0 start no build without one",
      next: `add \`runtime-versions\` under \`phases.install\`, e.g. \`${runtime}: ${version}\`, or use a newer image`,
      confidence: "certain",
    };
  },
};

/** Under `phases.install`, which may have to be added. */
function addRuntime({ text, file, phases }: Buildspec, runtime: string, version: string) {
  const install = phases.find(({ name }) => name === "install");
  const head = install ? /^([ ]*)install:[ ]*(?:#.*)?\r?\n/m.exec(text) : /^([ ]*)phases:[ ]*(?:#.*)?\r?\n/m.exec(text);
  const child = head && /^[ ]+/.exec(text.slice(head.index + head[0].length))?.[0];
  const indent = child ?? `${head?.[1] ?? ""}  `;
  const offset = head ? head.index + head[0].length : text.length;
  const own = `${indent}runtime-versions:\n${indent}  ${runtime}: "${version}"\n`;
  const newText = install ? own : `${indent}install:\n${own.replace(/^(?=.)/gm, "  ")}`;
  return {
    kind: "edit" as const,
    title: `select \`${runtime}: ${version}\``,
    edits: [{ file, startOffset: offset, endOffset: offset, newText }],
  };
}

function replaceValue(
  buildspec: Buildspec,
  located: { value: string; span: { startOffset: number; endOffset: number } },
  value: string,
  title: string,
) {
  const { startOffset, endOffset } = located.span;
  // A version is quoted always: unquoted `3.10` is the number 3.1.
  return {
    kind: "edit" as const,
    title,
    edits: [{ file: buildspec.file, startOffset, endOffset, newText: `"${value}"` }],
  };
}

const byVersion = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
