/**
 * Maven with a `settings.xml` of one's own that nothing makes Maven read: the image has another in `/root/.m2`, whose
 * profile `securecentral` sends it to Maven Central.
 */

import { shellWord } from "../../core/shell-word.ts";
import type { Rule } from "../rule.ts";
import { filesNamed } from "../tree/nearest-path.ts";

export const filesMavenSettingsUnused: Rule = {
  id: "files/maven-settings-unused",
  severity: "info",
  title: "a `settings.xml` that Maven does not read",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-maven-repos",
  *run({ workspace, shell }) {
    const maven = shell.commands.find(({ name }) => name === "mvn" || name === "./mvnw");
    if (!maven) return;
    const settings = filesNamed(workspace, "settings.xml").find((path) => !/(^|\/)src\//.test(path));
    if (settings === undefined) return;
    // Copied, named by an option or by `.mvn/maven.config`.
    const isNamed = shell.everyCommand.some(({ within }) =>
      /settings\.xml|(^|\s)(-s|-gs|--settings)\b/.test(within.value),
    );
    if (isNamed || /-s|--settings/.test(workspace.readText(".mvn/maven.config") ?? "")) return;
    yield {
      message: `nothing makes \`${maven.name}\` read \`${settings}\``,
      span: maven.span,
      why: "CodeBuild's images have a `/root/.m2/settings.xml` of their own, whose profile resolves from Maven Central",
      fix: {
        kind: "command",
        title: "copy it in the install phase",
        commands: [`cp ${shellWord(`./${settings}`)} /root/.m2/settings.xml`],
      },
    };
  },
};
