/**
 * Whose turn it is, in this process: builds wait in the order they were started for a place on the machine, or on their
 * fleet. A build that has no place yet never holds back one behind it that could go on another place.
 * Fleets are local capacity groups: a fleet runs as many builds at once as it has capacity, beside the machine's own
 * places; with overflow ON_DEMAND a build beyond that takes a place of the machine.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/fleets.html. Gap: each process counts its own builds.
 */

/** What the queue must know of a fleet. */
export interface FleetPlaces {
  readonly capacity: number;
  readonly overflowsOnDemand: boolean;
}

interface Waiting {
  readonly fleetArn: string | undefined;
  start(release: () => void): void;
}

export class BuildQueue {
  readonly #placesOf: (fleetArn: string) => FleetPlaces | undefined;
  readonly #waiting: Waiting[] = [];
  readonly #onFleets = new Map<string, number>();
  #free: number;

  /** `placesOf` answers undefined for a fleet that is gone: its builds run on the machine's places. */
  constructor(places: number, placesOf: (fleetArn: string) => FleetPlaces | undefined) {
    this.#free = places;
    this.#placesOf = placesOf;
  }

  /** Resolves with what gives the place back. When `signal` aborts first, resolves at once, without a place. */
  turn(fleetArn: string | undefined, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve) => {
      const waiting: Waiting = {
        fleetArn,
        start: (release) => {
          signal.removeEventListener("abort", leave);
          resolve(release);
        },
      };
      const leave = (): void => {
        const at = this.#waiting.indexOf(waiting);
        if (at !== -1) this.#waiting.splice(at, 1);
        waiting.start(() => {});
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(waiting);
      this.wake();
    });
  }

  /** Starts who can start. Call it when a fleet has changed. */
  wake(): void {
    for (let at = 0; at < this.#waiting.length; ) {
      const waiting = this.#waiting[at];
      const release = waiting && this.#take(waiting.fleetArn);
      if (!waiting || !release) {
        at++;
        continue;
      }
      this.#waiting.splice(at, 1);
      waiting.start(release);
    }
  }

  /** A place, if there is one: what gives it back. */
  #take(fleetArn: string | undefined): (() => void) | undefined {
    const fleet = fleetArn === undefined ? undefined : this.#placesOf(fleetArn);
    if (fleetArn !== undefined && fleet) {
      const taken = this.#onFleets.get(fleetArn) ?? 0;
      if (taken < fleet.capacity) {
        this.#onFleets.set(fleetArn, taken + 1);
        return this.#once(() => this.#onFleets.set(fleetArn, (this.#onFleets.get(fleetArn) ?? 1) - 1));
      }
      if (!fleet.overflowsOnDemand) return undefined;
    }
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#once(() => this.#free++);
  }

  #once(giveBack: () => void): () => void {
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      giveBack();
      this.wake();
    };
  }
}
