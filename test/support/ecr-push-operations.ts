/** What a role must be allowed to push an image to an ECR repository, as names of operations. */
export const PUSH_OPERATIONS = [
  "BatchCheckLayerAvailability",
  "InitiateLayerUpload",
  "UploadLayerPart",
  "CompleteLayerUpload",
  "PutImage",
] as const;
