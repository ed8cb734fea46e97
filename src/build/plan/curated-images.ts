/**
 * Facts about CodeBuild's curated images: which runtimes each lists, what happens to others, and what `sh` is.
 * Read by build/run (runtime-versions), by services and by check.
 * Source: the runtimes.yml files of https://github.com/aws/aws-codebuild-docker-images (April 2026; for images that are
 * gone, the last one published) and https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html
 */

export type Runtimes = Readonly<Record<string, readonly string[]>>;

export interface CuratedImage {
  readonly family: string;
  /** What `sh` is in it. */
  readonly sh: "dash" | "bash";
  readonly isMaintained: boolean;
  readonly runtimes: Runtimes;
  /** Versions that are not listed are installed during the build (the images' `default` entry). */
  readonly installsOthers: boolean;
  /** AWS: the old images refuse a build that selects no runtime. */
  readonly requiresSelection: boolean;
  /** AWS: an image of Lambda compute is one runtime; `runtime-versions` is skipped there. */
  readonly selectsRuntimes: boolean;
}

/** What follows the colon in the names of Lambda's images, for both architectures. */
export const LAMBDA_RUNTIMES: readonly string[] = [
  "corretto11",
  "corretto17",
  "corretto21",
  "dotnet6",
  "dotnet8",
  "go1.21",
  "go1.24",
  "nodejs18",
  "nodejs20",
  "nodejs22",
  "python3.11",
  "python3.12",
  "python3.13",
  "ruby3.2",
  "ruby3.4",
];

const java = ["corretto25", "corretto21", "corretto17", "corretto11", "corretto8"];
const newest: Runtimes = {
  java,
  python: ["3.14", "3.13", "3.12", "3.11", "3.10"],
  nodejs: ["24", "22"],
  golang: ["1.26", "1.25", "1.24"],
  ruby: ["4.0", "3.4", "3.3"],
  php: ["8.5", "8.4", "8.3", "8.2"],
  dotnet: ["10.0", "8.0"],
  rust: ["1.93"],
};
const current: Runtimes = {
  java,
  python: ["3.14", "3.13", "3.12", "3.11", "3.10", "3.9"],
  nodejs: ["24", "22", "20", "18"],
  golang: ["1.26", "1.25", "1.24", "1.23", "1.22", "1.21", "1.20"],
  ruby: ["4.0", "3.4", "3.3", "3.2", "3.1"],
  php: ["8.5", "8.4", "8.3", "8.2"],
  dotnet: ["10.0", "8.0", "6.0"],
};
const older = (python: string): Runtimes => ({
  java: ["corretto17"],
  python: [python],
  nodejs: ["16"],
  golang: ["1.18"],
  ruby: ["3.1"],
  php: ["8.1"],
  dotnet: ["6.0"],
});
const ubuntu5: Runtimes = {
  java: ["corretto11", "corretto8"],
  python: ["3.9", "3.8", "3.7"],
  nodejs: ["14", "12"],
  golang: ["1.16", "1.15"],
  ruby: ["2.7", "2.6"],
  php: ["8.0", "7.4", "7.3"],
  dotnet: ["5.0", "3.1"],
};

/** The images before Ubuntu 5.0 and Amazon Linux 2 4.0: exactly what they list, and something has to be chosen. */
const android = ["29", "28"];
const ubuntu4: Runtimes = {
  android,
  java: ["corretto11", "corretto8"],
  python: ["3.9", "3.8", "3.7"],
  nodejs: ["12", "10"],
  golang: ["1.14", "1.13", "1.12"],
  ruby: ["2.7", "2.6"],
  php: ["7.4", "7.3"],
  dotnet: ["3.1"],
  docker: ["19", "18"],
};
const ubuntu3: Runtimes = {
  android,
  java: ["openjdk11", "openjdk8"],
  python: ["3.9", "3.8"],
  nodejs: ["12", "10"],
  golang: ["1.13", "1.12"],
  ruby: ["2.6"],
  php: ["7.3"],
  dotnet: ["3.0"],
  docker: ["18"],
};
const ubuntu2: Runtimes = {
  ...ubuntu3,
  python: ["3.7"],
  nodejs: ["10", "8"],
  dotnet: ["2.2"],
};
/** Amazon Linux 2 before 3.0 has Corretto, and one Python an image. */
const al2v2: Runtimes = { ...ubuntu3, java: ["corretto11", "corretto8"], python: ["3.8"] };
const al2v1: Runtimes = { ...al2v2, python: ["3.7"], nodejs: ["10", "8"], dotnet: ["2.2"] };

const image = (family: string, sh: CuratedImage["sh"], isMaintained: boolean, runtimes: Runtimes): CuratedImage => ({
  family,
  sh,
  isMaintained,
  runtimes,
  installsOthers: true,
  requiresSelection: false,
  selectsRuntimes: true,
});
const oldImage = (family: string, sh: CuratedImage["sh"], runtimes: Runtimes): CuratedImage => ({
  ...image(family, sh, false, runtimes),
  installsOthers: false,
  requiresSelection: true,
});

const images: readonly CuratedImage[] = [
  image("aws/codebuild/standard:8.0", "dash", true, newest),
  image("aws/codebuild/standard:7.0", "dash", true, current),
  image("aws/codebuild/standard:6.0", "dash", false, older("3.10")),
  image("aws/codebuild/standard:5.0", "dash", false, ubuntu5),
  image("aws/codebuild/amazonlinux-x86_64-standard:6.0", "bash", true, newest),
  image("aws/codebuild/amazonlinux-x86_64-standard:5.0", "bash", true, current),
  image("aws/codebuild/amazonlinux2-x86_64-standard:5.0", "bash", true, current),
  image("aws/codebuild/amazonlinux2-x86_64-standard:4.0", "bash", false, { ...older("3.9"), docker: ["20"] }),
  image("aws/codebuild/amazonlinux-aarch64-standard:4.0", "bash", true, {
    ...newest,
    rust: ["1.94"],
    docker: ["19", "23"],
  }),
  image("aws/codebuild/amazonlinux-aarch64-standard:3.0", "bash", true, {
    ...current,
    php: ["8.5", "8.4", "8.3", "8.2", "8.1"],
    rust: ["1.94"],
    docker: ["19", "23"],
  }),
  oldImage("aws/codebuild/standard:4.0", "dash", ubuntu4),
  oldImage("aws/codebuild/standard:3.0", "dash", ubuntu3),
  oldImage("aws/codebuild/standard:2.0", "dash", ubuntu2),
  oldImage("aws/codebuild/amazonlinux2-x86_64-standard:3.0", "bash", {
    ...ubuntu4,
    java: ["corretto17", "corretto11", "corretto8"],
  }),
  oldImage("aws/codebuild/amazonlinux2-x86_64-standard:2.0", "bash", al2v2),
  oldImage("aws/codebuild/amazonlinux2-x86_64-standard:1.0", "bash", al2v1),
  oldImage("aws/codebuild/amazonlinux2-aarch64-standard:2.0", "bash", {
    ...without(ubuntu4, "android"),
    docker: ["19"],
  }),
  oldImage("aws/codebuild/amazonlinux2-aarch64-standard:1.0", "bash", {
    ...without(without(al2v2, "android"), "dotnet"),
    python: ["3.8", "3.7"],
    nodejs: ["12", "10", "8"],
    docker: ["19", "18"],
  }),
  ...["x86_64", "aarch64"].flatMap((architecture) =>
    LAMBDA_RUNTIMES.map((runtime) => ({
      ...image(`aws/codebuild/amazonlinux-${architecture}-lambda-standard:${runtime}`, "bash", true, {}),
      selectsRuntimes: false,
    })),
  ),
];

/** The curated image of a project's `image` (a date after the version is ignored), or undefined. */
export function curatedImage(name: string | undefined): CuratedImage | undefined {
  if (name === undefined) return undefined;
  const family = name.replace(/^(.*:\d+\.\d+)-.*$/, "$1");
  return images.find((candidate) => candidate.family === family);
}

/** Every runtime name and version of the images that are still maintained. */
export const maintainedRuntimes: Runtimes = union(images.filter(({ isMaintained }) => isMaintained));
/** The same of every image in the table. */
export const allRuntimes: Runtimes = union(images);

function union(from: readonly CuratedImage[]): Runtimes {
  const all: Record<string, string[]> = {};
  for (const { runtimes } of from) {
    for (const [runtime, versions] of Object.entries(runtimes)) {
      all[runtime] = [...new Set([...(all[runtime] ?? []), ...versions])];
    }
  }
  return all;
}

function without(runtimes: Runtimes, name: string): Runtimes {
  return Object.fromEntries(Object.entries(runtimes).filter(([runtime]) => runtime !== name));
}

/** Every curated image of the table, without dates. */
export const curatedNames: readonly string[] = images.map(({ family }) => family);
