/**
 * Cache paths that keep nothing: outside what a build can write as a cache, patterns under a cache on the build's machine
 * (which keeps folders), and folders that the install deletes first or is told not to use.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/caching-local.html
 */
import type { Located } from "../../build/buildspec/index.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const cachePathUseless: Rule = {
  id: "cache/path-useless",
  severity: "warning",
  title: "a cache path that keeps nothing",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.cache",
  *run(context) {
    for (const path of context.buildspec.cache?.paths ?? []) {
      const finding = problemOf(context, path);
      if (finding) yield { ...finding, span: path.span };
    }
  },
};

function problemOf(context: CheckContext, { value }: Located<string>): Omit<Finding, "span"> | undefined {
  const { shell, project } = context;
  if (/^(\.\.\/|\.\.$)/.test(value))
    return {
      message: `the cache path \`${value}\` lies outside the source`,
      why: "relative paths count from the source's root; name folders elsewhere by their absolute path, e.g. `/root/.m2/**/*`",
    };
  if (/^(~|\$HOME)\//.test(value) && value.startsWith("~"))
    return {
      severity: "info",
      message: `the cache path \`${value}\` begins with \`~\``,
      why: "CodeBuild's reference names absolute paths and paths relative to the source; `/root` is HOME on its images",
    };
  const root = /^\/(node_modules|vendor|\.m2|\.gradle|\.npm|\.yarn|\.cache|target)\//.exec(value)?.[1];
  if (root !== undefined && !shell.commands.some(({ within }) => within.value.includes(`/${root}`)))
    return {
      severity: "info",
      message: `the cache path \`${value}\` names a folder at the image's root`,
      why: "a path that begins with `/` does not count from the source; nothing in this buildspec uses that folder",
    };
  const isLocal = project.cache?.type === "LOCAL" && project.cache.modes?.includes("LOCAL_CUSTOM_CACHE");
  if (isLocal && /\.[a-z]{2,4}$/i.test(value) && !/[*?]/.test(value) && !/(^|\/)\.[^/]*$/.test(value))
    return { message: `the cache path \`${value}\` names a file`, why: "a local cache keeps folders only" };
  const folder = /^(?:\.\/)?(.*?)(?:\/\*\*?(?:\/\*)?)?\/?$/.exec(value)?.[1] ?? value;
  if (/(^|\/)node_modules$/.test(folder)) {
    const ci = shell.commands.find(
      ({ name, args }) =>
        name === "npm" && /^(ci|clean-install)$/.test(args.find(({ text }) => !text?.startsWith("-"))?.text ?? ""),
    );
    const others = shell.commands.some(
      ({ name, args }) => /^(npm|yarn|pnpm)$/.test(name ?? "") && /^(install|i)$/.test(args[0]?.text ?? ""),
    );
    if (ci && !others)
      return {
        message: `\`npm ci\` deletes the cached \`${folder}\``,
        why: "it removes `node_modules` before it installs; what it downloads is kept in `/root/.npm`",
      };
  }
  if (
    /(^|\/)\.cache\/pip$/.test(folder) &&
    shell.commands.some(({ args }) => args.some(({ text }) => text === "--no-cache-dir"))
  )
    return {
      message: `pip is told not to use the cached \`${folder}\``,
      why: "`--no-cache-dir` neither reads nor writes it",
    };
  return undefined;
}
