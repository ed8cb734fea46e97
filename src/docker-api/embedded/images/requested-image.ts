/** The image that a call names. */
import type { Image } from "../../../images/image.ts";
import { ApiError, type BuilderContext } from "../api.ts";

/** The image, or docker's answer when there is none. */
export function requireImage(context: BuilderContext, name: string): Image {
  const image = context.names.find(name);
  if (image) return image;
  if (!/^(sha256:)?[a-f0-9]{64}$/.test(name) && !/^[\w][\w./:@-]*$/.test(name))
    throw new ApiError(400, "invalid reference format");
  const hasTag = /[:@]/.test(name.slice(name.lastIndexOf("/") + 1));
  throw new ApiError(404, `No such image: ${hasTag ? name : `${name}:latest`}`);
}
