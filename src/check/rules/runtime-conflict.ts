/**
 * Runtimes that no one image lists together, while each is listed by some: whatever image the project has, one of them is
 * installed during the build or refused. Also the Android runtimes, which bring a Java of their own.
 */
import { curatedImage, curatedNames } from "../../build/plan/curated-images.ts";
import { findListedVersion } from "../../build/plan/runtime-selection.ts";
import { ownValue } from "../../core/own-value.ts";
import type { Rule } from "../rule.ts";

export const runtimeConflict: Rule = {
  id: "runtime/conflict",
  severity: "warning",
  title: "runtimes that no image offers together",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html",
  *run({ buildspec, project }) {
    const wanted = buildspec.phases
      .flatMap(({ runtimeVersions }) => runtimeVersions)
      .filter(({ version }) => version.value !== "" && version.value !== "latest" && !/[$]/.test(version.value));
    const android = wanted.find(({ runtime }) => runtime.value === "android");
    const java = wanted.find(({ runtime }) => runtime.value === "java");
    if (android && java && /11$/.test(java.version.value) && ["28", "29"].includes(android.version.value)) {
      yield {
        severity: "error",
        message: `android \`${android.version.value}\` and java \`${java.version.value}\` exclude each other`,
        span: java.version.span,
        why: "the Android runtime comes with Java 8, and CodeBuild refuses another one beside it",
      };
      return;
    }
    if (project.image !== undefined) return;
    const listed = wanted
      .map(({ runtime, version }) => ({ runtime, version, ...imagesWith(runtime.value, version.value) }))
      .filter(({ images }) => images.size > 0);
    const [first, ...others] = listed;
    const last = others.at(-1);
    if (!first || !last) return;
    const together = [...first.images].filter((image) => others.every(({ images }) => images.has(image)));
    if (together.length > 0) return;
    yield {
      message: `no image that CodeBuild still offers has ${listed.map(({ runtime, version }) => `${runtime.value} \`${version.value}\``).join(" and ")} together`,
      span: last.version.span,
      why: "an image that lists one of them installs the other during the build, or refuses it",
      related: listed.map(({ runtime, version, images, isListed }) => ({
        span: version.span,
        message: `${runtime.value}${isListed ? ` ${version.value}` : ""} is in ${shortList([...images])}`,
      })),
    };
  },
};

/** The images that list the version; where none does, those that have the runtime at all. Not the first ones, up to 4.0. */
function imagesWith(runtime: string, version: string): { images: Set<string>; isListed: boolean } {
  const offered = curatedNames.flatMap((name) => {
    const image = curatedImage(name);
    const versions = image?.installsOthers ? ownValue(image.runtimes, runtime) : undefined;
    return versions ? [{ name, isListed: findListedVersion(version, versions) !== undefined }] : [];
  });
  const exact = offered.filter(({ isListed }) => isListed);
  const images = new Set((exact.length > 0 ? exact : offered).map(({ name }) => name));
  return { images, isListed: exact.length > 0 };
}

function shortList(images: readonly string[]): string {
  const names = images.map((image) => image.replace("aws/codebuild/", ""));
  return names.length > MAX_NAMED ? `${names.slice(0, MAX_NAMED).join(", ")} and others` : names.join(", ");
}

const MAX_NAMED = 3;
