/**
 * StartLifecyclePolicyPreview and GetLifecyclePolicyPreview: what a policy would take, without taking it. A preview is
 * evaluated when it is read, as of its start, so that it is complete at once.
 */
import { keyIn } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import {
  invalidParameter,
  lifecyclePolicyInvalid,
  lifecyclePolicyNotFound,
  lifecyclePreviewNotFound,
  reference,
  repositoryNotFound,
} from "../errors.ts";
import { type EcrDeps, onRepository, requireRepository } from "../find-repository.ts";
import { isWanted } from "../images/tag-status.ts";
import { pageOf } from "../pages.ts";
import type {
  GetLifecyclePolicyPreviewRequest,
  GetLifecyclePolicyPreviewResponse,
  LifecyclePolicyPreviewResult,
  StartLifecyclePolicyPreviewRequest,
  StartLifecyclePolicyPreviewResponse,
} from "../shapes.gen.ts";
import { evaluateLifecycle, type LifecycleVerdict } from "./evaluate-policy.ts";
import { placed, requireLifecyclePolicy } from "./lifecycle-policy.ts";
import { parseLifecyclePolicy } from "./parse-policy.ts";
import { lifecycleImages } from "./repository-images.ts";

export const startLifecyclePolicyPreview = (deps: EcrDeps) =>
  operation<StartLifecyclePolicyPreviewRequest, StartLifecyclePolicyPreviewResponse>({
    name: "StartLifecyclePolicyPreview",
    support: "supported",
    source: reference("StartLifecyclePolicyPreview"),
    authorize: onRepository(deps, "StartLifecyclePolicyPreview"),
    errors: [repositoryNotFound, lifecyclePolicyNotFound, lifecyclePolicyInvalid, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const text = input.lifecyclePolicyText ?? requireLifecyclePolicy(found).text;
      parseLifecyclePolicy(text);
      const preview = { text, startedAtMs: context.clock.nowMs() };
      await context.store.write(() => deps.registry.records.ecr.previews.put(keyIn(found.address), preview));
      return placed(found, { lifecyclePolicyText: text, status: "IN_PROGRESS" as const });
    },
  });

export const getLifecyclePolicyPreview = (deps: EcrDeps) =>
  operation<GetLifecyclePolicyPreviewRequest, GetLifecyclePolicyPreviewResponse>({
    name: "GetLifecyclePolicyPreview",
    support: "supported",
    source: reference("GetLifecyclePolicyPreview"),
    authorize: onRepository(deps, "GetLifecyclePolicyPreview"),
    errors: [repositoryNotFound, lifecyclePreviewNotFound, invalidParameter],
    run(input, context) {
      const found = requireRepository(deps, input, context);
      const preview = deps.registry.records.ecr.previews.get(keyIn(found.address));
      if (!preview) throw lifecyclePreviewNotFound(found.address.name, found.scope.accountId);
      const images = lifecycleImages(deps.registry.images, found.address);
      const verdicts = evaluateLifecycle(parseLifecyclePolicy(preview.text), images, preview.startedAtMs);
      const wanted = verdicts.filter(
        ({ image }) =>
          isWanted(input.filter?.tagStatus, image.tags) &&
          (input.imageIds?.some((id) => id.imageDigest === image.digest || image.tags.includes(id.imageTag ?? "")) ??
            true),
      );
      const ordered = [...wanted].sort((a, b) => (a.image.digest < b.image.digest ? -1 : 1));
      const page = pageOf(ordered, input, ({ image }) => image.digest);
      const transitions = verdicts.filter(({ rule }) => rule.action === "transition").length;
      return placed(found, {
        lifecyclePolicyText: preview.text,
        status: "COMPLETE" as const,
        previewResults: page.items.map(resultOf),
        summary: {
          expiringImageTotalCount: verdicts.length - transitions,
          ...(transitions > 0 && {
            transitioningImageTotalCounts: [{ targetStorageClass: "ARCHIVE" as const, imageTotalCount: transitions }],
          }),
        },
        ...(page.nextToken !== undefined && { nextToken: page.nextToken }),
      });
    },
  });

const resultOf = ({ image, rule }: LifecycleVerdict): LifecyclePolicyPreviewResult => ({
  imageTags: image.tags,
  imageDigest: image.digest,
  imagePushedAt: image.pushedAtMs,
  action: rule.action === "expire" ? { type: "EXPIRE" } : { type: "TRANSITION", targetStorageClass: "ARCHIVE" },
  appliedRulePriority: rule.priority,
  storageClass: image.archivedAtMs === undefined ? "STANDARD" : "ARCHIVE",
});
