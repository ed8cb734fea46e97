/** Every reader; order breaks ties between readings at the same line: specific before general. */
import type { ToolReader } from "./tool-failure.ts";
import { aws, awsSdk } from "./tools/aws.ts";
import { bundler } from "./tools/bundler.ts";
import { cargo } from "./tools/cargo.ts";
import { cdk, cfnLint, cloudFormation, sam, serverless } from "./tools/cloudformation.ts";
import { cmake, dotnet, gcc, swift } from "./tools/compilers.ts";
import { docker, dockerCompose } from "./tools/docker.ts";
import { dockerPush } from "./tools/docker-push.ts";
import { archives, curl, wget } from "./tools/downloads.ts";
import { git } from "./tools/git.ts";
import { go } from "./tools/go.ts";
import { gradle } from "./tools/gradle.ts";
import { java, javac, scalaSbt } from "./tools/java.ts";
import { bundlers, eslint, reactScripts, tsc, webpackFiles } from "./tools/javascript-checks.ts";
import { jest, mocha, vitest } from "./tools/jest.ts";
import { kubectl } from "./tools/kubernetes.ts";
import { make } from "./tools/make.ts";
import { maven } from "./tools/maven.ts";
import { node, nodeTest } from "./tools/node.ts";
import { npm } from "./tools/npm.ts";
import { composer, php } from "./tools/php.ts";
import { pip, pythonPackagers } from "./tools/pip.ts";
import { pipCheck } from "./tools/pip-check.ts";
import { pytest } from "./tools/pytest.ts";
import { pythonTrace } from "./tools/python.ts";
import { pythonChecks } from "./tools/python-checks.ts";
import { ruby } from "./tools/ruby.ts";
import { shell } from "./tools/shell.ts";
import { signals, system } from "./tools/system.ts";
import { apk, apt, yum } from "./tools/system-packages.ts";
import { terraform } from "./tools/terraform.ts";
import { unittest } from "./tools/unittest.ts";
import { pnpm, yarn } from "./tools/yarn.ts";

export const readers: readonly ToolReader[] = [
  docker,
  dockerCompose,
  dockerPush,
  pytest,
  unittest,
  jest,
  vitest,
  mocha,
  nodeTest,
  maven,
  gradle,
  cargo,
  go,
  dotnet,
  pip,
  pipCheck,
  pythonPackagers,
  npm,
  yarn,
  pnpm,
  cdk,
  sam,
  cloudFormation,
  serverless,
  terraform,
  cfnLint,
  aws,
  eslint,
  tsc,
  bundlers,
  webpackFiles,
  reactScripts,
  pythonChecks,
  javac,
  scalaSbt,
  swift,
  gcc,
  cmake,
  bundler,
  composer,
  ruby,
  php,
  apt,
  yum,
  apk,
  git,
  kubectl,
  curl,
  wget,
  archives,
  make,
  pythonTrace,
  node,
  java,
  shell,
  awsSdk,
  signals,
  system,
];
