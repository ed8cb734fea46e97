/**
 * The grammar of a buildspec, versions 0.1 and 0.2: which keys, what they take, what they are for. The only list of keys
 * there is; see grammar.ts for who reads it.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
 * Gaps: the page requires `commands` in a phase that is there, and files without them run; `artifacts.files` and
 * `reports.<group>.files` are required here as on the page, because nothing is uploaded without them.
 */
import { REPORT_FORMATS, reportTypeOf } from "../test-reports/report-format.ts";
import { batchGrammar } from "./batch-grammar.ts";
import type { PhaseName } from "./buildspec.ts";
import {
  buildspecReference,
  type KeyGrammar,
  type SectionGrammar,
  type TextGrammar,
  type ValueGrammar,
} from "./grammar.ts";

const at = (anchor: string): string => `${buildspecReference}#build-spec.${anchor}`;

/** AWS: https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html */
export const MAX_REPORT_GROUPS = 5;
const MAX_SECONDARY_ARTIFACTS = 12;
const MAX_FALLBACK_KEYS = 5;

const text: TextGrammar = { kind: "text" };
const globs: ValueGrammar = { kind: "list", of: text };
const boolean: ValueGrammar = { kind: "boolean" };
const user: TextGrammar = { kind: "text", examples: ["codebuild-user", "root"] };

export const envGrammar = {
  keys: {
    shell: {
      doc: "Shell of the commands: `sh` on Linux and PowerShell on Windows unless said.",
      url: at("env.shell"),
      value: {
        kind: "text",
        values: {
          bash: "Linux",
          "/bin/sh": "Linux",
          "powershell.exe": "Windows",
          "cmd.exe": "Windows",
        },
        pattern: "^(?:(?:/usr)?/bin/)?(?:ba)?sh$|^(?:[Pp]ower[Ss]hell|pwsh|cmd)(?:\\.exe)?$",
      },
    },
    variables: {
      doc: "Plaintext variables; a value replaces the image's and is not expanded.",
      url: at("env.variables"),
      value: { kind: "entries", key: "variable", of: { kind: "scalar" } },
    },
    "parameter-store": {
      doc: "Variables whose values are parameters of the Systems Manager Parameter Store: `VARIABLE: parameter-name`.",
      url: at("env.parameter-store"),
      value: { kind: "entries", key: "variable", of: text },
    },
    "secrets-manager": {
      doc: "Variables whose values are secrets: `VARIABLE: secret-id:json-key:version-stage:version-id`, all but the id optional.",
      url: at("env.secrets-manager"),
      value: {
        kind: "entries",
        key: "variable",
        // AWS: a version is named by its stage or by its id, not by both.
        of: {
          kind: "text",
          pattern:
            "^(?:arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:[^:]+|(?!arn:)[^:]+)(?::[^:]*(?::[^:]*:?|::[^:]*)?)?$",
          takesVariables: true,
        },
      },
    },
    "exported-variables": {
      doc: "Names of variables that later stages of a pipeline see, as they are when POST_BUILD ends.",
      url: at("env.exported-variables"),
      value: { kind: "list", of: text },
    },
    "git-credential-helper": {
      doc: "Whether git commands of the build use the credentials of the source provider; `no` unless said.",
      url: at("env.git-credential-helper"),
      value: boolean,
    },
  },
} as const satisfies SectionGrammar;

export const oldEnvGrammar = {
  keys: {
    plaintext: {
      doc: "Plaintext variables of version 0.1; `env.variables` in 0.2.",
      url: `${buildspecReference}#build-spec-ref-versions`,
      value: { kind: "entries", key: "variable", of: { kind: "scalar" } },
    },
    "parameter-store": {
      doc: "Variables whose values are parameters of the Systems Manager Parameter Store: `VARIABLE: parameter-name`.",
      url: at("env.parameter-store"),
      value: { kind: "entries", key: "variable", of: text },
    },
  },
} as const satisfies SectionGrammar;

export const proxyGrammar = {
  keys: {
    "upload-artifacts": {
      doc: "Whether artifacts are uploaded through the explicit proxy; `no` unless said.",
      url: at("proxy"),
      value: boolean,
    },
    logs: {
      doc: "Whether logs go to CloudWatch through the explicit proxy; `no` unless said.",
      url: at("proxy"),
      value: boolean,
    },
  },
} as const satisfies SectionGrammar;

export const phaseGrammar = {
  keys: {
    "run-as": {
      doc: "Linux user that runs the phase's commands; over the `run-as` at the top.",
      url: at("phases.run-as"),
      value: user,
    },
    "on-failure": {
      doc: "What a failure of the phase does: stop, go on, or build again.",
      url: at("phases.on-failure"),
      value: {
        kind: "text",
        values: {
          ABORT: "stop the build",
          CONTINUE: "go on with the next phase",
          RETRY:
            "build again, up to 3 times; `RETRY-<count>`, `RETRY-<regex>` and `RETRY-<count>-<regex>` say how often and for which message",
        },
        pattern: "^RETRY-.+$",
      },
    },
    commands: {
      doc: "Commands of the phase, run in order until one fails.",
      url: at("phases"),
      value: { kind: "commands" },
    },
    finally: {
      doc: "Commands that run after `commands`, also when one of those failed.",
      url: at("phases.finally"),
      value: { kind: "commands" },
    },
  },
} as const satisfies SectionGrammar;

export const installGrammar = {
  keys: {
    ...phaseGrammar.keys,
    "runtime-versions": {
      doc: "Runtimes of the image to use, with their versions: an exact one, `3.x` or `latest`.",
      url: at("phases.install.runtime-versions"),
      value: { kind: "entries", key: "runtime", of: text, minEntries: 1 },
    },
  },
} as const satisfies SectionGrammar;

const phases = {
  install: {
    doc: "Packages and runtimes that the build needs; a failure ends the build.",
    url: at("phases.install"),
    value: { kind: "section", section: installGrammar },
  },
  pre_build: {
    doc: "What comes before the build, such as a login to a registry; a failure ends the build.",
    url: at("phases.pre_build"),
    value: { kind: "section", section: phaseGrammar },
  },
  build: {
    doc: "The build; when it fails, `post_build` and the upload of artifacts still run.",
    url: at("phases.build"),
    value: { kind: "section", section: phaseGrammar },
  },
  post_build: {
    doc: "What comes after the build, also after a failed one: `CODEBUILD_BUILD_SUCCEEDING` says which.",
    url: at("phases.post_build"),
    value: { kind: "section", section: phaseGrammar },
  },
} as const satisfies Readonly<Record<PhaseName, KeyGrammar>>;
export const phasesGrammar = { keys: phases } as const satisfies SectionGrammar<PhaseName>;

export const reportGrammar = {
  keys: {
    files: {
      doc: "Report files, as globs below `base-directory`.",
      url: at("reports"),
      value: globs,
      isRequired: true,
    },
    "file-format": {
      doc: "Format of the files; `JUNITXML` unless said.",
      url: `${buildspecReference}#reports.file-format`,
      value: {
        kind: "text",
        values: Object.fromEntries(
          REPORT_FORMATS.map((format) => [format, reportTypeOf(format) === "TEST" ? "test report" : "code coverage"]),
        ),
        ignoresCase: true,
        takesVariables: true,
      },
    },
    "base-directory": { doc: "Folder below which the files are.", url: at("reports"), value: text },
    "discard-paths": {
      doc: "Whether the files lose their folders in the report; `no` unless said.",
      url: at("reports"),
      value: boolean,
    },
  },
} as const satisfies SectionGrammar;

export const secondaryArtifactsGrammar = {
  keys: {
    files: {
      doc: "What is uploaded, as globs below the source's root or `base-directory`.",
      url: at("artifacts.files"),
      value: globs,
      isRequired: true,
    },
    name: {
      doc: "Name of the artifact, expanded by the shell; used when the project lets the buildspec name it.",
      url: at("artifacts.name"),
      value: text,
    },
    "discard-paths": {
      doc: "Whether the files lose their folders; `no` unless said.",
      url: at("artifacts.discard-paths"),
      value: boolean,
    },
    "base-directory": {
      doc: "Folder, or glob of folders, that the files are in and whose name is left out.",
      url: at("artifacts.base-directory"),
      value: text,
    },
    "exclude-paths": {
      doc: "Globs of files that are not uploaded, below `base-directory`.",
      url: at("artifacts.exclude-paths"),
      value: globs,
    },
    "enable-symlinks": {
      doc: "Whether links inside a ZIP artifact stay links; `no` unless said.",
      url: at("artifacts.enable-symlinks"),
      value: boolean,
    },
    "s3-prefix": {
      doc: "First part of the object key, for artifacts with `namespaceType` BUILD_ID.",
      url: at("artifacts.s3-prefix"),
      value: text,
    },
  },
} as const satisfies SectionGrammar;

export const artifactsGrammar = {
  keys: {
    ...secondaryArtifactsGrammar.keys,
    "secondary-artifacts": {
      doc: "Further artifacts, each under the identifier that the project gives it.",
      url: at("artifacts.secondary-artifacts"),
      value: {
        kind: "entries",
        key: "artifact identifier",
        of: { kind: "section", section: secondaryArtifactsGrammar },
        maxEntries: MAX_SECONDARY_ARTIFACTS,
      },
    },
    type: {
      doc: "Packaging of the artifact in version 0.1; CodeBuild does not know it any more.",
      url: `${buildspecReference}#build-spec-ref-versions`,
      value: text,
      only: "0.1",
    },
  },
} as const satisfies SectionGrammar;

export const cacheGrammar = {
  keys: {
    paths: {
      doc: "What the cache keeps: globs below the source's root, or absolute.",
      url: at("cache.paths"),
      value: globs,
    },
    key: {
      doc: "Name of the cache, expanded by the shell; a keyed cache in S3 never changes once it is written.",
      url: at("cache.key"),
      value: text,
    },
    "fallback-keys": {
      doc: "Prefixes of keys that are tried in order when `key` is not there.",
      url: at("cache.fallback-keys"),
      value: { kind: "list", of: text, maxItems: MAX_FALLBACK_KEYS },
    },
    action: {
      doc: "Only restore, or only save; both unless said.",
      url: at("cache.action"),
      value: { kind: "text", values: { restore: "do not save", save: "do not restore" } },
    },
  },
} as const satisfies SectionGrammar;

export const buildspecGrammar = {
  keys: {
    version: {
      doc: "Version of the buildspec: `0.2`, whose commands share one shell, or `0.1`, whose do not.",
      url: at("version"),
      value: { kind: "version" },
      isRequired: true,
    },
    "run-as": { doc: "Linux user that runs the commands; root unless said.", url: at("run-as"), value: user },
    env: {
      doc: "Variables and shell of the build.",
      url: at("env"),
      value: { kind: "section", section: envGrammar },
    },
    proxy: {
      doc: "What goes through an explicit proxy server.",
      url: at("proxy"),
      value: { kind: "section", section: proxyGrammar },
    },
    batch: {
      doc: "Several builds of one source, side by side or one after another.",
      url: "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html",
      value: { kind: "section", section: batchGrammar },
    },
    phases: {
      doc: "What the build does, in four phases.",
      url: at("phases"),
      value: { kind: "section", section: phasesGrammar },
    },
    reports: {
      doc: "Test and coverage reports, by the name or the ARN of their group.",
      url: at("reports"),
      value: {
        kind: "entries",
        key: "report group",
        of: { kind: "section", section: reportGrammar },
        maxEntries: MAX_REPORT_GROUPS,
      },
    },
    artifacts: {
      doc: "What the build leaves behind, and how it is uploaded.",
      url: at("artifacts"),
      value: { kind: "section", section: artifactsGrammar },
    },
    cache: {
      doc: "Files that later builds find again, when the project has a cache.",
      url: at("cache"),
      value: { kind: "section", section: cacheGrammar },
    },
    environment_variables: {
      doc: "Variables of version 0.1; `env` in 0.2.",
      url: `${buildspecReference}#build-spec-ref-versions`,
      value: { kind: "section", section: oldEnvGrammar },
      only: "0.1",
    },
  },
  anyOf: ["phases", "batch"],
} as const satisfies SectionGrammar;
