/**
 * A SecureString, a secret or artifacts under a key that a customer manages: reading them takes `kms:Decrypt` on that key,
 * in the role's policies and in the key's. AmazonSSMReadOnlyAccess has no action of KMS.
 */
import { parseArn } from "../../core/arn.ts";
import { roleFindings } from "../role/role-findings.ts";
import type { Rule } from "../rule.ts";

export const roleKmsDecryptMissing: Rule = {
  id: "role/kms-decrypt-missing",
  severity: "error",
  title: "a customer managed key that the role may not use",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html",
  run: (context) =>
    roleFindings(context, ["kms"], (group, role) => {
      const [first] = group;
      const { action = "kms:Decrypt", resource = "" } = first?.need ?? {};
      const isKeyPolicy = first?.decision.policyType === "resource";
      const id = parseArn(resource)?.resource ?? resource;
      const who = isKeyPolicy ? `the policy of \`${id}\` does not let ${role} call` : `${role} may not call`;
      return {
        message: `${who} \`${action}\` on \`${isKeyPolicy ? id : resource}\``,
        why: `${[...new Set(group.map(({ need }) => need.why))].slice(0, 3).join(", ")}: a key that you manage takes this permission ${isKeyPolicy ? "in its own policy too" : "besides the one to read"}; only \`alias/aws/ssm\` and its like need none`,
      };
    }),
};
