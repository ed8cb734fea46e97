/** The container that a call names. */
import { type ApiCall, ApiError, type BuilderContext } from "../api.ts";
import type { Container } from "./container.ts";

/** Throws docker's answer when there is none. */
export function requireContainer(context: BuilderContext, name: string): Container {
  const container = context.containers.find(name);
  if (!container) throw new ApiError(404, `No such container: ${name}`);
  return container;
}

/** By the first group of the route's path. */
export const requestedContainer = ({ context, path }: Pick<ApiCall, "context" | "path">): Container =>
  requireContainer(context, path[0] ?? "");
