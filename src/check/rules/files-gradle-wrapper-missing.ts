/**
 * `./gradlew` without `gradle/wrapper/gradle-wrapper.jar`: a `*.jar` in .gitignore keeps it out of the repository, and
 * the script starts Java with nothing to run.
 */

import { posix } from "node:path";
import { shellPath } from "../../core/shell-word.ts";
import type { Rule } from "../rule.ts";
import { severityFor, spanOf } from "../tree/path-findings.ts";
import { pathLookupsOf, stateOf } from "../tree/path-lookup.ts";

export const filesGradleWrapperMissing: Rule = {
  id: "files/gradle-wrapper-missing",
  severity: "error",
  title: "`./gradlew` without its `gradle-wrapper.jar`",
  source: "https://docs.gradle.org/current/userguide/gradle_wrapper.html",
  *run(context) {
    const seen = new Set<string>();
    for (const lookup of pathLookupsOf(context)) {
      const { command, use, path, found } = lookup;
      if (found === undefined || path === undefined || posix.basename(path) !== "gradlew" || seen.has(path)) continue;
      // A script that was not made by Gradle may do anything.
      const script = context.workspace.readText(found) ?? "";
      if (command.followsUnknown || (script !== "" && !script.includes("gradle-wrapper.jar"))) continue;
      seen.add(path);
      const jar = posix.join(posix.dirname(path), "gradle/wrapper/gradle-wrapper.jar");
      const { state } = stateOf(context, command, jar, { kind: "file" });
      if ((state !== "missing" && state !== "ignored") || command.mayExist(jar)) continue;
      yield {
        severity: severityFor(context, command, jar),
        message: `\`${jar}\` ${state === "ignored" ? "is ignored by git" : "does not exist"}, and \`${use.path}\` starts it`,
        span: spanOf(lookup),
        why: "Java answers `Could not find or load main class org.gradle.wrapper.GradleWrapperMain`",
        fix: { kind: "command", title: "commit the wrapper's jar", commands: [`git add --force ${shellPath(jar)}`] },
      };
    }
  },
};
