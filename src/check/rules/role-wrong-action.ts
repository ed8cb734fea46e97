/** The role allows an action that looks like the one CodeBuild calls: `ssm:GetParameter` for `ssm:GetParameters`. */
import { listed, roleFindings, whyNeeded } from "../role/role-findings.ts";
import type { Rule } from "../rule.ts";

export const roleWrongAction: Rule = {
  id: "role/wrong-action",
  severity: "error",
  title: "an allowed action that is not the one that is called",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-parameter-store",
  run: (context) =>
    roleFindings(context, ["wrong-action"], (group, role) => {
      const [first] = group;
      const called = first?.need.action ?? "";
      const granted = first?.nearest?.expected ?? [];
      const like = granted.filter(
        (action) => action.split(":")[0]?.toLowerCase() === called.split(":")[0]?.toLowerCase(),
      );
      return {
        message: `${role} allows ${listed(like.length > 0 ? like : granted, 3)}, and the build calls \`${called}\``,
        why: `${whyNeeded(group)}; the names of both actions differ, so IAM takes them for two`,
      };
    }),
};
