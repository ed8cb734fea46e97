/** InitiateLayerUpload, UploadLayerPart, CompleteLayerUpload: layers in parts through the JSON API. */
import { LAYER_PART_BYTES, MAX_LAYER_PARTS } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import {
  emptyUpload,
  invalidLayer,
  invalidLayerPart,
  invalidParameter,
  layerAlreadyExists,
  layerPartTooSmall,
  limitExceeded,
  reference,
  repositoryNotFound,
  uploadNotFound,
} from "../errors.ts";
import { type EcrDeps, onRepository, requireRepository } from "../find-repository.ts";
import { placed } from "../lifecycle/lifecycle-policy.ts";
import type {
  CompleteLayerUploadRequest,
  CompleteLayerUploadResponse,
  InitiateLayerUploadRequest,
  InitiateLayerUploadResponse,
  UploadLayerPartRequest,
  UploadLayerPartResponse,
} from "../shapes.gen.ts";
import { requireLayerDigest } from "./layers.ts";

export const initiateLayerUpload = (deps: EcrDeps) =>
  operation<InitiateLayerUploadRequest, InitiateLayerUploadResponse>({
    name: "InitiateLayerUpload",
    support: "supported",
    source: reference("InitiateLayerUpload"),
    authorize: onRepository(deps, "InitiateLayerUpload"),
    errors: [repositoryNotFound, invalidParameter],
    async run(input, context) {
      const { address } = requireRepository(deps, input, context);
      return { uploadId: await deps.registry.ecr.layerUploads.start(address), partSize: LAYER_PART_BYTES };
    },
  });

export const uploadLayerPart = (deps: EcrDeps) =>
  operation<UploadLayerPartRequest, UploadLayerPartResponse>({
    name: "UploadLayerPart",
    support: "supported",
    source: reference("UploadLayerPart"),
    authorize: onRepository(deps, "UploadLayerPart"),
    errors: [repositoryNotFound, uploadNotFound, invalidLayerPart, limitExceeded, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const { uploadId, partFirstByte, partLastByte, layerPartBlob } = input;
      if (partLastByte - partFirstByte + 1 !== layerPartBlob.length) {
        throw invalidParameter("partLastByte", "must be the last byte of the layer part");
      }
      const part = { firstByte: partFirstByte, bytes: layerPartBlob };
      const outcome = await deps.registry.ecr.layerUploads.append(found.address, uploadId, part);
      const place = placed(found, { uploadId });
      switch (outcome.kind) {
        case "taken":
          return { ...place, lastByteReceived: outcome.lastByteReceived };
        case "outOfOrder":
          throw invalidLayerPart(place, outcome.lastValidByte);
        case "unknownUpload":
          throw uploadNotFound(uploadId, found.address.name, found.scope.accountId);
        case "tooManyParts":
          throw limitExceeded(`A layer upload has at most ${MAX_LAYER_PARTS} parts`);
      }
    },
  });

export const completeLayerUpload = (deps: EcrDeps) =>
  operation<CompleteLayerUploadRequest, CompleteLayerUploadResponse>({
    name: "CompleteLayerUpload",
    support: "supported",
    source: reference("CompleteLayerUpload"),
    authorize: onRepository(deps, "CompleteLayerUpload"),
    errors: [
      ...[repositoryNotFound, uploadNotFound, emptyUpload, layerPartTooSmall, invalidLayer],
      ...[layerAlreadyExists, invalidParameter],
    ],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const { uploadId, layerDigests } = input;
      if (layerDigests.length !== 1) throw invalidParameter("layerDigests", "must name the digest of one layer");
      const layerDigest = requireLayerDigest(layerDigests[0]);
      const { name } = found.address;
      const { accountId } = found.scope;
      switch (await deps.registry.ecr.layerUploads.complete(found.address, uploadId, layerDigest)) {
        case "completed":
          return placed(found, { uploadId, layerDigest });
        case "unknownUpload":
          throw uploadNotFound(uploadId, name, accountId);
        case "empty":
          throw emptyUpload(uploadId);
        case "partTooSmall":
          throw layerPartTooSmall();
        case "digestMismatch":
          throw invalidLayer(layerDigest);
        case "alreadyThere":
          throw layerAlreadyExists(layerDigest, name, accountId);
      }
    },
  });
