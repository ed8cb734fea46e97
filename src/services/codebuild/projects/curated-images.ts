/**
 * ListCuratedEnvironmentImages: the images CodeBuild maintains.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html and the image definitions
 * AWS publishes (April 2026).
 */
import { LAMBDA_RUNTIMES } from "../../../build/plan/index.ts";
import { type OperationDefinition, operation } from "../../service.ts";
import type { EnvironmentPlatform, ListCuratedEnvironmentImagesOutput } from "../shapes.gen.ts";
import { onAnything } from "./project-access.ts";

const image = (name: string, description: string) => ({ name, description, versions: [name] });

const lambda = (architecture: string, about: string) =>
  LAMBDA_RUNTIMES.map((runtime) =>
    image(`aws/codebuild/amazonlinux-${architecture}-lambda-standard:${runtime}`, `AWS Lambda ${runtime}${about}`),
  );

const PLATFORMS: readonly EnvironmentPlatform[] = [
  {
    platform: "UBUNTU",
    languages: [
      {
        language: "BASE",
        images: [
          image("aws/codebuild/standard:8.0", "Ubuntu 24.04"),
          image("aws/codebuild/standard:7.0", "Ubuntu 22.04"),
          image("aws/codebuild/standard:6.0", "Ubuntu 22.04, no longer maintained"),
          image("aws/codebuild/standard:5.0", "Ubuntu 20.04, no longer maintained"),
        ],
      },
    ],
  },
  {
    platform: "AMAZON_LINUX",
    languages: [
      {
        language: "BASE",
        images: [
          image("aws/codebuild/amazonlinux-x86_64-standard:6.0", "Amazon Linux 2023"),
          image("aws/codebuild/amazonlinux-x86_64-standard:5.0", "Amazon Linux 2023"),
          image("aws/codebuild/amazonlinux2-x86_64-standard:4.0", "Amazon Linux 2, no longer maintained"),
          image("aws/codebuild/amazonlinux-aarch64-standard:4.0", "Amazon Linux 2023, ARM"),
          image("aws/codebuild/amazonlinux-aarch64-standard:3.0", "Amazon Linux 2023, ARM"),
          image("aws/codebuild/amazonlinux2-aarch64-standard:2.0", "Amazon Linux 2, ARM, no longer maintained"),
          ...lambda("x86_64", ""),
          ...lambda("aarch64", ", ARM"),
        ],
      },
    ],
  },
  {
    platform: "WINDOWS_SERVER",
    languages: [
      {
        language: "BASE",
        images: [image("aws/codebuild/windows-base:2022-1.0", "Windows Server Core 2022")],
      },
    ],
  },
];

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const imageOperations: readonly OperationDefinition<any, object>[] = [
  operation<object, ListCuratedEnvironmentImagesOutput>({
    name: "ListCuratedEnvironmentImages",
    support: "partial",
    gaps: [
      "one language group a platform; versions are the images' names, not their dated releases",
      "the Windows image is AWS's: builds cannot use it here",
    ],
    source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ListCuratedEnvironmentImages.html",
    authorize: () => [onAnything("ListCuratedEnvironmentImages")],
    errors: [],
    run: () => ({ platforms: PLATFORMS }),
  }),
];
