/**
 * What happened to images, containers, networks and volumes of a build, for `docker events` and for clients that follow it (compose).
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/ (SystemEvents)
 */
import type { Clock } from "../../../core/clock.ts";

/** Wire shape. */
export interface EngineEvent {
  readonly Type: "container" | "image" | "network" | "volume" | "builder" | "daemon";
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
  readonly scope: "local";
  readonly time: number;
  readonly timeNano: number;
  /** Older clients read these three. */
  readonly status?: string;
  readonly id?: string;
  readonly from?: string;
}

const KEPT = 1024;

export class EventLog {
  readonly #clock: Clock;
  readonly #past: EngineEvent[] = [];
  readonly #listeners = new Set<(event: EngineEvent) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(type: EngineEvent["Type"], action: string, id: string, attributes: Readonly<Record<string, string>> = {}): void {
    const nowMs = this.#clock.nowMs();
    const isOld = type === "container" || type === "image";
    const from = attributes["image"];
    const event: EngineEvent = {
      ...(isOld && { status: action, id, ...(type === "container" && from !== undefined && { from }) }),
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: "local",
      time: Math.floor(nowMs / 1000),
      timeNano: nowMs * 1_000_000,
    };
    this.#past.push(event);
    if (this.#past.length > KEPT) this.#past.shift();
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** The last ones, oldest first. */
  past(): readonly EngineEvent[] {
    return this.#past;
  }

  /** Calls `listener` for each one from now on, until the returned function is called. */
  follow(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
