/**
 * `runtime-versions` that the image does not list. Images since Ubuntu 5.0 and Amazon Linux 2 4.0 hand an unlisted
 * version to the language's installer during the build, so it is slow and may fail: a warning. A runtime with a name that
 * no image knows is an error.
 */

import type { Located } from "../../build/buildspec/index.ts";
import {
  allRuntimes,
  type CuratedImage,
  curatedImage,
  maintainedRuntimes,
  type Runtimes,
} from "../../build/plan/curated-images.ts";
import { findListedVersion, selectRuntimes } from "../../build/plan/runtime-selection.ts";
import type { Fix } from "../../core/diagnostics.ts";
import { nearest } from "../../core/nearest.ts";
import { ownValue } from "../../core/own-value.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const runtimeUnknownVersion: Rule = {
  id: "runtime/unknown-version",
  severity: "warning",
  title: "a runtime or version that the image does not list",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html",
  *run(context) {
    const image = curatedImage(context.project.image);
    // Another image: CodeBuild skips runtime selection altogether.
    if (context.project.image !== undefined && !image?.selectsRuntimes) return;
    for (const phase of context.buildspec.phases) {
      for (const { runtime, version } of phase.runtimeVersions) {
        const finding = findingFor(context, image, runtime, version);
        if (finding) yield finding;
      }
    }
  },
};

function findingFor(
  context: CheckContext,
  image: CuratedImage | undefined,
  runtime: Located<string>,
  version: Located<string>,
): Finding | undefined {
  if (/[$]/.test(version.value) || version.value === "latest" || version.value === "") return undefined;
  if (!Object.hasOwn(allRuntimes, runtime.value) && runtime.value !== "android") {
    const guess = nearest(runtime.value, Object.keys(allRuntimes)) ?? ownValue(aliases, runtime.value);
    return {
      severity: "error",
      message: `unknown runtime \`${runtime.value}\`${guess === undefined ? "" : `; did you mean \`${guess}\`?`}`,
      span: runtime.span,
      why: "no CodeBuild image has a runtime of that name",
      ...(guess !== undefined && { fix: rename(context, runtime, guess) }),
    };
  }
  const runtimes: Runtimes = image?.runtimes ?? maintainedRuntimes;
  // AWS: the runtime `docker` is left only in the aarch64 images, where few builds run.
  const listed = !image && runtime.value === "docker" ? undefined : ownValue(runtimes, runtime.value);
  const name = image ? `\`${image.family}\`` : "the maintained images";
  if (!listed) {
    return {
      // A runtime that the image does not list ends the build.
      ...(image && { severity: "error" as const }),
      message: `${image ? `image ${name} has no` : "no maintained x86 image has a"} runtime \`${runtime.value}\``,
      span: runtime.span,
      why:
        runtime.value === "docker"
          ? "docker comes with the image and needs no runtime version; it needs privileged mode"
          : `the image lists ${Object.keys(runtimes).join(", ")}`,
    };
  }
  if (isListed(image, runtime.value, version.value, listed)) return undefined;
  const isRefused = image && !selectRuntimes(image.family, [{ runtime: runtime.value, version: version.value }]).ok;
  return {
    ...(isRefused && { severity: "error" as const }),
    message: `${runtime.value} \`${version.value}\` is not among the versions of ${name}: ${listed.join(", ")}`,
    span: version.span,
    why: isRefused
      ? "this image installs no other versions: the build fails in DOWNLOAD_SOURCE"
      : "current images install it during the build (`Installing custom … version`), which takes minutes and fails when the installer does not know it",
  };
}

const aliases: Readonly<Record<string, string>> = {
  node: "nodejs",
  go: "golang",
  jdk: "java",
  openjdk: "java",
  python3: "python",
};

/** Whether the image takes the version from its list, as it would in a build. */
function isListed(
  image: CuratedImage | undefined,
  runtime: string,
  version: string,
  listed: readonly string[],
): boolean {
  if (!image) return findListedVersion(version, listed) !== undefined;
  const selected = selectRuntimes(image.family, [{ runtime, version }]);
  if (!selected.ok || selected.value.kind !== "selected") return false;
  return selected.value.runtimes.every((one) => listed.includes(one.version));
}

const rename = (context: CheckContext, runtime: Located<string>, name: string): Fix => ({
  kind: "edit",
  title: `rename it to \`${name}\``,
  edits: [
    { file: context.file, startOffset: runtime.span.startOffset, endOffset: runtime.span.endOffset, newText: name },
  ],
});
