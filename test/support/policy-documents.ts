/** Policy documents that tests write: statements, trust policies, and their JSON. */

/** A policy document of these statements. */
export const documentText = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** A statement of an identity policy. */
export const allow = (
  action: string | readonly string[],
  resource: string | readonly string[] = "*",
  more: object = {},
) => ({ Effect: "Allow", Action: action, Resource: resource, ...more });

/** A statement of a resource policy or a trust policy. */
export const allowTo = (principal: string | object, action: string | readonly string[], more: object = {}) => ({
  ...{ Effect: "Allow", Principal: principal, Action: action },
  ...more,
});

/** A trust policy for one principal element. */
export const trusting = (principal: object | string, more: object = {}): string =>
  documentText(allowTo(principal, "sts:AssumeRole", more));

/** CodeBuild may assume the role. */
export const CODEBUILD_TRUST = trusting({ Service: "codebuild.amazonaws.com" });
