/** Modes of a local cache that do nothing in this project. */
import { isLambda } from "../knowledge/environments.ts";
import type { Rule } from "../rule.ts";

export const projectLocalCache: Rule = {
  id: "project/local-cache",
  severity: "warning",
  title: "a local cache that the project's settings rule out",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/caching-local.html",
  *run({ project }) {
    if (project.cache?.type !== "LOCAL") return;
    const { modes = [] } = project.cache;
    if (project.vpcConfig?.vpcId) {
      yield {
        message: "the project has a local cache and is in a VPC",
        why: "local caches are not supported in a VPC: every build starts without one; a cache in S3 works there",
      };
    }
    if (modes.includes("LOCAL_DOCKER_LAYER_CACHE") && project.privilegedMode === false) {
      yield {
        severity: "error",
        message: "cache mode LOCAL_DOCKER_LAYER_CACHE needs privileged mode, which is off",
        why: "the mode is for Linux environments with privileged mode; CodeBuild refuses it, or keeps nothing",
      };
    }
    const git = ["GITHUB", "GITHUB_ENTERPRISE", "BITBUCKET", "CODECOMMIT", "GITLAB", "GITLAB_SELF_MANAGED"];
    const type = project.source?.type;
    if (modes.includes("LOCAL_SOURCE_CACHE") && type !== undefined && !git.includes(type)) {
      yield {
        severity: "info",
        message: `cache mode LOCAL_SOURCE_CACHE does nothing for a source of type ${type}`,
        why: "it keeps the metadata of git repositories",
      };
    }
    if (
      project.computeType === "BUILD_GENERAL1_2XLARGE" ||
      project.type === "LINUX_GPU_CONTAINER" ||
      isLambda(project.type)
    ) {
      yield {
        message: `local caches are not supported with ${project.computeType === "BUILD_GENERAL1_2XLARGE" ? "BUILD_GENERAL1_2XLARGE" : project.type}`,
        why: "every build starts without one",
      };
    }
  },
};
