/**
 * The grammar of `batch`: which keys, what they take, what they are for. See grammar.ts for who reads it.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html,
 * https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
 * Gap: the pattern of identifiers is not published; this one holds for every public batch that was looked at.
 */
import type { KeyGrammar, SectionGrammar, TextGrammar, ValueGrammar } from "./grammar.ts";

export const BATCH_KINDS = ["build-list", "build-graph", "build-matrix", "build-fanout"] as const;
export type BatchKind = (typeof BATCH_KINDS)[number];

/** What an identifier of a batch may be made of. */
export const BATCH_IDENTIFIER = "^[A-Za-z0-9_]{1,127}$";

const computeTypes = {
  BUILD_GENERAL1_SMALL: "2 vCPUs",
  BUILD_GENERAL1_MEDIUM: "4 vCPUs",
  BUILD_GENERAL1_LARGE: "8 vCPUs",
  BUILD_GENERAL1_XLARGE: "36 vCPUs",
  BUILD_GENERAL1_2XLARGE: "72 vCPUs",
  BUILD_LAMBDA_1GB: "Lambda compute with 1 GB of memory",
  BUILD_LAMBDA_2GB: "Lambda compute with 2 GB of memory",
  BUILD_LAMBDA_4GB: "Lambda compute with 4 GB of memory",
  BUILD_LAMBDA_8GB: "Lambda compute with 8 GB of memory",
  BUILD_LAMBDA_10GB: "Lambda compute with 10 GB of memory",
  ATTRIBUTE_BASED_COMPUTE: "fleets only: by vCPUs, memory and disk",
  CUSTOM_INSTANCE_TYPE: "fleets only: a named EC2 instance type",
};
const environmentTypes = {
  LINUX_CONTAINER: "Linux on x86_64",
  LINUX_GPU_CONTAINER: "Linux on x86_64 with a GPU",
  ARM_CONTAINER: "Linux on ARM",
  WINDOWS_CONTAINER: "Windows Server 2016; no longer offered",
  WINDOWS_SERVER_2019_CONTAINER: "Windows Server 2019",
  WINDOWS_SERVER_2022_CONTAINER: "Windows Server 2022",
  LINUX_LAMBDA_CONTAINER: "Lambda compute on x86_64",
  ARM_LAMBDA_CONTAINER: "Lambda compute on ARM",
  LINUX_EC2: "a Linux instance on x86_64",
  ARM_EC2: "a Linux instance on ARM",
  WINDOWS_EC2: "a Windows instance",
  MAC_ARM: "a macOS instance",
};
export const COMPUTE_TYPES: readonly string[] = Object.keys(computeTypes);
export const ENVIRONMENT_TYPES: readonly string[] = Object.keys(environmentTypes);

const page = "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html";
const at = (section: string): string => `${page}#build-spec.batch${section === "" ? "" : `.${section}`}`;

const text: TextGrammar = { kind: "text" };
const computeType: TextGrammar = { kind: "text", values: computeTypes, takesVariables: true };
const environmentType: TextGrammar = { kind: "text", values: environmentTypes, takesVariables: true };
const texts: ValueGrammar = { kind: "list", of: text };

const ignoreFailure = (section: string): KeyGrammar => ({
  doc: "Whether the batch goes on, and may succeed, when this build fails; `false` unless said.",
  url: at(section),
  value: { kind: "boolean" },
});
const privilegedMode = (section: string): KeyGrammar => ({
  doc: "Whether the build gets a Docker daemon; overrides the project's setting.",
  url: at(section),
  value: { kind: "boolean" },
});
const type = (section: string): KeyGrammar => ({
  doc: "Environment type of the build, which decides operating system and processor.",
  url: at(section),
  value: environmentType,
});

const envOf = (section: string) =>
  ({
    keys: {
      "compute-type": {
        doc: "Compute type of the build; not together with `fleet`.",
        url: at(section),
        value: computeType,
      },
      fleet: {
        doc: "Reserved-capacity fleet that runs the build; not together with `compute-type`.",
        url: at(section),
        value: text,
      },
      image: { doc: "Image of the build.", url: at(section), value: text },
      "privileged-mode": privilegedMode(section),
      type: type(section),
      variables: {
        doc: "Plaintext variables that are added to the build's.",
        url: at(section),
        value: { kind: "entries", key: "variable", of: { kind: "scalar" } },
      },
    },
    notBoth: ["compute-type", "fleet"],
  }) as const satisfies SectionGrammar;

const taskOf = (section: string) =>
  ({
    identifier: {
      doc: "Name of the build in the batch; the build sees it as `CODEBUILD_BATCH_BUILD_IDENTIFIER`.",
      url: at(section),
      value: { kind: "text", pattern: BATCH_IDENTIFIER },
      isRequired: true,
    },
    buildspec: {
      doc: "Path of another buildspec for this build; this file unless said.",
      url: at(section),
      value: text,
    },
    "debug-session": {
      doc: "Whether the build can be paused with `codebuild-breakpoint`; `false` unless said.",
      url: at(section),
      value: { kind: "boolean" },
    },
    env: {
      doc: "What this build overrides of the environment.",
      url: at(section),
      value: { kind: "section", section: envOf(section) },
    },
    "ignore-failure": ignoreFailure(section),
  }) as const satisfies Readonly<Record<string, KeyGrammar>>;

export const batchEnvGrammar = envOf("build-list");
export const listTaskGrammar = { keys: taskOf("build-list") } as const satisfies SectionGrammar;
export const graphTaskGrammar = {
  keys: {
    ...taskOf("build-graph"),
    "depend-on": {
      doc: "Identifiers of the builds that have to end before this one starts.",
      url: at("build-graph"),
      value: texts,
    },
  },
} as const satisfies SectionGrammar;

export const matrixStaticEnvGrammar = {
  keys: { "privileged-mode": privilegedMode("build-matrix"), type: type("build-matrix") },
} as const satisfies SectionGrammar;
export const matrixStaticGrammar = {
  keys: {
    "ignore-failure": ignoreFailure("build-matrix"),
    env: {
      doc: "Environment of every build of the matrix.",
      url: at("build-matrix"),
      value: { kind: "section", section: matrixStaticEnvGrammar },
    },
  },
} as const satisfies SectionGrammar;
export const matrixDynamicEnvGrammar = {
  keys: {
    "compute-type": {
      doc: "Compute types, one dimension of the matrix.",
      url: at("build-matrix"),
      value: { kind: "list", of: computeType },
    },
    image: { doc: "Images, one dimension of the matrix.", url: at("build-matrix"), value: texts },
    variables: {
      doc: "Variables with a list of values each; every one is a dimension of the matrix.",
      url: at("build-matrix"),
      value: { kind: "entries", key: "variable", of: texts },
    },
  },
} as const satisfies SectionGrammar;
export const matrixDynamicGrammar = {
  keys: {
    buildspec: {
      doc: "Paths of buildspecs, one dimension of the matrix.",
      url: at("build-matrix"),
      value: texts,
    },
    env: {
      doc: "What differs from build to build.",
      url: at("build-matrix"),
      value: { kind: "section", section: matrixDynamicEnvGrammar },
    },
  },
} as const satisfies SectionGrammar;
export const matrixGrammar = {
  keys: {
    static: {
      doc: "What all builds of the matrix have in common.",
      url: at("build-matrix"),
      value: { kind: "section", section: matrixStaticGrammar },
    },
    dynamic: {
      doc: "Lists whose combinations are the builds of the matrix.",
      url: at("build-matrix"),
      value: { kind: "section", section: matrixDynamicGrammar },
    },
  },
} as const satisfies SectionGrammar;

export const fanoutGrammar = {
  keys: {
    parallelism: {
      doc: "How many builds share the tests.",
      url: at("build-fanout"),
      value: { kind: "count" },
      isRequired: true,
    },
    "ignore-failure": ignoreFailure("build-fanout"),
  },
} as const satisfies SectionGrammar;

const kinds: Readonly<Record<BatchKind, KeyGrammar>> = {
  "build-list": {
    doc: "Builds that run side by side.",
    url: at("build-list"),
    value: { kind: "items", section: listTaskGrammar },
  },
  "build-graph": {
    doc: "Builds that wait for one another.",
    url: at("build-graph"),
    value: { kind: "items", section: graphTaskGrammar },
  },
  "build-matrix": {
    doc: "One build for each combination of the listed values.",
    url: at("build-matrix"),
    value: { kind: "section", section: matrixGrammar },
  },
  "build-fanout": {
    doc: "The same build several times, each with its share of the tests.",
    url: at("build-fanout"),
    value: { kind: "section", section: fanoutGrammar },
  },
};

export const batchGrammar: SectionGrammar<"fast-fail" | BatchKind> = {
  keys: {
    "fast-fail": {
      doc: "Whether the running builds are stopped as soon as one fails; `false` unless said.",
      url: at(""),
      value: { kind: "boolean" },
    },
    ...kinds,
  },
  oneOf: BATCH_KINDS,
};
