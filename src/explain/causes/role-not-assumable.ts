/** CodeBuild cannot take the service role: it does not exist or its trust policy names no CodeBuild (T14, R31). */
import { shellQuote } from "../../core/shell-quote.ts";
import type { Cause } from "../cause.ts";
import { serviceRoleName } from "../denial.ts";
import { firstLine } from "./finding-parts.ts";

const TRUST_POLICY = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: "sts:AssumeRole" }],
};

export const roleNotAssumable: Cause = {
  id: "iam/role-not-assumable",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-assume-role",
    "https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html",
  ],
  match(failure, facts) {
    if (!/CodeBuild is not authorized to perform: sts:AssumeRole/.test(failure.message)) return undefined;
    const role = /role\/(?:[^\s/]+\/)*([^\s/]+)/.exec(failure.message)?.[1] ?? serviceRoleName(facts);
    return {
      cause: `CodeBuild may not assume the service role \`${role}\`: the role does not exist, or its trust policy does not name \`codebuild.amazonaws.com\``,
      evidence: [firstLine(failure.message)],
      fix: {
        kind: "command",
        title: "let CodeBuild assume the role",
        commands: [
          `aws iam update-assume-role-policy --role-name ${role} --policy-document ${shellQuote(JSON.stringify(TRUST_POLICY))}`,
        ],
      },
      next: `if the role does not exist, see \`aws iam get-role --role-name ${role}\`; names are case-sensitive`,
      confidence: "certain",
    };
  },
};
