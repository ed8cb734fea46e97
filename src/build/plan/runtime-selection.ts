/**
 * Which runtimes a build selects: `runtime-versions` against what the image lists, with CodeBuild's texts. Pure; the
 * engine then finds them (build/run/host-tools/runtime-versions.ts).
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/runtime-versions.html; texts from published logs; the
 * `Installing …` lines from the images' runtimes.yml. Not published: the text for a runtime no image has.
 * Gap: the old images' android, which brings its java along.
 */

import { ownValue } from "../../core/own-value.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type CuratedImage, curatedImage } from "./curated-images.ts";

export interface SelectedRuntime {
  readonly runtime: string;
  /** As written, with variables filled in. */
  readonly wanted: string;
  /** What the image makes of it: the listed key, or the version to install. */
  readonly version: string;
  /** The image's own line about it; `$VERSION` in it stands for `version`. */
  readonly installing: string;
}

export type RuntimeSelection =
  | { readonly kind: "selected"; readonly runtimes: readonly SelectedRuntime[] }
  /** The image is no curated one: CodeBuild warns and goes on. */
  | { readonly kind: "skipped"; readonly warning: string }
  | { readonly kind: "none" };

/** What the images call their runtimes. */
const TITLES: Readonly<Record<string, string>> = {
  android: "Android",
  dotnet: ".NET",
  golang: "Go",
  java: "Java",
  nodejs: "Node.js",
  php: "PHP",
  python: "Python",
  ruby: "Ruby",
  rust: "Rust",
};

/** The selection, or the message of a YAML_FILE_ERROR. `variables` fills in `$NAME`; unknown names stay. */
export function selectRuntimes(
  imageName: string,
  wanted: readonly { readonly runtime: string; readonly version: string }[],
  variables: ReadonlyMap<string, string> = new Map(),
): Result<RuntimeSelection, string> {
  const image = curatedImage(imageName);
  if (wanted.length === 0) {
    return image?.requiresSelection
      ? err("This build image requires selecting at least one runtime version.")
      : ok({ kind: "none" });
  }
  if (image ? !image.selectsRuntimes : !isNewerImage(imageName)) {
    return ok({
      kind: "skipped",
      warning: "[WARN] Skipping install of runtimes. Runtime version selection is not supported by this build image.",
    });
  }
  const runtimes: SelectedRuntime[] = [];
  for (const { runtime, version } of wanted) {
    const selected = select(image, runtime, fillIn(version, variables));
    if (!selected.ok) return selected;
    runtimes.push(selected.value);
  }
  return ok({ kind: "selected", runtimes });
}

function select(image: CuratedImage | undefined, runtime: string, wanted: string): Result<SelectedRuntime, string> {
  const title = titleOf(image, runtime);
  const custom: SelectedRuntime = {
    runtime,
    wanted,
    version: wanted,
    installing: `Installing custom ${title} version $VERSION ...`,
  };
  if (!image) return ok(custom);
  const listed = ownValue(image.runtimes, runtime);
  if (!listed) {
    return err(
      `Unknown runtime named '${runtime}'. This build image has the following runtimes: ${Object.keys(image.runtimes).sort().join(", ")}`,
    );
  }
  const key = findListedVersion(wanted, listed);
  if (key !== undefined) {
    const version = key.replace(/^[a-z]+(?=\d)/, "");
    return ok({ runtime, wanted, version: key, installing: `Installing ${title} version ${version} ...` });
  }
  if (image.installsOthers) return ok(custom);
  return err(
    `Unknown runtime version named '${wanted}' of ${runtime}. This build image has the following versions: ${[...listed].sort(byNumber).join(", ")}`,
  );
}

/** The listed key for an exact version, for `N.x` (newest of that major) and for `latest`. Lists are newest first. */
export function findListedVersion(wanted: string, listed: readonly string[]): string | undefined {
  if (listed.includes(wanted)) return wanted;
  if (wanted === "latest") return listed[0];
  const major = /^([a-z]*\d+)\.x$/.exec(wanted)?.[1];
  return major === undefined ? undefined : listed.find((key) => key === major || key.startsWith(`${major}.`));
}

/** AWS: the images of Amazon Linux and of Ubuntu since 8.0 name the distribution of Java. */
function titleOf(image: CuratedImage | undefined, runtime: string): string {
  if (runtime === "java" && image) {
    if (image.family.includes("amazonlinux")) return "corretto(OpenJDK)";
    if (image.family === "aws/codebuild/standard:8.0") return "Corretto(OpenJDK)";
  }
  return ownValue(TITLES, runtime) ?? runtime;
}

const fillIn = (text: string, variables: ReadonlyMap<string, string>): string =>
  text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    return variables.get(braced ?? bare ?? "") ?? whole;
  });

/** A curated image that is newer than the table: it may have any runtime. Windows images select none. */
const isNewerImage = (name: string): boolean =>
  /^aws\/codebuild\/(?:standard|amazonlinux2?-(?:x86_64|aarch64)-standard):/.test(name);

const byNumber = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
