/** `proxy` says what goes through the proxy; where the proxy is, variables of the project say. */
import type { Rule } from "../rule.ts";

const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];

export const buildspecProxyWithoutVariables: Rule = {
  id: "buildspec/proxy-without-variables",
  severity: "warning",
  title: "`proxy` without the project's proxy variables",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/use-proxy-server.html",
  *run({ buildspec, project }) {
    const { proxy, env } = buildspec;
    const used = [proxy?.uploadArtifacts, proxy?.logs].find((each) => each?.value === true);
    // Not known without the project.
    if (!used || project.environmentVariables === undefined) return;
    const set = new Set([
      ...project.environmentVariables.map(({ name }) => name),
      ...env.variables.map(({ name }) => name.value),
    ]);
    const missing = NAMES.filter((name) => !set.has(name));
    if (missing.length === 0) return;
    yield {
      message: `\`proxy\` is used, and the project does not set ${missing.map((name) => `\`${name}\``).join(", ")}`,
      span: used.span,
      why: "CodeBuild's agent finds the proxy in these variables of the project",
    };
  },
};
