/**
 * Kiln's own words for what is wrong with a `batch` section. AWS's are not recorded anywhere; only the status code is
 * taken over (YAML_FILE_ERROR). All in one file, so that recorded ones can replace them.
 */
import { BATCH_KINDS } from "../buildspec/index.ts";

const listed = (names: readonly string[], last = "or"): string =>
  names
    .map((name) => `\`${name}\``)
    .join(", ")
    .replace(/, ([^,]*)$/, ` ${last} $1`);

export const noKind = (): string => `batch has no builds, expected one of ${listed(BATCH_KINDS)} under it`;
export const severalKinds = (kinds: readonly string[]): string =>
  `batch has ${listed(kinds, "and")}, expected one kind`;
export const noTasks = (kind: string): string => `batch.${kind} is empty, expected at least one build`;
export const noIdentifier = (section: string): string => `${section} has no identifier`;
export const badIdentifier = (identifier: string): string =>
  `identifier \`${identifier}\` is not valid, expected 1 to 127 letters, digits and underscores`;
export const reservedIdentifier = (identifier: string): string =>
  `identifier \`${identifier}\` is CodeBuild's own, for the build that downloads the source`;
export const sameIdentifier = (identifier: string): string => `identifier \`${identifier}\` stands twice in the batch`;
export const unknownDependency = (identifier: string, dependency: string, known: readonly string[]): string =>
  `\`${identifier}\` depends on \`${dependency}\`, which is no build of the batch${
    known.length > 0 && known.length <= 12 ? `; the others are ${listed(known, "and")}` : ""
  }`;
export const cycle = (path: readonly string[]): string => `the builds wait for each other: ${path.join(" -> ")}`;
export const computeTypeAndFleet = (identifier: string): string =>
  `\`${identifier}\` has both \`compute-type\` and \`fleet\`, expected one of them`;
export const unknownValue = (key: string, value: string, known: readonly string[]): string =>
  `${key} \`${value}\` is none of CodeBuild's: ${known.join(", ")}`;
export const badVariableName = (name: string): string =>
  `\`${name}\` is no name of an environment variable, expected letters, digits and underscores, no digit first`;
export const noValues = (dimension: string): string => `batch.build-matrix: \`${dimension}\` has no values`;
export const badParallelism = (text: string | undefined): string =>
  text === undefined
    ? "batch.build-fanout has no parallelism, expected a whole number above 0"
    : `batch.build-fanout.parallelism is \`${text}\`, expected a whole number above 0`;
export const tooManyBuilds = (count: number, allowed: number): string =>
  `the batch has ${count} builds, and the project allows ${allowed} (maximumBuildsAllowed)`;
export const computeTypeNotAllowed = (identifier: string, computeType: string, allowed: readonly string[]): string =>
  `\`${identifier}\` runs on ${computeType}, and the project allows ${allowed.join(", ")} (computeTypesAllowed)`;
export const fleetNotAllowed = (identifier: string, fleet: string, allowed: readonly string[]): string =>
  `\`${identifier}\` runs on the fleet ${fleet}, and the project allows ${allowed.join(", ")} (fleetsAllowed)`;
export const noBatch = (): string => "the buildspec has no batch section";

export const debugSessionNote = (identifiers: readonly string[]): string =>
  `\`debug-session\` of ${listed(identifiers, "and")}: Kiln opens no session of Session Manager; the build runs through`;
