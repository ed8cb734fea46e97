/**
 * A file for another product: a build service with keys of its own, or a template that something renders first. Said once;
 * every other finding would be about a text that CodeBuild never sees.
 */
import type { CheckContext, Rule } from "../rule.ts";

/** Keys that only stand together in files of the product. */
const PRODUCTS: readonly { readonly product: string; readonly keys: readonly string[] }[] = [
  { product: "OCI DevOps", keys: ["component", "steps"] },
  { product: "GitHub Actions", keys: ["jobs", "on"] },
  { product: "Cloud Build", keys: ["steps", "images"] },
  { product: "Cloud Build", keys: ["steps", "substitutions"] },
  { product: "CircleCI", keys: ["jobs", "workflows"] },
  { product: "Azure Pipelines", keys: ["trigger", "pool"] },
  { product: "Bitbucket Pipelines", keys: ["pipelines"] },
  { product: "CloudFormation", keys: ["Resources"] },
  { product: "Kubernetes", keys: ["apiVersion", "kind"] },
  { product: "Docker Compose", keys: ["services"] },
];

export const buildspecNotCodebuild: Rule = {
  id: "buildspec/not-codebuild",
  severity: "warning",
  title: "a file that is not for CodeBuild",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-syntax",
  isAboutWholeFile: true,
  needsNoYaml: true,
  *run(context) {
    const product = context.parsed.isGuess ? undefined : productOf(context);
    if (product !== undefined) {
      yield {
        message: `\`${context.file}\` is for ${product}, not a buildspec of CodeBuild`,
        span: context.spanOf(0, 0),
        why: "it has neither `phases` nor `batch`, so nothing else in it is checked",
      };
    } else if (context.parsed.isGuess && isTemplate(context)) {
      yield {
        message: `\`${context.file}\` is a template, not a buildspec`,
        span: context.parsed.failure?.span ?? context.spanOf(0, 0),
        why: "what it renders to can be checked: pipe it into `kiln check -`",
      };
    }
  },
};

function productOf({ buildspec, parsed }: CheckContext): string | undefined {
  if (!parsed.buildspec || buildspec.phases.length > 0 || buildspec.batch) return undefined;
  const top =
    buildspec.unknownKeys.find(({ section }) => section === "buildspec")?.keys.map(({ value }) => value) ?? [];
  const match = PRODUCTS.find(({ keys }) => keys.every((key) => top.includes(key)));
  // CodeBuild's own version says what the file is meant to be. OCI's files are of version 0.1 too.
  return match && (buildspec.version?.value !== "0.2" || match.product === "OCI DevOps") ? match.product : undefined;
}

/** The line that is not YAML holds an action of Go templates or Jinja: `{{ .Values.x }}`, `{% if x %}`. */
function isTemplate({ text, parsed }: CheckContext): boolean {
  const line = parsed.failure?.span?.line;
  const source = line === undefined ? "" : (text.split("\n")[line - 1] ?? "");
  return (
    /^\s*\{\{|^\s*\{%|:\s+\{\{|^\s*-\s+\{\{/.test(source) ||
    (/\{%-?\s*(?:if|for|set|include)\b/.test(text) && /^\{%/m.test(text))
  );
}
