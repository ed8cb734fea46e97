/**
 * `aws/codebuild/…` images that CodeBuild does not have, or does not maintain any more. A version above those known here
 * may be newer than this table, so nothing is said of it.
 */
import { curatedImage, curatedNames } from "../../build/plan/index.ts";
import type { Fix, Span } from "../../core/diagnostics.ts";
import { editDistance, nearest } from "../../core/nearest.ts";
import { environmentsOf } from "../knowledge/environments.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const imageUnknownCurated: Rule = {
  id: "image/unknown-curated",
  severity: "error",
  title: "a curated image that does not exist, or is retired",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html",
  *run(context) {
    const seen = new Set<string>();
    for (const { label, image, spans } of environmentsOf(context)) {
      if (image === undefined || seen.has(image)) continue;
      seen.add(image);
      const found = findingFor(context, image, label, spans.image);
      if (found) yield found;
    }
  },
};

/** Gone before the images were named after their distribution. */
const LEGACY =
  /^aws\/codebuild\/(?:ubuntu-base|docker|nodejs|python|java|golang|ruby|php|dot-net|android-java-\d+|eb-[\w-]+):/;
/** Of other platforms, whose versions are not in the table. */
const OTHERS = ["aws/codebuild/windows-base", "aws/codebuild/macos-arm-base"];
const FAMILIES = [...new Set([...curatedNames.map((name) => name.split(":")[0] ?? name), ...OTHERS])];
const WHY = "PROVISIONING ends with `BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE`";

function findingFor(context: CheckContext, image: string, label: string, span: Span | undefined): Finding | undefined {
  const at = span ? { span } : {};
  const of = span ? "" : ` of ${label}`;
  if (!image.startsWith("aws/codebuild/")) {
    // A slip in the part that makes it a curated image.
    const meant = /codebuild?|standard/.test(image)
      ? curatedNames.find((name) => name === `aws/${image}` || editDistance(name, image, 2) <= 2)
      : undefined;
    return meant === undefined
      ? undefined
      : {
          ...at,
          message: `there is no image \`${image}\`${of}; did you mean \`${meant}\`?`,
          why: WHY,
          ...edit(context, span, meant),
        };
  }
  if (image.startsWith("aws/codebuild/ami/")) return undefined;
  const known = curatedImage(image);
  if (known) {
    if (known.isMaintained) return undefined;
    return {
      ...at,
      severity: "info",
      message: `image \`${image}\`${of} is no longer maintained`,
      why: "it gets no newer runtimes and no fixes, and it is not kept on the hosts, so builds wait for its download",
    };
  }
  if (LEGACY.test(image)) {
    return {
      ...at,
      severity: "warning",
      message: `image \`${image}\`${of} is one of the first ones, which CodeBuild no longer offers`,
      why: WHY,
    };
  }
  const [family = "", version = ""] = image.split(":");
  if (!FAMILIES.includes(family)) {
    const meant = nearest(family, FAMILIES);
    const whole = meant === undefined ? undefined : withVersion(meant, version);
    return {
      ...at,
      severity: meant === undefined ? "warning" : "error",
      message: `there is no curated image \`${family}\`${of}${meant === undefined ? "" : `; did you mean \`${whole}\`?`}`,
      why: WHY,
      ...(whole !== undefined && curatedNames.includes(whole) && edit(context, span, whole)),
    };
  }
  if (OTHERS.includes(family)) return undefined;
  const versions = curatedNames.flatMap((name) =>
    name.startsWith(`${family}:`) ? [name.slice(family.length + 1)] : [],
  );
  if (/^\d+\.\d+/.test(version) && Number.parseFloat(version) > Math.max(...versions.map(Number.parseFloat)))
    return undefined;
  const meant = versions.find((one) => one === `${version}.0`) ?? nearest(version, versions);
  const isCertain = version === "" || /^\d+$/.test(version) || /^v\d/.test(version) || version === "latest";
  return {
    ...at,
    severity: isCertain && version !== "" ? "error" : "warning",
    message: `image \`${family}\` has no version \`${version}\`${of}; it has ${versions.map((one) => `\`${one}\``).join(", ")}`,
    why: WHY,
    ...(isCertain && meant === `${version}.0` && edit(context, span, `${family}:${meant}`)),
  };
}

const withVersion = (family: string, version: string): string => (version === "" ? family : `${family}:${version}`);

function edit({ file, text }: CheckContext, span: Span | undefined, to: string): { fix?: Fix } {
  if (!span) return {};
  const { startOffset, endOffset } = span;
  const written = text.slice(startOffset, endOffset);
  const quote = /^["']/.exec(written)?.[0] ?? "";
  return {
    fix: {
      kind: "edit",
      title: `use \`${to}\``,
      edits: [{ file, startOffset, endOffset, newText: quote + to + quote }],
    },
  };
}
